from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.model import Parameter, ServingState
from modelsafeguard.core.policy import Policy, Promotion, Rules
from modelsafeguard.core.report import Evidence
from modelsafeguard.core.request import Stage
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.lifecycle.operators import Story
from tests.unit.core.lifecycle.world import FOUND


def test_the_first_model_is_promoted_without_a_baseline(world):
    world.promote()
    assert world.status().message == "No previous model to compare against"
    assert world.served == world.version() == world.model.status.live.version
    assert world.history.log == [
        "ml/intents nightly-1: ✅ Model retrained and hot reloaded successfully",
        "ml/intents nightly-1: Performance: No previous model to compare against",
    ]


def test_a_better_model_is_promoted_with_its_numbers(world):
    world.promote(accuracy="0.8000", f1_macro="0.7900")
    world.promote("nightly-2", accuracy="0.8500", f1_macro="0.8000")
    assert world.status("nightly-2").message == "Performance improved: accuracy +0.0500, F1 +0.0100"
    assert world.status("nightly-2").frozen.baseline.version == world.version("nightly-1")
    assert world.served == world.version("nightly-2")


def test_promoted_is_said_only_after_the_bake(world):
    world.train()
    world.pods_become_ready()
    assert world.status().stage is Stage.ROLLING_OUT
    world.clock_passes(59)
    assert world.verdict()[0] is None
    world.clock_passes(1)
    assert world.verdict() == (Verdict.PROMOTED, "Promoted")


def test_a_worse_model_is_rejected_and_the_deployment_untouched(world):
    world.promote(accuracy="0.9000")
    before = world.deployment
    world.train("nightly-2", accuracy="0.8500")
    assert world.verdict("nightly-2") == (Verdict.REJECTED, "PerformanceDegraded")
    assert world.status("nightly-2").message.startswith("Performance degraded: accuracy -0.0500")
    assert world.deployment == before


def test_an_exact_drop_of_the_tolerance_is_promoted(world):
    world.promote(accuracy="0.90", f1_macro="0.90")
    world.promote("nightly-2", accuracy="0.89", f1_macro="0.89")
    assert world.status("nightly-2").message == "Performance maintained within tolerance"


def test_numbers_of_two_holdouts_are_inconclusive(world):
    world.promote()
    world.train("nightly-2", holdout_digest="sha256:" + "1" * 64)
    assert world.verdict("nightly-2") == (Verdict.INCONCLUSIVE, "BaselineNotComparable")


def test_numbers_of_two_holdouts_are_compared_when_the_live_model_was_scored_again(world):
    world.promote()
    scored = {"accuracy": Decimal("0.5"), "f1_macro": Decimal("0.5")}
    again = {"live_version": world.version(), "live_metrics": scored, "live_evidence": Evidence.RESCORED}
    world.promote("nightly-2", accuracy="0.6", f1_macro="0.6", holdout_digest="sha256:" + "1" * 64, **again)
    assert world.status("nightly-2").message == "Performance improved: accuracy +0.1000, F1 +0.1000"


def test_a_dry_run_says_what_would_have_been_and_patches_nothing(world):
    world.ask(policy=Rules(promotion=Promotion.DRY_RUN))
    world.trained()
    assert world.verdict()[0] is Verdict.DRY_RUN
    assert world.status().message == "Would have been Promoted: No previous model to compare against"
    assert world.served is FOUND.version
    assert not world.history.patches


def test_a_trainer_that_crashes_fails_with_its_last_words(world):
    world.ask()
    world.trainer_ends(world.version(), 3, message="epoch 1\nno such file: train.csv\n\n")
    assert world.verdict() == (Verdict.FAILED, "TrainerCrashed")
    assert world.status().message == "the trainer ended with status 3: no such file: train.csv"


def test_a_trainer_that_writes_nan_fails_with_the_sentence_of_measure(world):
    world.ask()
    world.measure_refuses(world.version(), "MetricInvalid", "metrics.json: accuracy is NaN, which is not a finite number")
    assert world.verdict() == (Verdict.FAILED, "MetricInvalid")
    assert world.status().message == "metrics.json: accuracy is NaN, which is not a finite number"


def test_a_rollout_that_misses_its_deadline_is_rolled_back_with_the_pods_own_reason(world):
    world.promote()
    world.train("nightly-2")
    world.pods_fail("CrashLoopBackOff: model cannot be loaded")
    assert world.served == world.version("nightly-2")
    world.clock_passes(300)
    assert world.served == world.version("nightly-1")
    world.pods_become_ready()
    assert world.verdict("nightly-2") == (Verdict.ROLLED_BACK, "ProgressDeadlineExceeded")
    assert "0 of 2 new pods became ready in time (CrashLoopBackOff: model cannot be loaded)" in world.status("nightly-2").message
    assert world.model.status.live.version == world.version("nightly-1")


def test_parameters_that_the_owner_does_not_allow_fail_before_anything_is_made(world, spec):
    world.edit_model(replace(spec, trainer=replace(spec.trainer, parameters=(Parameter("dataset", "full|small", "full"),))))
    world.ask(parameters={"dataset": "; rm -rf /"})
    assert world.verdict() == (Verdict.FAILED, "InvalidParameters")
    assert not world.history.jobs_made


def test_a_stricter_request_counts(world):
    world.promote(accuracy="0.9000", f1_macro="0.9000")
    rule = replace(world.model.spec.policy.metrics[0], max_drop=Decimal(0))
    world.ask("nightly-2", policy=Rules((rule,)))
    world.trained("nightly-2", accuracy="0.8990", f1_macro="0.9000")
    assert world.verdict("nightly-2")[0] is Verdict.REJECTED


def test_a_policy_edited_during_training_counts_for_the_next_request(world, spec):
    world.promote(accuracy="0.9000", f1_macro="0.9000")
    world.ask("nightly-2")
    strict = tuple(replace(rule, max_drop=Decimal(-1)) for rule in spec.policy.metrics)
    world.edit_model(replace(spec, policy=Policy(strict)))
    world.trained("nightly-2", accuracy="0.9000", f1_macro="0.9000")
    world.bake()
    world.train("nightly-3", accuracy="0.9000", f1_macro="0.9000")
    assert world.verdict("nightly-2")[0] is Verdict.PROMOTED
    assert world.verdict("nightly-3") == (Verdict.REJECTED, "GainTooSmall")


@pytest.mark.parametrize(
    ("ending", "event"),
    [
        pytest.param(lambda world: world.promote(), "ModelPromoted", id="a promotion"),
        pytest.param(lambda world: (world.promote("first"), world.train(accuracy="0.1")), "CandidateRejected", id="a rejection"),
        pytest.param(lambda world: (world.ask(), world.trainer_ends(world.version(), 1)), "RetrainFailed", id="a failure"),
        pytest.param(lambda world: (world.suspend(), world.ask(), world.cancel()), "RequestCancelled", id="a cancelled queued request"),
        pytest.param(lambda world: (world.ask(), world.cancel()), "RequestCancelled", id="a cancelled training"),
    ],
)
def test_every_ending_is_told_once(world, ending, event):
    ending(world)
    uid = world.requests["nightly-1"].meta.uid
    assert [reason for (about, reason, key) in world.history.events if about == uid and key == "verdict"] == [event]
    assert sum("nightly-1: " in line for line in world.history.log) == 2


def test_a_first_rollout_that_fails_goes_back_to_what_was_found(world):
    world.train()
    world.pods_fail("CrashLoopBackOff")
    world.wait()
    assert world.verdict()[0] is Verdict.ROLLED_BACK
    assert world.deployment.serving == FOUND == world.model.status.found
    assert world.model.status.live is None


def test_what_was_found_may_be_nothing_at_all(spec):
    world = Story(spec, found=ServingState())
    world.train()
    world.pods_fail("CrashLoopBackOff")
    world.clock_passes(300)
    world.pods_become_ready()
    assert world.deployment.serving == ServingState()
    assert world.condition("Ready") == ("True", "NoModelYet")


def test_a_promotion_within_the_tolerance_is_told_with_its_numbers_and_logged_in_the_agreed_words(world):
    world.promote("first", accuracy="0.9000", f1_macro="0.8900")
    world.promote("second", accuracy="0.8960", f1_macro="0.8880")
    assert world.told("ModelPromoted")[-1] == "Performance maintained within tolerance (accuracy -0.0040, F1 -0.0020)"
    assert world.history.log[-1].endswith("Performance: Performance maintained within tolerance")


def test_a_request_that_was_deleted_as_its_rollout_ended_is_told_of_the_model(world):
    world.train()
    world.pods_become_ready()
    world.attended = False
    world.clock_passes(60)
    while world.model.status.rollout:
        world.perform_one_step()
    world.delete_request()
    world.attended = True
    world.run()
    assert len(world.told("ModelPromoted")) == 1
    assert world.history.log[-1].endswith("Performance: No previous model to compare against")
