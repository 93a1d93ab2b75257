"""Faults of the API server, at any call: what comes out is what comes out without them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.support.apiserver import ApiServer
from tests.support.crash_matrix import Stage, Story, Told, as_in
from tests.support.endings import OUTAGE, of_version, promoted_and_rejected, rolled_back, taken_back
from tests.support.faults import Fault, Matcher, Proxy, answers, calls, delays, drop, every, lose_reply
from tests.support.objects import model_deployment, retrain_request
from tests.support.script import Script, hands_over, play
from tests.support.warm import Warm
from tests.support.world import World

WARM: Final = Warm("tests.support.preload")
STORIES: Final = (promoted_and_rejected, rolled_back, taken_back)
CHANGES: Final = calls(mutating=True)
READS: Final = calls(mutating=False, watch=None)
ANSWERS: Final = [
    pytest.param(answers(429, retry_after=1), id="429, later"),
    pytest.param(answers(500), id="500"),
    pytest.param(answers(503), id="503"),
    pytest.param(drop, id="a connection cut before the call is sent"),
]


@pytest.fixture
def stage(cluster: ApiServer, new_namespace: Callable[[], str], tmp_path: Path) -> Stage:
    return Stage(cluster, new_namespace, tmp_path, WARM)


@pytest.fixture(scope="module")
def in_peace() -> dict[Story, Told]:
    """What came of each story without any fault, once it was told."""
    return {}


async def anything(_told: Told) -> None:
    """Nothing is asked of it."""


async def come_out_alike(stage: Stage, in_peace: dict[Story, Told], fault: Fault, where: Matcher, nth: int) -> None:
    """Every story comes out as in peace when the fault meets the ``nth`` of each three calls of a kind."""

    async def with_faults(story: Story) -> None:
        if story not in in_peace:
            in_peace[story] = await stage.tell(story, anything)
        await stage.tell(story, as_in(in_peace[story]), troubles=lambda proxy: proxy.inject(fault, every(nth, where, of=3), times=-1))

    async with asyncio.TaskGroup() as group:
        for story in STORIES:
            group.create_task(with_faults(story))


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_fault_at_any_read_changes_nothing_of_what_comes_out(
    stage: Stage, in_peace: dict[Story, Told], fault: Fault, nth: int
) -> None:
    await come_out_alike(stage, in_peace, fault, READS, nth)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answers(409), id="409"),
        *ANSWERS,
        pytest.param(lose_reply, id="a reply that is lost"),
        pytest.param(delays(0.5), id="half a second late"),
    ],
)
async def test_a_fault_at_any_change_changes_nothing_of_what_comes_out(
    stage: Stage, in_peace: dict[Story, Told], fault: Fault, nth: int
) -> None:
    await come_out_alike(stage, in_peace, fault, CHANGES, nth)


@pytest.mark.usefixtures("operator")
async def test_watches_that_are_cut_again_and_again_delay_nothing_for_ever(world: World, proxy: Proxy) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    async with play(world, {"intents": Script(training=hands_over(of_version))}):
        for name in ("good", "worse"):
            proxy.cut_watches()
            await world.create(retrain_request(name))
            proxy.cut_watches()
            await world.verdict(name, within=OUTAGE)


@pytest.mark.usefixtures("operator")
async def test_an_api_server_that_is_restarted_in_the_middle_changes_no_verdict(apiserver: ApiServer, world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    await world.create(retrain_request("good"))
    job = await world.job_of("good")
    await apiserver.restart()
    async with play(world, {"intents": Script(training=hands_over(of_version))}):
        status = await world.verdict("good", within=OUTAGE)

    assert status["version"] == job["metadata"]["name"]
    assert status["verdict"] == "Promoted"
