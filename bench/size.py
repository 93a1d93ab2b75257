"""A cluster that has been in use for long: what the operator needs of memory and time for it, at its start, at rest, and in use."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from bench import seeds
from bench.first_job import verdict
from bench.results import Result
from bench.stage import Process, api_server, namespace, operator
from bench.watch import Watch, watched
from modelsafeguard.core.report import Report
from tests.support.apiserver import ApiServer
from tests.support.client import Json
from tests.support.objects import claim, report, retrain_request
from tests.support.script import Script, hands_over, play
from tests.support.world import World

REST_SECONDS = 5.0
REST_SHARE = 0.02  # of a core, for so long: what was to be done at the start is done
CHURNING = 16  # models: as many requests are under way at once
PROMOTED_ONE_IN = 20
# A body of a request that is kept by mistake is about 4 KB, a small record of one about 1 KB.
SLOPE_LIMIT = 0.5  # KB a request


def ready_known(_: str, body: Json) -> Iterable[str]:
    """The operator has looked at a model."""
    return [body["metadata"]["name"]] if body.get("status", {}).get("conditions") else []


async def measure(folder: Path, finished: int, models: int, idle_seconds: float, churn: int) -> list[Result]:
    """Start, rest and use, in one life of the operator, which looks after the whole cluster."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(api_server(folder))
        world = await stack.enter_async_context(namespace(server, "safeguard"))
        server.start_collectors()
        names = [f"model-{number}" for number in range(models)]
        await _in_use_for_long(server, world, folder, names, finished)
        began = time.perf_counter()
        process = await stack.enter_async_context(operator(server, folder / "operator.log"))
        ready = time.perf_counter() - began
        settled = await _at_rest(process) - began
        idle = await _share(process, idle_seconds)
        memory = process.peak_memory
        what = f"{finished:,} finished requests, {models:,} ModelDeployments"
        return [
            Result(f"{what}: most memory", "MB", memory, limit=150),
            Result(f"{what}: ready after", "s", ready, limit=15),
            Result(f"{what}: all models looked at after", "s", settled),
            Result(f"{what}: idle for {idle_seconds:.0f} s, of a core", "%", idle * 100, limit=1),
            *await _churn(world, process, names[:CHURNING], churn),
        ]


async def _in_use_for_long(server: ApiServer, world: World, folder: Path, names: list[str], finished: int) -> None:
    """Everything is there, and an operator has been there before."""
    await world.create(claim())
    await world.patch_status("PersistentVolumeClaim", "models", {"phase": "Bound"})

    async def request(number: int) -> None:
        await seeds.finished_request(world, f"done-{number}", names[number % len(names)])

    async def model(name: str) -> None:
        await seeds.serving_model(world, name)

    await seeds.at_once(model, names)
    await seeds.at_once(request, range(finished))
    async with watched(world, "ModelDeployment", ready_known) as known, operator(server, folder / "operator-before.log"):
        await known.last(names)


async def _at_rest(process: Process) -> float:
    """The moment from which on it has nothing more to do."""
    while True:
        now = time.perf_counter()
        if await _share(process, REST_SECONDS) < REST_SHARE:
            return now


async def _share(process: Process, seconds: float) -> float:
    """The share of a core that it uses for so long."""
    began, used = time.perf_counter(), process.seconds
    await asyncio.sleep(seconds)
    return (process.seconds - used) / (time.perf_counter() - began)


async def _churn(world: World, process: Process, models: list[str], count: int) -> list[Result]:
    """So many requests, from their creation to their verdict; one in some is promoted."""

    def measured(version: str) -> Report:
        promoted = int(version.split("-")[1]) % PROMOTED_ONE_IN == 0
        return report(version) if promoted else report(version, **seeds.WORSE)

    points: list[tuple[int, float]] = []
    began, used = time.perf_counter(), process.seconds
    async with (
        play(world, {name: Script(training=hands_over(measured)) for name in models}),
        watched(world, "RetrainRequest", verdict) as ends,
    ):
        numbers, done = iter(range(count)), itertools.count(1)

        async def lane(model: str) -> None:
            for number in numbers:
                await _ended(world, f"churn-{number}", model, ends)
                points.append((next(done), process.memory))

        await seeds.at_once(lane, models, workers=len(models))
    seconds, spent = time.perf_counter() - began, process.seconds - used
    warm = points[len(points) // 5 :]
    slope = statistics.linear_regression(*zip(*warm, strict=True)).slope
    what = f"{count:,} requests of churn"
    return [
        Result(f"{what}: growth of memory", "KB a request", slope * 1000, limit=SLOPE_LIMIT),
        Result(f"{what}: memory before", "MB", points[0][1]),
        Result(f"{what}: memory after", "MB", points[-1][1]),
        Result(f"{what}: rate", "a second", count / seconds),
        Result(f"{what}: processor time", "ms a request", spent / count * 1000),
    ]


async def _ended(world: World, request: str, model: str, ends: Watch) -> None:
    """One request has its verdict; its Job is removed, as its time to live would have it."""
    await world.create(retrain_request(request, model))
    await ends.at(request)
    job = await world.job_of(request)
    await world.delete("Job", job["metadata"]["name"])
