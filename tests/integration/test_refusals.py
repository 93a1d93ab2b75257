"""Rights that are taken from the operator: what the API server refuses it for ever holds back nothing else, and is said."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import rights
from tests.support.apiserver import ApiServer
from tests.support.faults import Proxy
from tests.support.objects import model_deployment, retrain_request
from tests.support.operator_process import Operator, Settings
from tests.support.script import Script, play, trainer_fails
from tests.support.stories import conditions, in_stage
from tests.support.world import World


@pytest.fixture
async def proxy(cluster: ApiServer, world: World) -> AsyncIterator[Proxy]:
    """The way to the API server as the operator's ServiceAccount, which loses rights in the story."""
    async with Proxy(cluster, await rights.token(world)) as proxy:
        yield proxy


@pytest.fixture
async def operator(world: World, proxy: Proxy, tmp_path: Path) -> AsyncIterator[Operator]:
    settings = Settings(proxy.kubeconfig(tmp_path / "kubeconfig"), world.namespace, resync_seconds=0.5)
    operator = Operator(settings, tmp_path / "operator.log")
    await operator.start()
    try:
        yield operator
    finally:
        operator.kill()
    operator.assert_log_is_clean()


@pytest.fixture(autouse=True)
async def a_model(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 0}))


@pytest.mark.usefixtures("operator")
async def test_annotations_that_may_not_be_written_hold_back_no_verdict_and_follow_when_they_may(world: World) -> None:
    await rights.forbid(world, "modeldeployments", "patch")
    async with play(world):
        for name in ("first", "second"):
            await world.create(retrain_request(name))
            version = (await world.verdict(name))["version"]
    model = await world.until("ModelDeployment", "intents", "why they are missing", lambda body: "Unpublished" in conditions(body))
    found = conditions(model)

    assert (found["Ready"]["status"], found["Ready"]["reason"]) == ("True", "Serving")
    assert found["Unpublished"]["status"] == "True"
    assert 'cannot patch resource "modeldeployments"' in found["Unpublished"]["message"]
    assert model["metadata"].get("annotations", {}) == {}
    assert model["status"]["live"]["version"] == version
    await rights.allow(world)
    model = await world.until("ModelDeployment", "intents", "no doubt", lambda body: "Unpublished" not in conditions(body), within=60)
    assert model["metadata"]["annotations"]["modelsafeguard.io/version"] == version


async def test_a_job_that_may_not_be_tidied_keeps_no_request_from_its_end_and_the_log_says_so_once(
    world: World, operator: Operator
) -> None:
    await rights.forbid(world, "jobs", "patch")
    async with play(world, {"intents": Script(training=trainer_fails(3))}):
        await world.create(retrain_request("crashing"))
        crashing = await world.verdict("crashing")
    async with play(world):
        await world.create(retrain_request("good"))
        assert (await world.verdict("good"))["verdict"] == "Promoted"
    refusals = [line for line in operator.log.read_text().splitlines() if f"/jobs/{crashing['version']}" in line and "ERROR" in line]

    assert len(refusals) == 1
    assert 'cannot patch resource "jobs"' in refusals[0]


@pytest.mark.usefixtures("operator")
async def test_a_training_that_may_not_be_stopped_is_not_said_to_be(world: World) -> None:
    await world.create(retrain_request("taken-back"))
    version = (await world.job_of("taken-back"))["metadata"]["name"]
    await in_stage(world, "taken-back", "Training")
    await world.job_started(version)
    await rights.forbid(world, "jobs", "delete")
    await world.patch("RetrainRequest", "taken-back", {"metadata": {"annotations": {"modelsafeguard.io/cancel": "yes"}}})
    await world.job_failed(version)
    status = await world.verdict("taken-back", within=60)

    assert (status["verdict"], status["reason"]) == ("Cancelled", "Cancelled")
    assert status["message"].startswith(f"cancelled during training; Job {version} could not be removed: ")
    assert 'cannot delete resource "jobs"' in status["message"]
