"""A story's world: one namespace, everything that happens in it, and what is waited for."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from tests.support.client import NO_ANSWER, POLL_SECONDS, Json
from tests.support.jobs import JobPlayer
from tests.support.objects import GROUP, claim, serving_deployment
from tests.support.rollouts import RolloutPlayer

T = TypeVar("T")
PATIENCE = 10.0


class World(JobPlayer, RolloutPlayer):
    """``await world.create(retrain_request("nightly-1"))``, then ``await world.verdict("nightly-1")``."""

    async def given_serving(self, name: str = "intents", *, version: str | None = None) -> None:
        """A bound claim and a Deployment that serves from it, rolled out and ready."""
        if not await self.find("PersistentVolumeClaim", "models"):
            await self.create(claim())
            await self.patch_status("PersistentVolumeClaim", "models", {"phase": "Bound"})
        await self.create(serving_deployment(name, version=version))
        await self.deployment_rolled(name)

    async def until(self, kind: str, name: str, what: str, condition: Callable[[Json], object], *, within: float = PATIENCE) -> Json:
        """Watch an object until the condition is true of it, and return it.

        AssertionError after ``within`` seconds, with ``what`` was waited for and the last state.
        """
        last: Json | None = None
        try:
            async with asyncio.timeout(within), aclosing(self.follow(kind, name=name)) as events:
                async for event, body in events:
                    last = None if event == "DELETED" else body
                    if last is not None and condition(last):
                        return last
        except TimeoutError:
            pass
        raise AssertionError(f"{kind} {name}: {what} was not seen within {within:g} s. Its last state: {_shown(last)}")

    async def gone(self, kind: str, name: str, *, within: float = PATIENCE) -> None:
        """Wait until there is no such object."""

        async def absent() -> bool:
            return await self.find(kind, name) is None

        await self.eventually(f"{kind} {name} is gone", absent, within=within)

    async def eventually(self, what: str, probe: Callable[[], Awaitable[T]], *, within: float = PATIENCE) -> T:
        """Ask again and again until the answer is true, and return it. An API server that does not answer is asked again.

        AssertionError after ``within`` seconds, with ``what`` was waited for and the last answer.
        """
        last: object = None
        try:
            async with asyncio.timeout(within):
                while True:
                    try:
                        answer = await probe()
                        if answer:
                            return answer
                        last = answer
                    except (*NO_ANSWER, AssertionError) as error:
                        last = error
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{what}: not within {within:g} s. The last answer: {_shown(last)}") from None

    async def never(self, kind: str, name: str, what: str, condition: Callable[[Json], object], *, seconds: float) -> None:
        """Watch an object for a while: AssertionError as soon as the condition is true of it."""
        try:
            seen = await self.until(kind, name, what, condition, within=seconds)
        except AssertionError:
            return
        raise AssertionError(f"{kind} {name}: {what} was seen, and must not be. Its state: {_shown(seen)}")

    async def verdict(self, request: str, *, within: float = PATIENCE) -> Json:
        """The status of a request once it has its verdict."""
        done = await self.until("RetrainRequest", request, "a verdict", lambda body: body.get("status", {}).get("verdict"), within=within)
        status: Json = done["status"]
        return status

    async def job_of(self, request: str, role: str = "train", *, within: float = PATIENCE) -> Json:
        """The Job of a request in a role, once it is there."""
        labels = f"{GROUP}/request={request},{GROUP}/role={role}"

        async def jobs() -> list[Json]:
            return await self.find_all("Job", labels=labels)

        found = await self.eventually(f"request {request} has a {role} Job", jobs, within=within)
        assert len(found) == 1, f"request {request} has {len(found)} {role} Jobs: {[job['metadata']['name'] for job in found]}"
        return found[0]


def _shown(state: object) -> str:
    if isinstance(state, Exception) or state is None:
        return str(state or "there is no such object")
    return json.dumps(state, indent=1, default=str)
