"""The gates: an ordered table of small named checks, each ``(case, policy) -> findings``.

Every gate is closed on its own: what is not there, or not finite, passes none of them. All findings are kept; the worst of those that are
enforced decides (``judge.judge``). A further gate is one more function, one more row in ``GATES`` and one more in ``profiles.PROFILES``.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from modelsafeguard.core.gates.budget import within_total_budget
from modelsafeguard.core.gates.case import Case, choose_baseline
from modelsafeguard.core.gates.flips import negative_flips_bounded, something_changed
from modelsafeguard.core.gates.holdout import holdout_large_enough, holdout_not_worn_out, no_leakage, same_holdout
from modelsafeguard.core.gates.interval import non_inferior
from modelsafeguard.core.gates.parts import no_class_lost, no_slice_regressed
from modelsafeguard.core.gates.thresholds import gain_believable, metric_floor
from modelsafeguard.core.gates.tolerance import metric_within_tolerance
from modelsafeguard.core.gates.validity import metrics_valid, policy_complete
from modelsafeguard.core.policy import Policy
from modelsafeguard.core.profiles import GateName
from modelsafeguard.core.verdict import Finding

Gate = Callable[[Case, Policy], Iterator[Finding]]

GATES: Final[Mapping[GateName, Gate]] = {
    GateName.POLICY_COMPLETE: policy_complete,
    GateName.METRICS_VALID: metrics_valid,
    GateName.SAME_HOLDOUT: same_holdout,
    GateName.HOLDOUT_LARGE_ENOUGH: holdout_large_enough,
    GateName.METRIC_WITHIN_TOLERANCE: metric_within_tolerance,
    GateName.NON_INFERIOR: non_inferior,
    GateName.METRIC_FLOOR: metric_floor,
    GateName.GAIN_BELIEVABLE: gain_believable,
    GateName.NO_CLASS_LOST: no_class_lost,
    GateName.NO_SLICE_REGRESSED: no_slice_regressed,
    GateName.NO_LEAKAGE: no_leakage,
    GateName.NEGATIVE_FLIPS_BOUNDED: negative_flips_bounded,
    GateName.SOMETHING_CHANGED: something_changed,
    GateName.WITHIN_TOTAL_BUDGET: within_total_budget,
    GateName.HOLDOUT_NOT_WORN_OUT: holdout_not_worn_out,
}

__all__ = ["GATES", "Case", "Gate", "choose_baseline"]
