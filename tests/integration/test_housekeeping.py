"""What is left behind: old versions, finished requests and Jobs; and what is said, in Events and in the log."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from modelsafeguard.api.names import LABEL_ROLE
from modelsafeguard.core.report import Report
from tests.support.apiserver import ApiServer
from tests.support.client import Json
from tests.support.objects import model_deployment, report, retrain_request
from tests.support.operator_process import Operator
from tests.support.script import Script, hands_over, play, trainer_fails
from tests.support.stories import in_stage, operator_of_all_namespaces, rolling_out, trained
from tests.support.world import World

QUICK = {"bakeSeconds": 0}
A_DAY = 86_400


@pytest.fixture(scope="module", autouse=True)
def operator(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """It lists everything four times a second: finished requests are looked after by every twelfth list."""
    with operator_of_all_namespaces(cluster, tmp_path_factory.mktemp("operator"), resync_seconds=0.25) as operator:
        yield operator


def of_version(version: str) -> Report:
    """Good, or worse, by the request's name."""
    worse = version.startswith("worse")
    return report(version, accuracy="0.85" if worse else "0.90", f1_macro="0.82" if worse else "0.90")


PLAYED = {"intents": Script(training=hands_over(of_version))}


async def given_model(world: World, **spec: Any) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving=QUICK, **spec))


async def given_versions(world: World, *requests: str) -> list[str]:
    """One after another, each to its verdict. Returns their versions."""
    versions = []
    async with play(world, PLAYED):
        for name in requests:
            await world.create(retrain_request(name))
            versions.append((await world.verdict(name))["version"])
    return versions


async def keep(world: World, promoted: int, rejected: int) -> None:
    await world.patch("ModelDeployment", "intents", {"spec": {"history": {"promoted": promoted, "rejected": rejected}}})


async def prune_job(world: World) -> Json:
    """The prune Job, once it is there."""

    async def jobs() -> list[Json]:
        return await world.find_all("Job", labels="modelsafeguard.io/role=prune")

    [job] = await world.eventually("a prune Job", jobs)
    return job


def listed(job: Json) -> list[str]:
    """The versions that a prune Job removes."""
    [container] = job["spec"]["template"]["spec"]["containers"]
    versions: list[str] = json.loads(next(each["value"] for each in container["env"] if each["name"] == "SAFEGUARD_VERSIONS"))
    return versions


async def pruned(world: World, count: int) -> set[str]:
    """The versions that the record has as pruned, once they are so many and no prune Job is at work."""

    def settled(model: Json) -> bool:
        return "prune" not in model["status"] and len(_pruned(model)) == count

    return _pruned(await world.until("ModelDeployment", "intents", f"{count} pruned versions", settled))


def _pruned(model: Json) -> set[str]:
    return {record["version"] for record in model["status"].get("versions", []) if record.get("pruned")}


async def told(world: World, reason: str, count: int = 1) -> list[Json]:
    """The Events of a reason, once there are so many."""

    async def found() -> list[Json]:
        events = [event for event in await world.find_all("Event") if event["reason"] == reason]
        return events if len(events) >= count else []

    return await world.eventually(f"{count} Events {reason}", found)


async def mounts_again(world: World, version: str, replicas: int) -> None:
    """Pods of an old version are there again, as while a rollout hangs, or are gone."""
    [old] = [each for each in await world.find_all("ReplicaSet") if version in json.dumps(each["spec"]["template"])]
    await world.patch("ReplicaSet", old["metadata"]["name"], {"spec": {"replicas": replicas}})


# --- versions ----------------------------------------------------------------------------------------------------------------


async def test_versions_beyond_the_history_leave_by_a_job_with_the_exact_list_and_never_one_that_is_still_of_use(world: World) -> None:
    await given_model(world)
    first, before, live, rejected = await given_versions(world, "first", "before", "live", "worse")
    await mounts_again(world, first, 1)
    await keep(world, promoted=2, rejected=0)
    job = await prune_job(world)
    assert listed(job) == [rejected]  # the first one is mounted

    await world.create(retrain_request("next"))
    await in_stage(world, "next", "Queued")  # nothing starts while folders are removed
    await world.job_completed(job["metadata"]["name"])
    await world.job_of("next")
    assert await pruned(world, 1) == {rejected}
    await world.gone("Job", job["metadata"]["name"])
    assert rejected in (await told(world, "VersionsPruned"))[0]["note"]

    await mounts_again(world, first, 0)
    await world.patch("RetrainRequest", "next", {"metadata": {"annotations": {"modelsafeguard.io/cancel": "yes"}}})
    await world.verdict("next")
    job = await prune_job(world)
    cancelled = (await world.get("RetrainRequest", "next"))["status"]["version"]
    assert set(listed(job)) == {first, cancelled}
    await world.job_completed(job["metadata"]["name"])
    assert await pruned(world, 3) == {first, rejected, cancelled}
    assert {before, live}.isdisjoint(await pruned(world, 3))


async def test_a_version_whose_request_is_deleted_while_it_waits_for_approval_leaves_the_volume_and_one_that_still_waits_stays(
    world: World,
) -> None:
    await given_model(world, policy={"promotion": "Manual"})
    deleted, waiting = await trained(world, "deleted"), await trained(world, "waiting")
    await in_stage(world, "waiting", "AwaitingApproval")
    await keep(world, promoted=2, rejected=0)
    await world.delete("RetrainRequest", "deleted")
    job = await prune_job(world)
    assert listed(job) == [deleted]
    await world.job_completed(job["metadata"]["name"])

    assert await pruned(world, 1) == {deleted}
    status = (await world.get("ModelDeployment", "intents"))["status"]
    assert [each["version"] for each in status["awaitingApproval"]] == [waiting]


async def test_versions_that_cannot_be_removed_are_told_and_hold_nothing_up(world: World) -> None:
    await given_model(world)
    _, rejected = await given_versions(world, "live", "worse")
    await keep(world, promoted=2, rejected=0)
    job = await prune_job(world)
    await world.create(retrain_request("next"))
    await in_stage(world, "next", "Queued")
    await world.job_failed(job["metadata"]["name"])
    await world.job_of("next")
    [event] = await told(world, "PruneFailed")

    assert event["type"] == "Warning"
    assert event["note"] == f"Job {job['metadata']['name']} could not remove {rejected}; remove them from the volume by hand"


# --- requests and Jobs -------------------------------------------------------------------------------------------------------


async def test_finished_requests_are_deleted_after_their_time_unless_they_are_kept_in_git_or_have_none(world: World) -> None:
    tracked = {
        "by-argo-2": {"labels": {"app.kubernetes.io/instance": "team"}},
        "by-argo-3": {"annotations": {"argocd.argoproj.io/tracking-id": "team:modelsafeguard.io/RetrainRequest:x"}},
        "by-flux": {"labels": {"kustomize.toolkit.fluxcd.io/name": "team"}},
        "by-helm": {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
    }
    await given_model(world)
    for name, marks in tracked.items():
        await world.create(retrain_request(name, parameters={"no": "such"}, ttlSecondsAfterFinished=0, **marks))
        await world.verdict(name)
    await world.create(retrain_request("for-good", parameters={"no": "such"}))
    await world.verdict("for-good")
    await world.create(retrain_request("running", ttlSecondsAfterFinished=0))
    await in_stage(world, "running", "Training")
    await world.create(retrain_request("in-an-hour", parameters={"no": "such"}, ttlSecondsAfterFinished=3600))
    await in_stage(world, "in-an-hour", "Queued")
    await world.job_failed((await world.job_of("running"))["metadata"]["name"])
    await world.gone("RetrainRequest", "running", within=20)
    await world.verdict("in-an-hour")

    assert {each["metadata"]["name"] for each in await world.find_all("RetrainRequest")} == {*tracked, "for-good", "in-an-hour"}


async def test_a_training_job_stays_for_a_day_once_its_result_is_stored(world: World) -> None:
    await given_model(world)
    await trained(world, "worse-than-nothing")
    async with play(world):
        version = (await world.verdict("worse-than-nothing"))["version"]
    job = await world.until("Job", version, "a time to live", lambda body: "ttlSecondsAfterFinished" in body["spec"])

    assert job["spec"]["ttlSecondsAfterFinished"] == A_DAY


async def test_a_job_that_is_at_work_for_a_request_with_a_verdict_is_deleted(world: World) -> None:
    """As a second operator leaves one that is held up between its last look and its call."""
    await given_model(world)
    await world.create(retrain_request("over"))
    made = await world.job_of("over")
    await world.patch("RetrainRequest", "over", {"metadata": {"annotations": {"modelsafeguard.io/cancel": "yes"}}})
    await world.verdict("over")
    metadata = {key: made["metadata"][key] for key in ("name", "labels", "ownerReferences")}
    template = made["spec"]["template"]
    template["metadata"]["labels"] = {LABEL_ROLE: "train"}
    again = await world.create({**made, "metadata": metadata, "spec": {"backoffLimit": 0, "template": template}, "status": {}})
    await world.gone("Job", again["metadata"]["name"])


# --- what is said ------------------------------------------------------------------------------------------------------------


async def test_every_outcome_is_told_once_in_an_event_with_its_numbers_and_in_two_lines_of_the_log(
    world: World, operator: Operator
) -> None:
    await given_model(world)
    await given_versions(world, "good", "worse")
    async with play(world, {"intents": Script(training=trainer_fails(3, "no such column: text"))}):
        await world.create(retrain_request("crashing"))
        await world.verdict("crashing")
    await rolling_out(world, "fragile")
    await world.deployment_stalls("intents", ago=-1)
    await world.until("Deployment", "intents", "an undo", lambda body: "fragile" not in json.dumps(body["spec"]["template"]))
    await world.deployment_rolled("intents")
    undone = (await world.verdict("fragile"))["message"]

    expected = {
        "good": (
            "ModelPromoted",
            "✅ Model retrained and hot reloaded successfully",
            "Performance",
            "No previous model to compare against",
        ),
        "worse": (
            "CandidateRejected",
            "✅ Retraining completed but model not deployed due to performance degradation",
            "Reason",
            "Performance degraded: accuracy -0.0500, F1 -0.0800",
        ),
        "crashing": (
            "RetrainFailed",
            "❌ Retraining failed",
            "Reason",
            "the trainer ended with status 3: no such column: text",
        ),
        "fragile": ("RolledBack", "❌ The new model did not hold, the previous model is restored", "Reason", undone),
    }
    for request, (reason, _, _, sentence) in expected.items():
        [event] = await told(world, reason)
        assert (event["regarding"]["name"], event["note"]) == (request, sentence)
    wanted = {request: [headline, f"{label}: {sentence}"] for request, (_, headline, label, sentence) in expected.items()}

    async def logged() -> bool:
        lines = operator.log.read_text().splitlines()
        return {
            name: [line.partition(f"/intents {name}: ")[2] for line in lines if f"{world.namespace}/intents {name}: " in line]
            for name in wanted
        } == wanted

    await world.eventually("two lines an outcome", logged)


async def test_the_debug_log_explains_every_decision_of_a_request_in_its_order(world: World, operator: Operator) -> None:
    await given_model(world)
    await given_versions(world, "good")
    sentences = [
        "request good is the oldest",
        "it is the oldest: rules and baseline are frozen, its Job is made",
        "its Job was made",
        "its report is here: No previous model to compare against; PolicyComplete Passed (Every rule of the policy can be applied); ",
        "accepted: the rollout is recorded",
        "the Deployment is still the recorded one: patch it",
        "the Deployment is patched",
        "all pods are new and ready: the bake begins",
        "the rollout has ended: Promoted",
        "its rollout has ended",
        "the active request has its verdict Promoted",
    ]

    async def explained() -> bool:
        said = [line.partition(f"{world.namespace}/intents: ")[2] for line in operator.log.read_text().splitlines()]
        return [sentence for line in said for sentence in sentences if line.startswith(sentence)] == sentences

    await world.eventually("every decision in its order", explained)
