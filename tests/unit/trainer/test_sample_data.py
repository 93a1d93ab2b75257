"""The sample data, and how they are made."""

import csv
import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from trainer.rows import normalise

INTENTS = Path(__file__).resolve().parents[3] / "examples" / "intents"
DATA = INTENTS / "data"


@pytest.fixture(scope="module")
def make_variants():
    spec = importlib.util.spec_from_file_location("make_variants", INTENTS / "make_variants.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["intent"]) for row in csv.DictReader(file)]


def test_the_script_writes_the_committed_files_byte_for_byte(make_variants, tmp_path, capsys):
    assert make_variants.main(["--out", str(tmp_path)]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {path.name: path.read_bytes() for path in DATA.iterdir()}
    assert "full.csv: 1700 rows, 25 intents" in capsys.readouterr().out


def test_no_utterance_is_there_twice_and_none_of_the_holdout_is_trained_on():
    everything = [normalise(text) for name in ("full", "holdout") for text, _ in rows(DATA / f"{name}.csv")]
    assert len(everything) == 2200
    assert Counter(everything).most_common(1)[0][1] == 1


def test_every_intent_is_held_out_equally():
    assert set(Counter(intent for _, intent in rows(DATA / "holdout.csv")).values()) == {20}


def test_small_is_a_part_of_full():
    assert set(rows(DATA / "small.csv")) < set(rows(DATA / "full.csv"))


@pytest.mark.parametrize(("variant", "wrong_rows", "wronged_intents"), [("noisy", 510, 25), ("slightly-worse", 10, 1)])
def test_a_mislabelled_variant_has_the_texts_of_full_and_wrong_labels_for_its_share(variant, wrong_rows, wronged_intents):
    full, worse = rows(DATA / "full.csv"), rows(DATA / f"{variant}.csv")
    assert [text for text, _ in full] == [text for text, _ in worse]
    wronged = [true[1] for true, given in zip(full, worse, strict=True) if true != given]
    assert (len(wronged), len(set(wronged))) == (wrong_rows, wronged_intents)


def test_the_same_story_is_made_from_clinc_files(make_variants, tmp_path):
    source, out = tmp_path / "clinc", tmp_path / "out"
    source.mkdir()
    train = [[f"text {number}", f"intent {number % 4}"] for number in range(200)]
    for name, rows_kept in (("data_full", 200), ("data_small", 100)):
        (source / f"{name}.json").write_text(json.dumps({"train": train[:rows_kept], "test": [["question", "intent 1"]]}))
    assert make_variants.main(["--clinc", str(source), "--out", str(out)]) == 0
    sizes = {path.stem: len(rows(path)) for path in out.iterdir()}
    assert sizes == {"holdout": 1, "small": 100, "full": 200, "noisy": 200, "slightly-worse": 200}


def test_a_folder_without_clinc_files_is_said_in_one_sentence(make_variants, tmp_path, capsys):
    assert make_variants.main(["--clinc", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "does not hold readable CLINC150 files" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
