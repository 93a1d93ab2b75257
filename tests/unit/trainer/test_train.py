import csv
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

import pytest
from sklearn.metrics import accuracy_score, f1_score

from trainer import drill
from trainer.model import load_model, model_digest
from trainer.rows import Row, text_digest

REQUIRED_KEYS = {"accuracy", "f1_macro", "f1_weighted", "n_classes", "n_features", "n_samples", "training_date"}


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def metrics(output):
    return json.loads((output / "metrics.json").read_text())


def test_a_training_writes_the_contracts_files_and_a_model_that_loads(run, data):
    code, output = run(data, SAFEGUARD_MODEL="colours", SAFEGUARD_VERSION="v1", SAFEGUARD_REQUEST="r1")
    assert code == 0
    expected = {"metrics.json", "predictions.csv", "holdout.csv", "train-digests.txt", "model.joblib", "model.json"}
    assert {path.name for path in output.iterdir()} == expected
    model = load_model(output)
    assert model.digest == metrics(output)["modelDigest"]
    assert json.loads((output / "model.json").read_text())["origin"] == {"model": "colours", "version": "v1", "request": "r1"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_the_models_own_manifest_names_every_model_file_its_libraries_its_data_and_the_canonical_digest(run, data, rows):
    _, output = run(data)
    held = table(output / "holdout.csv")
    trained = [row for row in rows if row.text not in {row["text"] for row in held}]
    data_lines = sorted(json.dumps([row.text, row.intent], ensure_ascii=False) + "\n" for row in trained)
    contract_files = {"metrics.json", "predictions.csv", "holdout.csv", "train-digests.txt"}
    model_files = {path.name: path.read_bytes() for path in output.iterdir() if path.name not in contract_files}
    manifest = json.loads(model_files.pop("model.json"))
    assert model_files.keys() == {"model.joblib"}
    assert manifest == {
        "schema": 1,
        "files": {name: {"sha256": sha256(content), "size": len(content)} for name, content in model_files.items()},
        "libraries": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("scikit-learn", "numpy", "scipy", "joblib")},
        },
        "dataset": {"name": "full", "digest": "sha256:" + sha256("".join(data_lines).encode()), "rows": len(rows) - len(held)},
        "holdout": {"digest": metrics(output)["holdoutDigest"], "rows": len(held)},
        "modelDigest": model_digest(load_model(output).pipeline),
        "seed": 0,
        "origin": {},
    }


def test_metrics_have_the_required_keys_and_say_what_the_predictions_say(run, data):
    _, output = run(data, "--holdout-share", "0.5")
    measured, rows = metrics(output), table(output / "predictions.csv")
    true, predicted = [row["label"] for row in rows], [row["predicted"] for row in rows]
    assert set(measured) == REQUIRED_KEYS | {"labels", "modelDigest", "holdoutDigest"}
    assert measured["accuracy"] == accuracy_score(true, predicted)
    assert measured["f1_macro"] == f1_score(true, predicted, average="macro", zero_division=0)
    assert measured["f1_weighted"] == f1_score(true, predicted, average="weighted", zero_division=0)
    assert (measured["n_classes"], measured["n_samples"], len(rows)) == (3, 9, 9)
    assert measured["labels"] == ["cold", "none", "warm"]
    assert datetime.fromisoformat(measured["training_date"]).utcoffset().total_seconds() == 0


def test_the_holdout_digest_is_the_one_that_the_contract_defines_over_the_predictions(run, data):
    _, output = run(data)
    lines = sorted(f"{row['id']},{row['label']}\n" for row in table(output / "predictions.csv"))
    assert metrics(output)["holdoutDigest"] == "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def test_holdout_texts_and_training_digests_together_are_the_data_set(run, data, rows):
    _, output = run(data)
    held = [row["text"] for row in table(output / "holdout.csv")]
    assert [row["id"] for row in table(output / "holdout.csv")] == [row["id"] for row in table(output / "predictions.csv")]
    trained = (output / "train-digests.txt").read_text().split()
    assert sorted(trained + [text_digest(text) for text in held]) == sorted(text_digest(row.text) for row in rows)


def test_the_same_seed_gives_the_same_files_but_for_the_date_and_another_seed_does_not(run, data):
    (_, first), (_, second), (_, third) = run(data), run(data), run(data, SAFEGUARD_PARAM_SEED="9")
    for name in ("predictions.csv", "holdout.csv", "train-digests.txt"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert metrics(first)["modelDigest"] == metrics(second)["modelDigest"] != metrics(third)["modelDigest"]
    assert json.loads((third / "model.json").read_text())["seed"] == 9


def test_a_given_holdout_is_measured_and_everything_else_trained_on(run, data, as_csv):
    held = [Row("bright orange", "warm"), Row("black snow", "none"), Row("black snow", "none")]
    (data / "test.csv").write_text(as_csv(held))
    _, output = run(data, SAFEGUARD_HOLDOUT="test.csv")
    assert [row["text"] for row in table(output / "holdout.csv")] == [row.text for row in held]
    assert metrics(output)["n_samples"] == 18


def test_a_clinc_file_brings_its_own_holdout(run, data, rows):
    parts = {"train": rows, "test": [["icy water", "cold"]], "val": [], "oos_train": [], "oos_test": []}
    (data / "data_small.json").write_text(json.dumps(parts))
    _, output = run(data, SAFEGUARD_PARAM_DATASET="data_small")
    assert [row["label"] for row in table(output / "predictions.csv")] == ["cold"]


def test_a_request_chooses_the_data_set_before_an_option_does(run, data, rows, as_csv):
    (data / "small.csv").write_text(as_csv([row for row in rows if row.intent != "none"]))
    assert metrics(run(data, "--dataset", "small")[1])["n_classes"] == 2
    assert metrics(run(data, "--dataset", "full", SAFEGUARD_PARAM_DATASET="small")[1])["n_classes"] == 2


def test_the_live_version_is_asked_about_the_same_rows(run, data, rows, as_csv):
    (data / "small.csv").write_text(as_csv([row for row in rows if row.intent != "none"]))
    _, live = run(data, SAFEGUARD_PARAM_DATASET="small")
    _, output = run(data, live=live)
    predictions = table(output / "predictions.csv")
    assert [row["live_predicted"] for row in predictions] == load_model(live).predict(
        [row["text"] for row in table(output / "holdout.csv")]
    )
    assert any(row["label"] == "none" and row["live_predicted"] != "none" for row in predictions)


def test_a_live_version_that_cannot_be_loaded_costs_its_column_and_not_the_training(run, data, tmp_path, caplog):
    code, output = run(data, live=tmp_path / "nowhere")
    assert code == 0
    assert "live_predicted" not in table(output / "predictions.csv")[0]
    assert "The live version is not measured on this holdout. The model folder" in caplog.text


class Attempt(NamedTuple):
    """What differs from a good training."""

    content: str = ""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = MappingProxyType({})


@pytest.mark.parametrize(
    ("attempt", "complaint"),
    [
        pytest.param(Attempt(content="text,intent\nhi,greeting\nhello,greeting\n"), "holds only the intent 'greeting'", id="one class"),
        pytest.param(
            Attempt(content="text,intent\nhi,a\nbye,b\nfarewell,b\n"), "The intent 'a' has only one distinct text", id="too few to stratify"
        ),
        pytest.param(Attempt(content="text,intent\n!,a\n!!,a\n?,b\n??,b\n"), "cannot be learned from", id="nothing but punctuation"),
        pytest.param(Attempt(content="text,intent\n"), "holds no rows", id="no rows"),
        pytest.param(Attempt(environment={"SAFEGUARD_PARAM_DATASET": "../full"}), "not allowed", id="a path for a data set name"),
        pytest.param(Attempt(environment={"SAFEGUARD_PARAM_DATASET": "huge"}), "holds no file huge.csv", id="a data set that is not there"),
        pytest.param(
            Attempt(content="text,intent\nhi,a\nbye,b\n", environment={"SAFEGUARD_HOLDOUT": "test.csv"}),
            "holds no file test.csv",
            id="no holdout file",
        ),
        pytest.param(Attempt(environment={"SAFEGUARD_PARAM_SEED": "-1"}), "The seed '-1' is not a whole number", id="a negative seed"),
        pytest.param(Attempt(environment={"SAFEGUARD_PARAM_SEED": "9" * 5000}), "is not a whole number", id="an endless seed"),
        pytest.param(Attempt(arguments=("--holdout-share", "1")), "The holdout share '1' is not", id="a holdout of everything"),
        pytest.param(
            Attempt(arguments=("--holdout-share", "nan")), "The holdout share 'nan' is not", id="a holdout share that is no number"
        ),
        pytest.param(Attempt(environment={"SAFEGUARD_OUTPUT_DIR": ""}), "SAFEGUARD_OUTPUT_DIR is not set", id="no output folder named"),
        pytest.param(
            Attempt(environment={"SAFEGUARD_OUTPUT_DIR": "nowhere"}),
            "The output folder nowhere does not exist",
            id="no output folder there",
        ),
        pytest.param(Attempt(environment={"SAFEGUARD_DATA_DIR": "nowhere"}), "The data folder nowhere does not exist", id="no data folder"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence_and_exit_code_2(run, data, caplog, attempt, complaint):
    (data / "full.csv").write_text(attempt.content)
    code, output = run(data, *attempt.arguments, **attempt.environment)
    assert code == 2
    assert complaint in caplog.text
    assert len(caplog.messages) == 1
    assert not any(output.iterdir())


def test_an_output_folder_that_cannot_be_written_is_said(run, data, caplog, tmp_path):
    full = tmp_path / "full-folder"
    (full / "model.joblib").mkdir(parents=True)  # root may write anywhere; nobody may write a file over a folder
    code, _ = run(data, SAFEGUARD_OUTPUT_DIR=str(full))
    assert code == 2
    assert caplog.messages == ["The output folder cannot be written: Is a directory."]


def drilled(data, output, fault):
    output.mkdir()
    variables = {"SAFEGUARD_OUTPUT_DIR": str(output), "SAFEGUARD_DATA_DIR": str(data)}
    return drill.main([], variables | ({"SAFEGUARD_PARAM_FAULT": fault} if fault else {}))


@pytest.mark.parametrize("fault", ["", "none"])
def test_a_drill_without_a_fault_is_a_training(data, tmp_path, fault):
    assert drilled(data, tmp_path / "out", fault) == 0
    assert load_model(tmp_path / "out").labels == ("cold", "none", "warm")


def test_a_crash_drill_fails_and_says_why(data, tmp_path, caplog):
    assert drilled(data, tmp_path / "out", "crash") == 3
    assert "the trainer crashed" in caplog.messages[-1]


def test_a_nan_drill_claims_success_with_an_accuracy_that_is_no_number(data, tmp_path):
    assert drilled(data, tmp_path / "out", "nan") == 0
    assert '"accuracy": NaN' in (tmp_path / "out" / "metrics.json").read_text()


def test_an_unloadable_drill_claims_success_with_good_metrics_and_a_broken_model(data, tmp_path):
    assert drilled(data, tmp_path / "out", "unloadable") == 0
    assert metrics(tmp_path / "out")["accuracy"] > 0
    with pytest.raises(Exception, match=r"model\.joblib .* is damaged"):
        load_model(tmp_path / "out")


def test_an_unknown_fault_is_refused_before_any_training(data, tmp_path, caplog):
    assert drilled(data, tmp_path / "out", "flood") == 2
    assert "There is no fault 'flood': choose one of none, crash, nan, unloadable, slow" in caplog.text
    assert not any((tmp_path / "out").iterdir())
