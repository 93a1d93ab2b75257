import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelsafeguard.measure import bootstrap
from modelsafeguard.measure.bootstrap import resamples_for, seed_of, spreads
from modelsafeguard.measure.cells import Cells, cells_of
from modelsafeguard.measure.scores import scores

rows = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=30)


def columns(triples):
    return [np.array(column, dtype=np.int32) for column in zip(*triples, strict=True)]


def delta(label, live, candidate):
    before, after = scores(label, live), scores(label, candidate)
    return {name: float(after[name] - before[name]) for name in before}


@settings(max_examples=20)
@given(rows, st.integers(0, 2**32))
def test_a_resamples_deltas_are_those_that_scikit_learn_computes_of_its_rows(triples, seed):
    """Rows are drawn here one by one; classes that were not drawn are not there, and have no part in the mean."""
    cells = cells_of(*columns(triples))
    picked = np.random.default_rng(seed).integers(len(triples), size=len(triples))
    drawn = [column[picked] for column in columns(triples)]
    place = {triple: cell for cell, triple in enumerate(zip(cells.label, cells.live, cells.candidate, strict=True))}
    renamed = dict(zip(zip(*columns(triples), strict=True), zip(*columns_by_cell(triples, cells), strict=True), strict=True))
    counts = np.bincount([place[renamed[triple]] for triple in zip(*drawn, strict=True)], minlength=len(place))

    sums = bootstrap._effects(cells) @ counts[:, None]

    deltas = bootstrap._deltas(sums, cells)
    assert {name: values[0] for name, values in deltas.items()} == pytest.approx(delta(*drawn), abs=1e-12)


def columns_by_cell(triples, cells):
    """The rows once more, with the classes' numbers in the cells."""
    numbers = {}
    for triple in triples:
        for code in triple:
            numbers.setdefault(code, len(numbers))
    assert len(numbers) == cells.classes
    return [[numbers[code] for code in column] for column in zip(*triples, strict=True)]


@settings(max_examples=30)
@given(rows)
def test_cells_are_counted_in_the_order_in_which_the_rows_meet_them(triples):
    cells = cells_of(*columns(triples))
    label, live, candidate = columns(triples)

    met = list(dict.fromkeys(triples))
    assert cells.counts.tolist() == [triples.count(triple) for triple in met]
    assert cells.rows == len(triples)
    assert cells.changed == np.count_nonzero(live != candidate)
    assert cells.gained - cells.lost == np.count_nonzero(label == candidate) - np.count_nonzero(label == live)


def test_an_interval_holds_the_delta_and_is_as_wide_as_its_standard_error_says():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 5, 800)
    live, candidate = (np.where(rng.random(800) < share, rng.integers(0, 5, 800), label) for share in (0.10, 0.12))
    expected = delta(label, live, candidate)

    for name, spread in spreads(cells_of(label, live, candidate), seed=1).items():
        assert spread.lower < expected[name] < spread.upper
        assert spread.upper - spread.lower == pytest.approx(2 * 1.96 * spread.standard_error, rel=0.05)


def test_no_row_that_changed_gives_an_interval_of_no_width():
    label = np.array([0, 1, 1, 2], dtype=np.int32)

    assert all(
        (spread.lower, spread.upper, spread.standard_error) == (0, 0, 0) for spread in spreads(cells_of(label, label, label), 1).values()
    )


def test_the_seed_is_that_of_the_holdout():
    one, other = "sha256:" + "0" * 64, "sha256:" + "0" * 63 + "1"

    assert seed_of(one) == seed_of(one) != seed_of(other)
    assert f"{seed_of(one):064x}" == "a520e8cd98972c05a2d81372e293adb2bbcb5f814be5271f39e9f38135633221"


@pytest.mark.parametrize(
    ("cells", "resamples"), [(1, 10_000), (60_000, 10_000), (60_001, 9_999), (120_000, 5_000), (600_000, 1_000), (1_000_000, 1_000)]
)
def test_more_cells_than_60_000_are_resampled_less_often_and_never_less_than_a_thousand_times(cells, resamples):
    nothing = np.zeros(0, dtype=np.int64)

    assert resamples_for(Cells(nothing, nothing, nothing, np.ones(cells, dtype=np.int64), 0)) == resamples
