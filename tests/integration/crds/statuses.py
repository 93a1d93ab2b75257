"""A status of each kind with every field set, and the way that the operator writes one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from modelsafeguard.core.comparison import (
    Classes,
    Comparison,
    Leakage,
    MetricComparison,
    Part,
    SliceComparison,
    Unmeasured,
)
from modelsafeguard.core.model import (
    ActiveRequest,
    Best,
    Condition,
    HoldoutUse,
    LastRollout,
    Live,
    ModelStatus,
    PodMark,
    Prune,
    Rollout,
    RolloutPhase,
    ServingState,
    Verification,
    VersionRecord,
    WaitingVersion,
)
from modelsafeguard.core.numbers import PValue
from modelsafeguard.core.policy import Approvals, GateMode, MetricRule, OnInconclusive, Policy, Promotion
from modelsafeguard.core.profiles import GateName, Mode, Profile
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.core.request import Frozen, JobRef, RequestStatus, Stage
from modelsafeguard.core.verdict import Finding, Outcome, Verdict
from tests.support.objects import digest

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
VERSION = "nightly-8-1f0c9a2e"
METRICS = {"accuracy": Decimal("0.8542"), "f1_macro": Decimal("0.80"), "n_samples": Decimal(1250)}
CONDITION = Condition("Ready", "False", "ClaimNotFound", "PersistentVolumeClaim models does not exist; create it", NOW, 3)
SERVING = ServingState(sub_path=f"intents/versions/{VERSION}", version=VERSION, digest=digest("manifest"), annotation=VERSION)
LIVE = Live(
    version=VERSION,
    metrics=METRICS,
    since=NOW,
    serving=SERVING,
    holdout_digest=digest("holdout"),
    manifest_digest=digest("manifest"),
    model_digest=digest("model"),
    training_date="2026-01-31T11:00:00",
    request_uid="uid",
    adopted=True,
    published=True,
    below_best={"accuracy": Decimal("0.0083333333")},
    evidence=Evidence.ANNOTATED,
)
MODEL_STATUS = ModelStatus(
    observed_generation=3,
    found=SERVING,
    live=LIVE,
    active_request=ActiveRequest("nightly-8", "uid", judged=True),
    rollout=Rollout(
        request_name="nightly-8",
        request_uid="uid",
        phase=RolloutPhase.UNDOING,
        from_=SERVING,
        to=SERVING,
        candidate=LIVE,
        started_at=NOW,
        deadline=LATER,
        message="new pods did not become ready",
        generation=7,
        patched_at=NOW,
        bake_until=LATER,
        pods=(PodMark("pod-uid", 2, NOW),),
        verdict=Verdict.ROLLED_BACK,
        reason="DeadlineExceeded",
        judged='{"decisions":1}',
    ),
    last_rollout=LastRollout("uid", Verdict.PROMOTED, "Promoted", "Performance maintained within tolerance", NOW),
    best=Best(VERSION, METRICS),
    versions=(
        VersionRecord(
            VERSION, "nightly-8", "uid", Verdict.REJECTED, "PerformanceDegraded", "Performance degraded: accuracy -0.0500, F1 -0.0800", NOW,
            METRICS, digest("manifest"), digest("model"), digest("holdout"), "2026-01-31T11:00:00", pruned=True,
            below_best={"accuracy": Decimal("0.005")}, evidence=Evidence.PAIRED, judged='{"decisions":1}',
        ),
    ),
    awaiting_approval=(WaitingVersion(VERSION, "nightly-8", "uid"),),
    holdouts=(HoldoutUse(digest("holdout"), 51),),
    prune=Prune("intents-prune-0f0f0f0f", (VERSION,), NOW),
    verification=Verification("intents-verify-0f0f0f0f", VERSION, digest("manifest"), NOW, "job-uid"),
    rebased_by="alice",
    publish_refused="403 Forbidden",
    conditions=(CONDITION,),
)  # fmt: skip
REPORT = Report(
    version=VERSION,
    manifest_digest=digest("manifest"),
    model_digest=digest("model"),
    metrics=METRICS,
    training_date="2026-01-31T11:00:00",
    holdout_digest=digest("holdout"),
    holdout_rows=300,
    live_version="nightly-7-aaaaaaaa",
    live_metrics=METRICS,
    live_evidence=Evidence.PAIRED,
    comparison=Comparison(
        rows=300,
        changed=42,
        gained=20,
        lost=12,
        p_value=PValue("0.215"),
        resamples=10_000,
        metrics={"accuracy": MetricComparison(Decimal("0.0266666667"), Decimal("-0.01"), Decimal("0.063333"), Decimal("0.01879"))},
        slices_tested=31,
        slices=(SliceComparison("domain", "banking", 90, 1, 9, PValue("3.05e-41")),),
        classes_lost=Classes(2, ("freeze_account",)),
        classes_gained=Classes(1, ("travel_notification",)),
    ),
    leakage=Leakage(300, 2, 1),
    not_measured={Part.SLICES: Unmeasured.COLUMN_UNUSABLE},
)
REQUEST_STATUS = RequestStatus(
    observed_generation=1,
    stage=Stage.FINISHED,
    verdict=Verdict.REJECTED,
    reason="PerformanceDegraded",
    message="Performance degraded: accuracy -0.0500, F1 -0.0800",
    model_uid="model-uid",
    version=VERSION,
    frozen=Frozen(
        "model-uid",
        3,
        Policy(
            (MetricRule("accuracy", Decimal("0.010"), Decimal("0.8"), Decimal("0.02"), Decimal("0.015")),),
            Promotion.MANUAL,
            Profile.STRICT,
            gates=(GateMode(GateName.NO_LEAKAGE, Mode.OFF),),
            max_slice_drop=Decimal("0.02"),
            max_negative_flips=Decimal("0.05"),
            on_inconclusive=OnInconclusive.AWAIT_APPROVAL,
            approvals=Approvals(forbid_own=True),
            approval_deadline_seconds=3600,
        ),
        Baseline("nightly-7-aaaaaaaa", METRICS, digest("holdout"), digest("model"), {"accuracy": Decimal("0.005")}),
    ),
    job=JobRef(VERSION, "job-uid"),
    reader=JobRef(f"{VERSION}-r", "reader-uid"),
    report=REPORT,
    findings=(
        Finding("MetricWithinTolerance", Outcome.REJECTED, "PerformanceDegraded", "accuracy -0.0500", {"delta": "-0.05"}, Mode.WARN),
    ),
    decisions=51,
    deltas={"accuracy": "-0.0500", "f1_macro": "-0.0800"},
    waiting="ImagePullBackOff: no such image",
    approved_by="ada",
    approval_reason="compared by hand",
    unchecked_approval="mallory",
    started_at=NOW,
    deadline=LATER,
    finished_at=LATER,
    conditions=(replace(CONDITION, type="Finished", status="True"),),
)


def written(body, status):
    """All that a status write sends."""
    metadata = {key: body["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata, "status": status}
