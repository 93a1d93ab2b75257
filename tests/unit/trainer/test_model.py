import hashlib
import json
import os
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from trainer.errors import ModelError
from trainer.model import MODEL_FILE, MODEL_MANIFEST, Model, build_pipeline, load_model, model_digest, save_model
from trainer.rows import Row


def fitted(rows, **options):
    return build_pipeline(**options).fit([row.text for row in rows], [row.intent for row in rows])


@pytest.fixture
def model(rows):
    return Model.from_pipeline(fitted(rows))


@pytest.fixture
def folder(tmp_path, model):
    save_model(model, tmp_path, {"seed": 0})
    return tmp_path


def test_the_pipeline_is_an_estimator_like_any_other_of_scikit_learn(rows):
    pipeline = build_pipeline(random_state=3)
    assert clone(pipeline).get_params()["classifier__random_state"] == 3
    assert pipeline.fit([row.text for row in rows], [row.intent for row in rows]) is pipeline


def test_the_answers_are_those_of_the_pipeline_with_the_largest_margin_as_the_score(model):
    texts = ["orange fire", "icy sea", "nothing of the kind"]
    answers = model.answer(texts)
    assert [label for label, _ in answers] == list(model.pipeline.predict(texts)) == model.predict(texts)
    assert [score for _, score in answers] == pytest.approx(model.pipeline.decision_function(texts).max(axis=1))


def test_two_intents_are_told_apart_as_well(rows):
    pipeline = fitted([row for row in rows if row.intent != "none"])
    texts = ["orange fire", "icy sea"]
    answers = Model.from_pipeline(pipeline).answer(texts)
    assert [label for label, _ in answers] == list(pipeline.predict(texts)) == ["warm", "cold"]
    assert all(score > 0 for _, score in answers)


def test_the_digest_does_not_depend_on_how_the_vocabulary_is_numbered(rows):
    pipeline = fitted(rows)
    before = model_digest(pipeline)
    words = dict(pipeline.named_steps["features"].transformer_list)["words"]
    size = len(words.vocabulary_)
    words.vocabulary_ = {term: size - 1 - column for term, column in words.vocabulary_.items()}
    words.idf_ = words.idf_[::-1].copy()
    classifier = pipeline.named_steps["classifier"]
    classifier.coef_ = np.hstack([classifier.coef_[:, :size][:, ::-1], classifier.coef_[:, size:]])
    assert model_digest(pipeline) == before


@pytest.mark.parametrize("part", ["coef_", "intercept_", "classes_", "idf_", "vocabulary_", "setting"])
def test_the_digest_changes_with_everything_that_decides_an_answer(rows, part):
    pipeline = fitted(rows)
    before = model_digest(pipeline)
    words = dict(pipeline.named_steps["features"].transformer_list)["words"]
    classifier = pipeline.named_steps["classifier"]
    if part == "setting":
        words.sublinear_tf = False
    elif part == "idf_":
        words.idf_ = np.nextafter(words.idf_, 9)
    elif part == "vocabulary_":
        words.vocabulary_ = {f"{term}x": column for term, column in words.vocabulary_.items()}
    elif part == "classes_":
        classifier.classes_ = classifier.classes_[::-1].copy()
    else:
        setattr(classifier, part, np.nextafter(getattr(classifier, part), 9))
    assert model_digest(pipeline) != before


def test_a_saved_model_comes_back_as_it_was(folder, model):
    loaded = load_model(folder)
    assert (loaded.labels, loaded.digest) == (("cold", "none", "warm"), model.digest)
    assert loaded.answer(["orange fire"]) == model.answer(["orange fire"])


def edit(folder, change):
    path = folder / MODEL_MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def replace_file(folder, content):
    (folder / MODEL_FILE).write_bytes(content)
    edit(folder, lambda manifest: manifest["files"][MODEL_FILE].update(sha256=hashlib.sha256(content).hexdigest()))


TWO_ROWS = [Row("hello there", "greeting"), Row("good bye", "farewell")]


class Bomb:
    def __reduce__(self):
        return (os.abort, ())


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        pytest.param(lambda f: (f / MODEL_FILE).unlink(), "holds no readable model.joblib", id="no model file"),
        pytest.param(lambda f: (f / MODEL_MANIFEST).unlink(), "holds no readable model.json", id="no manifest"),
        pytest.param(lambda f: (f / MODEL_MANIFEST).write_text("[]"), "not a manifest of the reference trainer", id="some other manifest"),
        pytest.param(lambda f: os.truncate(f / MODEL_FILE, 100), "is damaged", id="a model file that was cut"),
        pytest.param(
            lambda f: (f / MODEL_FILE).write_bytes(pickle.dumps(Bomb())), "is damaged", id="a file that would run code: never run"
        ),
        pytest.param(lambda f: replace_file(f, b"nonsense"), "cannot be loaded", id="a listed file that is no model"),
        pytest.param(lambda f: replace_file(f, pickle.dumps(7)), "cannot be loaded", id="a listed file that is something else"),
        pytest.param(
            lambda f: replace_file(f, pickle.dumps({"pipeline": fitted(TWO_ROWS)})), "cannot be loaded", id="a model without labels"
        ),
        pytest.param(
            lambda f: edit(f, lambda m: m["libraries"].update({"scikit-learn": "0.1"})),
            "made with scikit-learn 0.1",
            id="another scikit-learn",
        ),
        pytest.param(
            lambda f: edit(f, lambda m: m.update(modelDigest="sha256:0")),
            "is not the model that model.json names",
            id="a model swapped for another",
        ),
    ],
)
def test_a_folder_that_does_not_hold_its_model_is_refused_with_the_reason(folder, damage, complaint):
    damage(folder)
    with pytest.raises(ModelError, match=complaint):
        load_model(folder)
