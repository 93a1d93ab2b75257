from dataclasses import replace

import pytest

from modelsafeguard.core.model import ServingState, Trainer
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.lifecycle.operators import Story


def running(world):
    return [name for name, request in world.requests.items() if request.status.stage not in (None, Stage.QUEUED, Stage.FINISHED)]


def test_requests_run_one_after_another_oldest_first(world):
    for name in ("a", "b", "c"):
        world.ask(name)
        world.clock_passes(1)
    for name in ("a", "b", "c"):
        assert running(world) == [name]
        world.trained(name)
        world.bake()
        assert world.verdict(name)[0] is Verdict.PROMOTED


def test_of_requests_made_in_the_same_second_the_smaller_uid_goes_first(world):
    world.suspend()
    world.ask("b")
    world.ask("a")
    world.suspend(False)
    assert running(world) == [min(world.requests, key=lambda name: world.requests[name].meta.uid)] == ["b"]


def test_the_oldest_goes_first_whatever_its_name_and_the_order_of_events(world):
    world.attended = False
    world.ask("z-older")
    world.clock_passes(5)
    world.ask("a-younger")
    world.attended = True
    world.run()
    assert running(world) == ["z-older"]


def test_a_request_that_waits_for_another_says_that_it_is_queued(world):
    world.ask("a")
    world.ask("b")
    assert world.status("b").stage is Stage.QUEUED
    assert world.condition("Finished", "b") == ("False", "Queued")


def test_suspend_starts_nothing_new_and_says_so(world):
    world.suspend()
    world.ask()
    assert world.status().stage is Stage.QUEUED
    assert "suspended" in world.status().waiting
    assert world.wake is None
    world.clock_passes(1_000_000)
    assert world.verdict()[0] is None
    world.suspend(False)
    assert world.status().stage is Stage.TRAINING


def test_suspend_lets_a_rollout_under_way_end(world):
    world.train()
    world.suspend()
    world.bake()
    assert world.verdict()[0] is Verdict.PROMOTED


class TestCancelling:
    """At each stage, by annotation and by deletion."""

    @pytest.fixture(params=["annotation", "deletion"])
    def take_back(self, request):
        return Story.cancel if request.param == "annotation" else Story.delete_request

    @pytest.fixture
    def gone(self, take_back):
        return take_back is Story.delete_request

    def ended(self, world, gone, reason="Cancelled"):
        if not gone:
            assert world.verdict() == (Verdict.CANCELLED, reason)
        assert world.model.status.active_request is None
        assert world.model.status.rollout is None

    def test_while_queued_ends_it_without_a_job(self, world, take_back, gone):
        world.suspend()
        world.ask()
        take_back(world)
        self.ended(world, gone)
        assert not world.history.jobs_made

    def test_before_the_operator_has_seen_it_ends_it_without_a_job(self, world, take_back, gone):
        world.attended = False
        world.ask()
        take_back(world)
        world.attended = True
        world.run()
        self.ended(world, gone)
        assert not world.history.jobs_made

    def test_between_its_claim_and_its_start_ends_it_without_a_job(self, world, take_back, gone):
        world.attended = False
        world.ask()
        world.perform_one_step()
        assert world.model.status.active_request
        take_back(world)
        world.attended = True
        world.run()
        self.ended(world, gone)
        assert not world.history.jobs_made

    def test_during_training_stops_its_job(self, world, take_back, gone):
        world.ask()
        version = world.version()
        take_back(world)
        self.ended(world, gone)
        assert version not in world.jobs

    def test_while_the_report_is_read_again_stops_the_reader(self, world, take_back, gone):
        world.ask()
        version = world.version()
        world.job_completes(version, "cut")
        assert f"{version}-r" in world.jobs
        take_back(world)
        self.ended(world, gone)
        assert f"{version}-r" not in world.jobs

    def test_while_judging_is_blocked_ends_it(self, world, take_back, gone):
        world.promote("first")
        world.ask()
        world.annotate_model(accuracy="0.1")
        world.trained()
        assert world.status().stage is Stage.JUDGING
        take_back(world)
        self.ended(world, gone)

    def test_before_the_rollout_patches_nothing(self, world, take_back, gone):
        world.edit_deployment(paused=True)
        world.train()
        take_back(world)
        self.ended(world, gone)
        assert not world.history.patches

    def test_after_the_intent_and_before_the_patch_patches_nothing(self, world, take_back, gone):
        world.ask()
        world.attended = False
        world.trained()
        while world.model.status.rollout is None:
            world.perform_one_step()
        take_back(world)
        world.attended = True
        world.run()
        self.ended(world, gone)
        assert not world.history.patches

    def test_during_the_rollout_rolls_back(self, world, take_back, gone):
        world.promote("first")
        world.train()
        take_back(world)
        assert world.served == world.version("first")
        world.pods_become_ready()
        assert world.model.status.rollout is None
        if not gone:
            assert world.verdict() == (Verdict.ROLLED_BACK, "Cancelled")

    def test_during_the_bake_rolls_back(self, world, take_back):
        world.promote("first")
        world.train()
        world.pods_become_ready()
        take_back(world)
        world.pods_become_ready()
        assert world.served == world.version("first")
        assert world.model.status.last_rollout.verdict is Verdict.ROLLED_BACK

    def test_after_the_end_has_no_effect(self, world, take_back):
        world.promote()
        version = world.version()
        take_back(world)
        world.wait()
        assert world.served == version
        assert world.history.verdicts == {world.model.status.live.request_uid: Verdict.PROMOTED}


def test_a_deleted_request_makes_place_for_the_next(world):
    world.ask("a")
    world.ask("b")
    world.delete_request("a")
    assert running(world) == ["b"]


def test_a_deleted_request_leaves_a_record_of_what_it_may_have_left_on_the_volume(world):
    world.ask()
    version = world.version()
    world.delete_request()
    assert [(record.version, record.reason) for record in world.model.status.versions] == [(version, "RequestDeleted")]


# What spoils a model, what mends it, and the reason that is shown meanwhile.
PROBLEMS = [
    pytest.param(lambda world: world.conflict_with("older"), lambda world: world.conflict_with(""), "Conflict", id="a rival"),
    pytest.param(lambda world: world.delete_claim(), lambda world: world.set_claim(), "ClaimNotFound", id="no claim"),
    pytest.param(lambda world: world.set_claim("Lost"), lambda world: world.set_claim(), "ClaimLost", id="a lost claim"),
    pytest.param(
        lambda world: world.set_claim("Bound", "ReadWriteOncePod"),
        lambda world: world.set_claim(),
        "ClaimUnsuitable",
        id="a claim for one pod only",
    ),
    pytest.param(
        lambda world: world.delete_deployment(),
        lambda world: world.make_deployment(world.model.status.live.serving),
        "DeploymentNotFound",
        id="no Deployment",
    ),
    pytest.param(
        lambda world: world.edit_deployment(problem="no such container"),
        lambda world: world.edit_deployment(problem=""),
        "DeploymentUnsuitable",
        id="a Deployment without the container",
    ),
    pytest.param(
        lambda world: world.edit_deployment(other_managers=("argocd",)),
        lambda world: world.edit_deployment(other_managers=()),
        "FieldConflict",
        id="a field of ours in another manager's manifest",
    ),
    pytest.param(
        lambda world: world.serve_by_hand(ServingState("by-hand/v9")),
        lambda world: world.serve_by_hand(world.model.status.live.serving),
        "ServingDrifted",
        id="drift",
    ),
    pytest.param(
        lambda world: world.annotate_model(accuracy="0.1"),
        lambda world: world.annotate_model(accuracy="0.9"),
        "BaselineChanged",
        id="annotations that are no longer those of the live model",
    ),
    pytest.param(
        lambda world: world.annotate_model(accuracy="NaN"),
        lambda world: world.annotate_model(accuracy="0.9"),
        "BaselineInvalid",
        id="annotations that are no numbers",
    ),
    pytest.param(
        lambda world: world.edit_model(replace(world.model.spec, trainer=Trainer("x", env=({"name": "SAFEGUARD_MODEL"},)))),
        lambda world: world.edit_model(replace(world.model.spec, trainer=Trainer("x"))),
        "InvalidSpec",
        id="a trainer that asks for what is ours",
    ),
]


@pytest.mark.parametrize(("spoil", "mend", "reason"), PROBLEMS)
class TestABlockedModel:
    def test_starts_nothing_says_why_and_goes_on_when_it_is_mended(self, world, spoil, mend, reason):
        world.promote("first")
        patches = len(world.history.patches)
        spoil(world)
        assert world.condition("Ready") == ("False", reason)
        world.ask()
        assert world.status().stage is Stage.QUEUED
        assert world.status().waiting
        mend(world)
        world.run()
        assert world.status().stage is Stage.TRAINING
        assert world.condition("Ready") == ("True", "Serving")
        assert len(world.history.patches) == patches

    def test_fails_what_waits_when_it_is_not_mended_in_time(self, world, spoil, mend, reason):
        world.promote("first")
        spoil(world)
        world.ask()
        world.wait()
        assert world.verdict() == (Verdict.FAILED, "Blocked")
        assert world.condition("Ready") == ("False", reason)
        assert world.told("RetrainFailed") == [world.status().message]
        mend(world)
        world.ask("next")
        assert world.status("next").stage is Stage.TRAINING


def test_the_deadline_of_a_blocked_request_does_not_move_with_the_words_of_the_problem(world):
    world.promote("first")
    world.serve_by_hand(ServingState("by-hand/v1"))
    world.ask()
    deadline = world.status().deadline
    world.clock_passes(1800)
    world.serve_by_hand(ServingState("by-hand/v2"))
    assert "by-hand/v2" in world.status().waiting
    assert world.status().deadline == deadline


def test_a_request_without_a_model_waits_for_it_and_then_starts(world, spec):
    world.delete_model()
    world.ask()
    assert world.status().waiting == "ModelDeployment intents does not exist in namespace ml; create it"
    world.make_model(spec)
    assert world.status().stage is Stage.TRAINING


def test_a_request_whose_model_never_comes_fails(world):
    world.delete_model()
    world.ask()
    world.wait()
    assert world.verdict() == (Verdict.FAILED, "ModelNotFound")


def test_a_request_without_a_model_can_be_cancelled(world):
    world.delete_model()
    world.ask()
    world.cancel()
    assert world.verdict() == (Verdict.CANCELLED, "Cancelled")


def test_when_the_model_is_deleted_its_requests_are_cancelled_and_their_jobs_stopped(world):
    world.promote("first")
    serving = world.deployment
    world.ask("a")
    world.ask("b")
    world.delete_model()
    assert world.verdict("a") == world.verdict("b") == (Verdict.CANCELLED, "ModelDeleted")
    assert world.version("a") not in world.jobs
    assert world.deployment == serving
    assert world.told("RequestCancelled") == [world.status("b").message] * 2


def test_when_the_model_was_deleted_and_made_anew_before_it_was_seen_its_requests_are_cancelled(world, spec):
    world.ask("a")
    world.ask("b")
    world.attended = False
    world.delete_model()
    world.make_model(spec)
    world.attended = True
    world.run()
    assert world.verdict("a") == world.verdict("b") == (Verdict.CANCELLED, "ModelDeleted")
    world.ask("c")
    assert running(world) == ["c"]


def test_the_ending_of_a_queued_request_is_told_as_it_was_decided_whatever_comes_in_between(world):
    """Killed after the Event and before the verdict; meanwhile the request is cancelled. One ending, not two."""
    world.promote("first")
    world.serve_by_hand(ServingState("by-hand/v9"))
    world.ask()
    world.attended = False
    world.clock_passes(3600)
    while not world.told("RetrainFailed"):
        world.perform_one_effect()
    world.cancel()
    world.attended = True
    world.run()
    assert world.verdict()[0] is Verdict.FAILED
    assert world.told("RequestCancelled") == []
