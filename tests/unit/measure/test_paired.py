import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelsafeguard.measure.paired import holm, mcnemar


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        pytest.param(139, 48, "1.85e-11", id="more data"),
        pytest.param(2, 1, "1", id="the same data and another seed"),
        pytest.param(24, 58, "0.000222", id="5 % label noise"),
        pytest.param(4, 34, "6.04e-07", id="one class's rows lost"),
        pytest.param(128, 142, "0.429", id="one domain mislabelled"),
        pytest.param(137, 100, "0.0192", id="two labels swapped"),
        pytest.param(395, 0, "2.48e-119", id="a leaked holdout"),
        pytest.param(0, 0, "1", id="no row changed sides"),
        pytest.param(7, 7, "1", id="evenly"),
    ],
)
def test_p_values_of_models_that_were_really_trained(gained, lost, p):
    assert f"{mcnemar(np.array([gained]), np.array([lost]))[0]:.3g}" == p


@settings(max_examples=30)
@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemars_test_is_the_exact_binomial_one(gained, lost):
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0

    assert mcnemar(np.array([gained]), np.array([lost]))[0] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([], []),
        ([0.02], [0.02]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.6], [1, 1]),
        ([0.03, 0.03], [0.06, 0.06]),
    ],
)
def test_holms_correction(p, corrected):
    assert holm(np.array(p)).tolist() == pytest.approx(corrected)
