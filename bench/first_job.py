"""Request created → its Job created, beside a bare kopf handler: in pairs, in turn, at random moments, on one API server."""

import asyncio
import random
from collections.abc import Iterable
from contextlib import AsyncExitStack
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


def job_created(event: str, body: Json) -> Iterable[str]:
    """The first Job of a request is there: the request's name."""
    return [body["metadata"].get("labels", {}).get(LABEL_REQUEST, "")] if event == "ADDED" else []


class Side:
    """One of the two that are compared: its namespace, and both watches."""

    def __init__(self, world: World, requests: Watch, jobs: Watch) -> None:
        self.world, self._requests, self._jobs = world, requests, jobs

    async def ask(self, number: int) -> float:
        """Create a request, and give the seconds from when it was seen until its Job was."""
        name = f"ask-{number}"
        await self.world.create(retrain_request(name, _model(number)))
        return await self._jobs.at(name) - await self._requests.at(name)


async def measure(folder: Path, pairs: int) -> list[Result]:
    """The two percentiles, each beside the bare handler's."""
    with api_server(folder) as server:
        async with AsyncExitStack() as stack:
            worlds = [await stack.enter_async_context(namespace(server, name)) for name in ("ours", "bare")]
            for number in range(0, WARM_UP + pairs, REQUESTS):
                await worlds[0].given_serving(_model(number))
                await worlds[0].create(model_deployment(_model(number), history={"rejected": REQUESTS}))
            await stack.enter_async_context(operator(server, folder / "ours.log", namespace="ours"))
            await stack.enter_async_context(operator(server, folder / "bare.log", namespace="bare", module="bench.bare"))
            ours, bare = [await _side(stack, world) for world in worlds]
            verdicts = await stack.enter_async_context(watched(worlds[0], "RetrainRequest", verdict))
            taken = await _pairs(ours, bare, verdicts, WARM_UP + pairs)
    mine, theirs = zip(*taken[WARM_UP:], strict=True)
    what = "request created → its Job created"
    return [
        Result(f"{what}, p50", "ms", percentile(mine, 0.5), limit=1.5, beside=percentile(theirs, 0.5)),
        Result(f"{what}, p99", "ms", percentile(mine, 0.99), limit=1.0, beside=percentile(theirs, 0.99)),
    ]


async def _side(stack: AsyncExitStack, world: World) -> Side:
    requests = await stack.enter_async_context(watched(world, "RetrainRequest", created))
    jobs = await stack.enter_async_context(watched(world, "Job", job_created))
    return Side(world, requests, jobs)


async def _pairs(ours: Side, bare: Side, verdicts: Watch, count: int) -> list[tuple[float, float]]:
    """Milliseconds of ours and of the bare handler's; who comes first changes with each pair."""
    taken = []
    for number in range(count):
        seconds = {}
        for side in (ours, bare) if number % 2 else (bare, ours):
            await asyncio.sleep(random.expovariate(1 / MEAN_PAUSE))
            seconds[side] = await side.ask(number)
        taken.append((seconds[ours] * 1000, seconds[bare] * 1000))
        await _end(ours.world, f"ask-{number}", verdicts)
    return taken


async def _end(world: World, request: str, verdicts: Watch) -> None:
    """Have the request fail, so that its model is free for the next one and nothing of it is going on."""
    job = await world.job_of(request)
    await world.job_exceeded_its_deadline(job["metadata"]["name"])
    await verdicts.at(request)


def _model(number: int) -> str:
    return f"model-{number // REQUESTS}"
