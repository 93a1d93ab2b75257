"""The comparison of two models as the full report has it: everything, and what follows from it, for people and programs to read."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from modelsafeguard.core.comparison import Comparison, Leakage, MetricComparison, SliceComparison
from modelsafeguard.core.numbers import compact, p_text
from modelsafeguard.measure.bootstrap import GENERATOR
from modelsafeguard.measure.compare import Compared


def comparison_details(compared: Compared | None, margins: Mapping[str, Decimal]) -> dict[str, Any]:
    """The whole comparison; ``margins`` are those of the policy."""
    if compared is None:
        return {}
    comparison = compared.comparison
    return {
        "rows": comparison.rows,
        "changed": comparison.changed,
        "gained": comparison.gained,
        "lost": comparison.lost,
        "pValue": p_text(comparison.p_value),
        "detectableDrop": compact(comparison.detectable_drop),
        "metrics": {name: _metric(metric) for name, metric in comparison.metrics.items()},
        "rowsNeeded": _rows_needed(comparison, margins),
        "slices": [_slice(one) for one in compared.slices],
        "classesLost": comparison.classes_lost.names,
        "classesGained": comparison.classes_gained.names,
        "resampling": {
            "resamples": comparison.resamples,
            "cells": compared.cells,
            "generator": GENERATOR,
            "seed": f"{compared.seed:064x}",
        },
    }


def leakage_details(leakage: Leakage | None) -> dict[str, Any]:
    """Leaked rows, and their share."""
    if leakage is None:
        return {}
    found = {"rows": leakage.rows, "leaked": leakage.leaked, "share": compact(leakage.share)}
    if leakage.live_share is not None:
        found |= {"liveLeaked": leakage.live_leaked or 0, "liveShare": compact(leakage.live_share)}
    return found


def _rows_needed(comparison: Comparison, margins: Mapping[str, Decimal]) -> dict[str, int]:
    needed = {name: comparison.rows_needed(name, margin) for name, margin in margins.items()}
    return {name: rows for name, rows in needed.items() if rows is not None}


def _metric(metric: MetricComparison) -> dict[str, str]:
    return {
        "delta": compact(metric.delta),
        "lower": compact(metric.lower),
        "upper": compact(metric.upper),
        "standardError": compact(metric.standard_error),
    }


def _slice(one: SliceComparison) -> dict[str, Any]:
    return {
        "column": one.column,
        "value": one.value,
        "rows": one.rows,
        "gained": one.gained,
        "lost": one.lost,
        "delta": compact(one.delta),
        "lower": compact(one.interval.lower),
        "upper": compact(one.interval.upper),
        "pValue": p_text(one.p_value),
    }
