import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.errors import ReportInvalidError
from modelsafeguard.core.numbers import compact
from modelsafeguard.core.report import (
    Evidence,
    Report,
    holdout_digest,
    is_training_date,
    is_version,
    report_from_payload,
    report_to_payload,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4

FULL = Report(
    version="nightly-7-1f0c9a2e",
    manifest_digest=DIGEST,
    model_digest=DIGEST,
    metrics={"accuracy": Decimal("0.8542"), "f1_macro": Decimal("0.8234"), "n_classes": Decimal(138)},
    training_date="2025-08-20T14:30:00",
    holdout_digest=DIGEST,
    holdout_rows=1250,
    live_version="nightly-6-00c0ffee",
    live_metrics={"accuracy": Decimal("0.8042")},
    live_evidence=Evidence.PAIRED,
)
MINIMAL = Report("v", DIGEST, "", {"accuracy": Decimal(1)}, "2025-08-20")


@pytest.mark.parametrize("report", [FULL, MINIMAL], ids=["with everything", "with what is required"])
def test_a_report_comes_back_as_it_was(report):
    assert report_from_payload(report_to_payload(report), version=report.version) == report


def test_numbers_are_rounded_to_ten_digits_and_written_without_an_exponent():
    values = {"a": "0.85416666666666663", "b": "1E-7", "c": "150", "d": "0.8500", "e": "-0.00000000001", "f": "100", "g": "0"}

    assert {name: compact(Decimal(value)) for name, value in values.items()} == {
        "a": "0.8541666667",
        "b": "0.0000001",
        "c": "150",
        "d": "0.85",
        "e": "0",
        "f": "100",
        "g": "0",
    }


def changed(**fields):
    return {**report_to_payload(FULL), **fields}


def without(name):
    return {key: value for key, value in report_to_payload(FULL).items() if key != name}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param("text", id="a text"),
        pytest.param({}, id="an empty object"),
        pytest.param(without("version"), id="no version"),
        pytest.param(changed(version="nightly-7-1F0C9A2E"), id="a version with capitals"),
        pytest.param(changed(version="../nightly-6"), id="a version that is a path"),
        pytest.param(changed(version=7), id="a version that is a number"),
        pytest.param(changed(version="someone-elses"), id="another version than the one asked for"),
        pytest.param(without("manifest_digest"), id="no manifest digest"),
        pytest.param(changed(manifest_digest=DIGEST.upper()), id="a digest in capitals"),
        pytest.param(changed(manifest_digest=DIGEST + "\n"), id="a digest with a line feed"),
        pytest.param(changed(model_digest="md5:abc"), id="another kind of digest"),
        pytest.param(changed(model_digest=""), id="an empty value that would be left out"),
        pytest.param(changed(metrics=[]), id="metrics that are a list"),
        pytest.param(changed(metrics={"accuracy": 0.8}), id="a metric that was a binary float"),
        pytest.param(changed(metrics={"accuracy": True}), id="a metric that is a truth value"),
        pytest.param(changed(metrics={"accuracy": "NaN"}), id="a metric that is NaN"),
        pytest.param(changed(metrics={"accuracy": "Infinity"}), id="a metric that is infinite"),
        pytest.param(changed(metrics={"accuracy": "1e3"}), id="a metric with an exponent"),
        pytest.param(changed(metrics={"accuracy": "\u0660.\u0665"}), id="a metric in other digits"),
        pytest.param(changed(metrics={"accuracy": "1.2"}), id="an accuracy above 1"),
        pytest.param(changed(metrics={"f1_macro": "-0.1"}), id="an F1 below 0"),
        pytest.param(changed(metrics={"n_classes": "1.5"}), id="half a class"),
        pytest.param(changed(metrics={"n_classes": "-1"}), id="a negative count"),
        pytest.param(changed(metrics={"a/b": "1"}), id="a metric's name with a slash"),
        pytest.param(changed(metrics={f"m{n}": "1" for n in range(33)}), id="too many metrics"),
        pytest.param(changed(training_date="yesterday"), id="a date that is none"),
        pytest.param(without("training_date"), id="no date"),
        pytest.param(changed(holdout_rows=-1), id="a negative number of rows"),
        pytest.param(changed(holdout_rows=True), id="a truth value for a number of rows"),
        pytest.param(changed(holdout_rows=1.0), id="a float for a number of rows"),
        pytest.param(changed(holdout_rows=10**30), id="more rows than there can be"),
        pytest.param(without("holdout_rows"), id="a holdout without its rows"),
        pytest.param(without("holdout_digest"), id="rows without their holdout"),
        pytest.param(changed(live_evidence="Annotated"), id="evidence that measure cannot have"),
        pytest.param(changed(live_evidence=["Paired"]), id="evidence that is a list"),
        pytest.param(without("live_evidence"), id="live numbers without their evidence"),
        pytest.param(without("live_metrics"), id="evidence without live numbers"),
        pytest.param(without("live_version"), id="live numbers of no version"),
        pytest.param(changed(verdict="Promoted"), id="a field that no report has"),
    ],
)
def test_anything_else_than_a_report_is_refused_in_a_sentence(payload):
    with pytest.raises(ReportInvalidError) as refused:
        report_from_payload(payload, version=FULL.version)
    assert str(refused.value).startswith("The report")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
)


@given(st.sampled_from(sorted(report_to_payload(FULL))), json_values)
def test_no_value_of_any_field_makes_it_raise_anything_else(name, value):
    try:
        report = report_from_payload(changed(**{name: value}), version=FULL.version)
    except ReportInvalidError:
        return
    assert report_from_payload(report_to_payload(report), version=FULL.version) == report


def test_the_holdout_digest_is_that_of_the_sorted_lines():
    lines = b"1,yes\n10,no\n2,\xc3\xa9t\xc3\xa9\n"

    assert holdout_digest([("2", "été"), ("1", "yes"), ("10", "no")]) == "sha256:" + hashlib.sha256(lines).hexdigest()


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4))), st.randoms())
def test_the_holdout_digest_does_not_depend_on_the_order_of_rows(rows, random):
    rows = [(one.replace("\ud800", ""), other) for one, other in rows]
    shuffled = rows.copy()
    random.shuffle(shuffled)

    assert holdout_digest(shuffled) == holdout_digest(rows)


@pytest.mark.parametrize("version", ["a", "nightly-7-1f0c9a2e", "a.b-c", "x" * 63])
def test_names_that_can_be_versions(version):
    assert is_version(version)


@pytest.mark.parametrize("version", ["", ".", "..", "a..b", "a/b", "/a", "-a", "a-", ".a", "a.", "A", "a b", "a\n", "ä", "x" * 64])
def test_names_that_cannot_be_versions(version):
    assert not is_version(version)


@pytest.mark.parametrize(
    "text",
    [
        "2025-08-20T14:30:00",
        "2025-08-20 14:30:00",
        "2025-08-20T14:30",
        "2025-08-20T14:30:00Z",
        "2025-08-20T14:30:00.123456+02:00",
        "2025-08-20T14:30:00-05:30",
        "20250820T143000Z",
        "2025-W34-3T14:30:00",
        "2025-08-20",
    ],
)
def test_training_dates_in_iso_8601(text):
    assert is_training_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20.8.2025",
        "2025-13-01T00:00:00",
        "2025-08-20T25:00:00",
        "2025-08-20T14:30:00" + "0" * 40,
        "\uff12\uff10\uff12\uff15-08-20T14:30:00",
        *(f"2025-08-20{separator}14:30:00" for separator in "\n\x1b\0\t_tx-+.:Z0"),
        *(f"2025-08-20{separator}14" for separator in "\n-+W0"),
        "20250820\x1b143000",
        "2025-W34-3\n14:30:00",
        "2025-08-20T14:30:00\n",
        "2025-08-20\n",
        "\n2025-08-20",
    ],
)
def test_texts_that_are_no_training_date(text):
    assert not is_training_date(text)
