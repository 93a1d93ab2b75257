"""Training Job complete → serving Deployment patched: the report is read, stored and judged in between."""

import asyncio
import random
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from bench.first_job import MEAN_PAUSE, verdict
from bench.results import Result, percentile
from bench.stage import api_server, namespace, operator
from bench.watch import watched
from modelsafeguard.api.names import ANNOTATION_VERSION
from tests.support.client import Json
from tests.support.objects import model_deployment, report, retrain_request
from tests.support.script import Script, nothing, play
from tests.support.world import World

MODELS = 25
WARM_UP = 5


def completed(_: str, body: Json) -> Iterable[str]:
    """A Job is complete."""
    conditions = body.get("status", {}).get("conditions", [])
    return [body["metadata"]["name"]] if any(each["type"] == "Complete" for each in conditions) else []


def serves(_: str, body: Json) -> Iterable[str]:
    """A Deployment is to serve a version."""
    version = body["spec"]["template"]["metadata"].get("annotations", {}).get(ANNOTATION_VERSION)
    return [version] if version else []


async def measure(folder: Path, count: int) -> list[Result]:
    """Two percentiles over so many rollouts, one after another, of some models."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(api_server(folder))
        world = await stack.enter_async_context(namespace(server, "rollouts"))
        for number in range(MODELS):
            await world.given_serving(_model(number))
            await world.create(model_deployment(_model(number), serving={"bakeSeconds": 0}))
        await stack.enter_async_context(operator(server, folder / "operator.log", namespace=world.namespace))
        # The training Jobs are ended below, everything else happens by itself.
        await stack.enter_async_context(play(world, {_model(number): Script(training=nothing) for number in range(MODELS)}))
        milliseconds = (await _rollouts(world, stack, WARM_UP + count))[WARM_UP:]
    what = "Job complete → Deployment patched"
    return [
        Result(f"{what}, p50", "ms", percentile(milliseconds, 0.5), limit=150),
        Result(f"{what}, p99", "ms", percentile(milliseconds, 0.99), limit=1000),
    ]


async def _rollouts(world: World, stack: AsyncExitStack, count: int) -> list[float]:
    jobs = await stack.enter_async_context(watched(world, "Job", completed))
    deployments = await stack.enter_async_context(watched(world, "Deployment", serves))
    verdicts = await stack.enter_async_context(watched(world, "RetrainRequest", verdict))
    milliseconds = []
    for number in range(count):
        request = f"roll-{number}"
        await world.create(retrain_request(request, _model(number)))
        version = (await world.job_of(request))["metadata"]["name"]
        await asyncio.sleep(random.expovariate(1 / MEAN_PAUSE))
        await world.job_completed(version, report=report(version))
        milliseconds.append((await deployments.at(version) - await jobs.at(version)) * 1000)
        await verdicts.at(request)
    return milliseconds


def _model(number: int) -> str:
    return f"model-{number % MODELS}"
