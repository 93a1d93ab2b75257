from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelsafeguard.measure import predictions as reading
from modelsafeguard.measure.scores import scores

ROWS = [("1", "yes", "yes"), ("2", "yes", "no"), ("3", "no", "no"), ("4", "no", "no")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"", "has no column id", id="an empty file"),
        pytest.param(b"id,label\n1,a\n", "has no column predicted", id="a column missing"),
        pytest.param(b"ID,Label,Predicted\n1,a,a\n", "has no column id", id="columns in capitals"),
        pytest.param(b"id,label,predicted,label\n1,a,a,b\n", "names a column more than once", id="a column twice"),
        pytest.param(b"id,label,predicted\n", "has no rows", id="no rows"),
        pytest.param(b"id,label,predicted\n\n\n", "has no rows", id="only empty lines"),
        pytest.param(b"id,label,predicted\n1,a,a\n1,a,b\n", "has the id '1' twice, again in line 3", id="an id twice"),
        pytest.param(b"id,label,predicted\n1,a\n", "has 2 values instead of 3 in line 2", id="a value missing"),
        pytest.param(b"id,label,predicted\n1,a,a,a\n", "has 4 values instead of 3 in line 2", id="a value too many"),
        pytest.param(b"id,label,predicted\n1,a,\n", "has no predicted in line 2", id="no prediction"),
        pytest.param(b"id,label,predicted\n,a,a\n", "has no id in line 2", id="no id"),
        pytest.param(b"id,label,predicted\n1,,a\n", "has no label in line 2", id="no label"),
        pytest.param(b"id,label,predicted,live_predicted\n1,a,a,\n", "has no live_predicted in line 2", id="no answer of the live model"),
        pytest.param(b'id,label,predicted\n"1\n2",a,a\n', "control characters", id="a line feed in an id"),
        pytest.param(b"id,label,predicted\n1,a\x07,a\n", "control characters", id="a bell in a label"),
        pytest.param(b"id,label,predicted\n1,a\x00,a\n", "trainer must be corrected", id="a NUL in a label"),
        pytest.param(b"id,label,predicted\n1," + b"a" * 257 + b",a\n", "longer than 256 characters", id="a label that is too long"),
        pytest.param(b'id,label,predicted\n1,"a,a\n', "is not CSV", id="a quote that never ends"),
        pytest.param(b'id,label,predicted\n1,"a"b,a\n', "is not CSV", id="text behind a quote"),
        pytest.param(b"id,label,predicted\n1,\xff,a\n", "is not UTF-8", id="bytes that are not UTF-8"),
        pytest.param(b"id,label,predicted\n1,a," + b"a" * (64 << 10) + b"\n", "has a row of 65536 characters", id="a line without end"),
        pytest.param(
            b"id,label,predicted\n" + b'"\n",' * (20 << 10), "has a row of 65536 characters", id="a row of many lines without end"
        ),
        pytest.param(
            b"id,label,predicted" + b',"\n"' * (20 << 10), "has a row of 65536 characters", id="a header of many lines without end"
        ),
    ],
)
def test_bad_predictions_fail_with_a_sentence_and_publish_nothing(world, content, sentence):
    (world.trained() / "predictions.csv").write_bytes(content)
    before = world.files()

    failure = world.publish()

    assert (failure.reason, world.status) == ("PredictionsInvalid", 1)
    assert sentence in failure.message
    assert world.files() == before


def test_the_second_of_two_equal_ids_is_named_by_its_line_however_far_it_is(world):
    """Neither the order of the rows nor lines that the digest takes for equal (1,x is an id here, and 1 another) hide it."""
    rows = b'id,label,predicted\n9,a,a\n"1,x",a,a\n\n1,"x,a",a\n5,a,a\n1,b,a\n5,a,a\n'
    (world.trained() / "predictions.csv").write_bytes(rows)

    assert "has the id '1' twice, again in line 7:" in world.publish().message


def test_ten_thousand_rows_that_span_lines_in_a_slice_are_read(world):
    """What is bounded is a row, not the file's number of lines in quotes."""
    metrics = {"accuracy": 1, "f1_macro": 1, "f1_weighted": 1, "n_classes": 1, "n_features": 1, "n_samples": 2,
               "training_date": "2025-08-20T14:30:00"}  # fmt: skip
    world.trained(metrics=metrics, rows=[(number, "a", "a", "line\nline") for number in range(10_000)],
                  columns=("id", "label", "predicted", "remark"))  # fmt: skip

    assert world.publish().holdout_rows == 10_000


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbfid,label,predicted\n1,yes,yes\n2,yes,no\n3,no,no\n4,no,no\n", id="a byte order mark"),
        pytest.param(b"id,label,predicted\r\n1,yes,yes\n2,yes,no\r3,no,no\r\n4,no,no", id="mixed line ends"),
        pytest.param(b'"id","label","predicted"\n"1","yes","yes"\n"2","yes","no"\n3,no,no\n4,no,no\n', id="quotes"),
        pytest.param(b"predicted,id,label\nno,4,no\nno,3,no\nno,2,yes\nyes,1,yes\n", id="another order of rows and columns"),
        pytest.param(b"id,label,predicted\n\n1,yes,yes\n2,yes,no\n\n3,no,no\n4,no,no\n\n", id="empty lines"),
    ],
)
def test_one_holdout_written_in_many_ways_is_the_same_holdout(world, content):
    world.trained(pod="pod-1")
    expected = world.publish(pod="pod-1")
    (world.trained("v-3", "pod-3") / "predictions.csv").write_bytes(content)

    report = world.publish("v-3", "pod-3")

    assert (report.holdout_digest, report.metrics) == (expected.holdout_digest, expected.metrics)


def test_one_class_only_is_scored(world):
    metrics = {"accuracy": 1, "f1_macro": 1, "f1_weighted": 1, "n_classes": 1, "n_features": 1, "n_samples": 2,
               "training_date": "2025-08-20T14:30:00"}  # fmt: skip
    world.trained(metrics=metrics, rows=[("1", "a", "a"), ("2", "a", "a")])

    assert world.publish().metrics["f1_macro"] == 1


def test_more_rows_than_can_be_held_are_refused(world, monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 3)
    world.trained()

    failure = world.publish()

    assert (failure.reason, failure.message) == ("PredictionsTooLarge", "predictions.csv has more than 3 rows: use a smaller holdout")


@pytest.mark.parametrize("most", [1, 2])
def test_more_labels_than_can_be_held_are_refused(world, monkeypatch, most):
    monkeypatch.setattr(reading, "MAX_LABELS", most)
    world.trained()  # with two

    outcome = world.publish()

    assert getattr(outcome, "reason", "") == ("PredictionsTooLarge" if most == 1 else "")


@pytest.mark.parametrize("columns", [32, 33])
def test_a_file_may_have_32_columns(world, columns):
    names = ["id", "label", "predicted", *(f"slice_{number}" for number in range(columns - 3))]
    world.trained(columns=names, rows=[(*row, *["x"] * (columns - 3)) for row in ROWS])

    outcome = world.publish()

    assert getattr(outcome, "message", "") == (
        "" if columns == 32 else "predictions.csv names more than 32 columns: the trainer must be corrected"
    )


def test_a_file_that_is_too_large_is_refused_before_it_is_read(world):
    with (world.trained() / "predictions.csv").open("ab") as file:
        file.truncate(257 << 20)

    assert world.publish().reason == "PredictionsTooLarge"


labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


@settings(max_examples=40)
@given(labels)
def test_scores_are_those_of_the_definition(pairs):
    """Accuracy and F1 from their definitions, in exact fractions: 2 tp / (2 tp + fp + fn), 0 where a class was never right."""
    truth, answers = zip(*pairs, strict=True)
    f1 = {}
    for cls in {*truth, *answers}:
        right = sum(one == other == cls for one, other in pairs)
        f1[cls] = Fraction(2 * right, truth.count(cls) + answers.count(cls))
    exact = {
        "accuracy": Fraction(sum(one == other for one, other in pairs), len(pairs)),
        "f1_macro": sum(f1.values()) / len(f1),
        "f1_weighted": sum(f1[cls] * truth.count(cls) for cls in f1) / len(pairs),
    }

    measured = scores(np.array(truth, dtype=np.int32), np.array(answers, dtype=np.int32))

    for name, value in exact.items():
        assert abs(measured[name] - Decimal(value.numerator) / value.denominator) < Decimal("1e-12")


@settings(max_examples=40)
@given(labels, st.integers(min_value=0))
def test_scores_depend_neither_on_the_order_of_rows_nor_on_the_names_of_labels(pairs, seed):
    random = Random(seed)
    renamed = list(range(5))
    random.shuffle(renamed)
    shuffled = pairs.copy()
    random.shuffle(shuffled)

    before = scores(*(np.array(column, dtype=np.int32) for column in zip(*pairs, strict=True)))
    after = scores(*(np.array([renamed[code] for code in column], dtype=np.int32) for column in zip(*shuffled, strict=True)))

    assert all(abs(before[name] - after[name]) < Decimal("1e-12") for name in before)
