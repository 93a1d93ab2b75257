import math
from pathlib import Path

import pytest

from bench.__main__ import SMALL, Benchmark, attempted, exit_status
from bench.results import Result
from hack.cluster.progress import ClusterError


def a_benchmark(error: Exception) -> Benchmark:
    def measure(*_):
        raise error

    return Benchmark("failed requests", measure)


def test_the_results_of_a_benchmark_are_given_as_they_are() -> None:
    results = [Result("memory", "MB", 100, limit=150)]
    assert attempted(Benchmark("memory", lambda *_: results), Path(), SMALL) == results


def test_a_benchmark_that_cannot_be_run_leaves_its_target_with_the_reason(capsys) -> None:
    [result] = attempted(a_benchmark(ClusterError("Go is not installed.")), Path(), SMALL)
    assert (result.what, result.remark) == ("failed requests", "Go is not installed.")
    assert math.isnan(result.measured)
    assert "Traceback" not in capsys.readouterr().err


def test_a_fault_is_shown_in_full_and_its_first_cause_is_the_reason(capsys) -> None:
    fault = ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("another", [TimeoutError("not seen\nwithin 60 s")])])
    [result] = attempted(a_benchmark(fault), Path(), SMALL)
    assert result.remark == "not seen within 60 s"
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("result", "status"),
    [
        pytest.param(Result("memory", "MB", 100, limit=150), 0, id="met"),
        pytest.param(Result("rate", "a second", 7), 0, id="there to be known"),
        pytest.param(Result("memory", "MB", 151, limit=150), 1, id="missed"),
        pytest.param(Result.missing("failed requests", "no root"), 1, id="not measured"),
    ],
)
def test_the_exit_status_says_whether_every_target_is_met(result, status) -> None:
    assert exit_status([Result("other", "s", 1, limit=2), result]) == status
