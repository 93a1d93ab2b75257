"""How much memory predictions take while they are read: measure's container has a limit of 1 GiB.

``SAFEGUARD_TEST_ROWS=1000000 pytest -s`` on this file measures the largest files that are accepted (half a minute each).
"""

import os
import subprocess
import sys

import pytest

from modelsafeguard.measure.predictions import MAX_BYTES, MAX_ROWS

ROWS = int(os.environ.get("SAFEGUARD_TEST_ROWS", "100000"))

# MiB of buffers, and of what is imported late.
WHATEVER_THE_ROWS = 8

# VmHWM and not getrusage: its ru_maxrss remembers, across exec, the size of the process that started this one.
PROGRAM = """
import sys
from pathlib import Path
from modelsafeguard.measure.folder import open_folder
from modelsafeguard.measure.predictions import read_predictions
from modelsafeguard.measure.scores import scores

def peak():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024

before = peak()
with open_folder(sys.argv[1]) as folder:
    candidate = read_predictions(folder)
    scores(candidate.label, candidate.predicted)
    live = read_predictions(folder)  # the live model's stored predictions, while the candidate's are held
print(candidate.rows, before, peak())
"""


def ordinary(row):
    return f"customer-row-{row:07d},label_{row % 150},label_{row % 149},label_{row % 7}\n"


def widest(row):
    """As many bytes as a row of the largest file may have on average; the last character makes each of a str take four bytes."""
    return f"{'i' * 235}{row:07d}\U0001f600,a,b,a\n"


@pytest.mark.parametrize(
    ("line", "bytes_a_row"), [pytest.param(ordinary, 250, id="ids of 20 bytes"), pytest.param(widest, 450, id="widest")]
)
def test_a_row_takes_a_bounded_number_of_bytes_while_it_is_read(tmp_path, line, bytes_a_row):
    with (tmp_path / "predictions.csv").open("w", encoding="utf-8") as file:
        file.write("id,label,predicted,live_predicted\n")
        file.writelines(line(row) for row in range(ROWS))
    assert MAX_BYTES * 0.9 < len(widest(0).encode()) * MAX_ROWS < MAX_BYTES

    environ = {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], capture_output=True, text=True, check=True, env=environ)

    read, before, peak = map(int, done.stdout.split())
    print(f"{read} rows: {before} MiB before, {peak} MiB at the peak")  # noqa: T201 - for whoever measures by hand
    assert read == ROWS
    assert (peak - before - WHATEVER_THE_ROWS) * 2**20 < ROWS * bytes_a_row
