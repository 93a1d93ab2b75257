"""Requests from their creation to their verdict, thousands of them: what that costs, and whether it makes the operator grow."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from bench import seeds
from bench.first_job import verdict
from bench.results import Result
from bench.stage import Process
from bench.watch import Watch, watched
from hack.cluster.progress import say
from modelsafeguard.core.report import Report
from tests.support.client import NO_ANSWER, POLL_SECONDS, ApiError
from tests.support.objects import report, retrain_request
from tests.support.script import Script, hands_over, play
from tests.support.world import World

LANES: Final = 16  # one request under way in each: the operator works on no more at once
PROMOTED_ONE_IN: Final = 20
TOLD_EVERY: Final = 1000
VERDICT_SECONDS: Final = 300.0  # a machine that has other things to do is slow, and that is no fault of the operator's

# What is kept of a request by mistake is at least a small record, about 1 KB (its body has about 4). Half of that is allowed.
GROWTH_LIMIT: Final = 0.0005  # MB a request
WARM_UP: Final = 5  # a fifth: until then heaps and connections find their size
WINDOW: Final = 10  # a tenth: its median is compared, because memory goes up and down by more than it grows


@dataclass(frozen=True)
class Growth:
    """Memory after the warm-up and at the end, in MB, and how many requests lie between the two."""

    warm: float
    end: float
    requests: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Growth":
        """From the memory at the end of each request, in order: the median of the tenth after the first fifth, and of the last tenth."""
        first, width = len(samples) // WARM_UP, max(len(samples) // WINDOW, 1)
        warm, end = samples[first : first + width], samples[-width:]
        return cls(statistics.median(warm), statistics.median(end), len(samples) - width - first)


async def churned(lanes: Mapping[World, str], process: Process, count: int) -> list[Result]:
    """The results of so many requests, one after another for the model of each lane; one in some is promoted, the others are rejected.

    Each lane is a namespace of its own: so one player's pace is no limit, and the API server, which looks at all requests of a namespace
    to find a model's open ones, has few to look at. The models' records should be full, or they grow meanwhile.
    """
    samples: list[float] = []
    numbers, began, used = iter(range(count)), time.perf_counter(), process.seconds

    async def lane(place: tuple[World, str]) -> None:
        world, model = place
        script = {model: Script(training=hands_over(measured))}
        async with play(world, script), watched(world, "RetrainRequest", verdict) as ends:
            for number in numbers:
                await _ended(world, f"churn-{number}", model, ends)
                samples.append(process.memory)
                if len(samples) % TOLD_EVERY == 0:
                    say(f"  {len(samples):,} requests of churn in {time.perf_counter() - began:.0f} s")

    await seeds.at_once(lane, lanes.items(), workers=len(lanes))
    seconds, spent, growth = time.perf_counter() - began, process.seconds - used, Growth.of(samples)
    what = f"{count:,} requests of churn"
    return [
        Result(f"{what}: growth of memory after the first fifth", "MB", growth.end - growth.warm, limit=growth.requests * GROWTH_LIMIT),
        Result(f"{what}: memory after the first fifth", "MB", growth.warm),
        Result(f"{what}: memory at the end", "MB", growth.end),
        Result(f"{what}: most memory since the start", "MB", process.peak_memory, limit=150),
        Result(f"{what}: rate", "a second", count / seconds),
        Result(f"{what}: processor time of the operator", "ms a request", spent / count * 1000),
    ]


def measured(version: str) -> Report:
    """The report of a version, whose name begins with its request's."""
    promoted = int(version.split("-")[1]) % PROMOTED_ONE_IN == 0
    return report(version) if promoted else report(version, **seeds.WORSE)


async def _ended(world: World, request: str, model: str, ends: Watch) -> None:
    """One request has its verdict; its Job is removed, as its time to live would have it, and so are the Events of those before."""
    await answered(lambda: _asked(world, request, model))
    await ends.at(request, within=VERDICT_SECONDS)
    job = await world.job_of(request, within=VERDICT_SECONDS)
    await answered(lambda: world.delete("Job", job["metadata"]["name"]))
    await answered(lambda: _forget_events(world, request))


async def answered(call: Callable[[], Awaitable[None]]) -> None:
    """Repeat a call until the API server answers: an hour's work does not hang on one answer that took too long."""
    while True:
        try:
            return await call()
        except NO_ANSWER:
            await asyncio.sleep(POLL_SECONDS)


async def _asked(world: World, request: str, model: str) -> None:
    """The request is there; perhaps it was already, and the answer was lost."""
    try:
        await world.create(retrain_request(request, model))
    except ApiError as error:
        if error.code != HTTPStatus.CONFLICT:
            raise


async def _forget_events(world: World, last: str) -> None:
    """Remove the namespace's Events but those of the last request, some of which are written after its verdict.

    Events live for an hour, and no cluster comes to so many in one. The API server reads all of a namespace to find a Job's: with 3,000
    there that takes it 50 ms of a processor (measured), each time.
    """
    for event in await world.find_all("Event"):
        if event["regarding"]["name"] != last:
            await world.delete("Event", event["metadata"]["name"])
