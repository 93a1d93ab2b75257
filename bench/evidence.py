"""The comparison of two models on one core: ``python -m bench.evidence CASE ROWS`` makes a holdout, compares, and prints what it took."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.results import Result
from modelsafeguard.core.comparison import RESAMPLES
from modelsafeguard.core.report import Evidence
from modelsafeguard.measure.compare import compare
from modelsafeguard.measure.live import LiveNumbers
from modelsafeguard.measure.predictions import ID_DIGEST, Predictions
from modelsafeguard.measure.scores import scores
from tests.support.binaries import ROOT

CLASSES: Final = 150
SECONDS: Final = 10
MEGABYTES: Final = 1000
TIMEOUT: Final = 1800

Codes = NDArray[np.int32]
# Wrong answers to rows of these labels.
Mistakes = Callable[[Codes, np.random.Generator], Codes]


def spread_evenly(label: Codes, rng: np.random.Generator) -> Codes:
    """Any other class is as likely."""
    wrong: Codes = ((label + rng.integers(1, CLASSES, len(label))) % CLASSES).astype(np.int32)
    return wrong


def neighbours(label: Codes, rng: np.random.Generator) -> Codes:
    """One of twenty classes, the likelier the nearer: as in real confusions, most mistakes are few."""
    weights = 1 / np.arange(1, 21) ** 2
    steps = rng.choice(np.arange(1, 21), len(label), p=weights / weights.sum())
    wrong: Codes = ((label + steps) % CLASSES).astype(np.int32)
    return wrong


@dataclass(frozen=True)
class Case:
    """A holdout: how wrong answers are drawn, and the share of them that each model gives."""

    what: str
    mistakes: Mistakes
    wrong: float


CASES: Final[Mapping[str, Case]] = {
    "few": Case("each class mistaken for a few others, 9 % errors", neighbours, 0.09),
    "even": Case("errors spread evenly, 10 %", spread_evenly, 0.10),
    "hostile": Case("errors spread evenly, 90 %", spread_evenly, 0.90),
}


def measure(rows: int) -> list[Result]:
    """Each case in a process of its own, beside nothing."""
    results = []
    for name, case in CASES.items():
        done = subprocess.run(  # noqa: S603 - this very module
            [sys.executable, "-m", "bench.evidence", name, str(rows)],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT,
        )
        found = json.loads(done.stdout)
        what = f"{rows:,} rows x {CLASSES} classes x {found['resamples']:,} resamples, {case.what}"
        fewer = "" if found["resamples"] == RESAMPLES else f"{found['cells']:,} distinct cells, so that there are fewer resamples"
        results += [
            Result(f"{what}: processor time", "s", found["seconds"], limit=SECONDS, remark=fewer),
            Result(f"{what}: most memory", "MB", found["megabytes"], limit=MEGABYTES),
        ]
    return results


def compared(case: Case, rows: int) -> dict[str, Any]:
    """What a comparison of so many rows takes of this process: its time alone, and the memory of all that it ever held."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, CLASSES, rows, dtype=np.int32)
    live, answers = (np.where(rng.random(rows) < case.wrong, case.mistakes(label, rng), label) for _ in range(2))
    names = tuple(f"class_{number}" for number in range(CLASSES))
    candidate = Predictions(np.zeros(rows, dtype=ID_DIGEST), names, label, answers, None, "sha256:" + "0" * 64)
    numbers = LiveNumbers("v-1", Evidence.PAIRED, scores(label, live), live)
    metrics = scores(label, answers)
    before = time.process_time()
    found = compare(candidate, numbers, metrics, names)
    seconds = time.process_time() - before
    assert found is not None  # both models' answers are there
    return {"seconds": seconds, "megabytes": _peak(), "cells": found.cells, "resamples": found.comparison.resamples}


def _peak() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    sys.stdout.write(json.dumps(compared(CASES[sys.argv[1]], int(sys.argv[2]))))
