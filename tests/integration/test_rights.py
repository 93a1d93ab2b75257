"""The operator with exactly the rights of manifests/base: they are enough, and none is there for nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.apiserver import ApiServer, Kubectl, admission
from tests.support.binaries import ROOT
from tests.support.faults import Proxy
from tests.support.objects import model_deployment, retrain_request
from tests.support.operator_process import Operator, Settings
from tests.support.script import play
from tests.support.stories import in_stage, rolling_out, trained
from tests.support.world import World

BASE = ROOT / "manifests" / "base"
ACCOUNT = "modelsafeguard-operator"
# Asked by clusters that run the admission plugin OwnerReferencesPermissionEnforcement, of whoever makes a Job; never called.
NOT_CALLED = {("update", "modeldeployments/finalizers"), ("update", "retrainrequests/finalizers")}


def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((BASE / f"{name}.yaml").read_text())
    return found


@pytest.fixture
async def proxy(cluster: ApiServer, world: World) -> AsyncIterator[Proxy]:
    """The way to the API server as the operator's ServiceAccount, bound to the role of manifests/base."""
    binding = manifest("rolebinding")
    binding["subjects"][0]["namespace"] = world.namespace
    for body in (manifest("serviceaccount"), manifest("role"), binding):
        await world.create(body)
    async with Proxy(cluster, await world.token(ACCOUNT)) as proxy:
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


@pytest.mark.usefixtures("approvals_are_checked", "operator")
async def test_with_the_admission_policies_it_may_see_that_an_approval_was_checked(world: World, proxy: Proxy) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 0}, policy={"promotion": "Manual"}))
    await trained(world, "nightly")
    await in_stage(world, "nightly", "AwaitingApproval")
    await world.patch("RetrainRequest", "nightly", {"metadata": {"annotations": {"modelsafeguard.io/approved-by": "administrator"}}})
    async with play(world):
        assert (await world.verdict("nightly"))["verdict"] == "Promoted"
    assert [call.what for call in proxy.journal if call.status == 403] == []


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


def granted() -> set[tuple[str, str]]:
    """Each (verb, resource) of the role."""
    return {(verb, resource) for rule in manifest("role")["rules"] for verb in rule["verbs"] for resource in rule["resources"]}


async def test_a_story_of_every_kind_of_work_needs_all_of_the_role_and_no_more(
    world: World, proxy: Proxy, cluster: ApiServer, operator: Operator
) -> None:
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 0}, history={"promoted": 2, "rejected": 0}))
    async with play(world):
        await world.create(retrain_request("live"))
        await world.verdict("live")
    await rolling_out(world, "fragile")
    await world.deployment_stalls("intents", ago=-1)
    await world.until("Deployment", "intents", "an undo", lambda body: "fragile" not in str(body["spec"]["template"]))
    await world.deployment_rolled("intents")
    async with play(world):
        assert (await world.verdict("fragile"))["verdict"] == "RolledBack"
        model = await world.until("ModelDeployment", "intents", "a pruned version", lambda body: "'pruned': True" in str(body["status"]))
    await world.create(retrain_request("cancelled", ttlSecondsAfterFinished=0))
    await world.job_of("cancelled")
    await in_stage(world, "cancelled", "Training")
    await world.patch("RetrainRequest", "cancelled", {"metadata": {"annotations": {"modelsafeguard.io/cancel": "yes"}}})
    await world.gone("RetrainRequest", "cancelled", within=20)

    await operator.stop()  # a watch is in the audit log when it has ended
    refused = [call.what for call in proxy.journal if call.status == 403]
    assert refused == []
    assert model["status"]["live"]["version"].startswith("live-")
    user = f"system:serviceaccount:{world.namespace}:{ACCOUNT}"
    calls = [call for call in await asyncio.to_thread(lambda: list(cluster.audit())) if call.user == user]
    used = {(call.verb, call.resource + (f"/{call.subresource}" if call.subresource else "")) for call in calls}
    assert granted() - used == NOT_CALLED
