"""How often each verdict is given, for models whose true difference is known."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

import numpy as np

from bench.error_rates.holdouts import Pair
from modelsafeguard.core.judge import judge
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import Profile
from modelsafeguard.core.verdict import Verdict

MARGIN: Final = Decimal("0.01")
ROWS: Final = (300, 1_000, 3_000, 10_000)
DISAGREEMENTS: Final = (0.02, 0.05, 0.10, 0.20)
# How much better the candidate truly is than the live model.
AT_THE_MARGIN, EQUAL, BETTER = -float(MARGIN), 0.0, float(MARGIN)


@dataclass(frozen=True)
class Rates:
    """Of many holdouts, the shares on which a pair of models is promoted and rejected, by one profile; the rest is Inconclusive."""

    profile: Profile
    rows: int
    disagreement: float
    delta: float
    promoted: float
    rejected: float


def rates(trials: int) -> Iterator[Rates]:
    """For each size of the holdout, each disagreement, each true difference, and each profile; both profiles judge the same holdouts."""
    cases = [(rows, disagreement, delta) for rows in ROWS for disagreement in DISAGREEMENTS for delta in (AT_THE_MARGIN, EQUAL, BETTER)]
    with ProcessPoolExecutor() as workers:
        for found in workers.map(partial(_rates, trials), cases):
            yield from found


def _rates(trials: int, case: tuple[int, float, float]) -> list[Rates]:
    rows, disagreement, delta = case
    rng = np.random.default_rng([rows, round(disagreement * 100), round(delta * 100) + 100])
    policies = {profile: Policy((MetricRule("accuracy", MARGIN),), profile=profile) for profile in Profile}
    seen: Counter[tuple[Profile, Verdict]] = Counter()
    for trial in range(trials):
        report, baseline = Pair.drawn(rng, rows, disagreement, delta).report(trial)
        for profile, policy in policies.items():
            seen[profile, judge(policy, report, baseline, decisions=1).verdict or Verdict.PROMOTED] += 1
    return [
        Rates(profile, *case, promoted=seen[profile, Verdict.PROMOTED] / trials, rejected=seen[profile, Verdict.REJECTED] / trials)
        for profile in policies
    ]
