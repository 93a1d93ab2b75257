"""What gates beside the point rule do to a request, and what the record keeps for them: the budget, and the decisions on each holdout."""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Comparison, MetricComparison
from modelsafeguard.core.lifecycle.holdouts import MOST_HOLDOUTS
from modelsafeguard.core.model import History, HoldoutUse
from modelsafeguard.core.numbers import PValue
from modelsafeguard.core.policy import Approvals, GateMode, OnInconclusive, Policy, Promotion, Rules
from modelsafeguard.core.profiles import GateName, Mode, Profile
from modelsafeguard.core.replay import replay
from modelsafeguard.core.report import Evidence
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict
from tests.support.objects import digest

ROWS = 300
HOLDOUT = digest("holdout")


def govern(world, *gates, **fields):
    """The owner has these gates decide as well."""
    policy = world.model.spec.policy
    modes = tuple(GateMode(gate, Mode.ENFORCE) for gate in gates)
    world.edit_model(replace(world.model.spec, policy=replace(policy, gates=modes, **fields)))


def measured(world, live, gained, lost, **fields):
    """What ``measure`` found out about a candidate and a live version of accuracy 0.9 and F1 0.89, row by row."""
    accuracy = Decimal("0.9") + Decimal(gained - lost) / ROWS
    error = Decimal("0.01")

    def about(delta):
        return MetricComparison(delta, delta - 2 * error, delta + 2 * error, error)

    comparison = Comparison(
        rows=ROWS,
        changed=gained + lost,
        gained=gained,
        lost=lost,
        p_value=PValue("1"),
        resamples=10_000,
        metrics={"accuracy": about(accuracy - Decimal("0.9")), "f1_macro": about(Decimal(0))},
        slices_tested=25,
    )
    live_metrics = {"accuracy": Decimal("0.9"), "f1_macro": Decimal("0.89")}
    known = {"live_version": world.version(live), "live_metrics": live_metrics, "live_evidence": Evidence.PAIRED}
    return {"accuracy": str(accuracy), "comparison": comparison, **known, **fields}


class TestAPersonDecides:
    def test_on_a_gain_that_is_too_good_with_the_findings_kept_and_the_reason_recorded(self, world):
        govern(world, GateName.GAIN_BELIEVABLE)
        world.promote("first", accuracy="0.8000")
        world.train(accuracy="0.9000")
        status = world.status()
        assert (status.stage, status.verdict, status.reason) == (Stage.AWAITING_APPROVAL, None, "GainNotBelievable")
        assert status.message.startswith("accuracy +0.1000 is a larger gain than is believed unseen (maxGain 0.05)")
        assert status.waiting.startswith(status.message)
        assert any(finding.gate == "GainBelievable" for finding in status.findings)
        world.approve(reason="the holdout\nwas cleaned")
        world.bake()
        status = world.status()
        assert (status.verdict, status.approved_by, status.approval_reason) == (Verdict.PROMOTED, "ada", "the holdout?was cleaned")
        assert world.model.status.versions[-1].message.endswith("; approved by ada (the holdout?was cleaned)")
        (told,) = world.told("CandidateApproved")
        assert told.startswith("approved by ada (the holdout?was cleaned): accuracy +0.1000")

    def test_on_what_is_inconclusive_only_where_the_owner_wants_it(self, world):
        world.promote("first")
        govern(world, GateName.NON_INFERIOR)
        world.train("unsure", **measured(world, "first", 4, 5))
        assert world.verdict("unsure") == (Verdict.INCONCLUSIVE, "NotEnoughEvidence")
        govern(world, GateName.NON_INFERIOR, on_inconclusive=OnInconclusive.AWAIT_APPROVAL)
        world.train(**measured(world, "first", 4, 5))
        assert world.status().stage is Stage.AWAITING_APPROVAL
        assert "holdout rows, has 300; waits for a person to approve it" in world.status().waiting
        world.approve()
        world.bake()
        assert world.verdict()[0] is Verdict.PROMOTED
        assert world.status().message.endswith("; approved by ada"), "the gates alone have not let it pass"

    def test_and_if_nobody_does_it_expires(self, world):
        govern(world, GateName.GAIN_BELIEVABLE)
        world.promote("first", accuracy="0.8000")
        world.train(accuracy="0.9000")
        world.wait()
        assert world.verdict()[0] is Verdict.EXPIRED
        assert world.served == world.version("first")

    def test_and_what_was_accepted_anyway_keeps_its_words_unless_a_reason_is_given(self, world):
        for name, reason, ending in (("a", "", "tolerance"), ("b", "nightly", "; approved by ada (nightly)")):
            world.ask(name, policy=Rules(promotion=Promotion.MANUAL))
            world.trained(name)
            world.approve(name, reason=reason)
            world.bake()
            assert world.status(name).message.endswith(ending if name == "b" else "No previous model to compare against")

    def test_and_an_endless_reason_is_recorded_as_far_as_there_is_room(self, world):
        world.ask(policy=Rules(promotion=Promotion.MANUAL))
        world.trained()
        world.approve(reason="a" * 5000)
        assert world.status().approval_reason == "a" * 1024


class TestApprovingOnesOwnRequest:
    @pytest.fixture
    def forbidden(self, world):
        policy = replace(world.model.spec.policy, promotion=Promotion.MANUAL, approvals=Approvals(forbid_own=True))
        world.edit_model(replace(world.model.spec, policy=policy))
        return world

    def test_is_allowed_where_nothing_is_said(self, world):
        world.ask(by="ada", policy=Rules(promotion=Promotion.MANUAL))
        world.trained()
        world.approve(by="ada")
        assert world.status().approved_by == "ada"

    def test_counts_for_nothing_where_the_owner_forbids_it_and_says_so(self, forbidden):
        forbidden.ask(by="ada")
        forbidden.trained()
        forbidden.approve(by="ada")
        status = forbidden.status()
        assert (status.stage, status.approved_by, status.unchecked_approval) == (Stage.AWAITING_APPROVAL, "", "ada")
        assert "forbidOwn asks for somebody else" in status.waiting
        forbidden.wait()
        assert forbidden.verdict()[0] is Verdict.EXPIRED

    def test_somebody_else_approves(self, forbidden):
        forbidden.ask(by="ada")
        forbidden.trained()
        forbidden.approve(by="bob")
        forbidden.bake()
        assert forbidden.verdict()[0] is Verdict.PROMOTED

    def test_where_it_is_not_known_who_asked_nobody_approves(self, forbidden):
        forbidden.ask()
        forbidden.trained()
        forbidden.approve(by="bob")
        assert forbidden.status().stage is Stage.AWAITING_APPROVAL

    def test_nor_where_anybody_could_have_written_who_asked(self, forbidden):
        forbidden.ask(by="ada")
        forbidden.trained()
        forbidden.attended = False
        forbidden.approve(by="bob")
        forbidden.act_on(replace(forbidden.observe(), requesters_checked=False))
        assert "forbidOwn" in forbidden.status().waiting

    def test_what_counts_is_the_policy_that_the_request_started_with(self, forbidden):
        forbidden.ask(by="ada")
        forbidden.trained()
        forbidden.edit_model(replace(forbidden.model.spec, policy=replace(forbidden.model.spec.policy, approvals=Approvals())))
        forbidden.approve(by="ada")
        assert forbidden.status().stage is Stage.AWAITING_APPROVAL


class TestNothingNew:
    def test_is_a_verdict_of_its_own_and_rolls_nothing_out(self, world):
        govern(world, GateName.SOMETHING_CHANGED)
        world.promote("first", model_digest=digest("model"))
        world.train(model_digest=digest("model"))
        assert world.verdict() == (Verdict.UNCHANGED, "NothingChanged")
        assert world.served == world.version("first")
        assert world.told("CandidateUnchanged") == ["The candidate is the live model once more: their model digests are equal"]
        assert world.model.status.versions[-1].verdict is Verdict.UNCHANGED

    def test_the_live_models_digest_is_frozen_with_its_numbers(self, world):
        world.promote("first", model_digest=digest("model"))
        world.ask()
        assert world.status().frozen.baseline.model_digest == digest("model")


def below(world):
    return {name: str(distance) for name, distance in world.model.status.live.below_best.items()}


class TestTheBudgetOfLosses:
    def test_is_kept_for_the_live_model_and_for_each_version(self, world):
        world.promote("first", accuracy="0.9000")
        assert below(world) == {}
        world.promote("a", accuracy="0.8950")
        world.promote("b", accuracy="0.8980")
        assert below(world) == {"accuracy": "0.002"}
        assert [dict(each.below_best) for each in world.model.status.versions] == [
            {},
            {"accuracy": Decimal("0.005")},
            {"accuracy": Decimal("0.002")},
        ]
        world.promote("better", accuracy="0.9100")
        assert below(world) == {}

    def test_counts_nothing_that_was_not_promoted(self, world):
        world.promote("first", accuracy="0.9000")
        world.train("worse", accuracy="0.1")
        assert below(world) == {}

    def test_refuses_the_last_of_many_small_losses(self, world):
        govern(world, GateName.WITHIN_TOTAL_BUDGET)
        for name, accuracy in (("first", "0.9000"), ("a", "0.8920"), ("b", "0.8840"), ("c", "0.8810")):
            world.promote(name, accuracy=accuracy)
        world.train(accuracy="0.8790")
        assert world.verdict() == (Verdict.REJECTED, "TotalBudgetExceeded")
        assert world.status().frozen.baseline.below_best == {"accuracy": Decimal("0.019")}
        assert world.status().message == (
            "accuracy would be 0.021 below the best since the last re-base, 0.019 of it by earlier promotions (maxTotalDrop 0.02)"
        )

    def test_counts_what_was_measured_row_by_row_before_recorded_numbers_and_marks_which(self, world):
        world.promote("first")
        world.promote("recorded", accuracy="0.8950")
        assert world.model.status.live.evidence is Evidence.ANNOTATED
        world.promote("paired", **measured(world, "recorded", 4, 5))
        assert world.model.status.live.evidence is Evidence.PAIRED
        assert below(world) == {"accuracy": "0.0083333333"}, "-0.005 as recorded, and one row of 300 as measured"
        assert [each.evidence for each in world.model.status.versions] == [Evidence.NONE, Evidence.ANNOTATED, Evidence.PAIRED]

    def test_is_restored_by_a_pin(self, world):
        world.promote("first", accuracy="0.9000")
        world.promote("a", accuracy="0.8950")
        world.promote("b", accuracy="0.8900")
        world.pin(world.version("a"))
        world.job_completes(world.model.status.verification.job_name, "")
        world.bake()
        assert below(world) == {"accuracy": "0.005"}
        assert world.model.status.live.evidence is Evidence.ANNOTATED

    def test_begins_anew_with_other_numbers_that_a_person_signs_for(self, world):
        world.promote("first", accuracy="0.9000")
        world.promote("a", accuracy="0.8950")
        world.annotate_model(accuracy="0.8900")
        world.annotate_model(rebased_by="alice")
        assert below(world) == {}

    def test_begins_anew_with_the_very_numbers_of_the_record_and_says_what_was_forgiven(self, world):
        world.promote("first", accuracy="0.9000")
        world.promote("a", accuracy="0.8950")
        world.annotate_model(rebased_by="alice")
        assert below(world) == {}
        (told,) = world.told("BaselineRebased")
        assert told.startswith(f"alice accepted the numbers of live version {world.version('a')}: ")
        assert told.endswith(": the budget of losses begins anew (accuracy was 0.005 below the best)")
        assert world.condition("Ready") == ("True", "Serving")

    def test_does_not_begin_anew_by_a_signature_that_nobody_checked(self, world):
        world.promote("first", accuracy="0.9000")
        world.promote("a", accuracy="0.8950")
        world.policies_in_force = False
        world.annotate_model(rebased_by="alice")
        assert below(world) == {"accuracy": "0.005"}


def uses(world):
    return world.model.status.holdouts


class TestDecisionsOnAHoldout:
    def test_are_counted_once_for_each_request_that_was_judged(self, world):
        world.promote("first")
        world.train("worse", accuracy="0.1")
        world.ask("dry", policy=Rules(promotion=Promotion.DRY_RUN))
        world.trained("dry")
        assert uses(world) == (HoldoutUse(HOLDOUT, 3),)

    def test_are_none_where_nothing_was_judged(self, world):
        world.ask()
        world.trainer_ends(world.version(), 1)
        world.train("blind", holdout_digest="", holdout_rows=0)
        assert uses(world) == ()

    def test_are_counted_once_for_a_request_that_waits_and_is_then_approved(self, world):
        world.ask(policy=Rules(promotion=Promotion.MANUAL))
        world.trained()
        assert uses(world) == (HoldoutUse(HOLDOUT, 1),)
        world.approve()
        world.bake()
        assert world.verdict()[0] is Verdict.PROMOTED
        assert uses(world) == (HoldoutUse(HOLDOUT, 1),)

    def test_are_counted_once_for_a_request_that_waits_twice(self, world):
        world.ask(policy=Rules(promotion=Promotion.MANUAL))
        world.trained()
        world.edit_deployment(paused=True)
        world.approve()
        world.pin("v5")
        world.edit_deployment(paused=False)
        assert world.status().stage is Stage.AWAITING_APPROVAL
        assert uses(world) == (HoldoutUse(HOLDOUT, 1),)

    @pytest.mark.parametrize("when", ["while it waits", "during its rollout"])
    def test_are_counted_for_a_request_that_is_deleted(self, world, when):
        world.ask(policy=Rules(promotion=Promotion.MANUAL if when == "while it waits" else Promotion.AUTOMATIC))
        world.trained()
        world.delete_request()
        world.bake()
        assert uses(world) == (HoldoutUse(HOLDOUT, 1),)

    def test_are_known_of_the_holdouts_that_were_used_last(self, world):
        world.edit_model(replace(world.model.spec, history=History(rejected=50)))  # so that no prune Job keeps the queue waiting
        world.promote("first", holdout_digest=digest("0"))
        for number in (*range(1, MOST_HOLDOUTS), 0, MOST_HOLDOUTS):
            world.train(f"n{number}", accuracy="0.1", holdout_digest=digest(str(number)))
        assert len(uses(world)) == MOST_HOLDOUTS
        assert uses(world)[-2:] == (HoldoutUse(digest("0"), 2), HoldoutUse(digest(str(MOST_HOLDOUTS)), 1))
        assert digest("1") not in {use.digest for use in uses(world)}

    def test_wear_it_out(self, world):
        govern(world, GateName.HOLDOUT_NOT_WORN_OUT, max_decisions=2)
        world.promote("first")
        world.train("second", accuracy="0.1")
        world.train("third")
        assert world.verdict("third") == (Verdict.INCONCLUSIVE, "HoldoutWornOut")
        assert world.status("third").message == (
            "This is decision 3 on this holdout, and the policy takes 2 (maxDecisions): rotate the holdout"
        )
        world.train("rotated", holdout_digest=digest("another"), **rescored(world))
        assert world.status("rotated").stage is Stage.ROLLING_OUT


def rescored(world):
    metrics = {"accuracy": Decimal("0.9"), "f1_macro": Decimal("0.89")}
    return {"live_version": world.version("first"), "live_metrics": metrics, "live_evidence": Evidence.RESCORED}


def test_a_request_for_strict_is_judged_by_it_and_the_policy_that_counted_is_recorded(world):
    world.promote("first")
    world.ask(policy=Rules(profile=Profile.STRICT))
    world.trained(**measured(world, "first", 4, 5))
    assert world.verdict()[0] is Verdict.INCONCLUSIVE
    frozen = world.status().frozen.policy
    assert frozen.mode(GateName.NON_INFERIOR) is frozen.mode(GateName.METRIC_WITHIN_TOLERANCE) is Mode.ENFORCE


def test_debug_tells_warnings_from_what_decides(world):
    world.promote("first")
    world.train("worse", accuracy="0.8000")
    why = next(step.why for step in reversed(world.steps) if "its report is here" in step.why)
    assert "; MetricWithinTolerance Rejected (" in why
    assert "; warning: NonInferior NotMeasured (" in why


def test_by_default_nothing_but_the_point_rule_decides(world):
    assert world.model.spec.policy == Policy(world.model.spec.policy.metrics)
    world.promote("first", accuracy="0.5000", f1_macro="0.5000", leakage=None)
    world.promote(accuracy="0.9000", f1_macro="0.9000", leakage=None)
    assert world.status().message == "Performance improved: accuracy +0.4000, F1 +0.4000"


class TestTheRecordCanBeReplayed:
    """What each version was judged on is kept, whatever became of its request."""

    def replayed(self, world):
        policy = world.model.spec.policy
        return {each.record.request_name: (each.record.verdict, each.verdict) for each in replay(world.model.status.versions, policy)}

    def test_by_the_same_policy_each_candidate_ends_as_it_did(self, world):
        world.promote("first")
        world.promote("better", accuracy="0.9100")
        world.train("worse", accuracy="0.8000")
        assert self.replayed(world) == {
            "first": (Verdict.PROMOTED, "Promoted"),
            "better": (Verdict.PROMOTED, "Promoted"),
            "worse": (Verdict.REJECTED, "Rejected"),
        }

    def test_also_one_whose_request_was_deleted_while_it_was_rolled_out(self, world):
        world.promote("first")
        world.train("better", accuracy="0.9100")
        world.delete_request("better")
        world.pods_become_ready()
        assert self.replayed(world)["better"] == (Verdict.ROLLED_BACK, "Promoted")

    def test_one_that_failed_before_it_was_judged_is_not_known(self, world):
        world.ask("crashed")
        world.trainer_ends(world.version("crashed"), 3)
        assert self.replayed(world) == {"crashed": (Verdict.FAILED, "")}
