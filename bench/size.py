"""A cluster that has been in use for long: what the operator needs of memory and time for it, at its start, at rest, and in use.

A bare kopf handler is started beside it once it rests: what kopf alone, with its defaults, needs for as many requests.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import seeds
from bench.attempt import not_measured
from bench.churn import LANES, churned
from bench.results import Result
from bench.stage import Process, api_server, namespace, operator
from bench.watch import watched
from hack.cluster.progress import say
from modelsafeguard.core.lifecycle.records import KEPT_RECORDS
from tests.support.apiserver import ApiServer
from tests.support.client import Json
from tests.support.operator_process import MODULE
from tests.support.world import World

REST_SECONDS = 5.0
REST_SHARE = 0.02  # of a core, for so long: what was to be done at the start is done
REST_WITHIN = 600.0


@dataclass(frozen=True)
class Started:
    """A process, how long after its start it was ready, and from when on it had nothing more to do, in seconds."""

    process: Process
    ready: float
    settled: float


def ready_known(_: str, body: Json) -> Iterable[str]:
    """The operator has looked at a model."""
    return [body["metadata"]["name"]] if body.get("status", {}).get("conditions") else []


async def measure(folder: Path, finished: int, models: int, idle_seconds: float, churn: int) -> list[Result]:
    """Start, rest and use, in one life of the operator, which looks after the whole cluster."""
    what = f"{finished:,} finished requests, {models:,} ModelDeployments"
    names = [f"model-{number}" for number in range(models)]
    async with AsyncExitStack() as stack:
        server = stack.enter_context(api_server(folder))
        in_use = await stack.enter_async_context(namespace(server, "in-use"))
        lanes = [await stack.enter_async_context(namespace(server, f"churn-{number}")) for number in range(LANES)]
        placed = {in_use: names[LANES:]} | {world: [name] for world, name in zip(lanes, names, strict=False)}
        server.start_collectors()
        say(f"  making {what}")
        await seeds.models(in_use, placed[in_use])
        for lane in lanes:
            await seeds.models(lane, placed[lane], records=KEPT_RECORDS)
        await seeds.finished_requests(in_use, finished, placed[in_use])
        await _operator_before(server, folder / "operator-before.log", placed)
        ours = await _started(stack, server, folder / "operator.log", MODULE)
        beside = await _at_rest_beside(ours, server, folder / "bare.log", what, idle_seconds)
        try:
            return [*beside, *await churned(dict(zip(lanes, names, strict=False)), ours.process, churn)]
        except Exception as error:  # noqa: BLE001 - whatever it is, what was measured before it stays
            return [*beside, not_measured(f"{churn:,} requests of churn: growth of memory", error)]


async def _operator_before(server: ApiServer, log: Path, models: dict[World, list[str]]) -> None:
    """An operator has been there before: every model has its conditions."""
    async with AsyncExitStack() as stack:
        watches = [
            (await stack.enter_async_context(watched(world, "ModelDeployment", ready_known)), names) for world, names in models.items()
        ]
        await stack.enter_async_context(operator(server, log))
        for watch, names in watches:
            await watch.last(names)


async def _at_rest_beside(ours: Started, server: ApiServer, log: Path, what: str, idle_seconds: float) -> list[Result]:
    """The start and the rest of ours, each beside those of a bare handler."""
    async with AsyncExitStack() as stack:
        bare = await _started(stack, server, log, "bench.bare")
        say(f"  both are at rest; that is measured for {idle_seconds:.0f} s")
        idle, bare_idle = await asyncio.gather(_share(ours.process, idle_seconds), _share(bare.process, idle_seconds))
        memory, bare_memory = ours.process.peak_memory, bare.process.peak_memory
    return [
        Result(f"{what}: most memory", "MB", memory, limit=150, beside=bare_memory),
        Result(f"{what}: ready after", "s", ours.ready, limit=15, beside=bare.ready),
        Result(f"{what}: nothing more to do after", "s", ours.settled, beside=bare.settled),
        Result(f"{what}: idle for {idle_seconds:.0f} s, of a core", "%", idle * 100, limit=1, beside=bare_idle * 100),
    ]


async def _started(stack: AsyncExitStack, server: ApiServer, log: Path, module: str) -> Started:
    """A process for the whole cluster that has come to rest, and ends with the stack."""
    began = time.perf_counter()
    process = await stack.enter_async_context(operator(server, log, module=module))
    ready = time.perf_counter() - began
    return Started(process, ready, await _at_rest(process) - began)


async def _at_rest(process: Process) -> float:
    """The moment from which on it has nothing more to do. ``TimeoutError`` if it never comes to rest."""
    deadline = time.perf_counter() + REST_WITHIN
    while (now := time.perf_counter()) < deadline:
        if await _share(process, REST_SECONDS) < REST_SHARE:
            return now
    raise TimeoutError(f"The process of {process.program.log} did not come to rest within {REST_WITHIN:.0f} s.")


async def _share(process: Process, seconds: float) -> float:
    """The share of a core that it uses for so long."""
    began, used = time.perf_counter(), process.seconds
    await asyncio.sleep(seconds)
    return (process.seconds - used) / (time.perf_counter() - began)
