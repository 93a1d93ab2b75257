"""What people and tools read: conditions, in the sense of the Kubernetes API conventions."""

from datetime import timedelta

from modelsafeguard.core.lifecycle import advance
from modelsafeguard.core.model import ServingState


def shown(world):
    """The condition of kstatus' two that is there (what kstatus makes of it: tests/integration/test_kstatus.py); never both."""
    found = [kind for kind in ("Reconciling", "Stalled") if world.condition(kind)]
    assert len(found) < 2
    return found[0] if found else None


class TestAModelIsShown:
    def test_as_at_rest_while_it_has_no_version_and_while_a_request_trains(self, world):
        assert shown(world) is None
        world.ask()
        assert shown(world) is None

    def test_as_reconciling_in_a_rollout_and_as_ready_all_the_time(self, world):
        world.promote("first")
        world.train()
        for _ in range(2):
            assert shown(world) == "Reconciling"
            assert world.condition("Ready") == ("True", "Serving")
            assert world.condition("Progressing")[0] == "True"
            world.pods_become_ready()
        world.clock_passes(60)
        assert shown(world) is None
        assert world.condition("Progressing") == ("False", "NoRollout")

    def test_as_reconciling_while_it_is_undone(self, world):
        world.promote("first")
        world.train()
        world.cancel()
        assert shown(world) == "Reconciling"
        assert world.condition("Progressing") == ("True", "Undoing")

    def test_as_reconciling_while_somebody_else_has_to_finish(self, world):
        world.delete_claim()
        assert shown(world) == "Reconciling"
        world.set_claim()
        assert shown(world) is None
        world.delete_deployment()
        assert shown(world) == "Reconciling"

    def test_as_stalled_where_a_person_must_settle_it(self, world):
        world.promote()
        world.serve_by_hand(ServingState("by-hand/v9"))
        assert shown(world) == "Stalled"

    def test_as_stalled_by_a_problem_during_a_rollout(self, world):
        world.train()
        world.edit_deployment(problem="no such container")
        assert shown(world) == "Stalled"

    def test_by_the_generation_that_was_looked_at(self, world):
        world.attended = False
        world.suspend()
        assert world.model.status.observed_generation == world.model.meta.generation - 1
        world.attended = True
        world.run()
        assert world.model.status.observed_generation == world.model.meta.generation


class TestARequestIsFinished:
    def test_at_a_promotion_and_succeeded(self, world):
        world.promote()
        found = {each.type: each.status for each in world.status().conditions}
        assert found == {"Finished": "True", "Succeeded": "True", "Trained": "True", "Evaluated": "True", "Promoted": "True"}

    def test_at_a_rejection_and_not_succeeded(self, world):
        world.promote("first")
        world.train(accuracy="0.1")
        found = {each.type: each.status for each in world.status().conditions}
        assert found == {"Finished": "True", "Succeeded": "False", "Trained": "True", "Evaluated": "True", "Promoted": "False"}

    def test_at_a_failure_that_gave_no_report(self, world):
        world.ask()
        world.trainer_ends(world.version(), 1)
        found = {each.type: each.status for each in world.status().conditions}
        assert found == {"Finished": "True", "Succeeded": "False", "Trained": "False", "Evaluated": "False", "Promoted": "False"}

    def test_not_before_its_end(self, world):
        world.ask()
        found = {each.type: (each.status, each.reason) for each in world.status().conditions}
        assert found["Finished"] == ("False", "Training")
        assert found["Succeeded"] == ("Unknown", "Training")


class TestARequestSays:
    @staticmethod
    def said(world, kind, request="nightly-1"):
        return next(each.message for each in world.status(request).conditions if each.type == kind)

    def test_which_version_it_trained(self, world):
        world.train()
        assert self.said(world, "Trained") == f"version {world.version()} was trained and published"

    def test_that_there_was_nothing_to_compare_its_candidate_with(self, world):
        world.train()
        assert self.said(world, "Evaluated") == "there was no previous model to compare with"

    def test_which_baseline_was_used_and_keeps_to_the_reason_that_is_agreed_on(self, world):
        world.promote("first", accuracy="0.8000", f1_macro="0.8000")
        world.train(accuracy="0.8500", f1_macro="0.8400")
        assert (
            self.said(world, "Evaluated")
            == f"compared with version {world.version('first')} by its annotations, measured on the same 300 rows"
        )
        assert world.status().message == "Performance improved: accuracy +0.0500, F1 +0.0400"

    def test_nothing_of_what_has_not_happened(self, world):
        world.ask()
        assert {self.said(world, kind) for kind in ("Trained", "Evaluated", "Promoted")} == {""}


def test_a_transition_time_moves_only_with_the_status(world):
    first = {each.type: each.last_transition_time for each in world.model.status.conditions}
    world.clock_passes(100)
    world.promote()
    later = {each.type: each.last_transition_time for each in world.model.status.conditions}
    assert later["Ready"] == first["Ready"]
    assert later["Progressing"] > first["Progressing"]


def test_a_look_at_a_world_that_has_not_changed_writes_nothing(world):
    world.promote()
    before = world.model
    world.clock_passes(10_000)
    world.run()
    assert world.model == before
    assert world.wake is None


def test_the_same_world_and_time_give_the_same_step(world):
    world.attended = False
    world.ask()
    observed = world.observe()
    assert advance(observed, world.now) == advance(observed, world.now + timedelta(microseconds=999_999))
