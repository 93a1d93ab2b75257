"""The trainer that README.md promises in twenty lines is run as it stands there, and measured as any other."""

import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from modelsafeguard.core.contract import METRICS_KEYS
from modelsafeguard.core.numbers import compact
from modelsafeguard.core.report import Evidence
from modelsafeguard.measure.publish import publish
from modelsafeguard.measure.settings import Candidate
from tests.support.binaries import ROOT
from tests.support.storage import frozen
from trainer.errors import ModelError
from trainer.model import load_model

DATA = ROOT / "examples" / "intents" / "data"


def section():
    return (ROOT / "README.md").read_text(encoding="utf-8").split("\n## A trainer of your own\n")[1].split("\n## ")[0]


def program():
    (block,) = re.findall(r"```python\n(.*?)```", section(), flags=re.DOTALL)
    return block


def train(output, dataset):
    """Run the block as the train container of a pod runs it: with the contract's variables and no others."""
    output.mkdir(parents=True)
    variables = {
        "OUTPUT_DIR": str(output),
        "DATA_DIR": str(DATA),
        "HOLDOUT": "holdout.csv",
        "MODEL": "intents",
        "VERSION": "v",
        "REQUEST": "nightly",
        "PARAM_DATASET": dataset,
    }
    environment = {f"SAFEGUARD_{name}": value for name, value in variables.items()}
    done = subprocess.run([sys.executable, "-W", "error", "-c", program()], env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


JUDGED_BY = frozen({"accuracy": "0.01", "f1_macro": "0.01"})


def published(store, version, *, live_version="", live_digest=""):
    return publish(str(store), Candidate(version, "pod", "intents", "nightly", live_version, live_digest, JUDGED_BY))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """What it writes for the smaller data set."""
    output = tmp_path_factory.mktemp("trained") / "small"
    train(output, "small")
    return output


@pytest.fixture
def store(tmp_path):
    yield tmp_path
    for folder, _, _ in os.walk(tmp_path):
        Path(folder).chmod(0o700)


def test_it_has_twenty_lines():
    assert len([line for line in program().splitlines() if line.strip()]) <= 20


def test_what_it_writes_is_measured_published_and_paired_with_the_next_one(store, small):
    shutil.copytree(small, store / "staging" / "v1" / "pod")
    first = published(store, "v1")
    train(store / "staging" / "v2" / "pod", "full")
    second = published(store, "v2", live_version="v1", live_digest=first.manifest_digest)

    assert {*first.metrics, "training_date"} == set(METRICS_KEYS)
    assert [first.metrics[name] for name in ("n_classes", "n_samples")] == [25, 700]
    assert (first.holdout_rows, first.holdout_digest) == (500, second.holdout_digest)
    assert second.live_evidence is Evidence.PAIRED
    assert {name: compact(value) for name, value in second.live_metrics.items()} == {
        name: compact(first.metrics[name]) for name in ("accuracy", "f1_macro", "f1_weighted")
    }
    assert second.metrics["accuracy"] - first.metrics["accuracy"] > Decimal("0.01")


def test_the_reference_server_does_not_load_it_as_the_section_says(small):
    with pytest.raises(ModelError, match=r"holds no readable model\.json"):
        load_model(small)
    assert "The reference server serves only models that the reference trainer wrote" in section()
