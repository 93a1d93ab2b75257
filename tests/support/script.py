"""A world that runs by itself: Jobs end and Deployments roll by a script, so that a story of many requests is only its requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from modelsafeguard.core.report import Report
from tests.support.client import NO_ANSWER, POLL_SECONDS, ApiError, Json
from tests.support.jobs import End
from tests.support.objects import GROUP, report
from tests.support.world import World

# What happens to a Job, or to a Deployment of a new generation. It must not depend on how often or when it is asked: a killed
# operator may be served the same Job twice.
Act = Callable[[World, Json], Awaitable[None]]
_TRAINING: Final = ("train", "reader")
_OVERTAKEN: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


def hands_over(of: Callable[[str], Report]) -> Act:
    """The Job hands over the report of its version, which is the training Job's name."""

    async def act(world: World, job: Json) -> None:
        name = job["metadata"]["name"]
        await world.job_completed(name, report=of(name.removesuffix("-r") if _role(job) == "reader" else name))

    return act


completes: Final = hands_over(report)


def trainer_fails(exit_code: int, message: str = "") -> Act:
    """The user's container ends with this status."""

    async def act(world: World, job: Json) -> None:
        await world.job_failed(job["metadata"]["name"], train=End(exit_code, message))

    return act


def measure_refuses(reason: str, message: str) -> Act:
    """``measure`` hands over a failure."""

    async def act(world: World, job: Json) -> None:
        await world.job_failed(job["metadata"]["name"], failed=(reason, message))

    return act


def never_starts(reason: str, message: str) -> Act:
    """The Job's pod waits for ever."""

    async def act(world: World, job: Json) -> None:
        await world.pod_stuck(job["metadata"]["name"], reason, message)

    return act


async def succeeds(world: World, job: Json) -> None:
    """The Job completes and hands nothing over."""
    await world.job_completed(job["metadata"]["name"])


async def rolls(world: World, deployment: Json) -> None:
    """The Deployment is rolled out at once."""
    await world.deployment_rolled(deployment["metadata"]["name"])


def stalls_unless(serves: Callable[[Json], bool]) -> Act:
    """The Deployment rolls if its model can be served, else it passes its progress deadline."""

    async def act(world: World, deployment: Json) -> None:
        name = deployment["metadata"]["name"]
        await (world.deployment_rolled(name) if serves(deployment) else world.deployment_stalls(name))

    return act


async def nothing(_world: World, _body: Json) -> None:
    """Nothing happens: the test plays it by hand."""


@dataclass(frozen=True)
class Script:
    """What happens to one model's training and reader Jobs, to its other Jobs (prune, verify), and to its Deployment."""

    training: Act = completes
    upkeep: Act = succeeds
    rollout: Act = rolls


@asynccontextmanager
async def play(world: World, scripts: Mapping[str, Script] | None = None) -> AsyncIterator[None]:
    """Play the scripts, keyed by model, while the block runs; a model without one has all its Jobs completed and every rollout done.

    A failure of the player fails the block. API server outages are waited out.
    """
    chosen = scripts or {}

    async def on_job(job: Json) -> None:
        script = chosen.get(job["metadata"].get("labels", {}).get(f"{GROUP}/model", ""), Script())
        await (script.training if _role(job) in _TRAINING else script.upkeep)(world, job)

    async def on_deployment(deployment: Json) -> None:
        await chosen.get(deployment["metadata"]["name"], Script()).rollout(world, deployment)

    async with asyncio.TaskGroup() as players:
        tasks = [
            players.create_task(_react(world, "Job", _unplayed_job, on_job)),
            players.create_task(_react(world, "Deployment", _unrolled_deployment, on_deployment)),
        ]
        yield
        for task in tasks:
            task.cancel()


async def _react(world: World, kind: str, unplayed: Callable[[Json], str], act: Callable[[Json], Awaitable[None]]) -> None:
    """Act once on each object for each key that ``unplayed`` gives it; an empty key means that there is nothing to do."""
    done = set()
    async with aclosing(world.follow(kind)) as events:
        async for event, body in events:
            key = unplayed(body)
            if event == "DELETED" or not key or key in done:
                continue
            await _insist(act, body)
            done.add(key)


async def _insist(act: Callable[[Json], Awaitable[None]], body: Json) -> None:
    """Act until an API server took it; an object that is gone or was changed meanwhile brings its own event."""
    while True:
        try:
            return await act(body)
        except NO_ANSWER:
            await asyncio.sleep(POLL_SECONDS)
        except ApiError as error:
            if error.code not in _OVERTAKEN:
                raise
            return None


def _role(job: Json) -> str:
    return str(job["metadata"].get("labels", {}).get(f"{GROUP}/role", ""))


def _unplayed_job(job: Json) -> str:
    ended = any(each["type"] in {"Complete", "Failed"} for each in job.get("status", {}).get("conditions", []))
    return "" if ended or job["metadata"].get("deletionTimestamp") else str(job["metadata"]["uid"])


def _unrolled_deployment(deployment: Json) -> str:
    meta, observed = deployment["metadata"], deployment.get("status", {}).get("observedGeneration", 0)
    if observed == meta["generation"] or deployment["spec"].get("paused") or meta.get("deletionTimestamp"):
        return ""
    return f"{meta['uid']}/{meta['generation']}"
