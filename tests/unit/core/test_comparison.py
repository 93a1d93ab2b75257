import math
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.comparison import (
    ABRIDGEMENTS,
    LONGEST_NAME,
    NAMED_CLASSES,
    WORST_SLICES,
    Classes,
    Comparison,
    Interval,
    Leakage,
    MetricComparison,
    SliceComparison,
    accuracy_error,
    rows_needed,
)
from modelsafeguard.core.numbers import PValue, p_text, p_value, p_value_from


def compared(rows, gained, lost, **fields):
    error = Decimal(repr(accuracy_error(rows, gained, lost)))
    accuracy = MetricComparison(Decimal(gained - lost) / rows, Decimal("-0.01"), Decimal("0.01"), error)
    return Comparison(rows, gained + lost, gained, lost, PValue(1), 10_000, {"accuracy": accuracy}, **fields)


@pytest.mark.parametrize(("rows", "points"), [(300, "3.6"), (1000, "2.0"), (3080, "1.1"), (4500, "0.9")])
def test_the_smallest_drop_that_is_told_where_5_percent_of_the_rows_changed_sides(rows, points):
    """Two-sided 95 %, power 80 %: computed apart from this program, by the normal approximation."""
    changed = rows * 0.05 / 2
    drop = compared(rows, changed, changed).detectable_drop

    assert f"{drop * 100:.1f}" == points


@pytest.mark.parametrize(
    ("share", "margin", "one_sided_5_percent"),
    [(0.02, 0.01, 1237), (0.04, 0.01, 2474), (0.10, 0.01, 6184), (0.02, 0.02, 310), (0.04, 0.02, 619), (0.10, 0.02, 1546)],
)
def test_the_rows_that_a_margin_needs_are_those_of_a_one_sided_test_at_2_5_percent(share, margin, one_sided_5_percent):
    """The table is known at one-sided 5 %; both differ by the squares of the quantiles' sums alone."""
    stricter = ((1.959964 + 0.841621) / (1.644854 + 0.841621)) ** 2

    needed = rows_needed(math.sqrt(share / 1000), 1000, margin)

    assert needed == pytest.approx(one_sided_5_percent * stricter, abs=2)


def test_a_holdout_that_tells_a_margin_needs_no_more_rows_than_it_has():
    comparison = compared(3140, 63, 63)

    assert comparison.detectable_drop == Decimal("0.010015")
    assert comparison.rows_needed("accuracy", Decimal("0.0101")) <= 3140 < comparison.rows_needed("accuracy", Decimal("0.0099"))


@pytest.mark.parametrize(("metric", "margin"), [("accuracy", "0"), ("accuracy", "-0.01"), ("recall", "0.01")])
def test_no_number_of_rows_tells_a_margin_of_nothing_or_a_metric_that_was_not_compared(metric, margin):
    assert compared(1000, 20, 20).rows_needed(metric, Decimal(margin)) is None


def test_that_no_row_changed_sides_is_no_proof_that_none_ever_does():
    comparison = compared(1000, 0, 0)

    assert comparison.detectable_drop == Decimal("0.002802")
    assert comparison.rows_needed("accuracy", Decimal("0.001")) == 7849


def test_a_holdout_of_one_row_tells_nothing():
    assert compared(1, 0, 1).detectable_drop == 1


SLICE = SliceComparison("domain", "banking", 450, 20, 118, p_value(3.0481e-41))


def test_a_slice_has_its_delta_and_its_interval_from_its_counts():
    assert f"{SLICE.delta:.4f}" == "-0.2178"
    assert SLICE.interval == Interval(Decimal("-0.264067"), Decimal("-0.169561"))


@given(st.integers(1, 500).flatmap(lambda rows: st.tuples(st.just(rows), st.integers(0, rows))), st.floats(0, 1))
def test_a_slices_interval_has_a_width_stays_in_bounds_and_is_mirrored_when_the_models_are_swapped(sizes, share):
    rows, changed = sizes
    gained = round(share * changed)
    interval = SliceComparison("c", "v", rows, gained, changed - gained, PValue(1)).interval
    mirrored = SliceComparison("c", "v", rows, changed - gained, gained, PValue(1)).interval

    assert -1 <= interval.lower < interval.upper <= 1
    assert (mirrored.lower, mirrored.upper) == (-interval.upper, -interval.lower)


@pytest.mark.parametrize(("gain", "loss"), [(0.02, 0.02), (0.1, 0.02), (0.0, 0.2), (0.3, 0.3)])
def test_a_slices_interval_holds_the_truth_about_as_often_as_it_says(gain, loss):
    """Every outcome of 30 rows, with its probability."""
    rows, held = 30, 0.0
    for gained, lost in product(range(rows + 1), repeat=2):
        if gained + lost <= rows:
            ways = math.comb(rows, gained) * math.comb(rows - gained, lost)
            interval = SliceComparison("c", "v", rows, gained, lost, PValue(1)).interval
            if interval.lower <= Decimal(repr(gain - loss)) <= interval.upper:
                held += ways * gain**gained * loss**lost * (1 - gain - loss) ** (rows - gained - lost)

    assert 0.94 < held <= 1


def test_leaked_rows_are_shares_of_the_holdout():
    leakage = Leakage(4500, 19, 9)

    assert (leakage.share, leakage.live_share) == (Decimal("0.004222"), Decimal("0.002"))
    assert Leakage(4500, 0).live_share is None


def test_an_abridged_comparison_names_less_and_counts_the_same():
    names = tuple(f"{number}-{'x' * 60}\u202e" for number in range(9))
    comparison = compared(
        900,
        20,
        40,
        slices_tested=70,
        slices=tuple(SliceComparison("a\nb", name, 10, 0, 4, PValue("0.125")) for name in names),
        classes_lost=Classes(9, names),
    )

    abridged = comparison.abridged()

    assert (len(abridged.slices), len(abridged.classes_lost.names)) == (WORST_SLICES, NAMED_CLASSES)
    assert (abridged.slices_tested, abridged.classes_lost.count) == (70, 9)
    assert abridged.slices[0].column == "a?b"
    assert {len(one.value) for one in abridged.slices} == {LONGEST_NAME}
    assert all(one.value.endswith("x...") for one in abridged.slices)


def test_however_little_room_there_is_the_worst_slice_is_named():
    comparison = compared(900, 20, 40, slices_tested=2, slices=(SLICE, SLICE))

    assert {comparison.abridged(**room).slices[0].value for room in ABRIDGEMENTS} == {"banking", "ban..."}


@pytest.mark.parametrize(
    ("probability", "text"),
    [(1, "1"), (1.0000001, "1"), (0.05, "0.05"), (0.0499612, "0.05"), (0.00012345, "0.000123"), (3.0481e-41, "3.05e-41"), (0, "1e-300")],
)
def test_p_values_have_three_digits_and_are_never_zero(probability, text):
    assert p_text(p_value(probability)) == text


@given(st.floats(0, 1))
def test_every_p_value_comes_back_as_it_was(probability):
    value = p_value(probability)

    assert p_value_from(p_text(value)) == value > 0


@pytest.mark.parametrize(
    "text", ["", "0", "0.0", "00.1", "1.0", "2", "-0.1", "NaN", "1e5", "3e-1000", "\u0661", "0.1\n", 0.1, None, ["0.1"]]
)
def test_anything_else_is_no_p_value(text):
    with pytest.raises(ValueError, match="must be a p-value"):
        p_value_from(text)
