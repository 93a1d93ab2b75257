"""Which gates decide: the table gate x profile, equal to that of docs/policy.md by a test."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class GateName(StrEnum):
    """The gates, in the order in which they are asked and their findings are listed."""

    POLICY_COMPLETE = "PolicyComplete"
    METRICS_VALID = "MetricsValid"
    SAME_HOLDOUT = "SameHoldout"
    HOLDOUT_LARGE_ENOUGH = "HoldoutLargeEnough"
    METRIC_WITHIN_TOLERANCE = "MetricWithinTolerance"
    NON_INFERIOR = "NonInferior"
    METRIC_FLOOR = "MetricFloor"
    GAIN_BELIEVABLE = "GainBelievable"
    NO_CLASS_LOST = "NoClassLost"
    NO_SLICE_REGRESSED = "NoSliceRegressed"
    NO_LEAKAGE = "NoLeakage"
    NEGATIVE_FLIPS_BOUNDED = "NegativeFlipsBounded"
    SOMETHING_CHANGED = "SomethingChanged"
    WITHIN_TOTAL_BUDGET = "WithinTotalBudget"
    HOLDOUT_NOT_WORN_OUT = "HoldoutNotWornOut"


class Mode(StrEnum):
    """What becomes of a gate's findings, the strictest first: they decide, they are only shown, the gate is not asked."""

    ENFORCE = "Enforce"
    WARN = "Warn"
    OFF = "Off"


class Profile(StrEnum):
    """A set of modes, the stricter one later."""

    SEED = "Seed"
    STRICT = "Strict"


# Without these there is nothing that the other gates could rest on: neither an owner nor a request can set them.
ALWAYS_ENFORCED: Final = frozenset({GateName.POLICY_COMPLETE, GateName.METRICS_VALID})

# The point rule is Seed's. Strict answers the same question by intervals, and shows the point rule beside them (docs/decisions/0017).
PROFILES: Final[Mapping[Profile, Mapping[GateName, Mode]]] = {
    Profile.SEED: dict.fromkeys(GateName, Mode.WARN) | dict.fromkeys((*ALWAYS_ENFORCED, GateName.METRIC_WITHIN_TOLERANCE), Mode.ENFORCE),
    Profile.STRICT: dict.fromkeys(GateName, Mode.ENFORCE) | {GateName.METRIC_WITHIN_TOLERANCE: Mode.WARN},
}


def strictest(*modes: Mode) -> Mode:
    """The one that decides most."""
    return min(modes, key=list(Mode).index)
