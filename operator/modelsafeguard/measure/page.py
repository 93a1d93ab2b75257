"""The full report as a page: one file, nothing fetched, no script; readable on paper, in the dark, and by a screen reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from modelsafeguard.core.numbers import label, signed
from modelsafeguard.core.verdict import Verdict

# A page is for reading: what there is more of is counted, and stands in the JSON beside it.
MOST_SLICES: Final = 30
MOST_CLASSES: Final = 60
MOST_FILES: Final = 100

_WIDTH: Final = 600  # of a plot, in units of its own
_MARGIN: Final = 0.08  # of the plotted range, on either side

# Read here, and not when it is used: whatever the volume then does, this file is no part of it.
_TEMPLATE: Final = Environment(
    loader=PackageLoader("modelsafeguard.measure", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
).get_template("page.html.j2")


@dataclass(frozen=True)
class Plot:
    """An interval on an axis that holds 0 and the threshold as well; all places in units of the plot's width."""

    lower: float
    delta: float
    upper: float
    zero: float
    threshold: float

    @classmethod
    def of(cls, lower: Decimal, delta: Decimal, upper: Decimal, threshold: Decimal) -> "Plot":
        """Scaled so that everything is on it."""
        values = [float(value) for value in (lower, delta, upper, Decimal(0), threshold)]
        least, span = min(values), (max(values) - min(values)) or 1.0
        return cls(*(round(_WIDTH * (_MARGIN + (1 - 2 * _MARGIN) * (value - least) / span), 1) for value in values))


@dataclass(frozen=True)
class MetricRow:
    """One metric of the policy as the page shows it; what was not measured is empty."""

    name: str
    live: str
    candidate: str
    delta: str
    interval: str
    threshold: str
    plot: Plot | None


def page(report: Mapping[str, Any]) -> bytes:
    """The page of a full report (``report.full_report``)."""
    judgement = report["judgement"]
    comparison = report["comparison"]
    text = _TEMPLATE.render(
        report=report,
        verdict=_verdict(judgement),
        mood=_mood(judgement),
        metrics=[_metric(rule, report) for rule in report["frozen"]["policy"]["metrics"]],
        findings=judgement["findings"],
        slices=_some((each for each in comparison.get("slices", []) if each["gained"] or each["lost"]), MOST_SLICES),
        named=label,
        classes={key: _some(comparison[key], MOST_CLASSES) for key in ("classesLost", "classesGained") if comparison},
        lost=[flip for flip in report["flips"] if flip["live"] == flip["label"]],
        gained=[flip for flip in report["flips"] if flip["live"] != flip["label"]],
        files=_some(sorted(report["files"].items()), MOST_FILES),
        width=_WIDTH,
    )
    return text.encode()


def _verdict(judgement: Mapping[str, Any]) -> str:
    """The verdict's word; that of a candidate that has passed, or waits for a person, is still to come."""
    if judgement["verdict"]:
        return str(judgement["verdict"])
    return "Awaiting approval" if judgement["needsApproval"] else f"Accepted, to be {Verdict.PROMOTED}"


def _mood(judgement: Mapping[str, Any]) -> str:
    """How the verdict is to look: a second sign beside its word, never the only one."""
    if judgement["verdict"] in {Verdict.REJECTED, Verdict.FAILED}:
        return "bad"
    return "care" if judgement["verdict"] or judgement["needsApproval"] else "good"


@dataclass(frozen=True)
class _Some:
    """The first of many."""

    shown: list[Any]
    more: int


def _some(values: Iterable[Any], most: int) -> _Some:
    every = list(values)
    return _Some(every[:most], max(len(every) - most, 0))


def _metric(rule: Mapping[str, Any], report: Mapping[str, Any]) -> MetricRow:
    name, max_drop = rule["name"], Decimal(rule["maxDrop"])
    live = report["live"]["metrics"].get(name) or report["frozen"].get("baseline", {}).get("metrics", {}).get(name, "")
    candidate = report["recomputed"].get(name) or report["written"].get(name, "")
    compared = report["comparison"].get("metrics", {}).get(name)
    delta = compared["delta"] if compared else report["judgement"].get("deltas", {}).get(name, "")
    ends = [Decimal(compared[end]) for end in ("lower", "upper")] if compared else []
    return MetricRow(
        name=label(name),
        live=_rounded(live),
        candidate=_rounded(candidate),
        delta=signed(Decimal(delta), max_drop) if delta else "",
        interval=" to ".join(signed(end, max_drop) for end in ends),
        threshold=f"{-max_drop:+f}",
        plot=Plot.of(ends[0], Decimal(delta), ends[1], -max_drop) if ends else None,
    )


def _rounded(number: str) -> str:
    return f"{Decimal(number):.4f}" if number else ""
