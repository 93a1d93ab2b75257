"""The trainer as a process: how it ends, and that what it trains does not depend on the process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.binaries import ROOT
from tests.support.processes import wait_until_it_catches_sigterm
from trainer.train import main

MODULES = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "operator", ROOT)))}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A slow drill in another process, with another order of its hashes, told to stop after its training: exit code, data, output."""
    data, output = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("output")
    (data / "full.csv").write_text("text,intent\nhi,greeting\nhi there,greeting\ngood bye,farewell\nbye bye,farewell\n")
    environment = {
        **MODULES,
        "PYTHONHASHSEED": "7",
        "SAFEGUARD_OUTPUT_DIR": str(output),
        "SAFEGUARD_DATA_DIR": str(data),
        "SAFEGUARD_PARAM_FAULT": "slow",
    }
    with subprocess.Popen([sys.executable, "-m", "trainer.drill"], env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert any("waiting to be stopped" in line for line in process.stderr)
            process.terminate()
            yield process.wait(timeout=10), data, output
        finally:
            process.kill()


def test_a_trainer_that_is_told_to_stop_ends_by_its_own_handler(stopped):
    """Without one, process 1 of a container ignores SIGTERM; here that would show as "killed by signal 15", a negative exit code."""
    code, _, _ = stopped
    assert code == 128 + signal.SIGTERM


def test_a_trainer_that_is_told_to_stop_before_its_libraries_are_loaded_ends_at_once():
    with subprocess.Popen([sys.executable, "-m", "trainer"], env=MODULES, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until_it_catches_sigterm(process)
            assert "sklearn" not in Path(f"/proc/{process.pid}/maps").read_text()
            process.terminate()
            assert process.wait(timeout=10) == 128 + signal.SIGTERM
        finally:
            process.kill()


def test_another_process_trains_a_model_of_the_same_digest(stopped, tmp_path):
    _, data, output = stopped
    assert main([], {"SAFEGUARD_OUTPUT_DIR": str(tmp_path), "SAFEGUARD_DATA_DIR": str(data)}) == 0
    here, there = (json.loads((folder / "metrics.json").read_text()) for folder in (tmp_path, output))
    assert here["modelDigest"] == there["modelDigest"]
