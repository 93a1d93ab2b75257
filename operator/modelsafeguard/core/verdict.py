"""The closed set of verdicts, and the findings that lead to one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Verdict(StrEnum):
    """How a request ended. Rejected is the guard working, Failed is something broken, Inconclusive is too little evidence."""

    PROMOTED = "Promoted"
    REJECTED = "Rejected"
    INCONCLUSIVE = "Inconclusive"
    FAILED = "Failed"
    ROLLED_BACK = "RolledBack"
    UNCHANGED = "Unchanged"
    DRY_RUN = "DryRun"
    CANCELLED = "Cancelled"
    SUPERSEDED = "Superseded"
    EXPIRED = "Expired"


class Outcome(StrEnum):
    """What one gate says, best first: the worst outcome of all gates decides."""

    PASSED = "Passed"
    NOT_MEASURED = "NotMeasured"
    INCONCLUSIVE = "Inconclusive"
    REJECTED = "Rejected"
    FAILED = "Failed"


class Reason(StrEnum):
    """The machine reasons of gates and judgements."""

    # What decides a whole judgement.
    NO_BASELINE = "NoBaseline"
    PERFORMANCE_IMPROVED = "PerformanceImproved"
    PERFORMANCE_MAINTAINED = "PerformanceMaintained"
    PERFORMANCE_DEGRADED = "PerformanceDegraded"
    GAIN_TOO_SMALL = "GainTooSmall"
    # What a gate found.
    POLICY_COMPLETE = "PolicyComplete"
    POLICY_INVALID = "PolicyInvalid"
    METRICS_VALID = "MetricsValid"
    METRIC_MISSING = "MetricMissing"
    METRIC_INVALID = "MetricInvalid"
    WITHIN_TOLERANCE = "WithinTolerance"
    BASELINE_INVALID = "BaselineInvalid"
    BASELINE_LACKS_METRIC = "BaselineLacksMetric"
    BASELINE_NOT_COMPARABLE = "BaselineNotComparable"


@dataclass(frozen=True)
class Finding:
    """What one gate found: a machine reason, a sentence for a person, and the numbers behind both."""

    gate: str
    outcome: Outcome
    reason: str
    message: str
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """The decision on one candidate.

    ``verdict`` is None when the candidate has passed: promoting it is still to be done, and only a rollout that held makes
    it Promoted. ``deltas`` are candidate minus baseline, rounded to ten digits after the point, empty without a baseline.
    """

    verdict: Verdict | None
    reason: str
    message: str
    findings: tuple[Finding, ...]
    deltas: Mapping[str, Decimal]


def worst(findings: Iterable[Finding]) -> Outcome:
    """The outcome that decides. Without any finding nothing has been shown, which is FAILED."""
    severity = list(Outcome)
    return max((finding.outcome for finding in findings), key=severity.index, default=Outcome.FAILED)


@dataclass(frozen=True)
class Ending:
    """How something ended: the verdict, a machine reason and a sentence."""

    verdict: Verdict
    reason: str
    message: str
