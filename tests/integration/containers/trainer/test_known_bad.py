"""The candidates of the self-test, trained, measured and judged by its own policy: those that are known to be bad are all refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelsafeguard.cli.selftest import CASES
from modelsafeguard.core.judge import judge
from modelsafeguard.core.report import Report
from modelsafeguard.core.request import Frozen
from modelsafeguard.core.verdict import Verdict
from modelsafeguard.objects.selftest import POLICY
from tests.support.binaries import ROOT
from tests.support.storage import Storage, judged_by
from trainer.known_bad import DATA, main


def trained(storage: Storage, version: str, candidate: str) -> None:
    folder = storage.staging(version)
    folder.mkdir(parents=True)
    assert main({"SAFEGUARD_OUTPUT_DIR": str(folder), "SAFEGUARD_PARAM_CANDIDATE": candidate}) == 0


def published(storage: Storage, version: str, live: str = "") -> Report | str:
    """The report, or the reason why nothing was published."""
    variables = {"SAFEGUARD_LIVE_VERSION": live, "SAFEGUARD_LIVE_DIGEST": storage.manifest_digest(live)} if live else {}
    frozen = judged_by(Frozen("uid", 1, POLICY, storage.baseline(live)))
    message = storage.measure("publish", SAFEGUARD_VERSION=version, POD_UID="pod-2", **frozen, **variables)
    payload = json.loads(message.split("\n")[0])
    return storage.read(version) if "report" in payload else str(payload["failed"]["reason"])


@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: case.candidate)
def test_each_candidate_gets_a_verdict_that_is_right(storage, case):
    trained(storage, "v-1", "first" if case.candidate == "better" else "better")
    trained(storage, "v-2", case.candidate)
    published(storage, "v-1")
    report = published(storage, "v-2", "v-1")
    if isinstance(report, str):
        assert (report, case.candidate) == ("MetricsInvalid", "nan")
        return
    judgement = judge(POLICY, report, storage.baseline("v-1"), decisions=2)
    assert (judgement.verdict or Verdict.PROMOTED) in case.right, judgement.message


def test_every_candidate_that_can_be_made_is_asked_for():
    assert [case.candidate for case in CASES] == sorted(DATA, key=[case.candidate for case in CASES].index)


def test_an_unknown_candidate_is_refused_with_those_there_are(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "trainer.known_bad"],
        env={"PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}", "SAFEGUARD_OUTPUT_DIR": str(tmp_path), "SAFEGUARD_PARAM_CANDIDATE": "worse"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no candidate 'worse': choose one of first, better, shuffled," in done.stderr
