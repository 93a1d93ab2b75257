"""The verb ``judge``: a decision on two metrics files, and what is said of files that cannot be read."""

import json
from pathlib import Path

import pytest

from modelsafeguard.cli.answer import DONE, MISUSED, NOT_ACCEPTED
from modelsafeguard.cli.main import main
from tests.support.binaries import ROOT

COUNTS = {"f1_weighted": 0.8, "n_classes": 25, "n_features": 900, "n_samples": 1200, "training_date": "2025-08-20T14:30:00"}
STRICT = 'profile: Strict\nmetrics: [{name: accuracy, maxDrop: "0.01"}]\n'
HOLDOUTS = [f"sha256:{digit * 64}" for digit in "ab"]


class Files:
    """A folder with the files that the verb is asked about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def metrics(self, name: str, accuracy: float, f1: float, **more: object) -> str:
        return self.text(f"{name}.json", json.dumps({"accuracy": accuracy, "f1_macro": f1, **COUNTS, **more}))

    def text(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content)
        return str(path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize(
    ("live", "candidate", "answer"),
    [
        pytest.param(
            (0.8042, 0.7834),
            (0.8542, 0.8234),
            (DONE, "Deploy: True, Reason: Performance improved: accuracy +0.0500, F1 +0.0400"),
            id="better",
        ),
        pytest.param((0.90, 0.90), (0.89, 0.90), (DONE, "Deploy: True, Reason: Performance maintained within tolerance"), id="just within"),
        pytest.param(
            (0.85, 0.82),
            (0.78, 0.75),
            (NOT_ACCEPTED, "Deploy: False, Reason: Performance degraded: accuracy -0.0700, F1 -0.0700"),
            id="worse",
        ),
    ],
)
def test_the_first_line_says_whether_it_would_be_deployed_and_why(files, capsys, live, candidate, answer):
    status = main(["judge", files.metrics("live", *live), files.metrics("candidate", *candidate)])
    assert (status, capsys.readouterr().out.splitlines()[0]) == answer


def test_the_numbers_and_every_finding_stand_below(files, capsys):
    main(["judge", files.metrics("live", 0.8042, 0.7834), files.metrics("candidate", 0.8542, 0.8234)])
    _, verdict, _, *lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines]
    assert verdict == "Verdict: Promoted (PerformanceImproved)"
    assert ["F1", "0.7834", "0.8234", "+0.0400", "-0.01", "or", "more"] in rows
    assert ["PolicyComplete", "Enforce", "Passed"] in [row[:3] for row in rows]
    assert ["NoClassLost", "Warn", "NotMeasured"] in [row[:3] for row in rows]


def test_a_policy_that_asks_for_evidence_is_not_satisfied_by_two_numbers(files, capsys):
    policy = files.text("policy.yaml", STRICT)
    assert main(["judge", files.metrics("live", 0.8, 0.8), files.metrics("candidate", 0.81, 0.8), "--policy", policy]) == NOT_ACCEPTED
    assert "Verdict: Inconclusive" in capsys.readouterr().out


@pytest.mark.parametrize("promotion", ["Manual", "DryRun"])
def test_what_follows_a_verdict_is_not_asked_here(files, capsys, promotion):
    policy = files.text("policy.yaml", f'promotion: {promotion}\nmetrics: [{{name: accuracy, maxDrop: "0.01"}}]\n')
    assert main(["judge", files.metrics("live", 0.8, 0.8), files.metrics("candidate", 0.81, 0.8), "--policy", policy]) == DONE
    assert "Verdict: Promoted" in capsys.readouterr().out


def test_a_gain_that_is_not_believable_is_not_deployed(files, capsys):
    policy = files.text("policy.yaml", 'metrics: [{name: accuracy, maxDrop: "0.01"}]\ngates: [{name: GainBelievable, mode: Enforce}]\n')
    assert main(["judge", files.metrics("live", 0.8, 0.8), files.metrics("candidate", 0.99, 0.8), "--policy", policy]) == NOT_ACCEPTED
    assert "Verdict: AwaitingApproval" in capsys.readouterr().out


def test_a_whole_modeldeployment_serves_as_a_policy(files):
    policy = str(ROOT / "examples" / "quickstart" / "model.yaml")
    assert main(["judge", files.metrics("live", 0.8, 0.8), files.metrics("candidate", 0.7, 0.8), "--policy", policy]) == NOT_ACCEPTED


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        pytest.param("{", "policy.yaml is not YAML: ", id="not YAML"),
        pytest.param("", "policy.yaml cannot be read: must be an object, not None.", id="an empty file"),
        pytest.param("kind: ModelDeployment", "policy.yaml cannot be read: must be an object, not None.", id="a model without a policy"),
        pytest.param(
            'metrics: [{name: accuracy, maxdrop: "0.01"}]',
            "policy.yaml cannot be read: metrics[0].maxDrop is missing; metrics[0].maxdrop is not a field of it.",
            id="a field misspelt",
        ),
        pytest.param("metrics: [{name: accuracy, maxDrop: 0.01}]", "metrics[0].maxDrop must be a decimal", id="a binary float"),
        pytest.param("profile: Lenient", "profile must be one of Seed, Strict, not ", id="a profile that there is not"),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused_with_the_field(files, capsys, policy, sentence):
    path = files.text("policy.yaml", policy)
    assert main(["judge", files.metrics("live", 0.8, 0.8), files.metrics("candidate", 0.8, 0.8), "--policy", path]) == MISUSED
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param("", "candidate.json is not JSON: Expecting value", id="an empty file"),
        pytest.param('{"accuracy": 0.9}', "candidate.json has no f1_macro.", id="a key missing"),
        pytest.param(json.dumps({"accuracy": float("nan"), "f1_macro": 0.9, **COUNTS}), "has 'accuracy' = NaN", id="NaN"),
        pytest.param(json.dumps({"accuracy": 1.2, "f1_macro": 0.9, **COUNTS}), "accuracy is 1.2, outside its range from 0 to 1.", id="1.2"),
    ],
)
def test_metrics_that_cannot_be_read_are_refused_and_never_judged(files, capsys, content, sentence):
    assert main(["judge", files.metrics("live", 0.8, 0.8), files.text("candidate.json", content)]) == MISUSED
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.out == ""


def test_a_file_that_is_not_there_is_named(files, capsys):
    assert main(["judge", str(files.folder / "none.json"), files.metrics("candidate", 0.8, 0.8)]) == MISUSED
    assert "none.json cannot be read: No such file or directory." in capsys.readouterr().err


def test_metrics_of_two_holdouts_are_not_compared(files, capsys):
    live, candidate = (files.metrics(f"of-{digest[-1]}", 0.8, 0.8, holdoutDigest=digest) for digest in HOLDOUTS)
    assert main(["judge", live, candidate]) == MISUSED
    assert "name different holdouts" in capsys.readouterr().err
