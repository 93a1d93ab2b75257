"""Steps that many stories share: one operator for all of them, the way into a rollout, and what is read on the way."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal

from tests.support.apiserver import ApiServer
from tests.support.client import Json
from tests.support.faults import Proxy
from tests.support.forms import timestamp
from tests.support.objects import report, retrain_request
from tests.support.operator_process import Operator, Settings
from tests.support.world import PATIENCE, World


@contextmanager
def operator_of_all_namespaces(server: ApiServer, folder: Path, **settings: Any) -> Iterator[Operator]:
    """One operator for the stories of a module, each in a namespace of its own: starting one costs more than a story.

    Its proxy runs in a thread, because it outlives the event loop of each story.
    """
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Proxy(server)) as proxy:
        operator = Operator(Settings(proxy.kubeconfig(folder / "kubeconfig"), **settings), folder / "operator.log")
        try:
            asyncio.run(operator.start())
            yield operator
            asyncio.run(operator.stop())
        finally:
            operator.kill()
    operator.assert_log_is_clean()


async def model_says(world: World, reason: str, name: str = "intents", *, within: float = PATIENCE) -> Json:
    """The model once its condition Ready has this reason."""
    return await world.until(
        "ModelDeployment", name, f"Ready for the reason {reason}", lambda body: readiness(body).get("reason") == reason, within=within
    )


def readiness(model: Json) -> Json:
    """The condition Ready; empty while there is none."""
    return conditions(model).get("Ready", {})


def conditions(body: Json) -> dict[str, Json]:
    """An object's conditions by type."""
    return {each["type"]: each for each in body.get("status", {}).get("conditions", [])}


async def a_later_second(world: World, body: Json) -> None:
    """Wait until whatever is made now is younger than this object: the API server's times are in whole seconds."""

    async def over() -> bool:
        return timestamp() > body["metadata"]["creationTimestamp"]

    await world.eventually("a later second", over)


async def waits(world: World, request: str, why: str, *, stage: str = "", within: float = PATIENCE) -> Json:
    """The status of a request once it waits with these words, in any stage or in this one."""
    found = await world.until(
        "RetrainRequest",
        request,
        f"waiting for {why!r} {stage}",
        lambda body: why in body.get("status", {}).get("waiting", "") and stage in {"", body["status"]["stage"]},
        within=within,
    )
    status: Json = found["status"]
    return status


async def in_stage(world: World, request: str, stage: str) -> Json:
    """The status of a request once it is in a stage."""
    found = await world.until("RetrainRequest", request, f"stage {stage}", lambda body: body.get("status", {}).get("stage") == stage)
    status: Json = found["status"]
    return status


async def trained(world: World, request: str, model: str = "intents", *, annotations: dict[str, str] | None = None, **numbers: str) -> str:
    """Create a request and let its training Job hand over its report. Returns the version."""
    await world.create(retrain_request(request, model, annotations=annotations))
    version = str((await world.job_of(request))["metadata"]["name"])
    await world.job_completed(version, report=report(version, **numbers))
    return version


async def rolling_out(world: World, request: str, model: str = "intents", **numbers: str) -> str:
    """As ``trained``, and return when the Deployment is patched and the record says so."""
    version = await trained(world, request, model, **numbers)
    # It may be past its deadline already where that is short: then it is being undone.
    await world.until("ModelDeployment", model, "a rollout that has begun", lambda body: _phase(body) not in {"", "Applying"})
    return version


async def rollout_is(world: World, phase: str, model: str = "intents", *, within: float = PATIENCE) -> None:
    """Wait for a phase of the rollout."""
    await world.until("ModelDeployment", model, f"a rollout that is {phase}", lambda body: _phase(body) == phase, within=within)


async def template(world: World, name: str = "intents") -> Json:
    """The pod template of a Deployment."""
    found: Json = (await world.get("Deployment", name))["spec"]["template"]
    return found


async def template_is(world: World, expected: Json, name: str = "intents") -> None:
    """Wait until a Deployment has exactly this pod template."""
    await world.until("Deployment", name, "the pod template that is expected", lambda body: body["spec"]["template"] == expected)


def _phase(model: Json) -> str:
    return str(model.get("status", {}).get("rollout", {}).get("phase", ""))
