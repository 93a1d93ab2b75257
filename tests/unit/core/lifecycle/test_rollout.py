from dataclasses import replace
from datetime import timedelta

import pytest

from modelsafeguard.core.lifecycle.bake import MARKED_PODS
from modelsafeguard.core.lifecycle.step import ApplyServing
from modelsafeguard.core.model import RolloutPhase, ServingState
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.lifecycle.world import FOUND, ConflictError

ELSEWHERE = ServingState("by-hand/v9", "v9", "", "v9")


@pytest.fixture
def rolling(world):
    """A second version is being rolled out over a first."""
    world.promote("first")
    world.train()
    return world


@pytest.fixture
def baking(rolling):
    rolling.pods_become_ready()
    return rolling


def phase(world):
    return world.model.status.rollout.phase if world.model.status.rollout else None


def test_the_intent_is_written_before_anything_is_patched(world):
    world.ask()
    world.attended = False
    world.trained()
    while not world.history.patches:
        rollout = world.model.status.rollout
        world.perform_one_step()
    assert (rollout.from_, rollout.to) == (FOUND, world.deployment.serving)


def test_all_four_fields_are_set_together(rolling):
    version = rolling.version()
    assert rolling.deployment.serving == ServingState(
        f"intents/versions/{version}", version, rolling.status().report.manifest_digest, version
    )


@pytest.mark.parametrize(
    ("violation", "words"),
    [
        pytest.param({"restarts": 1, "trouble": "CrashLoopBackOff"}, "restarted during the bake (CrashLoopBackOff)", id="it restarts"),
        pytest.param({"ready": False, "ready_since": None}, "lost its readiness during the bake", id="it loses its readiness"),
    ],
)
def test_the_bake_undoes_the_rollout_when_a_new_pod(baking, violation, words):
    baking.change_pod(**violation)
    assert baking.served == baking.version("first")
    baking.pods_become_ready()
    assert baking.verdict() == (Verdict.ROLLED_BACK, "BakeFailed")
    assert words in baking.status().message


def test_the_bake_sees_a_readiness_that_was_lost_and_regained_between_two_looks(baking):
    baking.clock_passes(20)
    baking.change_pod(ready_since=baking.now - timedelta(seconds=3))
    baking.pods_become_ready()
    assert "lost its readiness for a while" in baking.status().message


def test_a_pod_that_is_evicted_during_the_bake_is_no_fault_of_the_model(baking):
    baking.evict_pod()
    baking.clock_passes(60)
    assert baking.verdict()[0] is Verdict.PROMOTED


def test_the_replacement_of_an_evicted_pod_must_hold_as_well(baking):
    baking.evict_pod(0)
    baking.change_pod(0, restarts=1)
    baking.pods_become_ready()
    assert baking.verdict() == (Verdict.ROLLED_BACK, "BakeFailed")


def test_a_pod_that_is_on_its_way_out_may_do_what_it_likes(baking):
    baking.change_pod(deleting=True, ready=False, restarts=3)
    assert phase(baking) is RolloutPhase.BAKING


def test_pods_of_a_large_deployment_that_are_not_watched_one_by_one_may_have_restarted_before(rolling):
    rolling.attended = False
    rolling.edit_deployment(replicas=MARKED_PODS + 1)
    rolling.pods_become_ready()
    last = max(range(MARKED_PODS + 1), key=lambda index: rolling.serving_pods[index].name)
    rolling.change_pod(last, restarts=1)
    rolling.attended = True
    rolling.run()
    rolling.clock_passes(60)
    assert rolling.verdict()[0] is Verdict.PROMOTED


def test_a_deployment_that_is_not_available_after_the_bake_is_undone(baking):
    baking.edit_deployment(replicas=3)
    baking.wait()
    assert baking.verdict() == (Verdict.ROLLED_BACK, "BakeFailed")


def test_pods_whose_own_status_never_says_ready_do_not_hold_the_rollout_for_ever(rolling):
    rolling.attended = False
    rolling.pods_become_ready()
    rolling.change_pod(ready=False, ready_since=None)
    rolling.attended = True
    rolling.run()
    rolling.wait()
    assert rolling.verdict() == (Verdict.ROLLED_BACK, "ProgressDeadlineExceeded")


def test_the_deployments_own_deadline_counts(rolling):
    rolling.clock_passes(10)
    rolling.deployment_stalls()
    assert phase(rolling) is RolloutPhase.UNDOING


def test_a_deadline_that_the_deployment_missed_before_our_patch_is_not_believed(world):
    world.promote("first")
    world.deployment_stalls()
    world.clock_passes(10)
    world.train()
    assert phase(world) is RolloutPhase.PROGRESSING
    world.bake()
    assert world.verdict()[0] is Verdict.PROMOTED


def test_a_status_that_is_older_than_our_patch_is_not_believed(world):
    world.train()
    stale = world.deployment
    assert stale.observed_generation < stale.generation
    assert stale.updated_replicas == stale.replicas
    assert phase(world) is RolloutPhase.PROGRESSING


def test_who_puts_the_previous_version_back_has_undone_the_rollout(rolling):
    rolling.serve_by_hand(rolling.model.status.live.serving)
    rolling.pods_become_ready()
    assert rolling.verdict() == (Verdict.ROLLED_BACK, "UndoneByOther")
    assert len(rolling.history.patches) == 2


@pytest.mark.parametrize("baked", [False, True], ids=["while it progresses", "while it bakes"])
def test_who_serves_something_else_during_a_rollout_is_left_alone(rolling, baked):
    if baked:
        rolling.pods_become_ready()
    rolling.serve_by_hand(ELSEWHERE)
    assert rolling.verdict() == (Verdict.FAILED, "ServingDrifted")
    assert rolling.deployment.serving == ELSEWHERE
    assert rolling.condition("Ready") == ("False", "ServingDrifted")


def test_who_serves_something_else_during_the_undo_is_left_alone(rolling):
    rolling.cancel()
    rolling.serve_by_hand(ELSEWHERE)
    assert rolling.verdict() == (Verdict.ROLLED_BACK, "Cancelled")
    assert rolling.deployment.serving == ELSEWHERE
    assert "left as it is" in rolling.status().message


def test_who_takes_the_fields_over_with_a_manifest_is_not_fought_in_the_undo(rolling):
    patches = len(rolling.history.patches)
    rolling.serve_by_hand(rolling.deployment.serving, manager="argocd")
    rolling.cancel()
    assert len(rolling.history.patches) == patches
    assert rolling.verdict()[0] is Verdict.ROLLED_BACK


STOPPED = pytest.mark.parametrize("stop", [pytest.param({"paused": True}, id="paused"), pytest.param({"replicas": 0}, id="at 0 replicas")])
REASONS = {"paused": "DeploymentPaused", "replicas": "DeploymentScaledToZero"}
RUNNING = {"paused": False, "replicas": 2}


@STOPPED
class TestADeploymentThatIs:
    def test_is_waited_for_and_then_patched(self, world, stop):
        world.promote("first")
        world.edit_deployment(**stop)
        world.train()
        assert len(world.history.patches) == 1
        assert world.status().stage is Stage.ROLLING_OUT
        assert world.status().waiting
        world.edit_deployment(**RUNNING)
        world.bake()
        assert world.verdict()[0] is Verdict.PROMOTED

    def test_is_waited_for_until_the_deadline(self, world, stop):
        world.promote("first")
        world.edit_deployment(**stop)
        world.train()
        world.wait()
        assert world.verdict() == (Verdict.FAILED, REASONS[next(iter(stop))])
        assert len(world.history.patches) == 1

    def test_is_waited_for_after_the_intent_as_well(self, world, stop):
        world.promote("first")
        world.ask()
        world.attended = False
        world.trained()
        while world.model.status.rollout is None:
            world.perform_one_step()
        world.edit_deployment(**stop)
        world.attended = True
        world.run()
        assert phase(world) is RolloutPhase.APPLYING
        world.wait()
        assert world.verdict() == (Verdict.FAILED, REASONS[next(iter(stop))])
        assert len(world.history.patches) == 1

    def test_during_the_rollout_is_undone_at_the_deadline(self, world, stop):
        world.promote("first")
        world.train()
        world.edit_deployment(**stop)
        world.wait()
        assert world.verdict() == (Verdict.ROLLED_BACK, "ProgressDeadlineExceeded")
        assert world.served == world.version("first")


def test_a_deployment_that_is_missing_is_waited_for_until_the_deadline(world):
    world.promote("first")
    world.ask()
    world.delete_deployment()
    world.trained()
    world.wait()
    assert world.verdict() == (Verdict.FAILED, "DeploymentNotFound")


def test_a_deployment_that_disappears_during_the_rollout_ends_it_as_failed(rolling):
    rolling.delete_deployment()
    rolling.wait()
    assert rolling.verdict() == (Verdict.FAILED, "DeploymentNotFound")
    assert rolling.model.status.live.version == rolling.version("first")


def test_a_patch_that_is_never_accepted_fails_at_the_deadline(rolling):
    world = rolling
    world.bake()
    world.refuse("not allowed", ApplyServing)
    world.train("third")
    world.wait()
    assert world.verdict("third") == (Verdict.FAILED, "RolloutNotApplied")
    assert world.served == world.version("nightly-1")


def test_an_undo_that_is_never_accepted_ends_with_the_version_that_is_there(rolling):
    version = rolling.served
    rolling.refuse("not allowed", ApplyServing)
    rolling.pods_fail("CrashLoopBackOff")
    rolling.wait()
    assert rolling.verdict() == (Verdict.FAILED, "UndoNotApplied")
    assert rolling.served == version
    assert rolling.condition("Ready") == ("False", "ServingDrifted")


def test_an_operator_that_comes_back_after_the_deadline_tries_before_it_gives_up(rolling):
    rolling.bake()
    rolling.train("third")
    before = rolling.model.status.rollout.from_
    rolling.attended = False
    rolling.pods_fail("CrashLoopBackOff")
    rolling.clock_passes(300)
    while rolling.model.status.rollout.phase is not RolloutPhase.UNDOING:
        rolling.perform_one_step()
    rolling.clock_passes(3000)
    rolling.attended = True
    rolling.run()
    assert rolling.deployment.serving == before


def test_a_rollout_is_carried_to_its_end_without_its_request(rolling):
    """Deleted between the last look and the end of the bake: it is taken back, from the record alone."""
    version = rolling.version("first")
    rolling.delete_request()
    rolling.pods_become_ready()
    assert rolling.served == version
    assert rolling.model.status.rollout is None
    assert rolling.model.status.versions[-1].verdict is Verdict.ROLLED_BACK


def test_a_request_has_the_verdict_of_its_rollout_after_a_crash_between_the_two(baking):
    baking.attended = False
    baking.clock_passes(60)
    while baking.model.status.rollout:
        baking.perform_one_step()
    assert baking.verdict()[0] is None
    baking.attended = True
    baking.cancel()
    assert baking.verdict() == (Verdict.PROMOTED, "Promoted")


def test_a_second_operator_with_an_old_world_cannot_roll_out_what_the_first_has_ended(world):
    world.promote("first")
    world.edit_deployment(paused=True)
    world.train()
    world.attended = False
    world.edit_deployment(paused=False)
    old = world.observe()
    world.edit_deployment(paused=True)
    world.clock_passes(300)
    world.perform_one_step()
    with pytest.raises(ConflictError):
        world.act_on(old)
    world.attended = True
    world.run()
    assert world.verdict() == (Verdict.FAILED, "DeploymentPaused")
    assert world.served == world.version("first")


def test_a_second_operator_that_read_the_intent_long_ago_does_not_patch_what_was_undone_since(world):
    world.promote("first")
    world.ask()
    world.attended = False
    world.trained()
    while world.model.status.rollout is None:
        world.perform_one_step()
    old_record = world.record()
    world.attended = True
    world.run()
    world.cancel()
    world.pods_become_ready()
    with pytest.raises(ConflictError):
        world.act_on(world.observe(old_record))
    assert world.served == world.version("first")


def test_a_deployment_that_is_changed_between_the_intent_and_the_patch_is_not_patched(world):
    world.promote("first")
    world.ask()
    world.attended = False
    world.trained()
    while world.model.status.rollout is None:
        world.perform_one_step()
    world.serve_by_hand(ELSEWHERE)
    world.attended = True
    world.run()
    world.wait()
    assert world.verdict() == (Verdict.FAILED, "ServingDrifted")
    assert len(world.history.patches) == 1


def test_a_short_bake_is_over_in_time(world, spec):
    world.edit_model(replace(spec, serving=replace(spec.serving, bake_seconds=3)))
    world.train()
    world.pods_become_ready()
    assert world.wake == 3


def test_the_bake_may_be_nothing_at_all(world, spec):
    world.edit_model(replace(spec, serving=replace(spec.serving, bake_seconds=0)))
    world.train()
    world.pods_become_ready()
    assert world.verdict()[0] is Verdict.PROMOTED
