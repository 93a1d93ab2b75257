"""Every ending of a request, on a real API server: the test plays trainer, Job controller, kubelet and Deployment controller."""

from decimal import Decimal

import pytest

from modelsafeguard.core.report import Report
from tests.support.apiserver import Kubectl
from tests.support.client import Json
from tests.support.objects import model_deployment, report, retrain_request
from tests.support.script import Script, hands_over, measure_refuses, play, trainer_fails
from tests.support.world import World

pytestmark = pytest.mark.usefixtures("operator")


def measured(numbers: dict[str, tuple[str, str]]) -> Script:
    """Each request's candidate has these numbers (accuracy, F1), by the request's name."""

    def of(version: str) -> Report:
        accuracy, f1_macro = numbers[version.rsplit("-", 1)[0]]
        return report(version, accuracy=accuracy, f1_macro=f1_macro)

    return Script(training=hands_over(of))


async def told(world: World, request: str) -> list[Json]:
    """The Events about a request, oldest first."""
    events = await world.find_all("Event")
    return sorted((event for event in events if event["regarding"]["name"] == request), key=lambda event: str(event["eventTime"]))


async def test_the_first_candidate_is_promoted_without_a_baseline_and_a_better_one_replaces_it(world: World, kubectl: Kubectl) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    async with play(world, {"intents": measured({"first": ("0.8042", "0.7834"), "better": ("0.8542", "0.8234")})}):
        await world.create(retrain_request("first"))
        first = await world.verdict("first")
        await world.create(retrain_request("better"))
        better = await world.verdict("better")

    assert (first["verdict"], first["reason"], first["message"]) == ("Promoted", "Promoted", "No previous model to compare against")
    assert (better["verdict"], better["message"]) == ("Promoted", "Performance improved: accuracy +0.0500, F1 +0.0400")
    described = " ".join(kubectl("--namespace", world.namespace, "describe", "rr/better").split())
    assert f"compared with version {first['version']} by its annotations, measured on the same 300 rows" in described
    assert better["deltas"] == {"accuracy": "+0.0500", "f1_macro": "+0.0400"}
    model = await world.get("ModelDeployment", "intents")
    version = better["version"]
    assert model["status"]["live"]["version"] == version
    assert model["metadata"]["annotations"]["modelsafeguard.io/accuracy"] == "0.8542"
    deployment = await world.get("Deployment", "intents")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["volumeMounts"] == [{"name": "model", "mountPath": "/models", "subPath": f"intents/versions/{version}"}]
    assert {each["name"]: each["value"] for each in container["env"]}["MODEL_VERSION"] == version
    await world.until(
        "ModelDeployment", "intents", "the request let go, so that all is told", lambda body: "activeRequest" not in body["status"]
    )
    assert [event["reason"] for event in await told(world, "better")] == ["TrainingStarted", "RolloutStarted", "ModelPromoted"]


async def test_a_worse_candidate_is_rejected_and_nothing_is_patched(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    async with play(world, {"intents": measured({"good": ("0.90", "0.90"), "worse": ("0.85", "0.82"), "hair": ("0.89", "0.895")})}):
        await world.create(retrain_request("good"))
        await world.verdict("good")
        before = await world.get("Deployment", "intents")
        await world.create(retrain_request("worse"))
        worse = await world.verdict("worse")
        after = await world.get("Deployment", "intents")
        await world.create(retrain_request("hair"))
        hair = await world.verdict("hair")

    assert (worse["verdict"], worse["message"]) == ("Rejected", "Performance degraded: accuracy -0.0500, F1 -0.0800")
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert (hair["verdict"], hair["message"]) == ("Promoted", "Performance maintained within tolerance")
    assert Decimal(hair["deltas"]["accuracy"]) == Decimal("-0.01")


async def test_a_trainer_that_crashes_fails_the_request_with_its_last_words(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    async with play(world, {"intents": Script(training=trainer_fails(3, "reading data\nno such column: text"))}):
        await world.create(retrain_request("nightly"))
        status = await world.verdict("nightly")

    assert (status["verdict"], status["reason"]) == ("Failed", "TrainerCrashed")
    assert status["message"] == "the trainer ended with status 3: no such column: text"


async def test_numbers_that_measure_refuses_fail_the_request_with_its_sentence(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    async with play(world, {"intents": Script(training=measure_refuses("MetricsInvalid", "metrics.json: accuracy is NaN"))}):
        await world.create(retrain_request("nightly"))
        status = await world.verdict("nightly")

    assert (status["verdict"], status["reason"], status["message"]) == ("Failed", "MetricsInvalid", "metrics.json: accuracy is NaN")


async def test_a_lost_report_is_read_again_and_never_trained_again(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    await world.create(retrain_request("nightly"))
    job = await world.job_of("nightly")
    await world.job_completed(job["metadata"]["name"], message="cut off")
    reader = await world.job_of("nightly", "reader")
    await world.job_completed(reader["metadata"]["name"], report=report(job["metadata"]["name"]))
    async with play(world):
        status = await world.verdict("nightly")

    assert status["verdict"] == "Promoted"
    assert len(await world.find_all("Job", labels="modelsafeguard.io/role=train")) == 1


async def test_a_rollout_that_stalls_is_undone_and_the_previous_version_serves(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving={"progressDeadlineSeconds": 5}))
    async with play(world):
        await world.create(retrain_request("good"))
        await world.verdict("good")
    good = (await world.get("Deployment", "intents"))["spec"]["template"]
    await world.create(retrain_request("broken"))
    job = await world.job_of("broken")
    await world.job_completed(job["metadata"]["name"], report=report(job["metadata"]["name"]))
    await world.until("Deployment", "intents", "the new version", lambda body: body["spec"]["template"] != good)
    await world.deployment_stalls("intents")
    await world.until("Deployment", "intents", "the previous version", lambda body: body["spec"]["template"] == good, within=20)
    await world.deployment_rolled("intents")
    status = await world.verdict("broken")

    assert (status["verdict"], status["reason"]) == ("RolledBack", "ProgressDeadlineExceeded")
    assert "the previous version is restored" in status["message"]
    assert (await world.get("ModelDeployment", "intents"))["status"]["live"]["version"].startswith("good-")


async def test_a_pod_that_restarts_during_the_bake_undoes_the_rollout(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 600}))
    found = (await world.get("Deployment", "intents"))["spec"]["template"]
    await world.create(retrain_request("fragile"))
    job = await world.job_of("fragile")
    await world.job_completed(job["metadata"]["name"], report=report(job["metadata"]["name"]))
    await world.until("Deployment", "intents", "the new version", lambda body: body["spec"]["template"] != found)
    await world.deployment_rolled("intents")
    phase = "a bake"
    await world.until("ModelDeployment", "intents", phase, lambda body: body["status"].get("rollout", {}).get("phase") == "Baking")
    await world.pods_restart("intents")
    await world.until("Deployment", "intents", "what was found", lambda body: body["spec"]["template"] == found)
    await world.deployment_rolled("intents")
    status = await world.verdict("fragile")

    assert (status["verdict"], status["reason"]) == ("RolledBack", "BakeFailed")


async def test_a_request_that_is_cancelled_during_training_has_no_job_left(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    await world.create(retrain_request("nightly"))
    job = await world.job_of("nightly")
    await world.job_started(job["metadata"]["name"])
    await world.patch("RetrainRequest", "nightly", {"metadata": {"annotations": {"modelsafeguard.io/cancel": "yes"}}})
    status = await world.verdict("nightly")

    assert status["verdict"] == "Cancelled"
    assert await world.find("Job", job["metadata"]["name"]) is None


async def test_an_exit_of_the_job_before_any_pod_ran_says_why(world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment(trainer={"activeDeadlineSeconds": 3}))
    await world.create(retrain_request("nightly"))
    job = await world.job_of("nightly")
    await world.pod_stuck(job["metadata"]["name"], "ImagePullBackOff", "Back-off pulling image")
    status = await world.verdict("nightly")

    assert (status["verdict"], status["reason"]) == ("Failed", "TrainingDeadlineExceeded")
    assert "ImagePullBackOff: Back-off pulling image" in status["message"]
