"""Waiting for a person: by policy, by a request's own wish, or because the owner has pinned a version."""

from dataclasses import replace

import pytest

from modelsafeguard.core.lifecycle.approval import MOST_WAITING
from modelsafeguard.core.model import History
from modelsafeguard.core.policy import Promotion, Rules
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.lifecycle.operators import Story

WEEK = 7 * 86_400


@pytest.fixture
def waiting(world):
    """An accepted candidate that waits for a person."""
    world.promote("first")
    world.ask(policy=Rules(promotion=Promotion.MANUAL))
    world.trained()
    assert world.status().stage is Stage.AWAITING_APPROVAL
    assert world.verdict()[0] is None
    return world


def test_an_approved_candidate_is_rolled_out(waiting):
    waiting.approve()
    waiting.bake()
    assert waiting.verdict() == (Verdict.PROMOTED, "Promoted")
    assert waiting.served == waiting.version()


def test_an_approval_that_the_api_server_does_not_check_counts_for_nothing(waiting):
    waiting.policies_in_force = False
    waiting.approve()
    assert waiting.status().stage is Stage.AWAITING_APPROVAL
    assert waiting.served == waiting.version("first")


def test_an_approval_with_an_empty_name_counts_for_nothing(waiting):
    waiting.approve(by="")
    assert waiting.status().stage is Stage.AWAITING_APPROVAL
    assert waiting.served == waiting.version("first")


def test_an_approval_that_nobody_checked_does_not_count_once_somebody_would(waiting):
    waiting.policies_in_force = False
    waiting.approve()
    assert "create a new request" in waiting.status().waiting
    waiting.policies_in_force = True
    waiting.run()
    assert waiting.status().stage is Stage.AWAITING_APPROVAL
    waiting.wait()
    assert waiting.verdict()[0] is Verdict.EXPIRED


@pytest.mark.parametrize("by", ["", "mallory"])
def test_an_approval_that_was_there_before_there_was_anything_to_approve_does_not_count(world, by):
    world.promote("first")
    world.ask(policy=Rules(promotion=Promotion.MANUAL))
    world.approve(by=by)
    world.trained()
    world.run()
    assert world.status().stage is Stage.AWAITING_APPROVAL
    assert world.served == world.version("first")


def test_who_approved_is_recorded_and_told(waiting):
    waiting.approve()
    assert waiting.status().approved_by == "ada"
    assert waiting.told("CandidateApproved") == [f"approved by ada: {waiting.status().message}"]


def test_an_approval_that_counted_goes_on_to_count_after_a_pin_was_removed(waiting):
    waiting.edit_deployment(paused=True)
    waiting.approve()
    waiting.pin(waiting.version("first"))
    waiting.edit_deployment(paused=False)
    assert waiting.status().stage is Stage.AWAITING_APPROVAL
    waiting.pin(None)
    waiting.bake()
    assert waiting.verdict()[0] is Verdict.PROMOTED


def test_nobody_approves_in_time(waiting):
    assert waiting.wake == WEEK
    waiting.clock_passes(WEEK)
    assert waiting.verdict() == (Verdict.EXPIRED, "ApprovalExpired")
    assert waiting.told("ApprovalExpired") == ["nobody approved it within 7 days"]


def deadline(spec, seconds):
    return replace(spec, policy=replace(spec.policy, approval_deadline_seconds=seconds))


def test_the_owner_says_for_how_long_an_approval_is_waited_for(world, spec):
    world.edit_model(deadline(spec, 5400))
    world.ask(policy=Rules(promotion=Promotion.MANUAL))
    world.trained()
    assert world.wake == 5400
    world.wait()
    assert world.told("ApprovalExpired") == ["nobody approved it within 90 minutes"]


def test_a_deadline_that_is_edited_after_the_request_has_started_counts_for_the_next_one(waiting, spec):
    waiting.edit_model(deadline(spec, 60))
    waiting.ask("next", policy=Rules(promotion=Promotion.MANUAL))
    waiting.trained("next")
    waiting.clock_passes(60)
    assert waiting.verdict("next")[0] is Verdict.EXPIRED
    assert waiting.status().stage is Stage.AWAITING_APPROVAL


def test_an_approval_that_comes_too_late_is_too_late(waiting):
    waiting.attended = False
    waiting.clock_passes(WEEK)
    waiting.approve()
    waiting.attended = True
    waiting.run()
    assert waiting.verdict()[0] is Verdict.EXPIRED


def test_the_queue_goes_on_meanwhile_and_a_newer_promotion_supersedes_it(waiting):
    waiting.promote("newer")
    assert waiting.verdict() == (Verdict.SUPERSEDED, "Superseded")
    waiting.approve()
    assert waiting.served == waiting.version("newer")


def test_a_rejection_meanwhile_changes_nothing(waiting):
    waiting.train("newer", accuracy="0.1")
    waiting.approve()
    waiting.bake()
    assert waiting.verdict()[0] is Verdict.PROMOTED


def test_approved_while_another_one_trains_it_waits_for_the_place(waiting):
    waiting.ask("newer")
    waiting.approve()
    assert waiting.status().stage is Stage.AWAITING_APPROVAL
    waiting.trainer_ends(waiting.version("newer"), 1)
    waiting.bake()
    assert waiting.verdict()[0] is Verdict.PROMOTED


@pytest.mark.parametrize("take_back", ["annotation", "deletion"])
def test_taken_back_it_is_never_rolled_out(waiting, take_back):
    version = waiting.version()
    if take_back == "annotation":
        waiting.cancel()
        assert waiting.verdict() == (Verdict.CANCELLED, "Cancelled")
    else:
        waiting.delete_request()
    assert waiting.served == waiting.version("first") != version
    assert waiting.model.status.active_request is None


def test_when_its_model_is_deleted_it_is_cancelled(waiting):
    waiting.delete_model()
    assert waiting.verdict() == (Verdict.CANCELLED, "ModelDeleted")


def test_what_waited_for_a_model_that_was_made_anew_since_is_cancelled_and_its_approval_rolls_nothing_out(world, spec):
    world.ask(policy=Rules(promotion=Promotion.MANUAL))
    world.trained()
    world.attended = False
    world.delete_model()
    world.make_model(spec)
    world.approve()
    world.attended = True
    world.run()
    assert world.verdict() == (Verdict.CANCELLED, "ModelDeleted")
    assert world.history.patches == []


def test_a_request_cannot_loosen_an_owners_wish_to_be_asked(world, spec):
    world.edit_model(replace(spec, policy=replace(spec.policy, promotion=Promotion.MANUAL)))
    world.ask(policy=Rules(promotion=Promotion.AUTOMATIC))
    world.trained()
    assert world.status().stage is Stage.AWAITING_APPROVAL


def test_an_approval_begins_nothing_while_the_model_is_suspended(waiting):
    waiting.suspend()
    waiting.approve()
    assert waiting.served == waiting.version("first")
    waiting.suspend(False)
    waiting.bake()
    assert waiting.verdict()[0] is Verdict.PROMOTED


def settled(world, version):
    """How the record has it that a version ended; None while it has not."""
    found = [record for record in world.model.status.versions if record.version == version]
    assert len(found) <= 1
    return (found[0].verdict, found[0].reason) if found else None


def test_a_version_that_waits_is_known_to_the_record_from_the_first_moment(world):
    world.promote("first")
    world.ask(policy=Rules(promotion=Promotion.MANUAL))
    world.attended = False
    world.trained()
    while world.status().stage is not Stage.AWAITING_APPROVAL:
        world.perform_one_effect()
    assert world.model.status.active_request.name == "nightly-1"
    world.perform_one_step()
    assert world.model.status.active_request is None
    assert [each.version for each in world.model.status.awaiting_approval] == [world.version()]
    assert settled(world, world.version()) is None


def test_a_version_whose_request_is_deleted_while_it_waits_leaves_the_volume(waiting):
    version = waiting.version()
    waiting.edit_model(replace(waiting.model.spec, history=History(rejected=0)))
    waiting.delete_request()
    assert settled(waiting, version) == (Verdict.CANCELLED, "RequestDeleted")
    assert waiting.model.status.awaiting_approval == ()
    assert waiting.model.status.prune.versions == (version,)


def test_one_that_is_made_again_under_its_name_does_not_keep_the_version_of_the_one_before(waiting):
    version = waiting.version()
    waiting.attended = False
    waiting.delete_request()
    waiting.ask()
    waiting.attended = True
    waiting.run()
    assert settled(waiting, version) == (Verdict.CANCELLED, "RequestDeleted")


def test_a_version_is_never_pruned_while_it_waits(waiting):
    waiting.edit_model(replace(waiting.model.spec, history=History(rejected=0)))
    for name in ("worse", "worse-still"):
        waiting.train(name, accuracy="0.1")
        assert waiting.model.status.prune.versions == (waiting.version(name),)
        waiting.job_completes(waiting.model.status.prune.job_name, "")
    waiting.approve()
    waiting.bake()
    assert waiting.verdict()[0] is Verdict.PROMOTED
    assert waiting.model.status.prune is None


def approved(world):
    world.approve()
    world.bake()


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (approved, (Verdict.PROMOTED, "Promoted")),
        (lambda world: world.cancel(), (Verdict.CANCELLED, "Cancelled")),
        (lambda world: world.promote("newer"), (Verdict.SUPERSEDED, "Superseded")),
        (lambda world: world.clock_passes(WEEK), (Verdict.EXPIRED, "ApprovalExpired")),
    ],
    ids=["approved", "cancelled", "overtaken", "expired"],
)
def test_a_version_is_recorded_once_and_with_the_verdict_that_its_waiting_ended_with(waiting, end, expected):
    end(waiting)
    assert settled(waiting, waiting.version()) == expected
    assert waiting.model.status.awaiting_approval == ()


def test_a_request_that_was_not_listed_is_not_taken_for_deleted(waiting):
    """The open requests and the model are read at once: of the two readings either may be the older."""
    waiting.attended = False
    model, _ = waiting.record()
    waiting.act_on(waiting.observe((model, ())))
    assert settled(waiting, waiting.version()) is None


def test_so_many_may_wait_that_the_record_stays_small_and_then_nothing_new_starts(spec):
    world = Story(replace(spec, policy=replace(spec.policy, promotion=Promotion.MANUAL)), through_json=False)
    for number in range(MOST_WAITING):
        world.train(f"r{number}")
    world.ask("one-more")
    assert world.status("one-more").stage is Stage.QUEUED
    assert world.status("one-more").waiting == f"{MOST_WAITING} candidates wait for approval; approve one of them, or cancel some"
    world.cancel("r0")
    assert world.status("one-more").stage is Stage.TRAINING
    world.trained("one-more")
    assert len(world.model.status.awaiting_approval) == MOST_WAITING
