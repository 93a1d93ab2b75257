import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.comparison import Classes, Comparison, Leakage, MetricComparison, Part, SliceComparison, Unmeasured
from modelsafeguard.core.errors import HandoverTooLargeError
from modelsafeguard.core.handover import LIMIT, Failure, decode, encode, encode_failure, encode_report, fitted, parse_handover
from modelsafeguard.core.numbers import PValue
from modelsafeguard.core.report import Evidence, Report

DIGEST = "sha256:" + "0123456789abcdef" * 4
STANDARD = ("accuracy", "f1_macro", "f1_weighted")
COUNTS = ("n_classes", "n_features", "n_samples")

REPORT = Report("v-2", DIGEST, "", {"accuracy": Decimal("0.9")}, "2025-08-20T14:30:00")
MESSAGE = encode_report(REPORT).decode()


def sealed(body):
    raw = body.encode()
    return f"{body}\n{len(raw)} sha256:{hashlib.sha256(raw).hexdigest()}"


def test_a_report_arrives_as_it_was_sent():
    assert parse_handover(MESSAGE, version="v-2") == REPORT


def test_a_failure_arrives_as_it_was_sent():
    message = encode_failure("MetricsInvalid", "metrics.json has accuracy = NaN, which is not a finite number").decode()

    assert parse_handover(message, version="v-2") == Failure(
        "MetricsInvalid", "metrics.json has accuracy = NaN, which is not a finite number"
    )


def test_the_form_of_a_message():
    body, trailer = MESSAGE.split("\n")

    assert json.loads(body) == {
        "report": {
            "version": "v-2",
            "manifest_digest": DIGEST,
            "metrics": {"accuracy": "0.9"},
            "training_date": "2025-08-20T14:30:00",
        }
    }
    assert trailer == f"{len(body)} sha256:{hashlib.sha256(body.encode()).hexdigest()}"


def test_a_message_cut_anywhere_is_noticed_as_lost():
    for cut in range(len(MESSAGE)):
        assert parse_handover(MESSAGE[:cut], version="v-2").lost
        assert parse_handover(MESSAGE[cut + 1 :], version="v-2").lost


def test_a_message_changed_anywhere_is_noticed_as_lost():
    for at, character in enumerate(MESSAGE):
        other = "0" if character != "0" else "1"
        assert parse_handover(MESSAGE[:at] + other + MESSAGE[at + 1 :], version="v-2").lost


@pytest.mark.parametrize(
    ("text", "reason", "lost"),
    [
        pytest.param("", "HandoverMissing", True, id="no message"),
        pytest.param(" \n ", "HandoverMissing", True, id="only white space"),
        pytest.param("Traceback (most recent call last):\n  boom", "HandoverCut", True, id="the end of a log"),
        pytest.param("\ud800\n3 sha256:" + "0" * 64, "HandoverGarbled", True, id="text that is not Unicode"),
        pytest.param(sealed("not json"), "ReportInvalid", False, id="sealed text that is not JSON"),
        pytest.param(sealed("[" * 1200), "ReportInvalid", False, id="sealed brackets that nest too deeply"),
        pytest.param(sealed("1" * 1400), "ReportInvalid", False, id="one very long number"),
        pytest.param(sealed("[]"), "ReportInvalid", False, id="a sealed list"),
        pytest.param(sealed("{}"), "ReportInvalid", False, id="a sealed empty object"),
        pytest.param(sealed('{"report":{},"failed":{}}'), "ReportInvalid", False, id="a report and a failure at once"),
        pytest.param(sealed('{"report":null}'), "ReportInvalid", False, id="a report that is null"),
        pytest.param(sealed('{"failed":{"reason":"X"}}'), "ReportInvalid", False, id="a failure without a message"),
        pytest.param(sealed('{"failed":{"reason":"no good","message":"m"}}'), "ReportInvalid", False, id="a reason with a space"),
        pytest.param(sealed('{"failed":{"reason":7,"message":"m"}}'), "ReportInvalid", False, id="a reason that is a number"),
        pytest.param(
            sealed('{"failed":{"reason":"X","message":"a\\u001b[31m"}}'), "ReportInvalid", False, id="a terminal's escape sequence"
        ),
        pytest.param(sealed('{"failed":{"reason":"X","message":""}}'), "ReportInvalid", False, id="an empty sentence"),
    ],
)
def test_hostile_messages_become_a_failure_with_a_sentence(text, reason, lost):
    failure = parse_handover(text, version="v-2")

    assert (failure.reason, failure.lost) == (reason, lost)
    assert failure.message


def test_a_report_about_another_version_is_not_taken():
    failure = parse_handover(MESSAGE, version="v-3")

    assert failure == Failure("ReportInvalid", "The report is about version v-2, but v-3 was asked for")


@given(st.text(max_size=60))
def test_no_text_makes_it_raise(text):
    assert isinstance(parse_handover(text, version="v-2"), Failure)
    assert isinstance(parse_handover(sealed(text.encode(errors="replace").decode()), version="v-2"), Failure)


@given(st.text(min_size=1, max_size=3000))
def test_any_failures_sentence_fits_and_can_be_read(sentence):
    message = encode_failure("InternalError", sentence)

    assert len(message) <= LIMIT
    assert decode(message.decode())["failed"]["message"].isprintable()


def largest(extra_metrics):
    metrics = {name: Decimal("0.1234567891") for name in STANDARD} | {name: Decimal(10**15) for name in COUNTS}
    metrics |= {f"{'m' * 38}_{number}": Decimal("0.1234567891") for number in range(extra_metrics)}
    live = {name: Decimal("0.1234567891") for name in STANDARD}
    name = "x" * 61
    return Report(name, DIGEST, DIGEST, metrics, "2025-08-20T14:30:00.123456+02:00", DIGEST, 10**6, name, live, Evidence.RESCORED)


def test_the_largest_report_with_six_long_metrics_beside_the_standard_ones_fits():
    report = largest(6)

    assert len(encode_report(report)) <= LIMIT
    assert parse_handover(encode_report(report).decode(), version=report.version) == report


def test_a_report_that_does_not_fit_is_refused_and_says_what_to_do():
    with pytest.raises(HandoverTooLargeError, match="name fewer metrics in the policy"):
        encode_report(largest(20))


SLICE = SliceComparison("a_column_with_a_name", "v" * 250, 450_000, 20_000, 118_000, PValue("3.05e-300"))


def with_comparison(report):
    """As large as it comes: the worst of many slices with long names, and many classes."""
    metric = MetricComparison(Decimal(0), Decimal("-0.123456"), Decimal("-0.123456"), Decimal("0.0123456789"))
    classes = Classes(150, tuple("c" * 250 for _ in range(150)))
    comparison = Comparison(
        report.holdout_rows, 1000, 300, 300, PValue("3.05e-300"), 10_000, dict.fromkeys(STANDARD, metric), 10_000, (SLICE,) * 9, classes,
        classes,
    )  # fmt: skip
    reasons = {Part.SLICES: Unmeasured.COLUMN_UNUSABLE, Part.LIVE_LEAKAGE: Unmeasured.TRAIN_DIGESTS_INVALID}
    return replace(report, comparison=comparison, leakage=Leakage(report.holdout_rows, 100_000), not_measured=reasons)


ORDINARY = Report(
    "nightly-8-1f0c9a2e",
    DIGEST,
    DIGEST,
    {name: Decimal("0.9113333333") for name in STANDARD} | {name: Decimal(15_000) for name in COUNTS},
    "2025-08-20T14:30:00Z",
    DIGEST,
    4500,
    "nightly-7-00c0ffee",
    {name: Decimal("0.9113333333") for name in STANDARD},
    Evidence.PAIRED,
)


def test_an_ordinary_report_has_room_for_three_slices_and_the_names_of_classes():
    one = SliceComparison("domain", "banking", 450, 20, 118, PValue("3.05e-41"))
    comparison = replace(
        with_comparison(ORDINARY).comparison,
        slices=(one,) * 9,
        classes_lost=Classes(2, ("freeze_account", "transfer")),
        classes_gained=Classes(1, ("travel_notification",)),
    )

    report = fitted(replace(ORDINARY, comparison=comparison, leakage=Leakage(4500, 19, 19)))

    assert report.comparison == comparison.abridged()
    assert len(report.comparison.slices) == 3
    assert parse_handover(encode_report(report).decode(), version=report.version) == report


def test_a_report_with_a_comparison_names_as_much_as_there_is_room_for_and_at_least_the_worst_slice():
    report = fitted(with_comparison(largest(0)))

    assert [one.value for one in report.comparison.slices] == ["v" * 13 + "..."]
    assert (report.comparison.classes_lost, report.comparison.slices_tested) == (Classes(150, ("c" * 13 + "...",)), 10_000)
    assert parse_handover(encode_report(report).decode(), version=report.version) == report


def test_names_that_take_twelve_bytes_a_character_are_cut_until_they_fit():
    report = with_comparison(largest(0))
    slices = (replace(SLICE, column="\U0001f600" * 250, value="\U0001f600" * 250),)

    shortened = fitted(replace(report, comparison=replace(report.comparison, slices=slices)))

    assert [(one.column, one.value) for one in shortened.comparison.slices] == [("\U0001f600" * 3 + "...",) * 2]


def test_a_report_whose_comparison_does_not_fit_however_short_is_refused():
    with pytest.raises(HandoverTooLargeError, match="name fewer metrics in the policy"):
        fitted(with_comparison(largest(6)))


def test_a_report_without_a_comparison_is_handed_over_as_it_is():
    assert fitted(REPORT) == REPORT


def test_a_number_that_is_not_json_is_never_sent():
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"report": {"holdout_rows": float("nan")}})


def test_numbers_are_rounded_alike_for_candidate_and_live():
    third = Decimal(1) / 3
    report = replace(
        REPORT, metrics={"accuracy": third}, live_version="v-1", live_metrics={"accuracy": third}, live_evidence=Evidence.PAIRED
    )

    arrived = parse_handover(encode_report(report).decode(), version="v-2")

    assert arrived.metrics == arrived.live_metrics == {"accuracy": Decimal("0.3333333333")}
