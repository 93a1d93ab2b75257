from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelsafeguard.core.comparison import Classes, SliceComparison
from modelsafeguard.core.numbers import p_value
from modelsafeguard.core.report import Evidence
from modelsafeguard.measure.compare import compare
from modelsafeguard.measure.live import LiveNumbers
from modelsafeguard.measure.predictions import Predictions
from modelsafeguard.measure.scores import scores
from modelsafeguard.measure.slices import SliceColumn

LABELS = ("refund", "transfer", "freeze_account", "été")


def compared(rows, labels=LABELS, slices=(), *, named=(), live_named=()):
    """Rows are (label, live, candidate), by name."""
    codes = {label: code for code, label in enumerate(labels)}
    label, live, predicted = (np.array([codes[name] for name in column], dtype=np.int32) for column in zip(*rows, strict=True))
    ids = np.array([str(number) for number in range(len(rows))], dtype="S16")
    candidate = Predictions(ids, labels, label, predicted, None, "sha256:" + "0" * 64, slices)
    numbers = LiveNumbers("v-1", Evidence.PAIRED, scores(label, live), live, live_named)
    return compare(candidate, numbers, scores(label, predicted), named)


RIGHT, LOST, GAINED = ("refund", "refund", "refund"), ("refund", "refund", "transfer"), ("transfer", "refund", "transfer")
BOTH_WRONG, OTHERWISE_WRONG = ("refund", "transfer", "transfer"), ("refund", "transfer", "freeze_account")


@pytest.mark.parametrize(
    ("rows", "changed", "gained", "lost", "p"),
    [
        pytest.param([RIGHT] * 9, 0, 0, 0, "1", id="the same answers, all right"),
        pytest.param([BOTH_WRONG] * 9, 0, 0, 0, "1", id="the same answers, all wrong"),
        pytest.param([OTHERWISE_WRONG] * 9, 9, 0, 0, "1", id="other answers, as wrong as before"),
        pytest.param([GAINED] * 9, 9, 9, 0, "0.00391", id="all gained"),
        pytest.param([LOST] * 9, 9, 0, 9, "0.00391", id="all lost"),
        pytest.param([RIGHT] * 80 + [GAINED] * 5 + [LOST] * 15 + [OTHERWISE_WRONG], 21, 5, 15, "0.0414", id="some of each"),
        pytest.param([RIGHT], 0, 0, 0, "1", id="one row"),
    ],
)
def test_rows_are_counted_by_what_both_models_made_of_them(rows, changed, gained, lost, p):
    comparison = compared(rows).comparison

    assert (comparison.rows, comparison.changed, comparison.gained, comparison.lost) == (len(rows), changed, gained, lost)
    assert comparison.p_value == Decimal(p)


def test_an_interval_comes_with_each_metric():
    comparison = compared([RIGHT] * 80 + [GAINED] * 5 + [LOST] * 15).comparison

    accuracy, f1_macro = comparison.metrics["accuracy"], comparison.metrics["f1_macro"]
    assert list(comparison.metrics) == ["accuracy", "f1_macro", "f1_weighted"]
    assert (accuracy.delta, accuracy.standard_error) == (Decimal("-0.1"), Decimal("0.043589"))  # sqrt(0.2 - 0.1 ** 2) / 10
    assert Decimal("-0.2") < accuracy.lower < Decimal("-0.17") < accuracy.delta < Decimal("-0.03") < accuracy.upper < 0
    assert f1_macro.lower < f1_macro.delta < f1_macro.upper
    assert comparison.resamples == 10_000


triples = st.lists(st.tuples(*[st.sampled_from(LABELS)] * 3), min_size=1, max_size=25)


@settings(max_examples=8, deadline=None)
@given(triples)
def test_gained_and_lost_rows_are_the_accuracys_delta(rows):
    comparison = compared(rows).comparison

    assert abs(comparison.metrics["accuracy"].delta * len(rows) - (comparison.gained - comparison.lost)) < Decimal("1e-8")


@settings(max_examples=8, deadline=None)
@given(triples)
def test_swapped_models_give_the_same_comparison_mirrored(rows):
    one = compared(rows)
    other = compared([(label, candidate, live) for label, live, candidate in rows])

    assert (one.comparison.gained, one.comparison.lost) == (other.comparison.lost, other.comparison.gained)
    assert (one.comparison.p_value, one.comparison.changed) == (other.comparison.p_value, other.comparison.changed)
    assert (one.comparison.classes_lost, one.comparison.classes_gained) == (other.comparison.classes_gained, other.comparison.classes_lost)
    for name, metric in one.comparison.metrics.items():
        mirrored = other.comparison.metrics[name]
        assert (metric.delta, metric.lower, metric.upper) == (-mirrored.delta, -mirrored.upper, -mirrored.lower)
        assert metric.standard_error == mirrored.standard_error
    assert {(part.value, part.delta, part.p_value) for part in one.slices} == {
        (part.value, -part.delta, part.p_value) for part in other.slices
    }


@settings(max_examples=8, deadline=None)
@given(triples, st.permutations(LABELS), st.permutations(range(len(LABELS))))
def test_neither_the_names_of_labels_nor_their_numbers_change_a_digit(rows, names, order):
    renamed = dict(zip(LABELS, names, strict=True))

    one = compared(rows)
    other = compared([tuple(renamed[name] for name in row) for row in rows], tuple(LABELS[place] for place in order))

    unnamed = {"slices": (), "classes_lost": Classes(), "classes_gained": Classes()}
    assert replace(other.comparison, **unnamed) == replace(one.comparison, **unnamed)
    assert {(renamed[part.value], part.rows, part.delta, part.p_value) for part in one.slices} == {
        (part.value, part.rows, part.delta, part.p_value) for part in other.slices
    }


def column(name, values):
    distinct = tuple(dict.fromkeys(values))
    return SliceColumn(name, distinct, np.array([distinct.index(value) for value in values], dtype=np.uint16))


def test_a_mean_that_stays_hides_no_slice_that_fell():
    rows = [RIGHT] * 40 + [GAINED] * 20 + [LOST] * 18 + [RIGHT] * 2
    domains = column("domain", ["travel"] * 60 + ["banking"] * 20)

    found = compared(rows, slices=(domains,))

    assert found.comparison.metrics["accuracy"].delta == Decimal("0.025")
    assert found.comparison.slices_tested == 4
    # Of four p-values the two of 20 gained rows are the smallest (Holm: times four), and then those of 18 lost ones (times two).
    gained, lost = p_value(4 * 2 * 0.5**20), p_value(2 * 2 * 0.5**18)
    assert found.comparison.slices == (
        SliceComparison("domain", "banking", 20, 0, 18, lost),
        SliceComparison("label", "refund", 60, 0, 18, lost),
    )
    assert found.slices[:2] == (
        SliceComparison("domain", "travel", 60, 20, 0, gained),
        SliceComparison("label", "transfer", 20, 20, 0, gained),
    )


def test_labels_that_no_row_has_are_no_slices():
    assert [(one.column, one.value, one.rows) for one in compared([OTHERWISE_WRONG] * 3).slices] == [("label", "refund", 3)]


ALL = ("refund", "transfer", "freeze_account")
NEVER_RIGHT = ("freeze_account", "freeze_account", "transfer")


@pytest.mark.parametrize(
    ("rows", "named", "live_named", "lost", "gained"),
    [
        pytest.param([RIGHT, NEVER_RIGHT], (), (), ["freeze_account"], [], id="a class of which no row is right any more"),
        pytest.param([RIGHT, NEVER_RIGHT[::-1]], (), (), [], [], id="a class that neither had right"),
        pytest.param([GAINED, RIGHT], (), (), [], ["transfer"], id="a class of which rows are right at last"),
        pytest.param([LOST, RIGHT], (), (), [], [], id="a class that still has a row right"),
        pytest.param([RIGHT], ("refund",), ALL, ["freeze_account", "transfer"], [], id="classes that the candidate does not name"),
        pytest.param([RIGHT], ALL, ("refund",), [], ["freeze_account", "transfer"], id="classes that only the candidate names"),
        pytest.param([RIGHT], ("transfer",), (), ["refund"], [], id="a class that the candidate gets right and does not name"),
        pytest.param([RIGHT], (), ALL, [], [], id="a candidate that names none"),
        pytest.param([RIGHT], ALL, (), [], [], id="a live model that names none"),
        pytest.param([RIGHT, NEVER_RIGHT], ALL, ALL, ["freeze_account"], [], id="a class that is named and never answered"),
    ],
)
def test_classes_that_were_lost_and_gained(rows, named, live_named, lost, gained):
    comparison = compared(rows, named=named, live_named=live_named).comparison

    assert comparison.classes_lost == Classes(len(lost), tuple(lost))
    assert comparison.classes_gained == Classes(len(gained), tuple(gained))
