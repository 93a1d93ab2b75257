"""The evidence held against other people's programs, and at a size that a pod must stand."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.multitest import multipletests

from modelsafeguard.core.handover import parse_handover
from modelsafeguard.core.text import text_digest
from modelsafeguard.measure.bootstrap import spreads
from modelsafeguard.measure.cells import cells_of
from modelsafeguard.measure.paired import holm, mcnemar
from tests.support.storage import frozen, judged_by

ROWS = 30_000
# MiB: what Python, numpy, scipy and scikit-learn take; what is drawn and added up at once, whatever the rows; and what so many rows may.
IMPORTED = 140
RESAMPLING = 120
OF_THE_ROWS = 25


def test_mcnemars_test_and_holms_correction_are_those_of_statsmodels():
    rng = np.random.default_rng(5)
    gained, lost = rng.integers(0, 60, 200), rng.integers(0, 90, 200)
    p = mcnemar(gained, lost)

    expected = [mcnemar_of_statsmodels([[0, gains], [losses, 0]], exact=True).pvalue for gains, losses in zip(gained, lost, strict=True)]
    assert p == pytest.approx(expected, rel=1e-9)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_the_spread_is_that_of_rows_drawn_one_by_one_and_scored_by_scikit_learn():
    rng = np.random.default_rng(2)
    label = rng.choice(6, 300, p=[0.4, 0.3, 0.15, 0.1, 0.04, 0.01]).astype(np.int32)
    live, candidate = (np.where(rng.random(300) < share, rng.integers(0, 6, 300), label).astype(np.int32) for share in (0.15, 0.2))

    def score(answers, drawn):
        f1 = [f1_score(label[drawn], answers[drawn], average=average, zero_division=0) for average in ("macro", "weighted")]
        return np.array([accuracy_score(label[drawn], answers[drawn]), *f1])

    resamples = (rng.integers(300, size=300) for _ in range(500))
    deltas = np.array([score(candidate, drawn) - score(live, drawn) for drawn in resamples])

    for (name, spread), column in zip(spreads(cells_of(label, live, candidate), seed=1).items(), deltas.T, strict=True):
        lower, upper = np.quantile(column, [0.025, 0.975])
        assert spread.standard_error == pytest.approx(column.std(), rel=0.08), name
        assert (spread.lower, spread.upper) == pytest.approx((lower, upper), abs=0.15 * (upper - lower)), name


PROGRAM = """
import os, sys
from pathlib import Path
from modelsafeguard.measure.__main__ import main

status = main(["publish"], dict(os.environ))
line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(status, int(line.split()[1]) // 1024)
"""


def trained(store, version, seed):
    """What a trainer writes: answers with 10 % errors on one holdout, three further columns, and texts of which a third was trained on."""
    folder = store / "staging" / version / "pod"
    folder.mkdir(parents=True)
    label = np.random.default_rng(0).integers(0, 150, ROWS)
    rng = np.random.default_rng(seed)
    answers = np.where(rng.random(ROWS) < 0.1, rng.integers(0, 150, ROWS), label)
    with (folder / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "predicted", "channel", "shop", "score"])
        values = zip(range(ROWS), label.tolist(), answers.tolist(), strict=True)
        writer.writerows((f"row-{row}", f"l{one}", f"l{two}", f"c{row % 7}", f"s{row % 1000}", row / 7) for row, one, two in values)
    with (folder / "holdout.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "text"), *((f"row-{row}", f"Where is my parcel, number {row}?") for row in range(ROWS))])
    with (folder / "train-digests.txt").open("w") as file:
        file.writelines(f"{text_digest(f'Where is my parcel, number {row}?')}\n" for row in range(0, ROWS, 3))
    means = {f"f1_{mean}": f1_score(label, answers, average=mean) for mean in ("macro", "weighted")}
    numbers = {"n_classes": 150, "n_features": 9, "n_samples": 9, "training_date": "2025-08-20"}
    (folder / "metrics.json").write_text(json.dumps({"accuracy": accuracy_score(label, answers), **means, **numbers}))


def published(store, version, live=""):
    reports = store / "reports"
    digest = json.loads((reports / f"{live}.json").read_text())["manifestDigest"] if live else ""
    environ = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OPENBLAS_NUM_THREADS": "1",
        "SAFEGUARD_STORE": str(store),
        "SAFEGUARD_TERMINATION_LOG": str(store / "termination-log"),
        "SAFEGUARD_VERSION": version,
        "POD_UID": "pod",
        **judged_by(frozen({"accuracy": "0.01"})),
        "SAFEGUARD_LIVE_VERSION": live,
        "SAFEGUARD_LIVE_DIGEST": digest,
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environ)
    status, peak = map(int, done.stdout.split())
    assert (status, done.stderr) == (0, "")
    return parse_handover((store / "termination-log").read_text(), version=version), peak


def test_many_rows_with_slices_texts_and_digests_are_published_in_bounded_memory(tmp_path):
    trained(tmp_path, "v-1", 1)
    trained(tmp_path, "v-2", 2)
    published(tmp_path, "v-1")

    report, peak = published(tmp_path, "v-2", "v-1")

    assert report.comparison.rows == ROWS
    assert report.comparison.slices_tested == 150 + 7 + 1000
    assert report.not_measured == {"Slices": "ColumnUnusable"}  # score
    assert (report.leakage.leaked, report.leakage.live_leaked) == (10_000, 10_000)
    assert peak < IMPORTED + RESAMPLING + OF_THE_ROWS
