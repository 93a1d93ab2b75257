"""The closed set of verdicts, and the findings that lead to one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from modelsafeguard.core.profiles import Mode


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
    """What one gate says, best first: the worst outcome of all gates that are enforced decides.

    NeedsApproval waits for a person. Unchanged is worse than Inconclusive: that the model is the live one is known.
    """

    PASSED = "Passed"
    NEEDS_APPROVAL = "NeedsApproval"
    NOT_MEASURED = "NotMeasured"
    INCONCLUSIVE = "Inconclusive"
    UNCHANGED = "Unchanged"
    REJECTED = "Rejected"
    FAILED = "Failed"


class Reason(StrEnum):
    """The machine reasons of gates and judgements. A gate that passes without more to say gives its own name."""

    # What decides a whole judgement.
    NO_BASELINE = "NoBaseline"
    PERFORMANCE_IMPROVED = "PerformanceImproved"
    PERFORMANCE_MAINTAINED = "PerformanceMaintained"
    PERFORMANCE_DEGRADED = "PerformanceDegraded"
    GAIN_TOO_SMALL = "GainTooSmall"
    TOLERANCE_NOT_ENFORCED = "ToleranceNotEnforced"
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
    NOT_COMPARED = "NotCompared"
    NOT_MEASURED = "NotMeasured"
    HOLDOUT_UNKNOWN = "HoldoutUnknown"
    HOLDOUT_TOO_SMALL = "HoldoutTooSmall"
    HOLDOUT_WORN_OUT = "HoldoutWornOut"
    NOT_ENOUGH_EVIDENCE = "NotEnoughEvidence"
    BELOW_MINIMUM = "BelowMinimum"
    GAIN_NOT_BELIEVABLE = "GainNotBelievable"
    CLASS_LOST = "ClassLost"
    SLICE_REGRESSED = "SliceRegressed"
    LEAKAGE = "Leakage"
    TOO_MANY_NEGATIVE_FLIPS = "TooManyNegativeFlips"
    WORSE_BEYOND_CHANCE = "WorseBeyondChance"
    NOTHING_CHANGED = "NothingChanged"
    TOTAL_BUDGET_EXCEEDED = "TotalBudgetExceeded"


@dataclass(frozen=True)
class Finding:
    """What one gate found: a machine reason, a sentence for a person, and the numbers behind both. ``mode``: it decides, or only warns."""

    gate: str
    outcome: Outcome
    reason: str
    message: str
    numbers: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.ENFORCE


@dataclass(frozen=True)
class Judgement:
    """The decision on one candidate.

    ``verdict`` is None when the candidate has passed: promoting it is still to be done, and only a rollout that held makes
    it Promoted. It is None as well when ``needs_approval``: the gates leave it to a person. ``deltas`` are candidate minus baseline,
    rounded to ten digits after the point, empty without a baseline.
    """

    verdict: Verdict | None
    reason: str
    message: str
    findings: tuple[Finding, ...]
    deltas: Mapping[str, Decimal]
    needs_approval: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the candidate may be rolled out, and nobody has to be asked."""
        return self.verdict is None and not self.needs_approval

    @property
    def in_a_word(self) -> str:
        """The verdict, that of a candidate that is accepted being the one that a rollout which holds will give it; or what it waits for."""
        return self.verdict or ("AwaitingApproval" if self.needs_approval else Verdict.PROMOTED)


def worst(findings: Iterable[Finding]) -> Outcome:
    """The outcome that decides, of the findings that are enforced. Without any of those nothing has been shown, which is FAILED."""
    severity = list(Outcome)
    enforced = (finding.outcome for finding in findings if finding.mode is Mode.ENFORCE)
    return max(enforced, key=severity.index, default=Outcome.FAILED)


@dataclass(frozen=True)
class Ending:
    """How something ended: the verdict, a machine reason and a sentence."""

    verdict: Verdict
    reason: str
    message: str
