import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.comparison import Classes, Comparison, Leakage, MetricComparison, Part, SliceComparison, Unmeasured
from modelsafeguard.core.errors import ReportInvalidError
from modelsafeguard.core.numbers import PValue, compact
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
COMPARISON = Comparison(
    rows=1250,
    changed=131,
    gained=75,
    lost=50,
    p_value=PValue("0.0315"),
    resamples=10_000,
    metrics={"accuracy": MetricComparison(Decimal("0.02"), Decimal("0.0024"), Decimal("0.0376"), Decimal("0.0089219"))},
    slices_tested=160,
    slices=(
        SliceComparison("domain", "banking", 450, 20, 118, PValue("3.05e-41")),
        SliceComparison("label", "été", 30, 0, 5, PValue("1")),
    ),
    classes_lost=Classes(12, ("freeze_account", "transfer")),
)

FULL = Report(
    version="nightly-7-1f0c9a2e",
    manifest_digest=DIGEST,
    model_digest=DIGEST,
    metrics={"accuracy": Decimal("0.8242"), "f1_macro": Decimal("0.8234"), "n_classes": Decimal(138)},
    training_date="2025-08-20T14:30:00",
    holdout_digest=DIGEST,
    holdout_rows=1250,
    live_version="nightly-6-00c0ffee",
    live_metrics={"accuracy": Decimal("0.8042")},
    live_evidence=Evidence.PAIRED,
    comparison=COMPARISON,
    leakage=Leakage(1250, 19, 0),
    not_measured={Part.SLICES: Unmeasured.COLUMN_UNUSABLE},
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


def compared(**fields):
    payload = report_to_payload(FULL)["comparison"] | fields
    return changed(comparison={name: value for name, value in payload.items() if value is not None})


SLICE = ["domain", "banking", 450, 20, 118, "3.05e-41"]


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
        pytest.param(changed(comparison=[]), id="a comparison that is a list"),
        pytest.param({**without("holdout_rows"), "holdout_digest": None}, id="a comparison without rows"),
        pytest.param(compared(verdict="Promoted"), id="a field that no comparison has"),
        pytest.param(compared(changed=1251), id="more rows changed than there are"),
        pytest.param(compared(changed=124), id="fewer rows changed than gained and lost"),
        pytest.param(compared(gained=76, changed=1000), id="gained and lost rows that are not the accuracies'"),
        pytest.param(compared(lost=True), id="a truth value for lost rows"),
        pytest.param(compared(p_value=None), id="no p-value"),
        pytest.param(compared(p_value="0"), id="a p-value of 0"),
        pytest.param(compared(p_value=0.03), id="a p-value that was a binary float"),
        pytest.param(compared(resamples=None), id="intervals without resamples"),
        pytest.param(compared(resamples=10_001), id="more resamples than are ever drawn"),
        pytest.param(compared(metrics=None), id="a comparison without metrics"),
        pytest.param(compared(metrics={"f1_macro": ["0", "0", "0"]}), id="a comparison of a metric that the live model has not"),
        pytest.param(compared(metrics={"accuracy": ["0.1", "0", "0"]}), id="an interval that ends before it begins"),
        pytest.param(compared(metrics={"accuracy": ["-1.1", "0", "0"]}), id="an interval out of bounds"),
        pytest.param(compared(metrics={"accuracy": ["0", "NaN", "0"]}), id="an interval that is NaN"),
        pytest.param(compared(metrics={"accuracy": ["0", "0", "-0.1"]}), id="a negative standard error"),
        pytest.param(compared(metrics={"accuracy": ["0", "0"]}), id="no standard error"),
        pytest.param(compared(metrics={"accuracy": "000"}), id="an interval that is a text"),
        pytest.param(compared(slices_tested=1), id="more slices than were tested"),
        pytest.param(compared(slices=[SLICE] * 4), id="too many slices"),
        pytest.param(compared(slices=[SLICE[:5]]), id="a slice without a p-value"),
        pytest.param(compared(slices=[["domain", "x" * 41, *SLICE[2:]]]), id="a slice with a long name"),
        pytest.param(compared(slices=[["domain", "a\u202eb", *SLICE[2:]]]), id="a slice whose name turns the direction"),
        pytest.param(compared(slices=[["domain", 7, *SLICE[2:]]]), id="a slice whose name is a number"),
        pytest.param(compared(slices=[["domain", "a", 1251, *SLICE[3:]]]), id="a slice of more rows than there are"),
        pytest.param(compared(slices=[["domain", "a", 100, 20, 81, "1"]]), id="a slice that lost more rows than it has"),
        pytest.param(compared(slices=[["domain", "a", 100, 20, 20, "1"]]), id="a slice that did not get worse"),
        pytest.param(compared(classes_lost=["freeze_account"]), id="classes without their number"),
        pytest.param(compared(classes_lost=[1, "a", "b"]), id="more names than classes"),
        pytest.param(compared(classes_lost=[9, *"abcdef"]), id="too many names of classes"),
        pytest.param(compared(classes_lost=[2, "a\nb"]), id="a class with a line feed"),
        pytest.param(compared(classes_lost=[2, 7]), id="a class whose name is a number"),
        pytest.param(compared(classes_lost=[0]), id="no classes, counted"),
        pytest.param(changed(leakage=19), id="leakage that is a number"),
        pytest.param(changed(leakage=[1251]), id="more leaked rows than there are"),
        pytest.param(changed(leakage=[1, 2, 3]), id="leakage of three models"),
        pytest.param(changed(leakage=[1, True]), id="a truth value for leaked rows"),
        pytest.param(changed(not_measured={"Power": "NoPredictions"}), id="a part that there is not"),
        pytest.param(changed(not_measured={"Slices": "TooLate"}), id="a reason that there is not"),
        pytest.param(changed(not_measured={"Slices": ["NoPredictions"]}), id="a reason that is a list"),
        pytest.param(changed(not_measured={"Comparison": "NoPredictions"}), id="a comparison that was not measured"),
        pytest.param(changed(not_measured={"Leakage": "NoPredictions"}), id="leakage that was not measured"),
        pytest.param(changed(verdict="Promoted"), id="a field that no report has"),
    ],
)
def test_anything_else_than_a_report_is_refused_in_a_sentence(payload):
    with pytest.raises(ReportInvalidError) as refused:
        report_from_payload(payload, version=FULL.version)
    assert str(refused.value).startswith("The report")


def test_a_report_of_an_older_measure_is_read_as_one_in_which_nothing_was_compared():
    older = {name: value for name, value in report_to_payload(FULL).items() if name not in {"comparison", "leakage", "not_measured"}}

    report = report_from_payload(older, version=FULL.version)

    assert (report.comparison, report.leakage, report.not_measured) == (None, None, {})


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


@given(st.sampled_from(sorted(report_to_payload(FULL)["comparison"])), json_values)
def test_nor_does_any_value_of_any_field_of_the_comparison(name, value):
    try:
        report = report_from_payload(compared(**{name: value}), version=FULL.version)
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
