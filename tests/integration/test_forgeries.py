"""Jobs and pods that only look like the operator's, or like the Deployment's: neither a result nor a sign of health is taken from them."""

import copy
from collections.abc import Iterator

import pytest

from modelsafeguard.core.handover import encode_report
from tests.support.apiserver import ApiServer
from tests.support.client import Json
from tests.support.forms import owner_reference
from tests.support.objects import model_deployment, report, retrain_request
from tests.support.operator_process import Operator
from tests.support.script import play
from tests.support.stories import in_stage, operator_of_all_namespaces, rollout_is, trained
from tests.support.world import World

ROLE = "modelsafeguard.io/role"
BRILLIANT = {"accuracy": "0.9999", "f1_macro": "0.9999"}


@pytest.fixture(scope="module", autouse=True)
def operator(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with operator_of_all_namespaces(cluster, tmp_path_factory.mktemp("operator"), resync_seconds=0.25) as operator:
        yield operator


def without_role(body: Json) -> Json:
    labels = {key: value for key, value in body["metadata"].get("labels", {}).items() if key != ROLE}
    metadata = {key: value for key, value in body["metadata"].items() if key in {"annotations", "ownerReferences"}}
    spec = copy.deepcopy(body["spec"])
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {**metadata, "labels": labels}, "spec": spec}


async def a_live_model(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 0}))
    async with play(world):
        await world.create(retrain_request("live"))
        await world.verdict("live")


async def test_a_job_that_waits_under_the_name_of_the_next_training_is_not_believed(world: World) -> None:
    await a_live_model(world)
    await world.create(retrain_request("first"))
    blueprint = without_role(await world.job_of("first"))
    request = await world.create(retrain_request("second"))
    name = f"second-{request['metadata']['uid'][:8]}"
    for key in ("selector", "manualSelector"):
        blueprint["spec"].pop(key, None)
    blueprint["spec"]["template"]["metadata"]["labels"] = {"forged": "yes"}
    blueprint["metadata"] |= {"name": name, "ownerReferences": [owner_reference(request)]}
    forged = await world.create(blueprint)
    await world.job_completed(name, report=report(name, **BRILLIANT))
    async with play(world):
        await world.verdict("first")
        status = await world.verdict("second")

    assert (status["verdict"], status["reason"]) == ("Failed", "JobNameTaken")
    assert (await world.get("Job", name))["metadata"]["uid"] == forged["metadata"]["uid"]


async def test_a_pod_that_only_says_to_be_the_jobs_hands_nothing_over(world: World) -> None:
    await a_live_model(world)
    await world.create(retrain_request("worse"))
    job = await world.job_of("worse")
    version = job["metadata"]["name"]
    real = await world.job_started(version)
    forged = without_role(real)
    forged["metadata"]["name"] = f"a-{version}"
    await world.create(forged)
    ended = {
        "name": "measure",
        "image": "measure",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": {"exitCode": 0, "reason": "Completed", "message": handed_over(version)}},
    }
    await world.patch_status("Pod", f"a-{version}", {"phase": "Succeeded", "containerStatuses": [ended]})
    await world.job_completed(version, report=report(version, accuracy="0.1000", f1_macro="0.1000"))

    status = await world.verdict("worse")
    assert (status["verdict"], status["reason"]) == ("Rejected", "PerformanceDegraded")


def handed_over(version: str) -> str:
    return encode_report(report(version, **BRILLIANT)).decode()


async def test_pods_that_only_wear_the_deployments_labels_neither_hold_nor_fail_a_rollout(world: World) -> None:
    await a_live_model(world)
    await world.patch("ModelDeployment", "intents", {"spec": {"serving": {"bakeSeconds": 600}}})
    version = await trained(world, "next")
    await in_stage(world, "next", "RollingOut")
    await rollout_is(world, "Progressing")
    await world.deployment_rolled("intents")
    [real, *_] = await world.serving_pods("intents")
    forged = without_role(real)
    forged["metadata"] |= {"name": "a00", "ownerReferences": []}
    await world.create(forged)
    await rollout_is(world, "Baking")
    model = await world.get("ModelDeployment", "intents")
    pods = {pod["metadata"]["uid"] for pod in await world.serving_pods("intents") if pod["metadata"]["name"] != "a00"}
    assert {mark["uid"] for mark in model["status"]["rollout"]["pods"]} == pods
    assert model["status"]["rollout"]["to"]["version"] == version
