"""What the API server refuses (a quota, somebody's admission policy, missing rights) is tried again, and holds back nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from modelsafeguard.core.lifecycle.step import (
    ApplyServing,
    CreatePruneJob,
    CreateRequestJob,
    CreateVerifyJob,
    DeleteJob,
    ExpireJob,
    PublishLive,
)
from modelsafeguard.core.model import History, OnDrift, ServingState
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict

REFUSED = "403 Forbidden: a change freeze is in force"


def message(world, kind):
    return next(each.message for each in world.model.status.conditions if each.type == kind)


class TestOfTheAnnotations:
    @pytest.fixture
    def unpublished(self, world):
        """A version is live, and its numbers may not be annotated."""
        world.refuse(REFUSED, PublishLive)
        world.promote("first", accuracy="0.9000", f1_macro="0.9000")
        return world

    def test_holds_back_neither_the_verdict_nor_the_queue(self, unpublished):
        unpublished.train("worse", accuracy="0.5000")
        assert unpublished.verdict("worse") == (Verdict.REJECTED, "PerformanceDegraded")
        unpublished.promote("better", accuracy="0.9500", f1_macro="0.9500")
        assert unpublished.status("better").message == "Performance improved: accuracy +0.0500, F1 +0.0500"

    def test_is_shown_in_a_condition_and_is_no_doubt_about_the_numbers(self, unpublished):
        assert unpublished.condition("Unpublished") == ("True", "AnnotationsRefused")
        assert message(unpublished, "Unpublished").endswith(REFUSED)
        assert unpublished.condition("Ready") == ("True", "Serving")

    def test_is_tried_again_and_nothing_is_written_while_it_is_said_already(self, unpublished):
        before = unpublished.model
        unpublished.clock_passes(unpublished.wake)
        assert unpublished.model == before
        unpublished.allow()
        unpublished.clock_passes(unpublished.wake)
        assert unpublished.model.status.live.published
        assert unpublished.model.meta.annotations["modelsafeguard.io/version"] == unpublished.version("first")
        assert unpublished.condition("Unpublished") is None
        assert unpublished.wake is None

    def test_that_ends_is_followed_by_the_numbers_of_the_version_that_is_live_by_then(self, unpublished):
        unpublished.promote("second")
        unpublished.allow()
        unpublished.run()
        assert unpublished.model.meta.annotations["modelsafeguard.io/version"] == unpublished.version("second")

    def test_leaves_edited_annotations_without_effect_and_a_signature_accepts_none_of_them(self, unpublished):
        unpublished.annotate_model(accuracy="0.1000")
        unpublished.annotate_model(rebased_by="alice")
        assert "are not annotated yet" in unpublished.told("SignatureIgnored")[0]
        unpublished.train("worse", accuracy="0.5000")
        assert unpublished.verdict("worse")[0] is Verdict.REJECTED

    def test_does_not_delay_what_the_clock_brings(self, unpublished):
        unpublished.train("next")
        assert unpublished.wake == 5


class TestOfAJobsRemoval:
    """Nothing depends on the Jobs of a request that has its verdict: the queue goes on without. A training that was taken back is
    another matter: that its Job is gone is a promise."""

    def test_after_the_verdict_holds_up_nobody(self, world):
        world.refuse(REFUSED, ExpireJob, DeleteJob)
        world.ask("a")
        world.ask("b")
        world.trainer_ends(world.version("a"), 1)
        assert world.status("b").stage is Stage.TRAINING

    def test_of_a_training_that_took_too_long_leaves_it_to_its_own_deadline(self, world):
        world.refuse(REFUSED, DeleteJob)
        world.ask("a")
        world.ask("b")
        world.clock_passes(3600)
        assert world.verdict("a") == (Verdict.FAILED, "TrainingDeadlineExceeded")
        assert world.status("b").stage is Stage.TRAINING

    @pytest.mark.parametrize("take_back", ["cancel", "delete_model"])
    def test_of_a_training_that_was_taken_back_is_waited_for_until_the_job_has_ended(self, world, take_back):
        world.refuse(REFUSED, DeleteJob)
        world.ask()
        getattr(world, take_back)()
        assert world.verdict()[0] is None
        world.trainer_ends(world.version(), 1)
        assert world.verdict()[0] is Verdict.CANCELLED
        assert world.status().message.endswith(f"; Job {world.version()} could not be removed: {REFUSED}")

    @pytest.mark.parametrize("take_back", ["cancel", "delete_model"])
    def test_of_a_training_that_never_ends_is_given_up_at_its_deadline(self, world, take_back):
        world.refuse(REFUSED, DeleteJob)
        world.ask()
        getattr(world, take_back)()
        world.wait(at_most=1000)
        assert world.verdict()[0] is Verdict.CANCELLED
        assert "could not be removed" in world.status().message
        assert world.status().finished_at - world.status().started_at == timedelta(seconds=3600)

    def test_that_is_allowed_again_removes_it_before_the_end_is_said(self, world):
        world.refuse(REFUSED, DeleteJob)
        world.ask()
        world.cancel()
        world.allow()
        world.clock_passes(world.wake)
        assert world.version() not in world.jobs
        assert world.status().message == "cancelled during training; its Job was removed"

    def test_of_a_cancelled_training_keeps_nobody_from_seeing_what_is_queued(self, world):
        world.refuse(REFUSED, DeleteJob)
        world.ask("a")
        world.cancel("a")
        world.ask("b")
        assert world.status("b").stage is Stage.QUEUED
        world.cancel("b")
        assert world.verdict("b")[0] is Verdict.CANCELLED


class TestOfARestoredDeployment:
    """Drift that is to be put back, and may not be: what waits fails in time."""

    @pytest.fixture
    def drifted(self, world, spec):
        world.edit_model(replace(spec, serving=replace(spec.serving, on_drift=OnDrift.RESTORE)))
        world.promote("first")
        world.refuse(REFUSED, ApplyServing)
        world.serve_by_hand(ServingState("by-hand/v9"))
        return world

    def test_fails_what_waits_in_time(self, drifted):
        drifted.ask()
        assert drifted.condition("Ready") == ("False", "ServingDrifted")
        for _ in range(3600 // 60):
            drifted.clock_passes(60)
        assert drifted.verdict() == (Verdict.FAILED, "Blocked")

    def test_is_put_back_as_soon_as_it_may_be(self, drifted):
        drifted.allow()
        drifted.clock_passes(drifted.wake)
        assert drifted.served == drifted.version("first")


@pytest.fixture
def three(world):
    for name in ("a", "b", "c"):
        world.promote(name)
    return world


def test_of_a_prune_job_keeps_no_queued_request_from_being_taken_back(three, spec):
    three.refuse(REFUSED, CreatePruneJob)
    three.edit_model(replace(spec, history=History(promoted=2)))
    three.ask()
    three.cancel()
    assert three.model.status.prune
    assert three.verdict()[0] is Verdict.CANCELLED


def test_of_a_verify_job_keeps_no_request_from_being_worked_on(three):
    three.refuse(REFUSED, CreateVerifyJob)
    three.pin(three.version("b"))
    three.ask()
    assert three.model.status.verification
    assert three.status().stage is Stage.TRAINING


def test_of_a_training_job_shows_to_those_behind_it_that_they_are_queued(world):
    world.refuse(REFUSED, CreateRequestJob)
    world.ask("a")
    world.ask("b")
    assert world.status("a").waiting == REFUSED
    assert world.status("b").stage is Stage.QUEUED
