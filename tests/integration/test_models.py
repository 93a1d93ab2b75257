"""One ModelDeployment: adopted, in conflict, edited or deleted at any moment, and what tools read from its conditions."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.support.apiserver import ApiServer, Kubectl
from tests.support.kstatus import kstatus
from tests.support.objects import claim, digest, model_deployment, report, retrain_request, serving_deployment
from tests.support.operator_process import Operator
from tests.support.script import Script, play, trainer_fails
from tests.support.stories import (
    a_later_second,
    conditions,
    in_stage,
    model_says,
    operator_of_all_namespaces,
    readiness,
    rolling_out,
    template,
    template_is,
    trained,
    waits,
)
from tests.support.world import World

BY_HAND = {
    "modelsafeguard.io/version": "by-hand-1",
    "modelsafeguard.io/accuracy": "0.90",
    "modelsafeguard.io/f1-macro": "0.88",
    "modelsafeguard.io/holdout-digest": digest("holdout"),
}
QUICK = {"bakeSeconds": 0}


@pytest.fixture(scope="module", autouse=True)
def operator(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with operator_of_all_namespaces(cluster, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


async def annotate(world: World, **annotations: str | None) -> None:
    """As ``kubectl annotate modeldeployment/intents``; None removes."""
    named = {f"modelsafeguard.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    await world.patch("ModelDeployment", "intents", {"metadata": {"annotations": named}})


async def given_model(world: World, *, annotations: dict[str, str] | None = None, **spec: Any) -> None:
    await world.given_serving()
    await world.create(model_deployment(annotations=annotations, serving=QUICK, **spec))


async def edit(world: World, **spec: Any) -> None:
    await world.patch("ModelDeployment", "intents", {"spec": spec})


# --- adoption ----------------------------------------------------------------------------------------------------------------


async def test_a_model_that_was_live_already_is_the_baseline_by_its_annotations(world: World) -> None:
    await given_model(world, annotations=BY_HAND)
    adopted = (await model_says(world, "Serving"))["status"]
    await trained(world, "worse", accuracy="0.85", f1_macro="0.83")
    worse = await world.verdict("worse")
    await trained(world, "hair", accuracy="0.89", f1_macro="0.88")
    async with play(world):
        hair = await world.verdict("hair")

    assert adopted["found"] == {}  # looked at, and none of our fields were there
    assert adopted["live"]["version"] == "by-hand-1"
    assert adopted["live"]["metrics"] == {"accuracy": "0.90", "f1_macro": "0.88"}
    assert (worse["verdict"], worse["message"]) == ("Rejected", "Performance degraded: accuracy -0.0500, F1 -0.0500")
    assert (hair["verdict"], hair["deltas"]["accuracy"]) == ("Promoted", "-0.0100")


async def test_a_first_rollout_that_fails_goes_back_to_the_adopted_model(world: World) -> None:
    await given_model(world, annotations=BY_HAND)
    found = await template(world)
    adopted = (await model_says(world, "Serving"))["status"]["live"]
    await rolling_out(world, "broken", accuracy="0.95", f1_macro="0.95")
    await world.deployment_stalls("intents", ago=-1)
    await template_is(world, found)
    await world.deployment_rolled("intents")
    status = await world.verdict("broken")
    model = await model_says(world, "Serving")

    assert status["verdict"] == "RolledBack"
    assert model["status"]["live"] == adopted
    assert {key: model["metadata"]["annotations"][key] for key in BY_HAND} == BY_HAND


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        pytest.param("accuracy", "NaN", id="not a number"),
        pytest.param("accuracy", "1.2", id="an accuracy above 1"),
        pytest.param("f1_macro", "about 0.9", id="a word"),
        pytest.param("holdout_digest", "sha256:beef", id="a digest that is none"),
    ],
)
async def test_malformed_annotations_keep_everything_waiting_until_they_are_corrected(world: World, annotation: str, text: str) -> None:
    key = f"modelsafeguard.io/{annotation.replace('_', '-')}"
    await given_model(world, annotations=BY_HAND | {key: text})
    await world.create(retrain_request("nightly"))
    ready = readiness(await model_says(world, "BaselineInvalid"))
    await waits(world, "nightly", ready["message"], stage="Queued")

    assert ready["status"] == "False"
    assert key in ready["message"]
    assert await world.find_all("Job") == []
    await annotate(world, **{annotation: BY_HAND[key]})
    await world.job_of("nightly")


async def test_annotations_that_were_edited_keep_a_trained_candidate_from_being_judged_until_they_are_put_back(world: World) -> None:
    await given_model(world)
    async with play(world):
        await world.create(retrain_request("live"))
        await world.verdict("live")
    live = (await model_says(world, "Serving"))["metadata"]["annotations"]["modelsafeguard.io/accuracy"]
    await world.create(retrain_request("next"))
    version = str((await world.job_of("next"))["metadata"]["name"])
    await annotate(world, accuracy="0.10")
    await world.job_completed(version, report=report(version))
    ready = readiness(await model_says(world, "BaselineChanged"))
    await waits(world, "next", ready["message"], stage="Judging")
    await annotate(world, accuracy=live)
    async with play(world):
        assert (await world.verdict("next"))["verdict"] == "Promoted"


# --- conflicts and claims ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deployment", "path"),
    [
        pytest.param("older", "elsewhere", id="on the same Deployment"),
        pytest.param("younger", "older", id="on the same folder of a claim"),
        pytest.param("younger", "older/inside", id="in a folder inside the other's"),
        pytest.param("younger", "old", id="in a folder whose name only begins alike, which is no conflict"),
    ],
)
async def test_nothing_is_done_for_the_younger_of_two_models_in_one_place_until_the_older_is_gone(
    world: World, deployment: str, path: str
) -> None:
    await world.given_serving("older")
    if deployment != "older":
        await world.given_serving(deployment)
    older = await world.create(model_deployment("older", serving=QUICK))
    await a_later_second(world, older)
    younger = model_deployment("younger", serving={**QUICK, "deploymentName": deployment}, storage={"path": path})
    await world.create(younger)
    await world.create(retrain_request("nightly", "younger"))
    if path == "old":
        await world.job_of("nightly")
        return
    ready = readiness(await model_says(world, "Conflict", "younger"))
    await waits(world, "nightly", ready["message"], stage="Queued")

    assert ready["status"] == "False"
    assert ready["message"].startswith("ModelDeployment older is older and")
    assert await world.find_all("Job") == []
    assert readiness(await world.get("ModelDeployment", "older"))["status"] == "True"
    await world.delete("ModelDeployment", "older")
    await world.job_of("nightly")


async def test_a_claim_for_one_pod_only_is_unsuitable_and_nothing_starts(world: World) -> None:
    await world.create(claim(access_modes=("ReadWriteOncePod",)))
    await world.patch_status("PersistentVolumeClaim", "models", {"phase": "Bound"})
    await world.create(serving_deployment())
    await world.create(model_deployment())
    await world.create(retrain_request("nightly"))
    ready = conditions(await model_says(world, "ClaimUnsuitable"))
    await waits(world, "nightly", "use ReadWriteMany", stage="Queued")

    assert (ready["Ready"]["status"], ready["Stalled"]["status"]) == ("False", "True")
    assert await world.find_all("Job") == []


async def test_a_missing_claim_is_waited_for(world: World) -> None:
    await world.create(serving_deployment())
    await world.create(model_deployment())
    await world.create(retrain_request("nightly"))
    ready = conditions(await model_says(world, "ClaimNotFound"))
    await waits(world, "nightly", "PersistentVolumeClaim models does not exist; create it", stage="Queued")
    assert (ready["Ready"]["status"], ready["Reconciling"]["status"]) == ("False", "True")

    await world.create(claim())
    await world.patch_status("PersistentVolumeClaim", "models", {"phase": "Bound"})
    await world.job_of("nightly")


# --- deleted, late, edited ---------------------------------------------------------------------------------------------------


async def while_queued(world: World) -> None:
    await edit(world, suspend=True)
    await world.create(retrain_request("nightly"))
    await waits(world, "nightly", "is suspended", stage="Queued")


async def while_training(world: World) -> None:
    await world.create(retrain_request("nightly"))
    await world.job_started((await world.job_of("nightly"))["metadata"]["name"])
    await in_stage(world, "nightly", "Training")


async def while_rolling_out(world: World) -> None:
    await rolling_out(world, "nightly")


@pytest.mark.parametrize(
    "until_then",
    [
        pytest.param(while_queued, id="queued"),
        pytest.param(while_training, id="training"),
        pytest.param(while_rolling_out, id="rolling out"),
    ],
)
async def test_deleting_the_model_cancels_its_requests_stops_their_jobs_and_leaves_the_deployment_as_it_is(
    world: World, until_then: Callable[[World], Awaitable[None]]
) -> None:
    await given_model(world)
    await until_then(world)
    before = await world.get("Deployment", "intents")
    await world.delete("ModelDeployment", "intents")
    status = await world.verdict("nightly")

    assert (status["verdict"], status["reason"]) == ("Cancelled", "ModelDeleted")
    await world.eventually("no Job is at work", lambda: no_job_at_work(world))
    assert await world.get("Deployment", "intents") == before


async def no_job_at_work(world: World) -> bool:
    return all(conditions(job) for job in await world.find_all("Job"))


async def test_a_request_waits_for_a_model_that_is_made_after_it(world: World) -> None:
    await world.given_serving()
    await world.create(retrain_request("early"))
    await waits(world, "early", "ModelDeployment intents does not exist", stage="Queued")
    await world.create(model_deployment(serving=QUICK))
    async with play(world):
        assert (await world.verdict("early"))["verdict"] == "Promoted"


async def test_a_policy_that_is_edited_during_training_counts_for_the_next_request_only(world: World) -> None:
    await given_model(world, annotations=BY_HAND)
    await world.create(retrain_request("running"))
    version = str((await world.job_of("running"))["metadata"]["name"])
    await edit(world, policy={"metrics": [{"name": "accuracy", "maxDrop": "0"}, {"name": "f1_macro", "maxDrop": "0"}]})
    await world.job_completed(version, report=report(version, accuracy="0.895", f1_macro="0.88"))
    async with play(world):
        running = await world.verdict("running")
    await trained(world, "next", accuracy="0.894", f1_macro="0.88")
    following = await world.verdict("next")

    assert (running["verdict"], running["message"]) == ("Promoted", "Performance maintained within tolerance")
    assert running["frozen"]["policy"]["metrics"][0]["maxDrop"] == "0.01"
    assert (following["verdict"], following["frozen"]["policy"]["metrics"][0]["maxDrop"]) == ("Rejected", "0")


@pytest.mark.parametrize(
    ("asked", "counts", "verdict"),
    [
        pytest.param("0", "0", "Rejected", id="stricter: it counts"),
        pytest.param("0.5", "0.01", "Promoted", id="looser: the owner's counts"),
    ],
)
async def test_of_the_owners_policy_and_the_requests_the_stricter_counts(world: World, asked: str, counts: str, verdict: str) -> None:
    await given_model(world, annotations=BY_HAND)
    await world.create(retrain_request("nightly", policy={"metrics": [{"name": "accuracy", "maxDrop": asked}]}))
    version = str((await world.job_of("nightly"))["metadata"]["name"])
    await world.job_completed(version, report=report(version, accuracy="0.895", f1_macro="0.88"))
    async with play(world):
        status = await world.verdict("nightly")

    assert (status["verdict"], status["frozen"]["policy"]["metrics"][0]["maxDrop"]) == (verdict, counts)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        pytest.param({"dataset": "secret"}, "parameter 'dataset' is 'secret', which does not match 'full|small'", id="a value not offered"),
        pytest.param({"image": "x"}, "parameter 'image' is not one that the model's trainer offers", id="a name not offered"),
    ],
)
async def test_a_parameter_that_the_owner_does_not_offer_fails_the_request_before_any_job(
    world: World, parameters: dict[str, str], sentence: str
) -> None:
    offered = [{"name": "dataset", "default": "full", "pattern": "full|small"}]
    await given_model(world, trainer={"parameters": offered})
    await world.create(retrain_request("nightly", parameters=parameters))
    status = await world.verdict("nightly")

    assert (status["verdict"], status["reason"]) == ("Failed", "InvalidParameters")
    assert sentence in status["message"]
    assert await world.find_all("Job") == []


# --- what tools read ---------------------------------------------------------------------------------------------------------


async def test_kubectl_wait_for_finished_returns_for_every_kind_of_ending(world: World, kubectl: Kubectl) -> None:
    await given_model(world)
    script = Script(training=trainer_fails(3))
    async with play(world, {"intents": script}):
        await world.create(retrain_request("failed"))
        await world.verdict("failed")
    async with play(world):
        await world.create(retrain_request("promoted"))
        await world.verdict("promoted")
    await trained(world, "rejected", accuracy="0.5")
    await world.create(retrain_request("cancelled", annotations={"modelsafeguard.io/cancel": "yes"}))
    names = ("failed", "promoted", "rejected", "cancelled")
    wait = ["--namespace", world.namespace, "wait", "--for=condition=Finished", "--timeout=20s"]
    await asyncio.to_thread(kubectl, *wait, *(f"retrainrequest/{name}" for name in names))
    statuses = [await world.verdict(name) for name in names]

    assert [status["verdict"] for status in statuses] == ["Failed", "Promoted", "Rejected", "Cancelled"]
    succeeded = [next(each["status"] for each in status["conditions"] if each["type"] == "Succeeded") for status in statuses]
    assert succeeded == ["False", "True", "False", "False"]


async def test_kstatus_reads_a_model_rightly_from_its_making_to_a_rollout_and_a_stall(world: World) -> None:
    async def reads(expected: str) -> None:
        await world.until("ModelDeployment", "intents", f"kstatus {expected}", lambda body: kstatus(body) == [expected])

    assert kstatus(await world.create(model_deployment(serving=QUICK))) == ["InProgress"]  # nobody has looked yet
    await reads("InProgress")  # the Deployment and the claim are still to come
    await world.given_serving()
    await reads("Current")  # no version yet is no reason to wait: a chart that installs a model is installed
    await rolling_out(world, "nightly")
    await reads("InProgress")
    async with play(world):
        await world.verdict("nightly")
    await reads("Current")
    await annotate(world, accuracy="0.1")
    await reads("Failed")
