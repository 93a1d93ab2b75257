"""What is live: adopted, published, drifted, restored, and changed while a request was at work."""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.lifecycle.advance import CLAIM_SECONDS
from modelsafeguard.core.model import OnDrift, ServingState
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.lifecycle.world import FOUND, ConflictError

ELSEWHERE = ServingState("by-hand/v9", "v9", "", "v9")
NUMBERS = {"accuracy": "0.9000", "f1_macro": "0.9000"}


def on_drift(spec, action):
    return replace(spec, serving=replace(spec.serving, on_drift=action))


class TestAdoption:
    def test_annotations_put_on_by_hand_are_the_baseline(self, world):
        world.annotate_model(**NUMBERS)
        live = world.model.status.live
        assert (live.version, live.adopted, live.serving) == ("adopted", True, FOUND)
        world.train(accuracy="0.8000")
        assert world.verdict() == (Verdict.REJECTED, "PerformanceDegraded")

    def test_is_told_once_and_the_annotations_stay_as_they_are(self, world):
        world.annotate_model(**NUMBERS, version="v7")
        before = world.model.meta.annotations
        world.clock_passes(100)
        assert len(world.told("ModelAdopted")) == 1
        assert world.model.status.live.version == "v7"
        assert world.model.meta.annotations == before
        assert world.condition("Ready") == ("True", "Serving")

    def test_a_failed_rollout_goes_back_to_the_adopted_model(self, world):
        world.annotate_model(**NUMBERS)
        world.train(accuracy="0.9500", f1_macro="0.9500")
        world.pods_fail("CrashLoopBackOff")
        world.clock_passes(300)
        world.pods_become_ready()
        assert world.deployment.serving == FOUND
        assert world.model.status.live.version == "adopted"

    def test_a_promotion_replaces_its_annotations(self, world):
        world.annotate_model(**NUMBERS)
        world.promote(accuracy="0.9500", f1_macro="0.9500")
        assert world.model.meta.annotations["modelsafeguard.io/accuracy"] == "0.95"
        assert world.model.meta.annotations["modelsafeguard.io/version"] == world.version()
        assert not world.model.status.live.adopted

    @pytest.mark.parametrize(
        "annotations",
        [
            pytest.param({"accuracy": "NaN"}, id="NaN"),
            pytest.param({"accuracy": "1.2"}, id="outside its range"),
            pytest.param({"accuracy": "very good"}, id="no number"),
            pytest.param({"accuracy": "0.9", "version": "../../etc"}, id="a version that is a path"),
            pytest.param({"accuracy": "0.9", "holdout_digest": "md5:1"}, id="a digest that is none"),
        ],
    )
    def test_malformed_annotations_adopt_nothing_and_start_nothing(self, world, annotations):
        world.annotate_model(**annotations)
        world.ask()
        assert world.model.status.live is None
        assert world.condition("Ready") == ("False", "BaselineInvalid")
        assert world.condition("Stalled") == ("True", "BaselineInvalid")
        assert world.status().stage is Stage.QUEUED

    def test_of_a_model_in_conflict_waits(self, world):
        world.conflict_with("older")
        world.annotate_model(**NUMBERS)
        assert world.model.status.live is None


class TestPublishing:
    def test_the_numbers_of_a_promoted_model_are_annotated(self, world):
        world.promote(accuracy="0.9000", f1_macro="0.8900")
        annotations = world.model.meta.annotations
        assert annotations["modelsafeguard.io/accuracy"] == "0.9"
        assert annotations["modelsafeguard.io/f1-macro"] == "0.89"
        assert annotations["modelsafeguard.io/holdout-digest"] == world.model.status.live.holdout_digest
        assert world.model.status.live.published

    def test_an_annotation_that_somebody_garbles_during_the_rollout_is_left_to_that_person(self, world):
        world.train(holdout_digest="", holdout_rows=0)
        world.pods_become_ready()
        world.annotate_model(holdout_digest="garbage")
        world.clock_passes(60)
        assert world.verdict()[0] is Verdict.PROMOTED
        assert world.condition("Ready") == ("False", "BaselineInvalid")
        world.annotate_model(holdout_digest="")
        assert world.condition("Ready") == ("True", "Serving")
        assert world.model.status.live.published


class TestDrift:
    def test_is_reported_and_nothing_is_patched(self, world):
        world.promote()
        patches = len(world.history.patches)
        world.serve_by_hand(ELSEWHERE)
        assert world.condition("Ready") == ("False", "ServingDrifted")
        assert world.deployment.serving == ELSEWHERE
        assert len(world.history.patches) == patches

    def test_is_restored_where_the_owner_asks_for_it(self, world, spec):
        world.edit_model(on_drift(spec, OnDrift.RESTORE))
        world.promote()
        world.serve_by_hand(ELSEWHERE)
        assert world.served == world.version()
        assert len(world.told("DriftRestored")) == 1
        assert world.condition("Ready") == ("True", "Serving")

    def test_of_a_paused_deployment_is_not_restored_before_it_is_resumed(self, world, spec):
        world.edit_model(on_drift(spec, OnDrift.RESTORE))
        world.promote()
        world.edit_deployment(paused=True)
        world.serve_by_hand(ELSEWHERE)
        assert world.deployment.serving == ELSEWHERE
        world.edit_deployment(paused=False)
        assert world.served == world.version()

    def test_before_the_first_rollout_is_the_owners_own_change(self, world, spec):
        world.edit_model(on_drift(spec, OnDrift.RESTORE))
        world.serve_by_hand(ELSEWHERE)
        assert world.deployment.serving == ELSEWHERE == world.model.status.found
        assert not world.history.patches
        assert world.condition("Ready") == ("True", "NoModelYet")

    def test_is_not_restored_in_the_middle_of_a_rollout(self, world, spec):
        world.edit_model(on_drift(spec, OnDrift.RESTORE))
        world.promote("first")
        world.train()
        patches = len(world.history.patches)
        world.serve_by_hand(world.deployment.serving, manager="kubectl-client-side-apply")
        assert len(world.history.patches) == patches

    def test_during_training_blocks_judging_until_it_is_settled(self, world):
        world.promote("first")
        world.ask()
        world.serve_by_hand(ELSEWHERE)
        world.trained()
        assert world.status().stage is Stage.JUDGING
        assert world.wake == 300
        world.serve_by_hand(world.model.status.live.serving)
        world.bake()
        assert world.verdict()[0] is Verdict.PROMOTED

    def test_that_is_never_settled_fails_what_was_trained(self, world):
        world.promote("first")
        world.ask()
        world.serve_by_hand(ELSEWHERE)
        world.trained()
        world.wait()
        assert world.verdict() == (Verdict.FAILED, "ServingDrifted")

    def test_says_what_blocks_judging_when_that_changes(self, world):
        world.promote("first")
        world.ask()
        world.serve_by_hand(ELSEWHERE)
        world.trained()
        world.annotate_model(accuracy="0.1")
        assert "annotations" in world.status().waiting

    def test_that_a_second_operator_sees_by_an_old_record_is_not_restored(self, world, spec):
        """It read the record before a rollout, and the Deployment in the middle of it."""
        world.edit_model(on_drift(spec, OnDrift.RESTORE))
        world.promote("first")
        old_record = world.record()
        world.train()
        with pytest.raises(ConflictError):
            world.act_on(world.observe(old_record))
        assert world.served == world.version()


class TestFieldConflict:
    def test_patches_nothing(self, world):
        world.edit_deployment(other_managers=("argocd",))
        world.ask()
        world.wait()
        assert world.verdict() == (Verdict.FAILED, "Blocked")
        assert world.condition("Ready") == ("False", "FieldConflict")
        assert world.condition("Stalled") == ("True", "FieldConflict")
        assert not world.history.patches

    def test_that_begins_during_training_fails_at_the_deadline_of_the_rollout(self, world):
        world.ask()
        world.edit_deployment(other_managers=("argocd",))
        world.trained()
        world.wait()
        assert world.verdict() == (Verdict.FAILED, "FieldConflict")
        assert not world.history.patches


class TestRejudging:
    """A candidate waits before its rollout, and meanwhile a model is adopted: the live model is no longer the frozen one."""

    @pytest.fixture
    def waiting(self, world):
        world.edit_deployment(paused=True)
        world.train(accuracy="0.8000", f1_macro="0.8000")
        assert world.status().message == "No previous model to compare against"
        return world

    def test_rejects_a_candidate_that_the_present_live_model_beats(self, waiting):
        waiting.annotate_model(**NUMBERS)
        waiting.edit_deployment(paused=False)
        assert waiting.verdict() == (Verdict.REJECTED, "PerformanceDegraded")
        assert waiting.status().frozen.baseline.metrics["accuracy"] == Decimal("0.9")
        assert not waiting.history.patches

    def test_rolls_out_a_candidate_that_beats_it_too_with_the_new_numbers(self, waiting):
        waiting.annotate_model(accuracy="0.7500", f1_macro="0.7500")
        waiting.edit_deployment(paused=False)
        waiting.bake()
        assert waiting.status().message == "Performance improved: accuracy +0.0500, F1 +0.0500"

    def test_waits_while_the_present_deployment_is_in_doubt(self, waiting):
        waiting.attended = False
        waiting.annotate_model(**NUMBERS)
        waiting.perform_one_step()
        waiting.serve_by_hand(ELSEWHERE)
        waiting.edit_deployment(paused=False)
        waiting.attended = True
        waiting.run()
        assert waiting.verdict()[0] is None
        waiting.serve_by_hand(FOUND)
        assert waiting.verdict()[0] is Verdict.REJECTED

    def test_waits_while_the_present_numbers_are_in_doubt(self, waiting):
        waiting.annotate_model(accuracy="NaN")
        waiting.edit_deployment(paused=False)
        assert waiting.verdict()[0] is None
        waiting.wait()
        assert waiting.verdict() == (Verdict.FAILED, "BaselineInvalid")


class TestAPin:
    """An owner's order to serve a version: nothing is promoted by itself while it stands."""

    def test_makes_an_accepted_candidate_wait_for_a_person(self, world):
        world.pin("v5")
        world.train()
        assert world.status().stage is Stage.AWAITING_APPROVAL
        world.wait()
        assert world.verdict()[0] is Verdict.EXPIRED
        assert not world.history.patches

    def test_that_is_set_before_the_rollout_begins_holds_it_back(self, world):
        world.edit_deployment(paused=True)
        world.train()
        world.pin("v5")
        world.edit_deployment(paused=False)
        assert not world.history.patches
        assert world.status().stage is Stage.AWAITING_APPROVAL


def test_the_best_version_is_the_one_of_the_policys_first_metric(world, spec):
    world.edit_model(replace(spec, policy=Policy((MetricRule("f1_macro", Decimal("0.01")), MetricRule("accuracy", Decimal("0.2"))))))
    world.promote("a", accuracy="0.9000", f1_macro="0.8000")
    world.promote("b", accuracy="0.8000", f1_macro="0.9000")
    assert world.model.status.best.version == world.version("b")


def test_the_best_version_is_remembered(world):
    world.promote("a", accuracy="0.9000")
    world.promote("b", accuracy="0.8950")
    assert world.model.status.best.version == world.version("a")
    world.promote("c", accuracy="0.9100")
    assert world.model.status.best.version == world.version("c")


class TestAModelThatWasMadeAnew:
    """Its record is gone, and the Deployment still serves a version of it: without numbers nothing can be compared."""

    @pytest.fixture
    def anew(self, world, spec):
        world.promote("before", accuracy="0.9000")
        world.delete_model()
        world.make_model(spec)
        return world

    def test_accepts_no_candidate_without_a_word(self, anew):
        assert anew.condition("Ready") == ("False", "BaselineMissing")
        anew.ask("worse")
        assert anew.verdict("worse")[0] is None
        assert anew.version("worse") not in anew.jobs
        anew.wait()
        assert anew.verdict("worse") == (Verdict.FAILED, "Blocked")
        assert anew.served == anew.version("before")

    def test_goes_on_once_its_numbers_are_annotated(self, anew):
        anew.annotate_model(**NUMBERS)
        anew.train("worse", accuracy="0.5000", f1_macro="0.5000")
        assert anew.verdict("worse") == (Verdict.REJECTED, "PerformanceDegraded")

    def test_begins_anew_once_the_deployment_no_longer_serves_it(self, anew):
        anew.serve_by_hand(FOUND)
        anew.train("first", accuracy="0.5000")
        assert anew.status("first").message == "No previous model to compare against"


class TestAnAdoptedModel:
    """Its annotations were there first; nobody but a person knows its numbers."""

    @pytest.fixture
    def adopted(self, world):
        world.annotate_model(**NUMBERS, recall="0.7")
        return world

    def test_is_not_in_doubt_when_the_policy_is_given_another_metric(self, adopted, spec):
        policy = Policy((*spec.policy.metrics, MetricRule("recall", Decimal("0.01"))))
        adopted.edit_model(replace(spec, policy=policy))
        assert adopted.condition("Ready") == ("True", "Serving")
        adopted.edit_model(spec)
        assert adopted.condition("Ready") == ("True", "Serving")

    @pytest.mark.parametrize("edit", [{"version": "v7"}, {"holdout_digest": "sha256:" + "0" * 64}, {"accuracy": "0.5"}, {"f1_macro": ""}])
    def test_is_in_doubt_when_anything_of_its_record_is_edited(self, adopted, edit):
        adopted.annotate_model(**edit)
        assert adopted.condition("Ready") == ("False", "BaselineChanged")

    def test_is_not_in_doubt_when_a_number_is_only_written_otherwise(self, adopted):
        adopted.annotate_model(accuracy="0.90")
        assert adopted.condition("Ready") == ("True", "Serving")


def test_a_field_of_ours_in_somebodys_manifest_keeps_a_trained_candidate_from_being_judged(world):
    world.promote("first")
    world.ask()
    world.serve_by_hand(world.deployment.serving, manager="argocd")
    world.trained(accuracy="0.1")
    assert world.verdict()[0] is None
    assert world.status().stage is Stage.JUDGING


def test_a_manifest_is_not_fought_even_where_drift_is_to_be_restored(world, spec):
    world.edit_model(on_drift(spec, OnDrift.RESTORE))
    world.promote("first")
    patches = len(world.history.patches)
    world.serve_by_hand(ELSEWHERE, manager="argocd")
    assert len(world.history.patches) == patches
    assert world.condition("Ready") == ("False", "FieldConflict")


def test_a_claim_that_can_only_be_read_is_said_up_front(world):
    world.set_claim("Bound", "ReadOnlyMany")
    assert world.condition("Ready") == ("False", "ClaimUnsuitable")


def test_a_claim_that_binds_trainings_to_a_node_is_warned_of(world):
    world.set_claim("Bound", "ReadWriteOnce")
    assert "ReadWriteOnce" in next(each.message for each in world.model.status.conditions if each.type == "Ready")


def test_a_missing_claim_is_looked_for_while_a_request_waits_for_it(world):
    world.delete_claim()
    assert world.wake is None
    world.ask()
    assert world.wake == CLAIM_SECONDS
