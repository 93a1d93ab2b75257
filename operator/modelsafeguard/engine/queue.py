"""A work queue of keys, as client-go's: a key waits once, is worked on by one worker at a time, and is never lost."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

log = logging.getLogger(__name__)

K = TypeVar("K")

_FIRST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 60.0


class RetryLater(Exception):  # noqa: N818 - an instruction, not a fault
    """The work could not be done now. ``seconds`` is when to try again, None for the queue's own backoff; ``at_latest`` bounds either."""

    def __init__(self, message: str, seconds: float | None = None, *, at_latest: float | None = None) -> None:
        super().__init__(message)
        self.seconds, self.at_latest = seconds, at_latest


class KeyQueue(Generic[K]):
    """Runs ``work(key)``; it returns the seconds until the key must be looked at again, or None.

    A key that is added while it is worked on runs once more afterwards. A failure of any kind is run again, later and later.
    """

    def __init__(self, work: Callable[[K], Awaitable[float | None]], *, workers: int) -> None:
        self._work = work
        self._workers = workers
        self._waiting: deque[K] = deque()
        self._dirty: set[K] = set()
        self._busy: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._ready = asyncio.Event()

    def add(self, key: K) -> None:
        """Have the key worked on soon. Cheap, and safe to call for every event."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._busy:
            self._waiting.append(key)
            self._ready.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Have the key worked on in so many seconds; a sooner appointment stands."""
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        timer = self._timers.get(key)
        if timer and not timer.cancelled() and timer.when() <= at:
            return
        if timer:
            timer.cancel()
        self._timers[key] = loop.call_at(at, self._due, key)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._serve())

    def __len__(self) -> int:
        return len(self._dirty) + len(self._busy)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def _serve(self) -> None:
        while True:
            while not self._waiting:
                self._ready.clear()
                await self._ready.wait()
            key = self._waiting.popleft()
            self._dirty.discard(key)
            self._busy.add(key)
            try:
                await self._attempt(key)
            finally:
                self._busy.discard(key)
                if key in self._dirty:
                    self._waiting.append(key)
                    self._ready.set()

    async def _attempt(self, key: K) -> None:
        try:
            after = await self._work(key)
        except RetryLater as later:
            after = later.seconds if later.seconds is not None else self._backoff(key)
            self.add_after(key, after if later.at_latest is None else min(after, later.at_latest))
        except Exception:
            log.exception("working on %s failed; it is tried again", key)
            self.add_after(key, self._backoff(key))
        else:
            self._failures.pop(key, None)
            if after is not None:
                self.add_after(key, after)

    def _backoff(self, key: K) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        return min(_FIRST_BACKOFF * float(2 ** min(failures, 20)), _LONGEST_BACKOFF) * random.uniform(0.7, 1.3)  # noqa: S311 - jitter, no secret
