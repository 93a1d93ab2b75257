"""Many retrainings in a row: what small losses come to, and how often an equally good model is refused by its parts."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.error_rates.holdouts import Flags, Pair
from bench.error_rates.rates import MARGIN
from modelsafeguard.core.gates.budget import below_best_after
from modelsafeguard.core.gates.case import choose_baseline
from modelsafeguard.core.judge import judge
from modelsafeguard.core.numbers import PValue
from modelsafeguard.core.policy import GateMode, MetricRule, Policy
from modelsafeguard.core.profiles import GateName, Mode, Profile
from modelsafeguard.measure.slices import SliceColumn, compare_slices

RETRAINS: Final = 26
LOSS: Final = 0.002  # that each candidate is truly worse than the live model
ROWS: Final = 3_000

CLASSES: Final = 150
OF_EACH: Final = 30
DOMAINS: Final = 10
# Beta's parameters, by which rows are 91 % right on average and 3.6 % of the answers change sides from one retraining to the next: what
# six retrainings on CLINC150 did.
EASE: Final = (0.2563, 0.02535)
SIGNIFICANT: Final = PValue("0.05")


@dataclass(frozen=True)
class Decline:
    """After so many retrainings: how many were promoted, and how far the live model has fallen, on the holdout and truly: mean and most."""

    promoted: float
    measured: tuple[float, float]
    truly: tuple[float, float]


def decline(policy: Policy, histories: int) -> Decline:
    """Histories in which each candidate is truly a little worse than the live model of its time, all measured on one holdout."""
    ends = np.array([_history(policy, seed) for seed in range(histories)])
    means, most = ends.mean(axis=0).tolist(), ends.max(axis=0).tolist()
    return Decline(means[0], (means[1], most[1]), (means[2], most[2]))


def _history(policy: Policy, seed: int) -> tuple[int, float, float]:
    """Each retraining draws each row anew, by how easy it is: what was luck in the live model's answers is not in the next one's."""
    rng = np.random.default_rng(seed)
    ease = rng.beta(*EASE, size=ROWS)
    first = live = rng.random(ROWS) < ease
    promoted, below = 0, dict[str, Decimal]()
    for retrain in range(RETRAINS):
        candidate = rng.random(ROWS) < ease * (1 - (promoted + 1) * LOSS / ease.mean())
        report, baseline = Pair.of(live, candidate).report(seed)
        baseline = replace(baseline, below_best=below)
        if judge(policy, report, baseline, decisions=retrain + 1).verdict is None:
            promoted, live = promoted + 1, candidate
            below = below_best_after(choose_baseline(report, baseline), policy)
    return promoted, float(first.mean() - live.mean()), promoted * LOSS


def policies() -> dict[str, Policy]:
    """The point rule alone, Strict without its budget, and Strict."""
    rules = (MetricRule("accuracy", MARGIN),)
    unbounded = (GateMode(GateName.WITHIN_TOTAL_BUDGET, Mode.OFF),)
    return {
        "Seed": Policy(rules),
        "Strict without WithinTotalBudget": Policy(rules, profile=Profile.STRICT, gates=unbounded),
        "Strict": Policy(rules, profile=Profile.STRICT),
        "Seed with WithinTotalBudget enforced": Policy(rules, gates=(GateMode(GateName.WITHIN_TOTAL_BUDGET, Mode.ENFORCE),)),
    }


def refused_by_parts(pairs: int) -> float:
    """The share of equally good retrainings that lost a slice beyond chance, or a class."""
    return sum(_part_lost(seed) for seed in range(pairs)) / pairs


def _part_lost(seed: int) -> bool:
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(CLASSES), OF_EACH)
    ease = rng.beta(*EASE, size=len(classes))
    before, after = rng.random((2, len(classes))) < ease
    columns = [_column("label", classes, CLASSES), _column("domain", classes % DOMAINS, DOMAINS)]
    slices = compare_slices(columns, after & ~before, before & ~after)
    regressed = any(one.lost > one.gained and one.p_value < SIGNIFICANT for one in slices)
    return regressed or bool((_known(classes, before) & ~_known(classes, after)).any())


def _known(classes: NDArray[Any], right: Flags) -> Flags:
    known: Flags = np.bincount(classes, weights=right, minlength=CLASSES) > 0
    return known


def _column(name: str, codes: NDArray[Any], size: int) -> SliceColumn:
    return SliceColumn(name, tuple(f"{name} {number}" for number in range(size)), codes)
