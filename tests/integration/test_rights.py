"""The operator with exactly the rights of manifests/base: they are enough, and none is there for nothing."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import rights
from tests.support.apiserver import ApiServer, Kubectl, admission
from tests.support.faults import Proxy
from tests.support.objects import GROUP, model_deployment, retrain_request
from tests.support.operator_process import Operator, Settings
from tests.support.script import play
from tests.support.stories import in_stage, rolling_out, template, template_is, trained
from tests.support.world import World

# Asked by clusters that run the admission plugin OwnerReferencesPermissionEnforcement, of whoever makes a Job; never called.
NOT_CALLED = {("update", GROUP, "modeldeployments/finalizers"), ("update", GROUP, "retrainrequests/finalizers")}


@pytest.fixture
async def proxy(cluster: ApiServer, world: World) -> AsyncIterator[Proxy]:
    """The way to the API server as the operator's ServiceAccount, bound to the role of manifests/base."""
    async with Proxy(cluster, await rights.token(world)) as proxy:
        yield proxy


@pytest.fixture
async def operator(world: World, proxy: Proxy, tmp_path: Path) -> AsyncIterator[Operator]:
    settings = Settings(proxy.kubeconfig(tmp_path / "kubeconfig"), world.namespace, resync_seconds=0.25)
    operator = Operator(settings, tmp_path / "operator.log")
    await operator.start()
    try:
        yield operator
    finally:
        operator.kill()
    operator.assert_log_is_clean()


@pytest.fixture
def approvals_are_checked(kubectl: Kubectl) -> Iterator[None]:
    """And every ServiceAccount may see that they are."""
    with admission(kubectl, "approve", "reader"):
        yield


@pytest.mark.usefixtures("operator")
async def test_with_them_it_may_see_that_somebody_else_than_who_asked_has_approved(world: World, proxy: Proxy, kubectl: Kubectl) -> None:
    await world.given_serving()
    policy = {"promotion": "Manual", "approvals": {"forbidOwn": True}}
    await world.create(model_deployment(serving={"bakeSeconds": 0}, policy=policy))
    # Without the policies anybody can write this, and later nobody can change it.
    await trained(world, "nightly", annotations={"modelsafeguard.io/requested-by": "alice"})
    await in_stage(world, "nightly", "AwaitingApproval")
    with admission(kubectl, "approve", "requester", "reader"):
        await world.patch("RetrainRequest", "nightly", {"metadata": {"annotations": {"modelsafeguard.io/approved-by": "administrator"}}})
        async with play(world):
            assert (await world.verdict("nightly"))["approvedBy"] == "administrator"
    assert [call.what for call in proxy.journal if call.status == 403] == []


Right = tuple[str, str, str]


def granted() -> set[Right]:
    """Each (verb, group, resource) of the role."""
    return {right for rule in rights.rules() for right in itertools.product(rule["verbs"], rule["apiGroups"], rule["resources"])}


def used(cluster: ApiServer, user: str) -> set[Right]:
    """Each that a user has made use of, as the API server saw it."""
    calls = [call for call in cluster.audit() if call.user == user and call.resource]
    return {(call.verb, call.group, call.resource + (f"/{call.subresource}" if call.subresource else "")) for call in calls}


async def promoted(world: World) -> None:
    async with play(world):
        await world.create(retrain_request("live"))
        await world.verdict("live")


async def undone_and_pruned(world: World) -> None:
    await rolling_out(world, "fragile")
    await world.deployment_stalls("intents", ago=-1)
    await world.until("Deployment", "intents", "an undo", lambda body: "fragile" not in str(body["spec"]["template"]))
    await world.deployment_rolled("intents")
    async with play(world):
        assert (await world.verdict("fragile"))["verdict"] == "RolledBack"
        await world.until("ModelDeployment", "intents", "a pruned version", lambda body: "'pruned': True" in str(body["status"]))


async def read_again(world: World) -> None:
    """The result of a training that came garbled."""
    await world.create(retrain_request("garbled"))
    await world.job_completed((await world.job_of("garbled"))["metadata"]["name"], message="garbled")
    async with play(world):
        assert (await world.verdict("garbled"))["verdict"] == "Promoted"


async def held_up(world: World) -> None:
    """A training that gets no pod, and is taken back."""
    await world.create(retrain_request("cancelled", ttlSecondsAfterFinished=0))
    await world.job_pod_refused((await world.job_of("cancelled"))["metadata"]["name"], "exceeded quota")
    await in_stage(world, "cancelled", "Training")
    await world.patch("RetrainRequest", "cancelled", {"metadata": {"annotations": {"modelsafeguard.io/cancel": "yes"}}})
    await world.gone("RetrainRequest", "cancelled", within=20)


async def approved(world: World) -> None:
    await edit(world, policy={"promotion": "Manual"})
    async with play(world):
        await world.create(retrain_request("signed"))
        await in_stage(world, "signed", "AwaitingApproval")
        await world.patch("RetrainRequest", "signed", {"metadata": {"annotations": {"modelsafeguard.io/approved-by": "administrator"}}})
        assert (await world.verdict("signed"))["verdict"] == "Promoted"


async def restored(world: World) -> None:
    """What somebody else set."""
    await edit(world, serving={"onDrift": "Restore"})
    ours = await template(world)
    theirs = {"spec": {"template": {"metadata": {"annotations": {"modelsafeguard.io/version": "by-hand"}}}}}
    await world.patch("Deployment", "intents", theirs)
    await template_is(world, ours)
    await world.deployment_rolled("intents")


async def pinned(world: World) -> None:
    """To the version before, which is still there."""
    versions = (await world.get("ModelDeployment", "intents"))["status"]["versions"]
    before = next(each["version"] for each in versions if each["version"].startswith("garbled-"))
    async with play(world):
        await edit(world, pin={"version": before, "reason": "complaints"})
        await world.until("ModelDeployment", "intents", f"live {before}", lambda body: body["status"]["live"]["version"] == before)


async def edit(world: World, **spec: Any) -> None:
    await world.patch("ModelDeployment", "intents", {"spec": spec})


@pytest.mark.usefixtures("approvals_are_checked")
async def test_stories_of_every_kind_of_work_need_all_of_the_role_and_no_more(
    world: World, proxy: Proxy, cluster: ApiServer, operator: Operator
) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 0}, history={"promoted": 2, "rejected": 0}))
    for story in (promoted, undone_and_pruned, read_again, held_up, approved, restored, pinned):
        await story(world)
    await operator.stop()
    watches = {right for right in granted() if right[0] == "watch"}

    async def recorded() -> set[Right]:
        found = await asyncio.to_thread(used, cluster, f"system:serviceaccount:{world.namespace}:{rights.ACCOUNT}")
        return found if watches <= found else set()

    found = await world.eventually("the watches have ended, and are in the audit log", recorded)
    assert [call.what for call in proxy.journal if call.status == 403] == []
    assert granted() - found == NOT_CALLED
    assert {right for right in found - granted() if right[1] != "admissionregistration.k8s.io"} == set()
