"""Pairs of models that are drawn, not trained: how good each truly is, is known."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from modelsafeguard.core.comparison import Comparison, Leakage, MetricComparison, accuracy_error, estimate
from modelsafeguard.core.numbers import compact, p_value
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.measure.bootstrap import resamples_for, spreads
from modelsafeguard.measure.cells import Cells
from modelsafeguard.measure.paired import mcnemar

RIGHT: Final = 0.85  # of the live model's answers
Flags = NDArray[np.bool_]

LIVE, CANDIDATE = "live", "candidate"
_DIGEST: Final = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Pair:
    """What a holdout of ``rows`` shows of two models: how many it gained and lost, and how many both have right."""

    rows: int
    gained: int
    lost: int
    right: int

    @classmethod
    def drawn(cls, rng: np.random.Generator, rows: int, disagreement: float, delta: float) -> "Pair":
        """A holdout drawn at random, of which on average this share changes sides, and ``delta`` more are gained than lost.

        ``ValueError`` if so few change sides that the delta cannot be as large.
        """
        if abs(delta) > disagreement:
            raise ValueError("more rows are gained or lost than change sides")
        gained, lost = (disagreement + delta) / 2, (disagreement - delta) / 2
        counts = rng.multinomial(rows, [gained, lost, RIGHT - lost, 1 - RIGHT - gained])
        return cls(rows, int(counts[0]), int(counts[1]), int(counts[2]))

    @classmethod
    def of(cls, before: Flags, after: Flags) -> "Pair":
        """Of rows that the live model has right, and the candidate."""
        gained, lost, right = (int(np.count_nonzero(rows)) for rows in (after & ~before, before & ~after, before & after))
        return cls(len(before), gained, lost, right)

    @property
    def cells(self) -> Cells:
        """As ``measure`` counts them, of one class: the row's own label, or another one."""
        wrong = self.rows - self.gained - self.lost - self.right
        triples: NDArray[Any] = np.array([(0, 1, 0), (0, 0, 1), (0, 0, 0), (0, 1, 1)])
        counts = np.array([self.gained, self.lost, self.right, wrong])
        label, live, candidate = triples[counts > 0].T
        return Cells(label, live, candidate, counts[counts > 0], classes=2)

    def report(self, seed: int) -> tuple[Report, Baseline]:
        """What the operator would be handed over, of accuracy alone."""
        cells = self.cells
        spread = spreads(cells, seed)["accuracy"]
        live = _share(self.right + self.lost, self.rows)
        accuracy = _share(self.right + self.gained, self.rows)
        error = accuracy_error(self.rows, self.gained, self.lost)
        comparison = Comparison(
            rows=self.rows,
            changed=self.gained + self.lost,
            gained=self.gained,
            lost=self.lost,
            p_value=p_value(float(mcnemar(np.array([self.gained]), np.array([self.lost]))[0])),
            resamples=resamples_for(cells),
            metrics={"accuracy": MetricComparison(accuracy - live, estimate(spread.lower), estimate(spread.upper), Decimal(repr(error)))},
            slices_tested=1,
        )
        report = Report(
            version=CANDIDATE,
            manifest_digest=_DIGEST,
            model_digest="",
            metrics={"accuracy": accuracy},
            training_date="2026-01-01",
            holdout_digest=_DIGEST,
            holdout_rows=self.rows,
            live_version=LIVE,
            live_metrics={"accuracy": live},
            live_evidence=Evidence.PAIRED,
            comparison=comparison,
            leakage=Leakage(self.rows, 0, 0),
        )
        return report, Baseline(LIVE, {"accuracy": live}, _DIGEST)


def _share(count: int, rows: int) -> Decimal:
    return Decimal(compact(Decimal(count) / rows))
