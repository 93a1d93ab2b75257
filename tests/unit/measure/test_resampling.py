"""The resamples are exactly multinomial, however they are drawn: expected here are the multinomial's own moments and probabilities."""

import numpy as np
import pytest
from scipy import sparse, stats

from modelsafeguard.measure import resampling
from modelsafeguard.measure.resampling import Resampler

FREQUENT_AND_RARE = np.array([1, 400, 3, 3, 150, 1, 7, 90])
ONLY_RARE = np.full(60, 4)
ONLY_FREQUENT = np.array([101, 500])
FEW_ROWS = np.array([1, 2, 1])


def resampled(counts, resamples, seed=7):
    """The counts of every cell themselves: a column for each resample."""
    each = sparse.csr_array(np.eye(len(counts), dtype=np.int32))
    return np.concatenate(list(Resampler(counts, each, np.random.default_rng(seed)).sums(resamples)), axis=1)


TABLES = pytest.mark.parametrize(
    "counts",
    [
        pytest.param(FREQUENT_AND_RARE, id="frequent and rare cells"),
        pytest.param(ONLY_RARE, id="rare cells only"),
        pytest.param(ONLY_FREQUENT, id="frequent cells only"),
        pytest.param(FEW_ROWS, id="four rows"),
        pytest.param(np.array([1]), id="one row"),
    ],
)


@TABLES
def test_every_resample_has_as_many_rows_as_there_are(counts):
    drawn = resampled(counts, 500)

    assert drawn.shape == (len(counts), 500)
    assert set(drawn.sum(axis=0)) == {counts.sum()}
    assert drawn.min() >= 0


@TABLES
def test_means_variances_and_covariances_are_those_of_the_multinomial(counts):
    """Within five standard errors, which a right program misses about once in a million numbers; the seed is fixed."""
    resamples, shares = 4000, counts / counts.sum()
    drawn = resampled(counts, resamples)

    expected = counts.sum() * (np.diag(shares) - np.outer(shares, shares))
    deviations = np.sqrt(np.diag(expected))
    assert np.all(np.abs(drawn.mean(axis=1) - counts) <= 5 * deviations / np.sqrt(resamples) + 1e-12)
    assert np.all(np.abs(np.cov(drawn, ddof=0) - expected) <= 8 * np.outer(deviations, deviations) / np.sqrt(resamples) + 1e-12)


@pytest.mark.parametrize("cell", range(len(FREQUENT_AND_RARE)))
def test_each_cell_alone_is_binomial(cell):
    drawn = resampled(FREQUENT_AND_RARE, 4000)[cell]
    whole = FREQUENT_AND_RARE.sum()
    binomial = stats.binom(whole, FREQUENT_AND_RARE[cell] / whole)

    edges = np.unique(binomial.ppf(np.linspace(0.05, 0.95, 12)))
    seen = np.bincount(np.searchsorted(edges, drawn), minlength=len(edges) + 1)
    expected = np.diff(binomial.cdf(edges), prepend=0, append=1)
    assert stats.chisquare(seen, expected * len(drawn)).pvalue > 1e-4


def test_two_rare_cells_together_are_drawn_as_often_as_they_should():
    counts = np.array([2, 1, 1])
    drawn = resampled(counts, 20_000)

    multinomial = stats.multinomial(4, counts / 4)
    outcomes, seen = np.unique(drawn, axis=1, return_counts=True)
    assert stats.chisquare(seen, multinomial.pmf(outcomes.T) * 20_000).pvalue > 1e-4


def test_resamples_in_which_the_poisson_numbers_add_up_to_too_much_are_drawn_as_well(monkeypatch):
    """Without a reserve that is so in every second one."""
    monkeypatch.setattr(resampling, "_SHORT", 0)

    drawn = resampled(ONLY_RARE, 4000)

    assert set(drawn.sum(axis=0)) == {ONLY_RARE.sum()}
    variance = 4 * (1 - 4 / ONLY_RARE.sum())
    assert np.all(np.abs(drawn.mean(axis=1) - 4) < 5 * np.sqrt(variance / 4000))
    assert np.all(np.abs(drawn.var(axis=1) - variance) < 8 * variance / np.sqrt(4000))


def test_a_poisson_number_of_any_mean_has_its_distribution():
    for mean in (0.001, 0.9, 7.3, 99.9):
        drawn = resampling._Poisson(mean).draw(np.random.default_rng(1), (1, 40_000))[0]
        poisson = stats.poisson(mean)
        edges = np.unique(poisson.ppf(np.linspace(0.05, 0.95, 12)))
        seen = np.bincount(np.searchsorted(edges, drawn), minlength=len(edges) + 1)
        expected = np.diff(poisson.cdf(edges), prepend=0, append=1)
        assert stats.chisquare(seen, expected * len(drawn)).pvalue > 1e-4


def test_slots_that_do_not_decide_are_those_in_which_the_distribution_steps():
    numbers = resampling._Poisson(2.5)
    steps = np.flatnonzero(numbers._table == resampling._UNDECIDED)

    assert 10 < len(steps) < 30
    for slot in {*range(1, resampling._SLOTS, 97)} - {*steps.tolist()}:
        ends = (slot / resampling._SLOTS, (slot + 0.999) / resampling._SLOTS)
        assert {numbers._table[slot]} == {*np.searchsorted(numbers._distribution, ends, side="right").tolist()}


def test_the_same_seed_gives_the_same_resamples_and_another_one_others():
    assert np.array_equal(resampled(FREQUENT_AND_RARE, 50), resampled(FREQUENT_AND_RARE, 50))
    assert not np.array_equal(resampled(FREQUENT_AND_RARE, 50), resampled(FREQUENT_AND_RARE, 50, seed=8))


def test_memory_is_bounded_by_drawing_some_cells_of_some_resamples_at_a_time(monkeypatch):
    monkeypatch.setattr(resampling, "_HELD", 1000)
    counts = np.full(50, 3)
    resampler = Resampler(counts, sparse.csr_array(np.eye(50, dtype=np.int32)), np.random.default_rng(0))

    blocks = list(resampler.sums(45))

    assert [sums.shape[1] for sums in blocks] == [19, 19, 7]  # 50 sums and one more of 19 resamples
    assert set(np.concatenate(blocks, axis=1).sum(axis=0)) == {150}
