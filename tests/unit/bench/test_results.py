import json
import math

import pytest

from bench.results import Result, percentile, table


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        pytest.param([3.0], 0.5, 3.0, id="of one value it is that value"),
        pytest.param([4.0, 1.0, 3.0, 2.0], 0.5, 2.0, id="the order of the values does not count"),
        pytest.param([1.0, 2.0, 3.0], 0.5, 2.0, id="of an odd number the median is the middle one"),
        pytest.param([float(n) for n in range(1, 101)], 0.99, 99.0, id="of 100 values one is above the 99th percentile"),
        pytest.param([float(n) for n in range(1, 11)], 0.99, 10.0, id="of few values it is the largest, and never made up"),
        pytest.param([1.0, 2.0], 0.0, 1.0, id="no share at all is the smallest"),
        pytest.param([1.0, 2.0], 1.0, 2.0, id="the whole share is the largest"),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(values, share, expected) -> None:
    assert percentile(values, share) == expected


def test_nothing_has_no_percentile_and_keeps_no_limit() -> None:
    nothing = percentile([], 0.5)
    assert math.isnan(nothing)
    assert Result("anything", "ms", nothing, limit=10).met is False


@pytest.mark.parametrize(
    ("measured", "limit", "beside", "ratio", "met"),
    [
        pytest.param(100.0, 150.0, None, 100 / 150, True, id="below the limit"),
        pytest.param(150.0, 150.0, None, 1.0, True, id="at the limit"),
        pytest.param(151.0, 150.0, None, 151 / 150, False, id="above the limit"),
        pytest.param(15.0, 1.5, 10.0, 1.5, True, id="at most so many times what is beside it"),
        pytest.param(16.0, 1.5, 10.0, 1.6, False, id="more times what is beside it"),
        pytest.param(1.0, 0.0, None, None, False, id="a limit of nothing has no ratio"),
        pytest.param(0.0, 0.0, None, None, True, id="nothing keeps a limit of nothing"),
        pytest.param(7.0, None, None, None, None, id="without a limit there is nothing to keep"),
    ],
)
def test_a_result_is_held_against_its_limit(measured, limit, beside, ratio, met) -> None:
    result = Result("anything", "ms", measured, limit, beside)
    assert result.ratio == ratio
    assert result.met is met


def test_a_row_shows_three_digits_and_what_the_ratio_is_to() -> None:
    assert Result("first Job, p50", "ms", 15.947, limit=1.5, beside=10.0).row() == (
        "first Job, p50", "≤ 1.5 x", "15.9 ms", "10 ms", "1.59 x", "missed",
    )  # fmt: skip
    assert Result("memory", "MB", 149.2, limit=150).row() == ("memory", "≤ 150 MB", "149 MB", "", "0.995 x", "ok")
    assert Result("answers", "requests", 12345.6).row()[2] == "12,346 requests"


def test_json_has_no_number_that_is_none() -> None:
    text = json.dumps(Result("anything", "ms", math.nan, limit=1).json(), allow_nan=False)
    assert json.loads(text)["measured"] is None


def test_a_table_is_aligned() -> None:
    assert table([("what", "ok"), ("x", "")]).splitlines() == ["| what | ok |", "|------|----|", "| x    |    |"]
