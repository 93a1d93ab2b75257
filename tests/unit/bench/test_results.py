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
    ("measured", "limits", "ratio", "met"),
    [
        pytest.param(100.0, {"limit": 150.0}, 100 / 150, True, id="below the limit"),
        pytest.param(150.0, {"limit": 150.0}, 1.0, True, id="at the limit"),
        pytest.param(151.0, {"limit": 150.0}, 151 / 150, False, id="above the limit"),
        pytest.param(15.0, {"times": 1.5, "beside": 10.0}, 1.5, True, id="at most so many times what is beside it"),
        pytest.param(16.0, {"times": 1.5, "beside": 10.0}, 1.6, False, id="more times what is beside it"),
        pytest.param(16.0, {"limit": 20.0, "beside": 10.0}, 1.6, True, id="a limit in its unit does not depend on what is beside it"),
        pytest.param(16.0, {"beside": 10.0}, 1.6, None, id="what is beside it is no limit"),
        pytest.param(1.0, {"limit": 0.0}, None, False, id="a limit of nothing has no ratio"),
        pytest.param(0.0, {"limit": 0.0}, None, True, id="nothing keeps a limit of nothing"),
        pytest.param(7.0, {}, None, None, id="without a limit there is nothing to keep"),
    ],
)
def test_a_result_is_held_against_its_limit(measured, limits, ratio, met) -> None:
    result = Result("anything", "ms", measured, **limits)
    assert result.ratio == ratio
    assert result.met is met


def test_a_row_shows_three_digits_and_what_the_ratio_is_to() -> None:
    assert Result("first Job, p50", "ms", 15.947, times=1.5, beside=10.0).row() == (
        "first Job, p50", "≤ 1.5 x", "15.9 ms", "10 ms", "1.59 x", "missed",
    )  # fmt: skip
    assert Result("memory", "MB", 149.2, limit=150).row() == ("memory", "≤ 150 MB", "149 MB", "", "0.995 x", "ok")
    assert Result("memory", "MB", 100, limit=150, beside=50).row() == ("memory", "≤ 150 MB", "100 MB", "50 MB", "2 x", "ok")
    assert Result("answers", "requests", 12345.6).row()[2] == "12,346 requests"


def test_what_could_not_be_measured_is_a_row_that_is_not_met_and_says_why() -> None:
    result = Result.missing("failed requests", "Go is not installed.")
    assert result.met is False
    assert result.row() == ("failed requests", "", "", "", "", "not measured")
    assert table([result]).splitlines()[-1] == "- failed requests: Go is not installed."


def test_json_has_no_number_that_is_none() -> None:
    text = json.dumps(Result("anything", "ms", math.nan, limit=1).json(), allow_nan=False)
    assert json.loads(text)["measured"] is None


@pytest.mark.parametrize(
    "result",
    [
        Result("first Job", "ms", 16.0, times=1.5, beside=10.0),
        Result("failed", "requests", 1.0, limit=0.0, remark="the first failures: 503"),
        Result("rate", "a second", 7.0),
    ],
)
def test_a_result_is_read_again_as_it_was(result) -> None:
    assert Result.from_json(json.loads(json.dumps(result.json()))) == result


def test_what_could_not_be_measured_is_read_again_as_such() -> None:
    again = Result.from_json(Result.missing("failed requests", "No root.").json())
    assert math.isnan(again.measured)
    assert again.remark == "No root."


def test_a_table_is_aligned_and_its_remarks_stand_below_it() -> None:
    lines = table([Result("memory", "MB", 100, limit=150), Result("failed", "requests", 1, limit=0, remark="503")]).splitlines()
    assert len({len(line) for line in lines[:4]}) == 1
    assert lines[4:] == ["", "- failed: 503"]
