from dataclasses import replace

from modelsafeguard.core.cluster import ContainerEnd
from modelsafeguard.core.handover import encode_report
from modelsafeguard.core.lifecycle.step import CreateRequestJob
from modelsafeguard.core.lifecycle.world import reader_name
from modelsafeguard.core.model import Parameter
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict
from tests.support.objects import report


def test_one_job_is_made_and_known_by_its_uid(world):
    world.ask()
    assert world.history.jobs_made == {world.version(): 1}
    assert world.status().job.uid == world.jobs[world.version()].uid
    assert world.told("TrainingStarted") == [f"training Job {world.version()} was created"]


def test_rules_and_baseline_are_frozen_before_the_job_is_made(world):
    world.attended = False
    world.ask()
    while world.status().frozen is None:
        assert not world.jobs
        world.perform_one_effect()
    assert world.status().frozen.policy == world.model.spec.policy


def test_a_job_that_was_made_before_a_crash_is_adopted(world):
    world.attended = False
    world.ask()
    while not world.jobs:
        world.perform_one_step()
    world.attended = True
    world.run()
    assert world.history.jobs_made == {world.version(): 1}
    assert world.status().job.uid == world.jobs[world.version()].uid


def test_a_job_of_somebody_else_under_its_name_is_neither_believed_nor_touched(world):
    world.attended = False
    world.ask()
    world.make_foreign_job(world.version())
    world.attended = True
    world.run()
    assert world.verdict() == (Verdict.FAILED, "JobNameTaken")
    assert world.version() in world.jobs


def test_a_job_that_was_replaced_is_not_believed(world):
    world.ask()
    name = world.version()
    world.attended = False
    world.delete_job(name)
    world.make_foreign_job(name)
    world.trained()
    world.attended = True
    world.run()
    assert world.verdict() == (Verdict.FAILED, "JobLost")
    assert name in world.jobs


def test_a_job_that_disappears_is_lost_and_not_made_again(world):
    world.ask()
    world.delete_job(world.version())
    assert world.verdict() == (Verdict.FAILED, "JobLost")
    assert world.history.jobs_made == {world.version(): 1}


def test_a_pod_that_cannot_start_is_shown_while_it_waits_and_in_the_verdict(world):
    world.ask()
    world.job_pod_waits(world.version(), "ImagePullBackOff: no such image")
    assert world.wake == 5
    assert world.status().waiting == "ImagePullBackOff: no such image"
    world.clock_passes(3600)
    assert world.verdict() == (Verdict.FAILED, "TrainingDeadlineExceeded")
    assert world.status().message == "training did not end within 3600 s: ImagePullBackOff: no such image"
    assert world.version() not in world.jobs


def test_a_job_that_cannot_even_make_a_pod_fails_with_the_reason_of_its_events(world):
    world.ask()
    world.job_has_no_pod(world.version(), "exceeded quota: pods")
    world.wait(at_most=800)
    assert world.verdict() == (Verdict.FAILED, "TrainingDeadlineExceeded")
    assert world.status().message.endswith("exceeded quota: pods")


def test_a_job_that_the_api_server_never_lets_us_make_fails_at_the_deadline(world):
    world.refuse("exceeded quota: count/jobs.batch", CreateRequestJob)
    world.ask()
    assert world.status().stage is Stage.TRAINING
    world.clock_passes(3600)
    assert world.verdict() == (Verdict.FAILED, "TrainingDeadlineExceeded")


def test_the_pods_reason_is_kept_when_the_pod_is_gone_before_its_job_has_failed(world):
    world.ask()
    world.job_pod_waits(world.version(), "Unschedulable: 0/1 nodes are available")
    world.job_pod_is_gone(world.version())
    world.job_fails(world.version(), "DeadlineExceeded")
    assert world.verdict() == (Verdict.FAILED, "DeadlineExceeded")
    assert world.status().message.endswith("Unschedulable: 0/1 nodes are available")


def test_a_pod_that_runs_at_last_is_no_longer_waited_for(world):
    world.ask()
    world.job_pod_waits(world.version(), "Unschedulable")
    world.job_pod_runs(world.version())
    assert world.status().waiting == ""
    assert world.wake == 3600


def test_a_trainer_that_is_killed_for_its_memory_is_told_what_to_raise(world):
    world.ask()
    world.trainer_ends(world.version(), 137, reason="OOMKilled")
    assert world.verdict() == (Verdict.FAILED, "TrainerOutOfMemory")


def test_a_measure_that_says_nothing_is_told_apart_from_one_that_refuses(world):
    world.ask()
    world.measure_crashes(world.version())
    assert world.verdict() == (Verdict.FAILED, "MeasureCrashed")


def test_a_report_about_another_version_is_refused(world):
    world.ask()
    world.job_completes(world.version(), report("other-1"))
    assert world.verdict() == (Verdict.FAILED, "ReportInvalid")


class TestALostReport:
    def lose(self, world, message=""):
        world.ask()
        world.job_completes(world.version(), message)
        return f"{world.version()}-r"

    def test_is_read_again_by_one_reader_job_and_judged(self, world):
        reader = self.lose(world, '{"report":{"versi')
        assert world.status().reader.name == reader
        world.delivered("nightly-1", reader, report(world.version()))
        assert world.status().stage is Stage.ROLLING_OUT
        assert world.history.jobs_made == {world.version(): 1, reader: 1}

    def test_is_read_again_when_its_pod_is_gone(self, world):
        world.ask()
        world.attended = False
        world.job_completes(world.version(), report(world.version()))
        world.job_pod_is_gone(world.version())
        world.attended = True
        world.run()
        assert f"{world.version()}-r" in world.jobs

    def test_is_lost_when_the_reader_fails_too(self, world):
        reader = self.lose(world)
        world.measure_refuses(reader, "ManifestInvalid", "the manifest is gone")
        assert world.verdict() == (Verdict.FAILED, "ResultLost")

    def test_is_lost_when_the_readers_message_is_lost_too(self, world):
        reader = self.lose(world)
        world.job_completes(reader, "")
        assert world.verdict() == (Verdict.FAILED, "ResultLost")

    def test_is_lost_when_the_reader_takes_too_long(self, world):
        self.lose(world)
        world.wait()
        assert world.verdict() == (Verdict.FAILED, "ResultLost")

    def test_is_lost_when_the_reader_disappears(self, world):
        world.delete_job(self.lose(world))
        assert world.verdict() == (Verdict.FAILED, "ResultLost")

    def test_is_lost_when_the_reader_can_never_be_made(self, world):
        world.ask()
        world.refuse("exceeded quota", CreateRequestJob)
        world.job_completes(world.version(), "")
        assert world.verdict()[0] is None
        world.clock_passes(4000)
        assert world.verdict() == (Verdict.FAILED, "ResultLost")

    def test_is_still_read_when_the_training_job_is_cleaned_up_meanwhile(self, world):
        reader = self.lose(world)
        world.delete_job(world.version())
        world.delivered("nightly-1", reader, report(world.version()))
        assert world.status().stage is Stage.ROLLING_OUT

    def test_leaves_no_reader_running(self, world):
        reader = self.lose(world)
        world.wait()
        assert reader not in world.jobs

    def test_is_not_taken_from_somebody_elses_job(self, world):
        world.ask()
        world.attended = False
        world.make_foreign_job(f"{world.version()}-r")
        world.job_completes(world.version(), "")
        world.attended = True
        world.run()
        assert world.verdict() == (Verdict.FAILED, "JobNameTaken")
        assert f"{world.version()}-r" in world.jobs


def test_two_pods_that_both_say_they_succeeded_are_not_believed_and_the_volume_is_asked(world):
    world.ask()
    name = world.version()
    world.attended = False
    world.trained()
    (pod,) = world.job_pods[name]
    better = encode_report(report(name, accuracy="0.9999")).decode()
    world.job_pods[name] = (replace(pod, name="a", ends=(ContainerEnd("measure", 0, "Completed", better),)), pod)
    world.attended = True
    world.run()
    assert world.status().report is None
    assert world.status().reader.name == reader_name(name)


def test_what_the_api_server_says_to_a_job_that_it_refuses_is_shown_while_it_waits_and_in_the_verdict(world):
    quota = "exceeded quota: count/jobs.batch"
    world.refuse(quota, CreateRequestJob)
    world.ask()
    assert world.status().waiting == quota
    waiting = world.requests["nightly-1"]
    world.run()
    assert world.requests["nightly-1"] == waiting
    world.clock_passes(3600)
    assert world.status().message == f"training Job {world.version()} could not be created within 3600 s: {quota}"


def test_a_job_that_is_not_valid_fails_at_once(world):
    problem = "Job is invalid: spec.template.spec.containers[0].resources"
    world.refuse(problem, CreateRequestJob, for_good=True)
    world.ask()
    assert world.verdict() == (Verdict.FAILED, "InvalidJob")
    assert problem in world.status().message


def test_parameters_that_its_owner_has_taken_away_since_fail_the_request(world, spec):
    offered = replace(spec, trainer=replace(spec.trainer, parameters=(Parameter("dataset", "full|small", "full"),)))
    world.edit_model(offered)
    world.refuse("exceeded quota", CreateRequestJob)
    world.ask(parameters={"dataset": "small"})
    world.edit_model(spec)
    world.allow()
    world.run()
    assert world.verdict() == (Verdict.FAILED, "InvalidParameters")


def test_words_from_a_pod_make_no_lines_of_their_own_in_the_log(world):
    world.ask()
    world.trainer_ends(world.version(), 1, message="x\n\x1b[2J ok\u202e")
    assert all(line.isprintable() for line in world.history.log)
    assert world.status().message.isprintable()


def test_debug_explains_a_judgement_finding_by_finding(world):
    world.promote("first")
    world.train("worse", accuracy="0.8000")
    why = next(step.why for step in reversed(world.steps) if "its report is here" in step.why)
    assert "MetricWithinTolerance Rejected (accuracy -0.1000 is a larger drop than the policy accepts (maxDrop 0.01))" in why
