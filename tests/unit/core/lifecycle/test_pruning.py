from dataclasses import replace

import pytest

from modelsafeguard.core.lifecycle.pruning import BATCH
from modelsafeguard.core.lifecycle.records import KEPT_RECORDS, MOST_RECORDS, recorded
from modelsafeguard.core.lifecycle.step import CreatePruneJob
from modelsafeguard.core.model import History, Pin, VersionRecord
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.lifecycle.world import START


@pytest.fixture
def small(world, spec):
    """Keeps two promoted versions and one other."""
    world.edit_model(replace(spec, history=History(promoted=2, rejected=1)))
    return world


def promoted(world, *names):
    for name in names:
        world.promote(name)


def rejected(world, *names):
    for name in names:
        world.train(name, accuracy="0.1000")
        assert world.verdict(name)[0] is Verdict.REJECTED


def on_volume(world):
    return [record.request_name for record in world.model.status.versions if not record.pruned]


def pruning(world):
    return [version.rsplit("-", 1)[0] for version in world.model.status.prune.versions] if world.model.status.prune else []


def prune_job(world):
    return world.model.status.prune.job_name


def test_the_oldest_beyond_the_history_leave_the_volume(small):
    promoted(small, "a", "b", "c")
    assert pruning(small) == ["a"]
    small.job_completes(prune_job(small), "")
    assert on_volume(small) == ["b", "c"]
    assert small.told("VersionsPruned") == [f"removed from the volume: {small.version('a')}"]
    assert not small.model.status.prune


def test_rejected_versions_are_counted_apart(small):
    promoted(small, "a", "b")
    rejected(small, "x", "y")
    assert pruning(small) == ["x"]


def test_the_list_is_written_before_the_job_is_made(small):
    promoted(small, "a", "b")
    small.train("c")
    small.pods_become_ready()
    small.attended = False
    small.clock_passes(60)
    while small.model.status.prune is None:
        small.perform_one_step()
    assert prune_job(small) not in small.jobs
    small.attended = True
    small.run()
    assert small.history.jobs_made[prune_job(small)] == 1


@pytest.mark.parametrize("keep", [0, 1])
def test_the_live_version_and_the_one_to_go_back_to_always_stay(world, spec, keep):
    world.edit_model(replace(spec, history=History(promoted=keep, rejected=0)))
    promoted(world, "a", "b")
    assert pruning(world) == []
    assert on_volume(world) == ["a", "b"]


def test_a_pinned_version_stays(world, spec):
    promoted(world, "a", "b", "c")
    world.edit_model(replace(spec, history=History(promoted=2), pin=Pin(world.version("a"))))
    assert pruning(world) == []


def test_a_version_that_pods_still_mount_stays_until_they_are_gone(small):
    promoted(small, "a", "b")
    small.attended = False
    small.ask("c")
    small.mounted = frozenset({f"a-{small.requests['a'].meta.uid[:8]}"})
    small.attended = True
    small.run()
    small.trained("c")
    small.bake()
    assert pruning(small) == []
    small.mounted = frozenset()
    small.run()
    assert pruning(small) == ["a"]


def test_nothing_is_pruned_while_a_request_is_at_work(world, spec):
    promoted(world, "a", "b", "c")
    world.ask("d")
    world.edit_model(replace(spec, history=History(promoted=2)))
    assert pruning(world) == []


def test_no_request_starts_while_versions_are_pruned_and_then_it_does(small):
    promoted(small, "a", "b", "c")
    small.ask("d")
    assert small.model.status.active_request is None
    small.job_completes(prune_job(small), "")
    assert small.model.status.active_request.name == "d"


@pytest.mark.parametrize("how", ["fails", "hangs", "disappears and cannot be made"])
def test_a_prune_that_fails_is_said_and_holds_nothing_up(small, how):
    promoted(small, "a", "b", "c")
    name = prune_job(small)
    if how == "fails":
        small.job_fails(name, "BackoffLimitExceeded")
    elif how == "hangs":
        assert small.wake == 600
        small.wait()
    else:
        small.refuse("exceeded quota", CreatePruneJob)
        small.delete_job(name)
        small.clock_passes(600)
    assert small.told("PruneFailed")
    assert on_volume(small) == ["b", "c"]
    assert name not in small.jobs
    small.allow()
    small.ask("d")
    assert small.model.status.active_request.name == "d"


def test_a_job_of_somebody_else_under_the_prune_jobs_name_is_neither_believed_nor_touched(small):
    promoted(small, "a", "b")
    small.train("c")
    small.pods_become_ready()
    small.attended = False
    small.clock_passes(60)
    while small.model.status.prune is None:
        small.perform_one_step()
    name = prune_job(small)
    small.make_foreign_job(name)
    small.job_completes(name, "")
    small.attended = True
    small.run()
    small.wait()
    assert small.told("PruneFailed")
    assert name in small.jobs


def test_the_record_is_bounded_and_what_is_on_the_volume_is_never_forgotten(small):
    for number in range(KEPT_RECORDS + 5):
        small.ask(f"r{number}")
        small.trainer_ends(small.version(f"r{number}"), 1)
        if small.model.status.prune:
            small.job_completes(prune_job(small), "")
    assert len(small.model.status.versions) <= KEPT_RECORDS + 1
    assert len(on_volume(small)) == 1


def test_a_suspended_model_prunes_nothing(small):
    promoted(small, "a", "b")
    small.train("c")
    small.pods_become_ready()
    small.suspend()
    small.clock_passes(60)
    assert small.verdict("c")[0] is Verdict.PROMOTED
    assert pruning(small) == []


def test_a_queue_that_is_never_empty_does_not_keep_old_versions_for_ever(world, spec):
    world.edit_model(replace(spec, history=History(promoted=2, rejected=0)))
    for number in range(BATCH + 2):
        world.ask(f"r{number}")
    for number in range(BATCH + 1):
        world.trainer_ends(world.version(f"r{number}"), 1)
        if world.model.status.prune:
            break
    assert len(world.model.status.prune.versions) == BATCH
    assert world.verdict(f"r{BATCH}")[0] is None
    world.job_completes(prune_job(world), "")
    assert world.version(f"r{BATCH}") in world.jobs


def test_the_record_never_holds_more_than_the_api_server_takes():
    versions = ()
    for number in range(MOST_RECORDS + 5):
        versions = recorded(versions, record(f"v{number}"))
    assert [each.version for each in versions] == [f"v{number}" for number in range(5, MOST_RECORDS + 5)]


def record(version):
    return VersionRecord(version, "r", "uid", Verdict.CANCELLED, "Cancelled", "cancelled", START)
