"""When this process first saw a fact in the API server's own stream of changes: one clock, and one reader, for all that is compared."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager

from tests.support.client import Client, Json

# (event, object) → the facts that it shows
Facts = Callable[[str, Json], Iterable[str]]


class Watch:
    """The time of each fact, by ``time.perf_counter``. A fact that was there before the watch began is not known."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._first: defaultdict[str, asyncio.Future[float]] = defaultdict(asyncio.get_running_loop().create_future)

    async def at(self, fact: str, *, within: float = 60.0) -> float:
        """When the fact was first seen; waits for it. ``TimeoutError``, naming it, if it is not seen within so many seconds."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._first[fact]), within)
        except TimeoutError:
            raise TimeoutError(f'"{fact}" was not seen within {within:g} s') from None

    async def last(self, facts: Iterable[str], *, within: float = 300.0) -> float:
        """When the last of the facts was first seen. Raises as ``at``."""
        return max([await self.at(fact, within=within) for fact in facts])

    def note(self, event: str, body: Json) -> None:
        """Take down what one event shows."""
        now = time.perf_counter()
        for fact in self._facts(event, body):
            if not self._first[fact].done():
                self._first[fact].set_result(now)


@asynccontextmanager
async def watched(client: Client, kind: str, facts: Facts) -> AsyncIterator[Watch]:
    """A watch on a kind in the client's namespace, while the block runs."""
    watch = Watch(facts)

    async def follow() -> None:
        async with aclosing(client.follow(kind)) as events:
            async for event, body in events:
                watch.note(event, body)

    task = asyncio.create_task(follow())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
