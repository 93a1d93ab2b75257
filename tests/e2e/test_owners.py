"""What the owner of a model does to it meanwhile: claims its fields, deletes it. In one world, in this order."""

from collections.abc import Callable

import pytest

from hack.demo import manifests
from hack.demo.kube import Json
from hack.demo.story import first_model
from hack.demo.world import MODEL, PREFIX, World, expect_verdict
from tests.e2e.states import not_ready, runs, until_it_says, waits_for
from tests.e2e.volume import Volume


@pytest.fixture(scope="module")
def world(new_world: Callable[[], World]) -> World:
    return new_world()


def test_a_manifest_that_sets_a_field_of_ours_is_not_fought_over_and_without_it_the_request_goes_on(world: World) -> None:
    # given a manifest that sets subPath, applied server-side by its owner
    manifest, conflicting = _serving_deployment(world), _serving_deployment(world)
    _server(conflicting)["volumeMounts"][0]["subPath"] = "by-hand"
    world.kube.apply([conflicting])
    model = world.kube.until("ModelDeployment", MODEL, "Ready=False/FieldConflict", not_ready("FieldConflict"), within=30)
    # when a training is asked for
    request = world.ask("in-conflict", dataset="small")
    waiting = world.kube.until("RetrainRequest", request, "why it waits", waits_for("subPath"), within=30)
    # then both say who sets it, and nothing is trained or patched
    (message,) = (each["message"] for each in model["status"]["conditions"] if each["type"] == "Ready")
    assert "are set by kubectl; remove them from that manifest" in message
    assert waiting["status"]["waiting"] == message
    assert not world.kube.all("Job", f"{PREFIX}request={request}")
    deployment = world.kube.get("Deployment", MODEL)
    assert _server(deployment)["volumeMounts"][0]["subPath"] == "by-hand"
    assert "modelsafeguard" not in {each["manager"] for each in deployment["metadata"]["managedFields"]}
    # and when the owner takes it back, the request goes on
    world.kube.apply([manifest])
    version = expect_verdict(world.verdict(request), "Promoted")["version"]
    assert _server(world.kube.get("Deployment", MODEL))["volumeMounts"][0]["subPath"] == f"{MODEL}/versions/{version}"


def test_a_model_that_is_deleted_during_a_training_stops_it_and_leaves_what_serves(world: World) -> None:
    # given a live model, and a training that takes its time
    if "live" not in world.model()["status"]:
        first_model(world)
    volume, before, live = Volume(world), world.served(), world.live()
    kept = {folder: volume.names(folder) for folder in ("versions", "reports")}
    with world.asked_all_the_time() as answers:
        request = world.ask("orphaned", fault="slow")
        pod = world.kube.until("Pod", "", "a pod that trains", runs("train", request=request), within=60)["metadata"]["name"]
        until_it_says(world.kube, pod, "train", "waiting to be stopped", within=60)
        # when its ModelDeployment is deleted
        world.kube.delete("ModelDeployment", MODEL)
        ended = world.verdict(request, within=60)
        # then the request is cancelled, its Job and pod go, and everything else stays and serves
        status = expect_verdict(ended, "Cancelled")
        world.kube.gone("Job", status["version"], within=60)
        world.kube.gone("Pod", pod, within=60)
    assert status["reason"] == "ModelDeleted"
    assert world.served() == before
    assert {folder: volume.names(folder) for folder in kept} == kept
    assert live in kept["versions"]
    assert set(answers.versions) == {live}


def _serving_deployment(world: World) -> Json:
    documents = manifests.rendered(world.kube, manifests.DEMO, world.words)
    return next(body for body in documents if body["kind"] == "Deployment")


def _server(deployment: Json) -> Json:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container
