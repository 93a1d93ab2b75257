import aiohttp
import pytest

from bench.churn import GROWTH_LIMIT, Growth, answered, measured
from bench.seeds import POLICY
from modelsafeguard.core.judge import judge
from modelsafeguard.core.report import Baseline
from modelsafeguard.core.verdict import Verdict
from tests.support.client import ApiError
from tests.support.objects import report


def test_what_is_needed_once_at_the_beginning_is_no_growth() -> None:
    samples = [80.0 + min(number, 1000) / 100 for number in range(10_000)]
    assert Growth.of(samples) == Growth(warm=90.0, end=90.0, requests=7000)


def test_a_peak_now_and_then_is_no_growth() -> None:
    samples = [90.0 + (20.0 if number % 100 == 0 else 0.0) for number in range(10_000)]
    growth = Growth.of(samples)
    assert growth.end == growth.warm


@pytest.mark.parametrize(
    ("kilobytes", "kept"),
    [
        pytest.param(0.2, True, id="noise of a fifth of a kilobyte a request is allowed"),
        pytest.param(1.0, False, id="a small record of each request is not"),
        pytest.param(4.0, False, id="a body of each request is not"),
    ],
)
def test_what_is_kept_of_every_request_is_growth(kilobytes, kept) -> None:
    growth = Growth.of([90.0 + number * kilobytes / 1000 for number in range(10_000)])
    assert growth.end - growth.warm == pytest.approx(7000 * kilobytes / 1000)
    assert (growth.end - growth.warm <= growth.requests * GROWTH_LIMIT) is kept


def test_few_samples_are_compared_one_by_one() -> None:
    assert Growth.of([1.0, 2.0, 3.0]) == Growth(warm=1.0, end=3.0, requests=2)


@pytest.mark.parametrize(
    ("version", "rejected"),
    [
        pytest.param("churn-20-1f0c9a2e", False, id="one in twenty is as good as what is live"),
        pytest.param("churn-21-1f0c9a2e", True, id="the others are worse"),
    ],
)
def test_requests_of_the_churn_are_accepted_and_rejected(version, rejected) -> None:
    live = report("live")
    verdict = judge(POLICY, measured(version), Baseline("live", live.metrics, live.holdout_digest)).verdict
    assert (verdict is Verdict.REJECTED) is rejected


async def test_a_call_is_repeated_until_it_is_answered_and_a_refusal_is_an_answer() -> None:
    outcomes = [TimeoutError(), aiohttp.ServerDisconnectedError(), None, ApiError(403, "Forbidden", "no")]

    async def call() -> None:
        if outcome := outcomes.pop(0):
            raise outcome

    await answered(call)
    with pytest.raises(ApiError):
        await answered(call)
    assert outcomes == []
