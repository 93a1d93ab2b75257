import numpy as np
import pytest

from bench.evidence import CASES, CLASSES


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_another_class(name):
    label = np.repeat(np.arange(CLASSES, dtype=np.int32), 40)

    wrong = CASES[name].mistakes(label, np.random.default_rng(0))

    assert not np.any(wrong == label)
    assert (wrong.min(), wrong.max()) == (0, CLASSES - 1)


def test_real_confusions_are_fewer_than_those_that_are_spread_evenly():
    label, rng = np.zeros(5000, dtype=np.int32), np.random.default_rng(0)

    assert [len(np.unique(CASES[name].mistakes(label, rng))) for name in ("few", "even")] == [20, CLASSES - 1]
