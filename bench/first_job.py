"""Request created → its Job created, beside a bare kopf handler: in pairs, in turn, at random moments, on one API server."""

import asyncio
import math
import random
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.results import Result, percentile
from bench.stage import api_server, namespace, operator
from bench.watch import Watch, watched
from modelsafeguard.api.names import LABEL_REQUEST
from tests.support.client import Json
from tests.support.objects import model_deployment, retrain_request
from tests.support.world import World

WARM_UP = 10
# Requests of one model: its history keeps as many, so that no version is ever pruned meanwhile.
REQUESTS = 20
MEAN_PAUSE = 0.1  # seconds: requests come at random moments, so that no timer of a program is met at the same phase each time


def created(event: str, body: Json) -> Iterable[str]:
    """A request is there."""
    return [body["metadata"]["name"]] if event == "ADDED" else []


def verdict(_: str, body: Json) -> Iterable[str]:
    """A request has its verdict."""
    return [body["metadata"]["name"]] if body.get("status", {}).get("verdict") else []


def free(model: Json) -> bool:
    """No request of the model is under way."""
    return "activeRequest" not in model["status"]


def job_created(event: str, body: Json) -> Iterable[str]:
    """The first Job of a request is there: the request's name."""
    return [body["metadata"].get("labels", {}).get(LABEL_REQUEST, "")] if event == "ADDED" else []


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: its namespace, its models, and both watches."""

    world: World
    models: Sequence[str]
    requests: Watch
    jobs: Watch

    async def ask(self, number: int) -> float:
        """Create a request, and give the seconds from when it was seen until its Job was."""
        name = f"ask-{number}"
        await self.world.create(retrain_request(name, self._model(number)))
        return await self.jobs.at(name) - await self.requests.at(name)

    async def end(self, number: int) -> None:
        """Have the request fail, and wait until the operator has nothing more to do for it: the next one's time is its own."""
        job = await self.world.job_of(f"ask-{number}")
        await self.world.job_exceeded_its_deadline(job["metadata"]["name"])
        await self.world.verdict(f"ask-{number}")
        await self.world.until("ModelDeployment", self._model(number), f"the end of ask-{number}", free)

    def _model(self, number: int) -> str:
        """Another one each time, so that no request waits for the one before."""
        return self.models[number % len(self.models)]


async def measure(folder: Path, pairs: int) -> list[Result]:
    """The two percentiles, each beside the bare handler's."""
    with api_server(folder) as server:
        async with AsyncExitStack() as stack:
            worlds = [await stack.enter_async_context(namespace(server, name)) for name in ("ours", "bare")]
            models = [f"model-{number}" for number in range(math.ceil((WARM_UP + pairs) / REQUESTS))]
            for model in models:
                await worlds[0].given_serving(model)
                await worlds[0].create(model_deployment(model, history={"rejected": REQUESTS}))
            await stack.enter_async_context(operator(server, folder / "ours.log", namespace="ours"))
            await stack.enter_async_context(operator(server, folder / "bare.log", namespace="bare", module="bench.bare"))
            ours, bare = [await _side(stack, world, models) for world in worlds]
            taken = await _pairs(ours, bare, WARM_UP + pairs)
    mine, theirs = zip(*taken[WARM_UP:], strict=True)
    what = "request created → its Job created"
    return [
        Result(f"{what}, p50", "ms", percentile(mine, 0.5), times=1.5, beside=percentile(theirs, 0.5)),
        Result(f"{what}, p99", "ms", percentile(mine, 0.99), times=1.0, beside=percentile(theirs, 0.99)),
    ]


async def _side(stack: AsyncExitStack, world: World, models: Sequence[str]) -> Side:
    requests = await stack.enter_async_context(watched(world, "RetrainRequest", created))
    jobs = await stack.enter_async_context(watched(world, "Job", job_created))
    return Side(world, models, requests, jobs)


async def _pairs(ours: Side, bare: Side, count: int) -> list[tuple[float, float]]:
    """Milliseconds of ours and of the bare handler's; who comes first changes with each pair."""
    taken = []
    for number in range(count):
        seconds = {}
        for name, side in (("ours", ours), ("bare", bare))[:: 1 if number % 2 else -1]:
            await asyncio.sleep(random.expovariate(1 / MEAN_PAUSE))
            seconds[name] = await side.ask(number)
        taken.append((seconds["ours"] * 1000, seconds["bare"] * 1000))
        await ours.end(number)
    return taken
