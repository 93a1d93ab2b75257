"""A claim that one node holds: the operator's Jobs run where the serving pods do, because nowhere else could they mount it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.apiserver import ApiServer
from tests.support.client import Json
from tests.support.objects import claim, model_deployment, retrain_request, serving_deployment
from tests.support.operator_process import Operator
from tests.support.script import play
from tests.support.stories import operator_of_all_namespaces
from tests.support.world import World

ONE_NODE = ("ReadWriteOnce",)
ANY_NODE = ("ReadWriteMany",)


@pytest.fixture(scope="module", autouse=True)
def operator(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with operator_of_all_namespaces(cluster, tmp_path_factory.mktemp("operator"), resync_seconds=0.25) as operator:
        yield operator


async def given_claim(world: World, access_modes: tuple[str, ...]) -> None:
    await world.create(claim(access_modes=access_modes))
    await world.patch_status("PersistentVolumeClaim", "models", {"phase": "Bound"})


async def given_pods(world: World, name: str, node: str = "") -> None:
    """A Deployment and its pods, on a node or still without one."""
    await world.create(serving_deployment(name))
    await world.deployment_rolled(name)
    if node:
        await world.pods_are_bound(name, node)


def pinned_to(job: Json) -> list[str]:
    """The nodes that the scheduler may choose from for a Job's pod; empty where it may choose any."""
    affinity = job["spec"]["template"]["spec"].get("affinity", {}).get("nodeAffinity", {})
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
    return [value for term in terms for field in term["matchFields"] for value in field["values"]]


async def training(world: World) -> Json:
    await world.create(model_deployment(serving={"bakeSeconds": 0}))
    await world.create(retrain_request("nightly"))
    return await world.job_of("nightly")


@pytest.mark.parametrize(
    ("access_modes", "nodes"),
    [
        pytest.param(ONE_NODE, ["node-7"], id="ReadWriteOnce: to their node"),
        pytest.param(ANY_NODE, [], id="ReadWriteMany: to none"),
        pytest.param((*ONE_NODE, *ANY_NODE), [], id="both: to none"),
    ],
)
async def test_a_training_is_pinned_to_the_node_of_the_serving_pods_where_the_claim_is_for_one_node(
    world: World, access_modes: tuple[str, ...], nodes: list[str]
) -> None:
    await given_claim(world, access_modes)
    await given_pods(world, "intents", "node-7")
    assert pinned_to(await training(world)) == nodes


async def test_a_training_is_pinned_to_no_node_while_there_is_no_serving_pod(world: World) -> None:
    await given_claim(world, ONE_NODE)
    await world.create(serving_deployment())
    assert pinned_to(await training(world)) == []


async def test_a_training_is_pinned_to_no_node_while_the_serving_pods_have_none(world: World) -> None:
    await given_claim(world, ONE_NODE)
    await given_pods(world, "intents")
    assert pinned_to(await training(world)) == []


async def test_a_training_is_not_pinned_to_the_node_of_pods_that_only_have_the_labels(world: World) -> None:
    await given_claim(world, ONE_NODE)
    await world.create(serving_deployment())
    stranger = serving_deployment("stranger")["spec"]["template"]
    pod = {**stranger["spec"], "nodeName": "node-9"}
    await world.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger", "labels": {"app": "intents"}}, "spec": pod})
    assert pinned_to(await training(world)) == []


async def test_the_other_jobs_of_the_model_are_pinned_as_well(world: World) -> None:
    async def job_as(role: str) -> Json:
        async def jobs() -> list[Json]:
            return await world.find_all("Job", labels=f"modelsafeguard.io/role={role}")

        [job] = await world.eventually(f"a {role} Job", jobs)
        return job

    await given_claim(world, ONE_NODE)
    await given_pods(world, "intents", "node-7")
    await world.job_completed((await training(world))["metadata"]["name"], message="cut off")
    assert pinned_to(await job_as("reader")) == ["node-7"]

    versions = []
    async with play(world):
        await world.verdict("nightly")
        for name in ("before", "live"):
            await world.create(retrain_request(name))
            versions.append((await world.verdict(name))["version"])
    await world.pods_are_bound("intents", "node-8")
    await edit(world, history={"promoted": 2})
    prune = await job_as("prune")
    assert pinned_to(prune) == ["node-8"]

    await world.job_completed(prune["metadata"]["name"])
    await edit(world, pin={"version": versions[0], "reason": "complaints"})
    assert pinned_to(await job_as("verify")) == ["node-8"]


async def edit(world: World, **spec: Any) -> None:
    await world.patch("ModelDeployment", "intents", {"spec": spec})
