"""What the gates look at: a candidate, the live model's numbers that count, and what was measured of the two together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from modelsafeguard.core.comparison import Comparison, Part, Unmeasured
from modelsafeguard.core.numbers import difference, objection
from modelsafeguard.core.report import Baseline, Evidence, Report

# Why there is no comparison, as the end of a sentence.
_WHY: Final[Mapping[Unmeasured, str]] = {
    Unmeasured.NO_PREDICTIONS: "the trainer wrote no predictions.csv",
    Unmeasured.NO_LIVE_VERSION: "no version with a folder of ours is live, and predictions.csv has no column live_predicted",
    Unmeasured.LIVE_DAMAGED: "the live version's files are not those that were published",
    Unmeasured.NO_LIVE_ANSWERS: "the live version's predictions are of another holdout, and predictions.csv has no column live_predicted",
    Unmeasured.COLUMN_UNUSABLE: "a column of predictions.csv cannot be used for slices",
    Unmeasured.NO_HOLDOUT_TEXTS: "the trainer wrote no holdout.csv",
    Unmeasured.NO_TRAIN_DIGESTS: "the trainer wrote no train-digests.txt",
    Unmeasured.TRAIN_DIGESTS_INVALID: "the live version's train-digests.txt is not valid",
}


@dataclass(frozen=True)
class Case:
    """All that the gates may look at.

    ``live`` holds the live model's numbers that the candidate is compared with and ``evidence`` says where they come from.
    With a baseline but ``Evidence.NONE`` there are none that may be compared, and ``obstacle`` is the sentence that says why.
    ``decisions`` were taken on the candidate's holdout, this one included; None where that is not known.
    """

    report: Report
    baseline: Baseline | None
    evidence: Evidence = Evidence.NONE
    live: Mapping[str, Decimal] = field(default_factory=dict)
    obstacle: str = ""
    decisions: int | None = None

    @property
    def measured_live(self) -> bool:
        """Whether what the report says of a live version is about the one that is the baseline."""
        return self.baseline is not None and self.report.live_version == self.baseline.version

    @property
    def comparison(self) -> Comparison | None:
        """Candidate and live model row by row; better evidence than any two numbers, so it counts whichever numbers ``live`` holds."""
        return self.report.comparison if self.measured_live else None

    @property
    def not_compared(self) -> str:
        """Why there is no comparison, as a sentence."""
        lead = "Candidate and live model were not compared row by row"
        if self.baseline and self.report.comparison and not self.measured_live:
            return f"{lead}: the comparison is with {self.report.live_version}, and {self.baseline.version} is live"
        return f"{lead}{self.why_not(Part.COMPARISON)}"

    def why_not(self, part: Part) -> str:
        """Why something was not measured, to be put behind a sentence that says so; '' where ``measure`` did not say."""
        reason = self.report.not_measured.get(part)
        return f": {_WHY[reason]}" if reason else ""

    def delta(self, name: str) -> Decimal | None:
        """Candidate minus live of one metric, or None where either is missing or not legal."""
        candidate, live = self.report.metrics.get(name), self.live.get(name)
        if candidate is None or live is None or objection(name, candidate) or objection(name, live):
            return None
        return difference(candidate, live)

    def best_delta(self, name: str) -> tuple[Decimal | None, Evidence]:
        """The delta by the best evidence that there is, and where it comes from: paired, or else that of the numbers."""
        compared = self.comparison.metrics.get(name) if self.comparison else None
        if compared and compared.delta.is_finite():
            return compared.delta, self.report.live_evidence
        return self.delta(name), self.evidence


def choose_baseline(report: Report, baseline: Baseline | None, decisions: int | None = None) -> Case:
    """Which numbers to compare with.

    The recorded (annotated) numbers count when they were measured on the candidate's holdout, or when it is not known on which
    holdout they were measured. Otherwise the live model's numbers on the candidate's own holdout count, if ``measure`` has them
    for this very live version. Numbers from two different holdouts are never compared.
    """
    if baseline is None:
        return Case(report, None, decisions=decisions)
    if baseline.holdout_digest in {"", report.holdout_digest}:
        return Case(report, baseline, Evidence.ANNOTATED, baseline.metrics, decisions=decisions)
    if report.live_evidence is not Evidence.NONE and report.live_version == baseline.version:
        return Case(report, baseline, report.live_evidence, report.live_metrics, decisions=decisions)
    candidate = "measured on another holdout" if report.holdout_digest else "without predictions.csv, so on an unknown holdout"
    return Case(
        report,
        baseline,
        obstacle=f"The live model {baseline.version} was measured on one holdout and the candidate {candidate}: let the trainer write "
        "predictions.csv with a live_predicted column, or train with the live model's holdout",
        decisions=decisions,
    )
