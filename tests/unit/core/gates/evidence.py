"""Candidates, live models and what was measured of the two: as short as a table needs them."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from modelsafeguard.core.comparison import Classes, Comparison, Leakage, MetricComparison, SliceComparison
from modelsafeguard.core.gates import GATES, Case, choose_baseline
from modelsafeguard.core.numbers import PValue
from modelsafeguard.core.policy import GateMode, MetricRule, Policy
from modelsafeguard.core.profiles import GateName, Mode, Profile
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.core.verdict import Outcome

HOLDOUT, OTHER_HOLDOUT = (f"sha256:{digit * 64}" for digit in "ab")
CANDIDATE_MODEL, LIVE_MODEL = (f"sha256:{digit * 64}" for digit in "cd")
LIVE, CANDIDATE = "nightly-1", "nightly-2"
ROWS: Final = 4500
NOT_COMPARED: Final = "Candidate and live model were not compared row by row"


def numbers(**values: str) -> dict[str, Decimal]:
    return {name: Decimal(value) for name, value in values.items()}


def rule(name: str = "accuracy", max_drop: str = "0.01", **others: str) -> MetricRule:
    return MetricRule(name, Decimal(max_drop), **numbers(**others))


def policy(*rules: MetricRule, gates: Mapping[GateName, Mode] | None = None, **fields: Any) -> Policy:
    modes = tuple(GateMode(name, mode) for name, mode in (gates or {}).items())
    return Policy(rules or (rule(),), gates=modes, **fields)


def strict(*rules: MetricRule, **fields: Any) -> Policy:
    return policy(*rules, profile=Profile.STRICT, **fields)


def only(gate: GateName, *rules: MetricRule, **fields: Any) -> Policy:
    """A policy in which this gate decides, beside those that always do."""
    return policy(*rules, gates=dict.fromkeys(GateName, Mode.OFF) | {gate: Mode.ENFORCE}, **fields)


def interval(delta: str, lower: str, upper: str) -> MetricComparison:
    width = (Decimal(upper) - Decimal(lower)).copy_abs()
    return MetricComparison(Decimal(delta), Decimal(lower), Decimal(upper), round(width / Decimal("3.92"), 6))


def compared(*accuracy: str, rows: int = ROWS, gained: int = 30, lost: int = 30, p: str = "1", **fields: Any) -> Comparison:
    """A comparison by the interval of accuracy: delta, lower, upper."""
    plain = Comparison(
        rows=rows,
        changed=fields.pop("changed", gained + lost),
        gained=gained,
        lost=lost,
        p_value=PValue(p),
        resamples=10_000,
        metrics={"accuracy": interval(*(accuracy or ("0", "-0.0034", "0.0034")))},
        slices_tested=160,
    )
    return replace(plain, **fields)


def part(value: str, rows: int, gained: int, lost: int, p: str) -> SliceComparison:
    return SliceComparison("domain", value, rows, gained, lost, PValue(p))


def classes(*names: str, count: int | None = None) -> Classes:
    return Classes(len(names) if count is None else count, names)


def report(comparison: Comparison | None = None, *, accuracy: str = "0.9", live: str = "0.9", **fields: Any) -> Report:
    """A candidate, measured on ``HOLDOUT`` like the live model where there is a comparison."""
    plain = Report(
        version=CANDIDATE,
        manifest_digest="sha256:" + "0" * 64,
        model_digest=CANDIDATE_MODEL,
        metrics=numbers(accuracy=accuracy),
        training_date="2026-01-02T03:04:05",
        holdout_digest=HOLDOUT,
        holdout_rows=comparison.rows if comparison else ROWS,
        leakage=Leakage(ROWS, 19, 19),
    )
    if comparison:
        plain = replace(plain, comparison=comparison, live_version=LIVE, live_metrics=numbers(accuracy=live), live_evidence=Evidence.PAIRED)
    return replace(plain, **fields)


def baseline(accuracy: str = "0.9", **fields: Any) -> Baseline:
    return replace(Baseline(LIVE, numbers(accuracy=accuracy), HOLDOUT, LIVE_MODEL), **fields)


def case(measured: Report | Comparison | None = None, live: Baseline | None = baseline(), decisions: int | None = 1) -> Case:  # noqa: B008 - a frozen value
    return choose_baseline(measured if isinstance(measured, Report) else report(measured), live, decisions)


FIRST = case(report(), None)


def findings(gate: GateName, asked: Case, rules: Policy) -> list[tuple[Outcome, str, str]]:
    """What a gate finds: outcome, reason, sentence."""
    found = list(GATES[gate](asked, rules))
    assert {each.gate for each in found} <= {gate}
    return [(each.outcome, each.reason, each.message) for each in found]
