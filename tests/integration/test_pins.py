"""An owner's order to serve a version that is still on the volume, and signatures for other numbers, on a real API server."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.apiserver import ApiServer, Kubectl, admission
from tests.support.client import Json
from tests.support.objects import model_deployment, retrain_request
from tests.support.operator_process import Operator
from tests.support.script import play
from tests.support.stories import model_says, operator_of_all_namespaces, rollout_is, template
from tests.support.world import World


@pytest.fixture(scope="module", autouse=True)
def operator(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with operator_of_all_namespaces(cluster, tmp_path_factory.mktemp("operator"), resync_seconds=0.25) as operator:
        yield operator


async def two_versions(world: World, **serving: Any) -> tuple[str, str]:
    """The version of before, and the live one."""
    await world.given_serving()
    await world.create(model_deployment(serving={"bakeSeconds": 0, **serving}))
    versions = []
    async with play(world):
        for name in ("good", "bad"):
            await world.create(retrain_request(name))
            versions.append((await world.verdict(name))["version"])
    return versions[0], versions[1]


async def pin(world: World, version: str | None) -> None:
    order = {"version": version, "reason": "complaints"} if version else None
    await world.patch("ModelDeployment", "intents", {"spec": {"pin": order}})


async def verify_job(world: World) -> Json:
    async def jobs() -> list[Json]:
        return await world.find_all("Job", labels="modelsafeguard.io/role=verify")

    [job] = await world.eventually("a verify Job", jobs)
    await world.until("ModelDeployment", "intents", "a Job that is trusted", lambda body: body["status"]["verification"].get("jobUID"))
    return job


async def serves(world: World, version: str) -> Json:
    return await world.until("ModelDeployment", "intents", f"live {version}", lambda body: body["status"]["live"]["version"] == version)


async def test_a_pinned_version_is_verified_by_a_job_rolled_out_and_published(world: World) -> None:
    good, bad = await two_versions(world)
    before = await template(world)
    await pin(world, good)
    job = await verify_job(world)
    assert await template(world) == before
    [container] = job["spec"]["template"]["spec"]["containers"]
    asked = {each["name"]: each.get("value") for each in container["env"]}
    assert (container["command"][-1], asked["SAFEGUARD_VERSION"]) == ("verify", good)
    await world.job_completed(job["metadata"]["name"])
    await rollout_is(world, "Progressing")
    await world.deployment_rolled("intents")
    model = await serves(world, good)
    await world.gone("Job", job["metadata"]["name"])
    model = await world.until(
        "ModelDeployment", "intents", "its annotations", lambda body: body["metadata"]["annotations"]["modelsafeguard.io/version"] == good
    )
    assert model["status"]["lastRollout"]["requestUID"] == f"pin-{model['metadata']['generation']}"
    assert bad in {each["version"] for each in model["status"]["versions"]}


async def test_a_version_that_does_not_verify_is_never_mounted(world: World) -> None:
    good, bad = await two_versions(world)
    before = await template(world)
    await pin(world, good)
    job = await verify_job(world)
    await world.job_failed(job["metadata"]["name"], failed=("ManifestInvalid", "model.joblib is not what was published"))
    model = await model_says(world, "PinFailed")
    assert await template(world) == before
    assert model["status"]["live"]["version"] == bad
    await pin(world, None)
    await model_says(world, "Serving")


@pytest.fixture
def signatures_are_checked(kubectl: Kubectl) -> Iterator[None]:
    with admission(kubectl, "rebase"):
        yield


async def edit_and_sign(world: World, **annotations: str | None) -> None:
    keyed = {f"modelsafeguard.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    await world.patch("ModelDeployment", "intents", {"metadata": {"annotations": keyed}})


@pytest.mark.usefixtures("signatures_are_checked")
async def test_numbers_that_are_signed_for_become_the_baseline(world: World) -> None:
    await two_versions(world)
    await edit_and_sign(world, accuracy="0.5")
    await model_says(world, "BaselineChanged")
    await edit_and_sign(world, rebased_by="administrator")
    model = await model_says(world, "Serving")
    assert model["status"]["live"]["metrics"]["accuracy"] == "0.5"
    assert model["status"]["rebasedBy"] == "administrator"


async def test_a_signature_that_nobody_checks_accepts_nothing(world: World) -> None:
    await two_versions(world)
    await edit_and_sign(world, accuracy="0.5", rebased_by="mallory")
    model = await model_says(world, "BaselineChanged")
    assert model["status"]["live"]["metrics"]["accuracy"] != "0.5"
