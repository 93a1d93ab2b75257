import json

import pytest

from modelsafeguard.measure import metrics as reading

VALID = {
    "accuracy": 0.75,
    "f1_macro": 0.7333,
    "f1_weighted": 0.7333,
    "n_classes": 2,
    "n_features": 12,
    "n_samples": 40,
    "training_date": "2025-08-20T14:30:00",
}


def text(**changes):
    return json.dumps({**VALID, **changes})


def without(name):
    return json.dumps({key: value for key, value in VALID.items() if key != name})


@pytest.mark.parametrize(
    ("content", "reason", "sentence"),
    [
        pytest.param(None, "MetricsMissing", "The trainer wrote no metrics.json", id="no file"),
        pytest.param("", "MetricsInvalid", "is not JSON: Expecting value at line 1, column 1", id="an empty file"),
        pytest.param("{", "MetricsInvalid", "is not JSON", id="malformed JSON"),
        pytest.param(text() + "x", "MetricsInvalid", "is not JSON: Extra data", id="something behind the JSON"),
        pytest.param("[]", "MetricsInvalid", "is not a JSON object", id="a list"),
        pytest.param("[" * 100_000, "MetricsInvalid", "is nested too deeply", id="brackets without end"),
        pytest.param(text(extra=json.loads("[" * 40 + "]" * 40)), "MetricsInvalid", "is nested more than 16", id="deep nesting"),
        pytest.param(text()[:-1] + ', "accuracy": 0.99}', "MetricsInvalid", "has the key 'accuracy' more than once", id="a key twice"),
        pytest.param(text(accuracy=float("nan")), "MetricsInvalid", "has 'accuracy' = NaN, which is not a finite number", id="NaN"),
        pytest.param(text(f1_macro=float("inf")), "MetricsInvalid", "has 'f1_macro' = Infinity", id="infinity"),
        pytest.param(text(f1_macro=float("-inf")), "MetricsInvalid", "has 'f1_macro' = -Infinity", id="minus infinity"),
        pytest.param(text(extra={"auc": [1, float("nan")]}), "MetricsInvalid", "has 'extra.auc[]' = NaN", id="NaN anywhere"),
        pytest.param(text(accuracy="0.75"), "MetricsInvalid", "has accuracy = ", id="a number in quotes"),
        pytest.param(text(accuracy=True), "MetricsInvalid", "has accuracy = 'true', which is not a number", id="true for a number"),
        pytest.param(text(accuracy=None), "MetricsInvalid", "has accuracy = 'null', which is not a number", id="null for a number"),
        pytest.param(text(accuracy=[0.75]), "MetricsInvalid", "which is not a number", id="a list for a number"),
        pytest.param(text(accuracy=1.2), "MetricsInvalid", "accuracy is 1.2, outside its range from 0 to 1", id="an accuracy of 1.2"),
        pytest.param(text(f1_weighted=-0.1), "MetricsInvalid", "f1_weighted is -0.1, outside its range", id="an F1 below 0"),
        pytest.param(text(n_classes=2.5), "MetricsInvalid", "n_classes is 2.5, which is not a count", id="half a class"),
        pytest.param(text(n_samples=-1), "MetricsInvalid", "n_samples is -1, which is not a count", id="a negative count"),
        pytest.param('{"accuracy": 1e999999999999999999999}', "MetricsInvalid", "has a number that is too large", id="a giant exponent"),
        pytest.param(text().replace("0.75", "1e-999999"), "MetricsDisagree", "says accuracy 1e-999999", id="a tiny exponent"),
        pytest.param(text().replace("12", "9" * 5000), "MetricsInvalid", "n_features is ", id="five thousand digits"),
        pytest.param(text(training_date="yesterday"), "MetricsInvalid", "has no training_date in ISO 8601", id="a date that is none"),
        pytest.param(text(training_date=20250820), "MetricsInvalid", "has no training_date in ISO 8601", id="a date that is a number"),
        pytest.param(text(modelDigest="abc"), "MetricsInvalid", "has a modelDigest that is not sha256:", id="a digest that is none"),
        pytest.param(text(holdoutDigest=7), "MetricsInvalid", "has a holdoutDigest that is not sha256:", id="a digest that is a number"),
        pytest.param(text(holdoutDigest="sha256:" + "0" * 64), "HoldoutDisagrees", "are not of one run", id="another holdout"),
        pytest.param(text(labels={"a": 1}), "MetricsInvalid", "has labels that are not a list of strings", id="labels that are no list"),
        *(
            pytest.param(without(name), "MetricsInvalid", f"has no {name}", id=f"no {name}")
            for name in VALID
        ),
    ],
)  # fmt: skip
def test_bad_metrics_fail_with_a_sentence_and_publish_nothing(world, content, reason, sentence):
    world.trained(metrics=content)
    before = world.files()

    failure = world.publish()

    assert (failure.reason, world.status) == (reason, 1)
    assert sentence in failure.message
    assert world.files() == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(text(), "metrics.json has no recall: the trainer must be corrected", id="missing"),
        pytest.param(
            text(recall=None), "metrics.json has recall = 'null', which is not a number: the trainer must be corrected", id="null"
        ),
    ],
)
def test_a_metric_that_only_the_policy_asks_for_must_be_a_number_too(world, content, sentence):
    world.trained(metrics=content)

    failure = world.publish(metrics=("accuracy", "recall"))

    assert (failure.reason, failure.message) == ("MetricsInvalid", sentence)


def test_bytes_that_are_not_utf_8_fail(world):
    (world.trained() / "metrics.json").write_bytes(b'{"accuracy": "\xff"}')

    assert "is not UTF-8 (byte 14)" in world.publish().message


def test_a_byte_order_mark_is_no_fault(world):
    folder = world.trained()
    (folder / "metrics.json").write_bytes(b"\xef\xbb\xbf" + text().encode())

    assert world.publish().version == "v-2"


def test_a_hundred_megabytes_are_refused_without_being_read(world, monkeypatch):
    folder = world.trained()
    with (folder / "metrics.json").open("ab") as file:
        file.truncate(100 << 20)
    before, read = world.files(), []
    original = reading.read_bounded
    monkeypatch.setattr(reading, "read_bounded", lambda *args: read.append(original(*args)) or read[-1])

    failure = world.publish()

    assert (failure.reason, read) == ("MetricsTooLarge", [None])
    assert world.files() == before


@pytest.mark.parametrize(
    ("written", "agrees"),
    [
        pytest.param("0.6666666666666666", True, id="all digits of a double"),
        pytest.param("0.6666666667", True, id="ten digits"),
        pytest.param("0.66667", True, id="five digits, rounded"),
        pytest.param("0.6667", True, id="four digits, rounded"),
        pytest.param("0.6666", False, id="four digits, cut instead of rounded"),
        pytest.param("0.67", False, id="two digits count as four"),
        pytest.param("0.66667666", False, id="wrong behind the fifth digit"),
        pytest.param("6.6667e-1", True, id="with an exponent"),
        pytest.param("0.666666666666", True, id="twelve digits"),
        pytest.param("0.666666666", False, id="nine digits, cut instead of rounded"),
    ],
)
def test_metrics_must_agree_with_the_predictions_to_half_a_unit_of_their_last_digit(world, written, agrees):
    """Two of three rows are right; the F1 of the classes a, b, c, d are 1, 1, 0, 0."""
    content = text(f1_macro=0.5, f1_weighted=0.6667).replace("0.75", written)
    world.trained(metrics=content, rows=[("1", "a", "a"), ("2", "b", "b"), ("3", "c", "d")])

    outcome = world.publish()

    assert (getattr(outcome, "reason", None) is None) is agrees
    if not agrees:
        assert outcome.reason == "MetricsDisagree"
        assert "give 0.666666666667" in outcome.message
