"""An owner's order to serve a version that is still on the volume: verified, rolled out, and undone if it does not hold."""

from dataclasses import replace

import pytest

from modelsafeguard.core.cluster import JobState
from modelsafeguard.core.lifecycle.pinning import VERIFY_SECONDS
from modelsafeguard.core.model import Pin
from modelsafeguard.core.policy import Promotion, Rules
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict


@pytest.fixture
def two(world):
    """``good`` was live, and ``bad`` is."""
    world.promote("good", accuracy="0.9000")
    world.promote("bad", accuracy="0.8950")
    return world


def verify_job(world):
    return world.model.status.verification.job_name


def verified(world):
    world.job_completes(verify_job(world), "")


def pin_back(world, reason=""):
    world.pin(world.version("good"), reason)


def test_a_pinned_version_is_verified_and_then_serves_with_its_own_numbers(two):
    bad = two.served
    pin_back(two, "complaints since this morning")
    assert two.served == bad
    assert two.condition("Progressing") == ("True", "Verifying")
    job = verify_job(two)
    verified(two)
    two.bake()
    assert two.served == two.version("good")
    live = two.model.status.live
    assert (live.version, str(live.metrics["accuracy"])) == (two.version("good"), "0.9")
    assert live.training_date
    assert two.observe().public.matches_live
    assert two.told("VersionPinned") == [f"version {two.version('good')} serves, as spec.pin orders: complaints since this morning"]
    assert two.condition("Ready") == ("True", "Serving")
    assert job not in two.jobs


def test_the_intent_is_written_before_the_job_is_made_and_the_job_is_made_once(two):
    two.attended = False
    pin_back(two)
    two.perform_one_step()
    assert verify_job(two) not in two.jobs
    two.attended = True
    two.run()
    assert two.history.jobs_made[verify_job(two)] == 1


def test_a_version_whose_files_were_changed_is_never_mounted(two):
    bad = two.served
    pin_back(two)
    two.measure_refuses(verify_job(two), "ManifestInvalid", "model.joblib is not what was published")
    assert two.served == bad
    assert not two.model.status.verification
    assert two.condition("Ready") == ("False", "PinFailed")
    assert two.condition("Stalled") == ("True", "PinFailed")
    (told,) = two.told("PinFailed")
    assert told.endswith("does not serve: its files could not be verified: model.joblib is not what was published")


def test_a_foreign_job_of_the_right_name_is_not_believed(two):
    bad = two.served
    two.attended = False
    pin_back(two)
    two.perform_one_step()
    two.make_foreign_job(verify_job(two))
    two.jobs[verify_job(two)] = replace(two.jobs[verify_job(two)], state=JobState.COMPLETE)
    foreign = verify_job(two)
    two.attended = True
    two.run()
    assert two.served == bad
    assert two.condition("Ready") == ("False", "PinFailed")
    assert foreign in two.jobs


def test_a_job_that_was_replaced_after_it_was_recorded_is_not_believed(two):
    pin_back(two)
    name = verify_job(two)
    two.attended = False
    two.delete_job(name)
    two._make_job(name, owner=two.model.meta.uid)
    two.attended = True
    two.job_completes(name, "")
    assert two.condition("Ready") == ("False", "PinFailed")


def test_a_verification_that_never_ends_is_given_up(two):
    pin_back(two)
    two.job_pod_waits(verify_job(two), "ImagePullBackOff: no such image")
    two.clock_passes(VERIFY_SECONDS)
    assert two.told("PinFailed")[0].endswith("(ImagePullBackOff: no such image)")
    assert two.wake is None


def test_a_pinned_version_that_does_not_hold_is_undone_and_not_tried_again_before_the_spec_is_edited(two):
    bad = two.served
    pin_back(two)
    verified(two)
    two.pods_fail("CrashLoopBackOff")
    two.wait()
    two.pods_become_ready()
    two.wait()
    assert two.served == bad
    assert two.condition("Ready") == ("False", "PinFailed")
    assert two.model.status.live.version == bad
    assert len(two.told("PinFailed")) == 1
    pin_back(two, "once more")
    verified(two)
    two.bake()
    assert two.served == two.version("good")


def test_a_pin_that_is_taken_back_during_its_rollout_undoes_it(two):
    bad = two.served
    pin_back(two)
    verified(two)
    assert two.served == two.version("good")
    two.pin(None)
    two.pods_become_ready()
    assert two.served == bad
    assert two.condition("Ready") == ("True", "Serving")


def test_a_pin_that_is_taken_back_during_its_verification_mounts_nothing(two):
    bad = two.served
    pin_back(two)
    name = verify_job(two)
    two.pin(None)
    assert (two.served, two.model.status.verification) == (bad, None)
    assert name not in two.jobs


@pytest.mark.parametrize("version", ["never-seen", "pruned"])
def test_a_version_that_is_not_on_the_volume_is_said_with_what_is_there(two, version):
    if version == "pruned":
        two.model = replace(
            two.model,
            status=replace(
                two.model.status, versions=tuple(replace(each, pruned=each.request_name == "good") for each in two.model.status.versions)
            ),
        )
        version = two.version("good")
    two.pin(version)
    assert two.condition("Ready") == ("False", "PinUnknown")
    assert two.version("bad") in next(each.message for each in two.model.status.conditions if each.type == "Ready")
    assert two.served == two.version("bad")


def test_a_pin_waits_for_a_paused_deployment_and_says_so(two):
    two.edit_deployment(paused=True)
    pin_back(two)
    assert two.condition("Ready") == ("False", "DeploymentPaused")
    two.edit_deployment(paused=False)
    verified(two)
    two.bake()
    assert two.served == two.version("good")


def test_a_pin_during_a_rollout_undoes_it_and_is_then_obeyed(two):
    two.train("newer", accuracy="0.9500")
    assert two.served == two.version("newer")
    pin_back(two)
    two.pods_become_ready()
    assert two.verdict("newer") == (Verdict.ROLLED_BACK, "Pinned")
    verified(two)
    two.bake()
    assert two.served == two.version("good")


def test_a_pin_of_the_version_that_is_being_rolled_out_lets_it_end(two):
    two.train("newer", accuracy="0.9500")
    two.pin(two.version("newer"))
    two.bake()
    assert two.verdict("newer")[0] is Verdict.PROMOTED


def test_a_pin_does_not_wait_for_a_training_and_a_candidate_that_was_compared_with_the_version_before_is_superseded(two):
    two.ask("newer")
    pin_back(two)
    verified(two)
    two.bake()
    assert two.served == two.version("good")
    two.trained("newer", accuracy="0.9500")
    assert two.verdict("newer") == (Verdict.SUPERSEDED, "Superseded")


def test_a_candidate_that_is_accepted_while_a_version_is_pinned_waits_and_says_for_what(two):
    two.pin(two.version("bad"))
    two.train("newer", accuracy="0.9500")
    assert two.status("newer").stage is Stage.AWAITING_APPROVAL
    assert two.status("newer").waiting.endswith(f"and for spec.pin (version {two.version('bad')}) to be removed")


def test_an_approval_does_not_count_while_a_version_is_pinned(two):
    two.ask("newer", policy=Rules(promotion=Promotion.MANUAL))
    two.trained("newer", accuracy="0.9500")
    two.pin(two.version("bad"))
    two.approve("newer")
    assert two.served == two.version("bad")
    two.pin(None)
    two.bake()
    assert two.served == two.version("newer")


def test_a_version_that_nobody_has_approved_cannot_be_pinned_and_says_what_to_do(two):
    two.ask("newer", policy=Rules(promotion=Promotion.MANUAL))
    two.trained("newer", accuracy="0.9500")
    two.pin(two.version("newer"))
    assert two.condition("Ready") == ("False", "PinNotApproved")
    assert two.model.status.verification is None
    assert two.served == two.version("bad")


def test_a_model_that_is_pinned_from_the_first_day_says_that_there_is_no_such_version(world, spec):
    world.edit_model(replace(spec, pin=Pin("v5")))
    assert world.condition("Ready") == ("False", "PinUnknown")


def test_the_verdict_of_a_rollout_is_taken_before_a_pin_may_overwrite_how_it_ended(two):
    two.train("newer", accuracy="0.9500")
    two.pods_become_ready()
    two.attended = False
    pin_back(two)
    two.attended = True
    two.run()
    two.pods_become_ready()
    assert two.verdict("newer") == (Verdict.ROLLED_BACK, "Pinned")
