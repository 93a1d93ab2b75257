"""How the operator begins when the API server is away, and when it may not."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.apiserver import ApiServer
from tests.support.faults import Fault, Proxy, answers, calls, drop
from tests.support.objects import model_deployment, retrain_request
from tests.support.operator_process import Operator, Settings
from tests.support.world import World

MODELS = calls("GET", "/modeldeployments$")


@asynccontextmanager
async def begun(world: World, proxy: Proxy, folder: Path) -> AsyncIterator[Operator]:
    """An operator that has been started, and is not waited for."""
    operator = Operator(Settings(proxy.kubeconfig(folder / "kubeconfig"), world.namespace), folder / "operator.log")
    operator.begin()
    try:
        yield operator
    finally:
        operator.kill()
    operator.assert_log_is_clean()


def asked(proxy: Proxy, times: int) -> Callable[[], AsyncIterator[bool]]:
    async def often_enough() -> bool:
        return len(proxy.made(MODELS)) >= times

    return often_enough


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answers(429, retry_after=1), id="429, later"),
        pytest.param(answers(500), id="500"),
        pytest.param(answers(503), id="503"),
        pytest.param(drop, id="a connection that is cut"),
    ],
)
async def test_an_api_server_that_is_away_is_waited_for_by_an_operator_that_is_live_and_not_ready(
    world: World, proxy: Proxy, tmp_path: Path, fault: Fault
) -> None:
    proxy.inject(fault, calls(), times=-1)
    async with begun(world, proxy, tmp_path) as operator:
        await world.eventually("it has asked again", asked(proxy, 3))
        probes = await operator.probe("livez"), await operator.probe("readyz")
        proxy.heal()
        await operator.ready()
        await world.given_serving()
        await world.create(model_deployment())
        await world.create(retrain_request("nightly"))
        await world.job_of("nightly")
        await operator.stop()

    assert probes == (200, 503)
    assert "nothing is done before the first full list, which is asked for again in" in operator.log.read_text()


async def test_an_operator_that_is_told_to_stop_while_it_waits_for_the_api_server_ends_in_good_order(
    world: World, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.inject(answers(503), calls(), times=-1)
    async with begun(world, proxy, tmp_path) as operator:
        await world.eventually("it has asked", asked(proxy, 1))
        await operator.stop()


async def test_an_operator_without_rights_ends_and_says_who_has_to_do_what(cluster: ApiServer, world: World, tmp_path: Path) -> None:
    async with Proxy(cluster, await world.token("default")) as proxy, begun(world, proxy, tmp_path) as operator:
        assert await operator.ended() == 1

    [*_, last] = operator.log.read_text().splitlines()
    user = f"system:serviceaccount:{world.namespace}:default"
    assert last.startswith("modelsafeguard cannot start: ")
    assert f'User "{user}" cannot list resource "modeldeployments"' in last
    assert "role and binding of manifests/cluster" in last
