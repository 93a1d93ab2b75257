"""Faults of the API server, at any call: what comes out is what comes out without them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from modelsafeguard.api.names import REQUEST_PLURAL
from modelsafeguard.kube.client import connect
from modelsafeguard.kube.paths import collection
from tests.support.apiserver import ApiServer
from tests.support.crash_matrix import Stage, Story, Told, as_in
from tests.support.endings import OUTAGE, of_version, promoted_and_rejected, rolled_back, taken_back
from tests.support.faults import Call, Exchange, Fault, Matcher, Proxy, answers, calls, delays, drop, every, lose_reply
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


async def come_out_alike(stage: Stage, in_peace: dict[Story, Told], fault: Fault, where: Callable[[], Matcher]) -> None:
    """Every story comes out as in peace when the fault happens there."""
    met: list[Call] = []

    async def noted(exchange: Exchange) -> web.StreamResponse:
        met.append(exchange.call)
        return await fault(exchange)

    async def with_faults(story: Story) -> None:
        if story not in in_peace:
            in_peace[story] = await stage.tell(story, anything)
        await stage.tell(story, as_in(in_peace[story]), troubles=lambda proxy: proxy.inject(noted, where(), times=-1))

    async with asyncio.TaskGroup() as group:
        for story in STORIES:
            group.create_task(with_faults(story))
    assert len(met) > len(STORIES)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_fault_at_any_kind_of_read_changes_nothing_of_what_comes_out(
    stage: Stage, in_peace: dict[Story, Told], fault: Fault, nth: int
) -> None:
    # A look at the world is ten reads: were every second one to fail, there would hardly be a look without a fault.
    await come_out_alike(stage, in_peace, fault, lambda: every(nth, READS, of=7))


@pytest.mark.parametrize("nth", [1, 2])
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
    await come_out_alike(stage, in_peace, fault, lambda: every(nth, CHANGES, of=2))


async def test_a_list_that_expires_halfway_is_read_to_its_end(
    apiserver: ApiServer, world: World, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"n-{number:03}" for number in range(110)]
    await asyncio.gather(*(world.create(retrain_request(name)) for name in names))
    monkeypatch.setenv("KUBECONFIG", str(proxy.kubeconfig(tmp_path / "kubeconfig")))
    listed = []
    api = await connect()
    try:
        async for body in api.items(collection(REQUEST_PLURAL, world.namespace)):
            listed.append(body["metadata"]["name"])
            if len(listed) == 100:
                await world.delete("RetrainRequest", "n-105")
                await apiserver.forget()
    finally:
        await api.close()

    assert [call.status for call in proxy.journal] == [200, 410, 200]
    assert listed == [name for name in names if name != "n-105"]


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
