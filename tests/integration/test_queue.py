"""Many requests: one after another for a model, side by side for several; taken back at any stage, held up, and approved."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.apiserver import ApiServer, Kubectl, admission
from tests.support.client import Json
from tests.support.objects import model_deployment, resource, retrain_request
from tests.support.operator_process import Operator
from tests.support.script import play
from tests.support.stories import (
    a_later_second,
    in_stage,
    operator_of_all_namespaces,
    rolling_out,
    rollout_is,
    template,
    template_is,
    trained,
    waits,
)
from tests.support.world import World

QUICK = {"bakeSeconds": 0}
AT_WORK = {"Training", "Judging", "RollingOut"}
MODELS = ("one", "two", "three", "four", "five")
Act = Callable[[World, str], Awaitable[Any]]


@pytest.fixture(scope="module", autouse=True)
def operator(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with operator_of_all_namespaces(cluster, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


async def given_model(world: World, **spec: Any) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving=QUICK, **spec))


async def train_jobs(world: World) -> dict[str, str]:
    """The model of each training Job, by the request's name."""
    jobs = await world.find_all("Job", labels="modelsafeguard.io/role=train")
    labels = [job["metadata"]["labels"] for job in jobs]
    return {each["modelsafeguard.io/request"]: each["modelsafeguard.io/model"] for each in labels}


# --- one after another -------------------------------------------------------------------------------------------------------


@dataclass
class Log:
    """``began``: the requests of each model in the order in which they began. ``together``: the most at work at once, of one model."""

    began: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    together: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _at_work: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def note(self, body: Json) -> None:
        name, model = body["metadata"]["name"], body["spec"]["modelDeploymentRef"]["name"]
        if body.get("status", {}).get("stage") not in AT_WORK:
            self._at_work[model].discard(name)
            return
        self._at_work[model].add(name)
        self.together[model] = max(self.together[model], len(self._at_work[model]))
        if name not in self.began[model]:
            self.began[model].append(name)


@asynccontextmanager
async def logged(world: World) -> AsyncIterator[Log]:
    """Follow all requests by one watch: their changes come in the order in which they happened."""
    log = Log()

    async def follow() -> None:
        async with aclosing(world.follow("RetrainRequest")) as events:
            async for _, body in events:
                log.note(body)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow())
        yield log
        task.cancel()


async def test_requests_for_one_model_run_one_after_another_oldest_first_while_other_models_run(world: World) -> None:
    made: dict[str, list[Json]] = {model: [] for model in MODELS}
    for turn, name in enumerate(("d", "c", "b", "a")):  # by name they would run the other way round
        for model in MODELS:
            made[model].append(await world.create(retrain_request(f"{model}-{name}", model)))
        if turn in {0, 2}:
            await a_later_second(world, made[MODELS[-1]][-1])
    for model in MODELS:
        await world.given_serving(model)
    async with logged(world) as log:
        await asyncio.gather(*(world.create(model_deployment(model, serving=QUICK)) for model in MODELS))

        async def all_train() -> bool:
            return set((await train_jobs(world)).values()) == set(MODELS)

        await world.eventually("every model trains before any training has ended", all_train)
        assert len(await train_jobs(world)) == len(MODELS)
        async with play(world):
            for requests in made.values():
                for request in requests:
                    assert (await world.verdict(request["metadata"]["name"], within=60))["verdict"] == "Promoted"

    def age(body: Json) -> tuple[str, str]:
        return body["metadata"]["creationTimestamp"], body["metadata"]["uid"]

    assert log.began == {model: [each["metadata"]["name"] for each in sorted(made[model], key=age)] for model in MODELS}
    assert log.together == dict.fromkeys(MODELS, 1)


async def test_a_suspended_model_starts_nothing_new_and_its_rollout_ends(world: World) -> None:
    await given_model(world)
    await rolling_out(world, "first")
    await world.create(retrain_request("second"))
    await in_stage(world, "second", "Queued")
    await world.patch("ModelDeployment", "intents", {"spec": {"suspend": True}})
    await waits(world, "second", "is suspended", stage="Queued")
    await world.deployment_rolled("intents")
    assert (await world.verdict("first"))["verdict"] == "Promoted"
    await waits(world, "second", "is suspended", stage="Queued")
    assert set(await train_jobs(world)) == {"first"}

    await world.patch("ModelDeployment", "intents", {"spec": {"suspend": False}})
    await world.job_of("second")


# --- taken back --------------------------------------------------------------------------------------------------------------


async def by_annotation(world: World, request: str) -> None:
    await world.patch("RetrainRequest", request, {"metadata": {"annotations": {"modelsafeguard.io/cancel": "yes"}}})


async def by_deletion(world: World, request: str) -> None:
    await world.delete("RetrainRequest", request)


TAKEN_BACK = pytest.mark.parametrize(
    "take_back", [pytest.param(by_annotation, id="by annotation"), pytest.param(by_deletion, id="by deletion")]
)


async def verdict_unless_deleted(world: World, request: str, take_back: Act) -> str:
    return "deleted" if take_back is by_deletion else str((await world.verdict(request))["verdict"])


@TAKEN_BACK
async def test_a_request_that_is_taken_back_while_it_is_queued_never_has_a_job(world: World, take_back: Act) -> None:
    await given_model(world)
    first = await world.create(retrain_request("first"))
    await world.job_of("first")
    await a_later_second(world, first)
    second = await world.create(retrain_request("second"))
    await a_later_second(world, second)
    await world.create(retrain_request("third"))
    await in_stage(world, "third", "Queued")
    await take_back(world, "second")
    assert await verdict_unless_deleted(world, "second", take_back) in {"Cancelled", "deleted"}
    async with play(world):
        assert (await world.verdict("third"))["verdict"] == "Promoted"

    assert set(await train_jobs(world)) == {"first", "third"}


@TAKEN_BACK
async def test_a_request_that_is_taken_back_during_training_has_no_job_left_and_the_queue_goes_on(world: World, take_back: Act) -> None:
    await given_model(world)
    await world.create(retrain_request("first"))
    job = str((await world.job_of("first"))["metadata"]["name"])
    await world.job_started(job)
    await in_stage(world, "first", "Training")
    await take_back(world, "first")
    await world.gone("Job", job)
    assert await verdict_unless_deleted(world, "first", take_back) in {"Cancelled", "deleted"}
    await world.create(retrain_request("second"))
    await world.job_of("second")


@TAKEN_BACK
async def test_a_request_that_is_taken_back_during_its_rollout_is_rolled_back(world: World, take_back: Act) -> None:
    await given_model(world)
    found = await template(world)
    version = await rolling_out(world, "first")
    await world.deployment_rolling("intents")
    await take_back(world, "first")
    await template_is(world, found)
    await rollout_is(world, "Undoing")
    await world.deployment_rolled("intents")
    model = await world.until("ModelDeployment", "intents", "the end of it", lambda body: "lastRollout" in body["status"])

    assert (model["status"]["lastRollout"]["verdict"], model["status"]["lastRollout"]["reason"]) == ("RolledBack", "Cancelled")
    assert [(record["version"], record["verdict"]) for record in model["status"]["versions"]] == [(version, "RolledBack")]
    assert await verdict_unless_deleted(world, "first", take_back) in {"RolledBack", "deleted"}


@TAKEN_BACK
async def test_a_request_that_is_taken_back_after_its_end_changes_nothing(world: World, take_back: Act) -> None:
    await given_model(world)
    async with play(world):
        await world.create(retrain_request("first"))
        version = (await world.verdict("first"))["version"]
        ours = await template(world)
        await take_back(world, "first")
        await world.create(retrain_request("second", parameters={"no": "such"}))  # it has its turn after whatever the first could cause
        await world.verdict("second")

    assert await template(world) == ours
    assert (await world.get("ModelDeployment", "intents"))["status"]["live"]["version"] == version
    assert await verdict_unless_deleted(world, "first", take_back) in {"Promoted", "deleted"}


# --- held up -----------------------------------------------------------------------------------------------------------------

QUOTA = 'Error creating: pods "x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=4, limited: pods=4'
UNBOUND = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."


async def refused_by_quota(world: World, job: str) -> None:
    await world.job_pod_refused(job, QUOTA)


async def unschedulable(world: World, job: str) -> None:
    await world.pod_stuck(job, "Unschedulable", UNBOUND)


async def without_its_secret(world: World, job: str) -> None:
    await world.pod_stuck(job, "CreateContainerConfigError", 'secret "token" not found')


@pytest.mark.parametrize(
    ("hold_up", "words"),
    [
        pytest.param(refused_by_quota, QUOTA, id="its pod is refused by a quota"),
        pytest.param(unschedulable, f"Unschedulable: {UNBOUND}", id="its claim is not bound"),
        pytest.param(without_its_secret, 'CreateContainerConfigError: secret "token" not found', id="its Secret is missing"),
    ],
)
async def test_a_training_that_never_starts_fails_at_its_deadline_with_the_words_of_what_held_it_up(
    world: World, hold_up: Act, words: str
) -> None:
    await given_model(world, trainer={"activeDeadlineSeconds": 4})
    await world.create(retrain_request("nightly"))
    await hold_up(world, (await world.job_of("nightly"))["metadata"]["name"])
    status = await world.verdict("nightly", within=20)

    assert (status["verdict"], status["reason"]) == ("Failed", "TrainingDeadlineExceeded")
    assert status["message"] == f"training did not end within 4 s: {words}"


async def test_a_pod_that_kubernetes_removed_at_the_deadline_has_left_its_reason(world: World) -> None:
    await given_model(world)
    await world.create(retrain_request("nightly"))
    job = (await world.job_of("nightly"))["metadata"]["name"]
    await world.pod_stuck(job, "ImagePullBackOff", "Back-off pulling image")
    await waits(world, "nightly", "ImagePullBackOff", stage="Training")
    await world.job_exceeded_its_deadline(job)
    status = await world.verdict("nightly")

    assert (status["verdict"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert "ImagePullBackOff: Back-off pulling image" in status["message"]


async def test_a_job_that_a_quota_refuses_fails_its_request_at_the_deadline_and_is_made_as_soon_as_there_is_room(world: World) -> None:
    hard = {"count/jobs.batch": "0"}
    await world.create(resource("ResourceQuota", "team", {"spec": {"hard": hard}}))
    await world.patch_status("ResourceQuota", "team", {"hard": hard, "used": {"count/jobs.batch": "0"}})
    await given_model(world, trainer={"activeDeadlineSeconds": 2})
    await world.create(retrain_request("nightly"))
    status = await world.verdict("nightly", within=20)
    await world.delete("ResourceQuota", "team")
    await world.patch("ModelDeployment", "intents", {"spec": {"trainer": {"activeDeadlineSeconds": 60}}})
    await world.create(retrain_request("next"))
    await world.job_of("next", within=20)

    assert (status["verdict"], status["reason"]) == ("Failed", "TrainingDeadlineExceeded")
    assert "could not be created within 2 s: " in status["message"]
    assert "exceeded quota: team" in status["message"]


# --- a person decides --------------------------------------------------------------------------------------------------------


async def test_accepted_candidates_of_a_manual_policy_wait_while_the_queue_goes_on_until_a_newer_promotion(world: World) -> None:
    await given_model(world, policy={"promotion": "Manual"})
    before = await world.get("Deployment", "intents")
    await trained(world, "first")
    await waits(world, "first", "waits for a person to approve it", stage="AwaitingApproval")
    await trained(world, "second")
    await in_stage(world, "second", "AwaitingApproval")
    assert await world.get("Deployment", "intents") == before

    await world.patch("ModelDeployment", "intents", {"spec": {"policy": {"promotion": "Automatic"}}})
    async with play(world):
        await world.create(retrain_request("third"))
        newer = (await world.verdict("third"))["version"]
        overtaken = [await world.verdict(name) for name in ("first", "second")]

    assert [status["verdict"] for status in overtaken] == ["Superseded", "Superseded"]
    assert all(newer in status["message"] for status in overtaken)


@pytest.fixture
def approvals_are_checked(kubectl: Kubectl) -> Iterator[None]:
    with admission(kubectl, "approve"):
        yield


async def approve(world: World, request: str) -> None:
    """As the administrator, who may."""
    await world.patch("RetrainRequest", request, {"metadata": {"annotations": {"modelsafeguard.io/approved-by": "administrator"}}})


@pytest.mark.usefixtures("approvals_are_checked")
async def test_an_approval_that_the_api_server_has_checked_leads_to_the_promotion(world: World) -> None:
    await given_model(world, policy={"promotion": "Manual"})
    version = await trained(world, "nightly")
    await in_stage(world, "nightly", "AwaitingApproval")
    await approve(world, "nightly")
    async with play(world):
        status = await world.verdict("nightly")

    assert (status["verdict"], status["version"]) == ("Promoted", version)


async def test_an_approval_that_nobody_has_checked_promotes_nothing_and_is_told_so(world: World) -> None:
    await given_model(world, policy={"promotion": "Manual"})
    await trained(world, "nightly")
    await in_stage(world, "nightly", "AwaitingApproval")
    before = await world.get("Deployment", "intents")
    await approve(world, "nightly")
    await waits(world, "nightly", "its approval does not count", stage="AwaitingApproval")

    assert await world.get("Deployment", "intents") == before
