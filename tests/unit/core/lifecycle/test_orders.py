"""A second operator that looked before a Job was there, and comes back after it was removed again: its name is free, its order is not."""

from dataclasses import replace

import pytest

from modelsafeguard.core.model import History, RolloutPhase
from tests.unit.core.lifecycle.world import ConflictError, GoneError


def started(world):
    """A request has begun, and its Job is not there yet."""
    world.attended = False
    world.ask()
    while world.status().frozen is None:
        world.perform_one_effect()
    return world.observe()


def attended(world):
    world.attended = True
    world.run()


@pytest.mark.parametrize("take_back", ["cancel", "delete_request"])
def test_no_training_job_is_made_for_a_request_that_was_taken_back(world, take_back):
    old, version = started(world), world.version()
    attended(world)
    assert version in world.jobs
    getattr(world, take_back)()
    with pytest.raises((ConflictError, GoneError)):
        world.act_on(old)
    assert version not in world.jobs


def test_no_training_job_is_made_for_a_request_that_has_failed(world):
    old = started(world)
    attended(world)
    world.clock_passes(3600)
    assert world.version() not in world.jobs
    with pytest.raises(ConflictError):
        world.act_on(old)


def test_no_training_job_is_made_once_the_job_of_a_model_that_was_deleted_is_gone(world):
    """And was never recorded: killed right after it was made."""
    old = started(world)
    world.perform_one_step()
    world.delete_model()
    while world.version() in world.jobs:
        world.perform_one_effect()
    with pytest.raises(ConflictError):
        world.act_on(old)
    assert world.version() not in world.jobs


def test_no_reader_job_is_made_for_a_request_that_was_taken_back(world):
    world.ask()
    world.attended = False
    world.job_completes(world.version(), "")
    old, reader = world.observe(), f"{world.version()}-r"
    attended(world)
    assert reader in world.jobs
    world.cancel()
    with pytest.raises(ConflictError):
        world.act_on(old)
    assert reader not in world.jobs


def test_no_prune_job_is_made_for_a_list_that_has_been_removed(world, spec):
    for name in ("a", "b", "c"):
        world.promote(name)
    world.attended = False
    world.edit_model(replace(spec, history=History(promoted=2)))
    while world.model.status.prune is None:
        world.perform_one_step()
    old, job = world.observe(), world.model.status.prune.job_name
    attended(world)
    world.job_completes(job, "")
    with pytest.raises(ConflictError):
        world.act_on(old)
    assert job not in world.jobs


def test_no_verify_job_is_made_for_a_pin_that_was_taken_back(world):
    world.promote("good")
    world.promote("bad")
    world.attended = False
    world.pin(world.version("good"))
    world.perform_one_step()
    old, job = world.observe(), world.model.status.verification.job_name
    attended(world)
    world.pin(None)
    with pytest.raises(ConflictError):
        world.act_on(old)
    assert job not in world.jobs


def test_a_version_that_was_undone_and_pinned_since_is_not_undone_again(world):
    world.promote("good")
    world.train("newer", accuracy="0.9500")
    world.attended = False
    world.pods_fail("CrashLoopBackOff")
    world.clock_passes(300)
    while world.model.status.rollout.phase is not RolloutPhase.UNDOING:
        world.perform_one_step()
    old_record = world.record()
    attended(world)
    world.pods_become_ready()
    world.pin(world.version("newer"))
    world.job_completes(world.model.status.verification.job_name, "")
    world.bake()
    assert world.served == world.version("newer")
    with pytest.raises(ConflictError):
        world.act_on(world.observe(old_record))
    assert world.served == world.version("newer")


def test_the_numbers_of_a_version_that_was_live_before_are_not_annotated_over_those_of_the_next(world):
    world.train("first")
    world.pods_become_ready()
    world.attended = False
    world.clock_passes(60)
    while world.model.status.live is None:
        world.perform_one_step()
    old = world.observe()
    attended(world)
    world.promote("second")
    with pytest.raises(ConflictError):
        world.act_on(old)
    assert world.model.meta.annotations["modelsafeguard.io/version"] == world.version("second")
