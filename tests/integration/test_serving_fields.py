"""The three fields of other people's Deployment: whose they are, who changes them meanwhile, and what is left behind."""

import asyncio
import copy
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.support.apiserver import ApiServer, Kubectl
from tests.support.client import STRATEGIC_PATCH, Json
from tests.support.objects import claim, model_deployment, report, retrain_request, serving_deployment
from tests.support.operator_process import Operator
from tests.support.script import play
from tests.support.stories import (
    in_stage,
    model_says,
    operator_of_all_namespaces,
    readiness,
    rolling_out,
    rollout_is,
    template,
    template_is,
    waits,
)
from tests.support.world import World

Change = Callable[[World], Awaitable[Any]]
DEADLINE = 3  # seconds: for stories that end at it


@pytest.fixture(scope="module", autouse=True)
def operator(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with operator_of_all_namespaces(cluster, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


@pytest.fixture
def kubectl_here(world: World, kubectl: Kubectl) -> Callable[..., Awaitable[str]]:
    """Kubectl in the story's namespace."""

    async def run(*args: str, stdin: str | None = None) -> str:
        return await asyncio.to_thread(kubectl, "--namespace", world.namespace, *args, stdin=stdin)

    return run


def server_of(deployment: Json) -> Json:
    """The serving container."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    found: Json = next(each for each in containers if each["name"] == "server")
    return found


def naming_sub_path(deployment: Json) -> None:
    server_of(deployment)["volumeMounts"][0]["subPath"] = "by-hand"


def naming_model_version(deployment: Json) -> None:
    server_of(deployment)["env"] = [{"name": "MODEL_VERSION", "value": "by-hand"}]


async def given_claim(world: World) -> None:
    await world.create(claim())
    await world.patch_status("PersistentVolumeClaim", "models", {"phase": "Bound"})


async def given_live(world: World, **serving: Any) -> Json:
    """A model with a live version of ours. Returns the Deployment's pod template."""
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 0, **serving}))
    async with play(world):
        await world.create(retrain_request("live"))
        await world.verdict("live")
    await model_says(world, "Serving")
    return await template(world)


async def set_env(world: World) -> None:
    """As ``kubectl set env deployment/intents MODEL_VERSION=by-hand``."""
    containers = [{"name": "server", "env": [{"name": "MODEL_VERSION", "value": "by-hand"}]}]
    await world.patch("Deployment", "intents", {"spec": {"template": {"spec": {"containers": containers}}}}, content_type=STRATEGIC_PATCH)


async def trained_while(world: World, change: Change) -> str:
    """A request whose training ends after somebody changed something. Returns its version."""
    await world.create(retrain_request("next"))
    version = str((await world.job_of("next"))["metadata"]["name"])
    await in_stage(world, "next", "Training")
    await change(world)
    await world.job_completed(version, report=report(version))
    return version


async def stalls(world: World) -> None:
    """The Deployment passes its progress deadline: surely after our patch, although both times are in whole seconds."""
    await world.deployment_stalls("intents", ago=-1)


async def put_template(world: World, wanted: Json) -> None:
    """As ``kubectl rollout undo``: the whole pod template is replaced."""
    deployment = await world.get("Deployment", "intents")
    deployment["spec"]["template"] = wanted
    await world.replace(deployment)


# --- whose fields they are ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "naming",
    [
        pytest.param(naming_sub_path, id="that names subPath"),
        pytest.param(naming_model_version, id="that names MODEL_VERSION"),
    ],
)
@pytest.mark.parametrize("server_side", [pytest.param(True, id="applied server-side"), pytest.param(False, id="applied by kubectl")])
async def test_a_manifest_that_sets_a_field_of_ours_is_not_fought_over(
    world: World, kubectl_here: Callable[..., Awaitable[str]], *, naming: Callable[[Json], None], server_side: bool
) -> None:
    async def sync(manifest: Json) -> None:
        if server_side:
            await world.apply(manifest, manager="argocd-controller")
        else:
            await kubectl_here("apply", "-f", "-", stdin=json.dumps(manifest))

    manifest = serving_deployment()
    conflicting = copy.deepcopy(manifest)
    naming(conflicting)
    await given_claim(world)
    await sync(conflicting)
    await world.deployment_rolled("intents")
    before = await world.get("Deployment", "intents")
    await world.create(model_deployment(serving={"bakeSeconds": 0}))
    await world.create(retrain_request("nightly"))
    ready = readiness(await model_says(world, "FieldConflict"))
    await waits(world, "nightly", ready["message"], stage="Queued")

    assert ready["status"] == "False"
    assert ("argocd-controller" if server_side else "kubectl-client-side-apply") in ready["message"]
    assert await world.get("Deployment", "intents") == before
    assert await world.find_all("Job") == []

    await sync(manifest)
    async with play(world):
        assert (await world.verdict("nightly"))["verdict"] == "Promoted"


@pytest.mark.parametrize("server_side", [pytest.param(True, id="server-side"), pytest.param(False, id="by kubectl")])
async def test_the_owners_next_apply_of_a_manifest_without_our_fields_keeps_what_we_set(
    world: World, kubectl_here: Callable[..., Awaitable[str]], *, server_side: bool
) -> None:
    async def sync(manifest: Json) -> None:
        if server_side:
            await world.apply(manifest, manager="argocd-controller")
        else:
            await kubectl_here("apply", "-f", "-", stdin=json.dumps(manifest))

    manifest = serving_deployment()
    await given_claim(world)
    await sync(manifest)
    await world.deployment_rolled("intents")
    await world.create(model_deployment(serving={"bakeSeconds": 0}))
    async with play(world):
        await world.create(retrain_request("live"))
        await world.verdict("live")
        ours = await template(world)
        server_of(manifest)["image"] = "server:2"
        await sync(manifest)
        server_of({"spec": {"template": ours}})["image"] = "server:2"
        await template_is(world, ours)
        await world.create(retrain_request("next"))
        assert (await world.verdict("next"))["verdict"] == "Promoted"


# --- drift -------------------------------------------------------------------------------------------------------------------


async def test_a_field_that_was_changed_by_hand_keeps_everything_waiting_until_it_is_put_back(world: World) -> None:
    ours = await given_live(world)
    version = await trained_while(world, set_env)
    await waits(world, "next", "MODEL_VERSION by-hand", stage="Judging")
    ready = readiness(await model_says(world, "ServingDrifted"))
    assert ready["status"] == "False"
    await put_template(world, ours)
    async with play(world):
        status = await world.verdict("next")

    assert (status["verdict"], status["version"]) == ("Promoted", version)


async def test_kubectl_rollout_undo_is_drift_and_an_undo_of_the_undo_settles_it(
    world: World, kubectl_here: Callable[..., Awaitable[str]]
) -> None:
    await given_live(world)
    async with play(world):
        await world.create(retrain_request("second"))
        await world.verdict("second")
        second = await template(world)
        await model_says(world, "Serving")
        await kubectl_here("rollout", "undo", "deployment/intents")
        ready = readiness(await model_says(world, "ServingDrifted"))
        await world.create(retrain_request("third"))
        await waits(world, "third", ready["message"], stage="Queued")
        undone = await template(world)
        await kubectl_here("rollout", "undo", "deployment/intents")
        await template_is(world, second)
        assert (await world.verdict("third"))["verdict"] == "Promoted"

    assert undone != second


async def test_drift_is_restored_where_the_owner_asked_for_it_and_said_once(world: World) -> None:
    ours = await given_live(world, onDrift="Restore")
    await set_env(world)
    await template_is(world, ours)
    await model_says(world, "Serving")

    told = [event for event in await world.find_all("Event") if event["reason"] == "DriftRestored"]
    assert len(told) == 1
    assert "MODEL_VERSION by-hand" in told[0]["note"]


# --- a first rollout that fails leaves nothing behind -----------------------------------------------------------------------


def plain(_deployment: Json) -> None:
    pass


def with_others_env(deployment: Json) -> None:
    server_of(deployment)["env"] = [
        {"name": "LOG_LEVEL", "value": "info"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]


def with_other_containers_and_mounts(deployment: Json) -> None:
    pod = deployment["spec"]["template"]["spec"]
    side = copy.deepcopy(server_of(deployment)) | {"name": "metrics"}
    pod["containers"].insert(0, side)
    pod["volumes"].append({"name": "cache", "emptyDir": {}})
    server_of(deployment)["volumeMounts"].insert(0, {"name": "cache", "mountPath": "/cache", "subPath": "server"})
    deployment["spec"]["template"]["metadata"]["annotations"] = {"prometheus.io/scrape": "true"}


@pytest.mark.parametrize(
    "dressed",
    [
        pytest.param(plain, id="a plain one"),
        pytest.param(with_others_env, id="with environment variables of others"),
        pytest.param(with_other_containers_and_mounts, id="with several containers, other mounts and annotations"),
    ],
)
async def test_a_first_rollout_that_fails_puts_the_deployment_back_to_exactly_what_was_found(
    world: World, dressed: Callable[[Json], None]
) -> None:
    deployment = serving_deployment()
    dressed(deployment)
    await given_claim(world)
    await world.create(deployment)
    await world.deployment_rolled("intents")
    found = await template(world)
    await world.create(model_deployment(serving={"bakeSeconds": 0}))
    await rolling_out(world, "broken")
    assert await template(world) != found
    await stalls(world)
    await template_is(world, found)
    await world.deployment_rolled("intents")
    status = await world.verdict("broken")

    assert (status["verdict"], status["reason"]) == ("RolledBack", "ProgressDeadlineExceeded")
    assert await template(world) == found
    assert readiness(await model_says(world, "NoModelYet"))["status"] == "True"


# --- before a rollout: nothing is patched, it waits with a reason ------------------------------------------------------------


async def pause(world: World) -> None:
    await world.patch("Deployment", "intents", {"spec": {"paused": True}})


async def resume(world: World) -> None:
    await world.patch("Deployment", "intents", {"spec": {"paused": None}})


async def scale_to_zero(world: World) -> None:
    await world.patch("Deployment", "intents", {"spec": {"replicas": 0}})


async def scale_up(world: World) -> None:
    await world.patch("Deployment", "intents", {"spec": {"replicas": 2}})


async def remove(world: World) -> None:
    await world.delete("Deployment", "intents")


async def make_anew(world: World) -> None:
    await world.create(serving_deployment())


OBSTACLES = [
    pytest.param(pause, resume, "DeploymentPaused", "is paused", id="paused"),
    pytest.param(scale_to_zero, scale_up, "DeploymentScaledToZero", "has 0 replicas", id="scaled to 0"),
    pytest.param(remove, make_anew, "DeploymentNotFound", "does not exist", id="deleted"),
]


@pytest.mark.parametrize(("stop", "_settle", "reason", "words"), OBSTACLES)
async def test_a_deployment_that_stays_stopped_before_a_rollout_is_never_patched_and_the_request_fails_at_the_deadline(
    world: World, stop: Change, _settle: Change, reason: str, words: str
) -> None:
    await world.given_serving()
    found = await template(world)
    await world.create(model_deployment(serving={"progressDeadlineSeconds": DEADLINE}))
    await trained_while(world, stop)
    await waits(world, "next", words, stage="RollingOut")
    status = await world.verdict("next")

    assert (status["verdict"], status["reason"]) == ("Failed", reason)
    assert status["message"].startswith(f"accepted, but not rolled out within {DEADLINE} s: Deployment intents {words}")
    left = await world.find("Deployment", "intents")
    assert left is None or left["spec"]["template"] == found


@pytest.mark.parametrize(("stop", "settle", "_reason", "words"), OBSTACLES)
async def test_a_deployment_that_is_settled_again_before_the_deadline_is_rolled_out(
    world: World, stop: Change, settle: Change, _reason: str, words: str
) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 0}))
    await trained_while(world, stop)
    await waits(world, "next", words, stage="RollingOut")
    await settle(world)
    async with play(world):
        status = await world.verdict("next")

    assert (status["verdict"], status.get("waiting", "")) == ("Promoted", "")


# --- during a rollout --------------------------------------------------------------------------------------------------------


async def set_image(world: World) -> None:
    containers = [{"name": "server", "image": "server:2"}]
    await world.patch("Deployment", "intents", {"spec": {"template": {"spec": {"containers": containers}}}}, content_type=STRATEGIC_PATCH)


async def scale_to_three(world: World) -> None:
    """As a HorizontalPodAutoscaler does."""
    await world.patch("Deployment", "intents", {"spec": {"replicas": 3}}, subresource="scale")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(scale_to_three, (3, "modelsafeguard/trainer"), id="its replicas"),
        pytest.param(set_image, (2, "server:2"), id="its image"),
    ],
)
@pytest.mark.parametrize("holds", [pytest.param(True, id="and it is promoted"), pytest.param(False, id="and it is undone")])
async def test_what_somebody_else_changes_during_a_rollout_is_not_fought(
    world: World, change: Change, expected: tuple[int, str], *, holds: bool
) -> None:
    await given_live(world)
    before = (await world.get("ModelDeployment", "intents"))["status"]["live"]["version"]
    version = await rolling_out(world, "next")
    await world.deployment_rolling("intents")
    await change(world)
    if holds:
        await world.deployment_rolled("intents")
    else:
        await stalls(world)
        await rollout_is(world, "Undoing")
        await world.until("Deployment", "intents", "the version before", lambda body: served(body) == before)
        await world.deployment_rolled("intents")
    status = await world.verdict("next")
    deployment = await world.get("Deployment", "intents")

    assert status["verdict"] == ("Promoted" if holds else "RolledBack")
    assert served(deployment) == (version if holds else before)
    assert (deployment["spec"]["replicas"], server_of(deployment)["image"]) == expected


def served(deployment: Json) -> str:
    """The version that the pod template serves, by its three fields together."""
    [mount] = server_of(deployment)["volumeMounts"]
    variables = {each["name"]: each["value"] for each in server_of(deployment)["env"]}
    versions = {
        mount["subPath"].rsplit("/", 1)[1],
        variables["MODEL_VERSION"],
        deployment["spec"]["template"]["metadata"]["annotations"]["modelsafeguard.io/version"],
    }
    assert len(versions) == 1, versions
    return str(versions.pop())


async def test_a_rollout_undo_by_somebody_else_during_a_rollout_ends_it_as_rolled_back(
    world: World, kubectl_here: Callable[..., Awaitable[str]]
) -> None:
    ours = await given_live(world)
    await rolling_out(world, "next")
    await world.deployment_rolling("intents")
    await kubectl_here("rollout", "undo", "deployment/intents")
    await rollout_is(world, "Undoing")
    await world.deployment_rolled("intents")
    status = await world.verdict("next")

    assert (status["verdict"], status["reason"]) == ("RolledBack", "UndoneByOther")
    assert await template(world) == ours
    await model_says(world, "Serving")


async def test_other_values_set_by_somebody_else_during_a_rollout_fail_it_and_are_left_as_they_are(world: World) -> None:
    await given_live(world)
    await rolling_out(world, "next")
    await set_env(world)
    status = await world.verdict("next")

    assert (status["verdict"], status["reason"]) == ("Failed", "ServingDrifted")
    assert {"name": "MODEL_VERSION", "value": "by-hand"} in server_of(await world.get("Deployment", "intents"))["env"]
    await model_says(world, "ServingDrifted")


@pytest.mark.parametrize("stop", [pytest.param(pause, id="paused"), pytest.param(scale_to_zero, id="scaled to 0")])
async def test_a_deployment_that_is_stopped_during_a_rollout_has_its_version_back_after_the_deadline(world: World, stop: Change) -> None:
    ours = await given_live(world, progressDeadlineSeconds=DEADLINE)
    await rolling_out(world, "next")
    await world.deployment_rolling("intents")
    await stop(world)
    await template_is(world, ours)
    await world.deployment_rolled("intents")
    status = await world.verdict("next")

    assert (status["verdict"], status["reason"]) == ("RolledBack", "ProgressDeadlineExceeded")


async def test_a_deployment_that_is_deleted_during_a_rollout_fails_the_request_at_the_deadline(world: World) -> None:
    await given_live(world, progressDeadlineSeconds=DEADLINE)
    live = (await world.get("ModelDeployment", "intents"))["status"]["live"]
    await rolling_out(world, "next")
    await remove(world)
    status = await world.verdict("next")

    assert (status["verdict"], status["reason"]) == ("Failed", "DeploymentNotFound")
    assert await world.find("Deployment", "intents") is None
    assert (await model_says(world, "DeploymentNotFound"))["status"]["live"] == live


async def test_a_missed_progress_deadline_of_before_our_patch_is_not_believed(world: World) -> None:
    await given_live(world)
    version = await rolling_out(world, "next")
    await world.deployment_stalls("intents", ago=60)
    await world.never("ModelDeployment", "intents", "an undo", lambda body: "verdict" in body["status"].get("rollout", {}), seconds=1)
    await world.deployment_rolled("intents")
    status = await world.verdict("next")

    assert (status["verdict"], status["version"]) == ("Promoted", version)
