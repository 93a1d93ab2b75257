"""Many requests applied at once: how soon has every model its first Job, and what a bare kopf handler makes of as many requests."""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bench.first_job import job_created
from bench.results import Result
from bench.stage import api_server, namespace, operator
from bench.watch import watched
from modelsafeguard.api.names import LABEL_MODEL
from tests.support.client import Json
from tests.support.objects import model_deployment, retrain_request
from tests.support.world import World


def model_started(event: str, body: Json) -> Iterable[str]:
    """The first Job of a model is there."""
    return [body["metadata"].get("labels", {}).get(LABEL_MODEL, "")] if event == "ADDED" else []


async def measure(folder: Path, requests: int, models: int) -> list[Result]:
    """Seconds from just before the first request is sent: to the first Job of the last model; the bare handler's, to its last Job."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(api_server(folder))
        ours, bare = [await stack.enter_async_context(namespace(server, name)) for name in ("ours", "bare")]
        names = [f"model-{number}" for number in range(models)]
        for name in names:
            await ours.given_serving(name)
            await ours.create(model_deployment(name))
        asked = {f"ask-{number}": names[number % models] for number in range(requests)}
        async with operator(server, folder / "ours.log", namespace="ours"), watched(ours, "Job", model_started) as jobs:
            every_model = await _applied(ours, asked, jobs.last(names))
        async with (
            operator(server, folder / "bare.log", namespace="bare", module="bench.bare"),
            watched(bare, "Job", job_created) as jobs,
        ):
            every_request = await _applied(bare, asked, jobs.last(asked))
    return [
        Result(f"{requests:,} requests over {models} models at once → first Job of every model", "s", every_model, limit=10),
        Result(f"bare handler: {requests:,} requests at once → {requests:,} Jobs", "s", every_request),
    ]


async def _applied(world: World, asked: dict[str, str], last: Coroutine[Any, Any, float]) -> float:
    """Seconds from before the requests (name: model) are sent until ``last``."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as senders:
        end = senders.create_task(last)
        for name, model in asked.items():
            senders.create_task(world.create(retrain_request(name, model)))
    return end.result() - began
