"""Kill the operator at every call that it makes, start it again, and see that nothing is lost and nothing is done twice.

The story is told once in peace to learn which calls there are. Then it is told again for each call and each moment of it, in a
namespace of its own, by an operator that is killed there with SIGKILL and started again at once.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.support.apiserver import ApiServer
from tests.support.faults import Call, Fault, Proxy, calls, then
from tests.support.history import Outcome, recorded
from tests.support.operator_process import MODULE, Launcher, Operator, Settings
from tests.support.world import World


class Moment(StrEnum):
    """Where in a call the operator dies."""

    BEFORE = "before it is sent"
    APPLIED = "after it was applied, before the reply"
    REPLIED = "after the reply"


@dataclass(frozen=True)
class Crash:
    """The operator dies at the ``nth`` call of this kind (``Call.what``). Watches are not counted: they never come to an end.

    Counted by kind, because between two changes the operator looks at the world now once, now twice: the order of all its calls
    differs from run to run, that of the calls of one kind does not.
    """

    what: str
    nth: int
    moment: Moment

    def matches(self, call: Call) -> bool:
        return call.what == self.what and not call.watch

    def __str__(self) -> str:
        return f"killed at {self.what}, call {self.nth} of its kind, {self.moment}"


@dataclass(frozen=True)
class Told:
    """A story that was told until the operator had nothing left to do.

    ``journal`` holds the calls up to the last that changed something, ``log`` the lines of all operators. ``crashed`` says whether
    the operator came to the call that it was to die at.
    """

    world: World
    outcome: Outcome
    journal: Sequence[Call]
    log: Sequence[str]
    crashed: bool


# A story acts and waits until it is over; a check raises AssertionError.
Story = Callable[[World], Awaitable[None]]
Check = Callable[[Told], Awaitable[None]]

_CALLS: Final = calls()
_CHANGES: Final = calls(mutating=True)
_SETTLE_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Stage:
    """Where stories are told. ``folder`` takes the operators' logs; ``module`` is run as the operator, with ``more`` in its environment.

    With more than one operator they all work on the story at once. ``token`` gives the bearer token that they use.
    """

    server: ApiServer
    new_namespace: Callable[[], str]
    folder: Path
    launch: Launcher
    module: str = MODULE
    more: Mapping[str, str] = field(default_factory=dict)
    operators: int = 1
    resync_seconds: float = 0.5
    token: Callable[[World], Awaitable[str]] | None = None

    async def tell(
        self, story: Story, check: Check, crash: Crash | None = None, *, troubles: Callable[[Proxy], None] | None = None
    ) -> Told:
        """Tell a story once, with operators for its namespace alone, and check what came of it.

        ``troubles`` injects faults before they are started.
        AssertionError when the story, the check, or an operator fails, when one never comes to rest, or left a traceback in its log.
        """
        namespace = self.new_namespace()
        async with World(self.server, namespace) as world, Proxy(self.server, await self.token(world) if self.token else "") as proxy:
            operators = self._operators(proxy, namespace)
            died = asyncio.Event()

            def kill() -> None:
                for operator in operators:
                    operator.kill()
                died.set()

            if crash:
                proxy.inject(_fault(crash.moment, kill), crash.matches, nth=crash.nth)
            if troubles:
                troubles(proxy)
            try:
                async with recorded(world) as history, asyncio.TaskGroup() as group:
                    await _start(operators)
                    revival = group.create_task(_revive(operators, died))
                    await story(world)
                    await self._settled(world, proxy, revival if died.is_set() else None)
                    revival.cancel()
                log = [line for operator in operators for line in operator.log.read_text().splitlines()]
                told = Told(world, history.outcome(), _until_last_change(proxy.made(_CALLS)), log, died.is_set())
                await check(told)
            finally:
                for operator in operators:
                    operator.kill()
            for operator in operators:
                operator.assert_log_is_clean()
            return told

    def _operators(self, proxy: Proxy, namespace: str) -> list[Operator]:
        settings = Settings(
            proxy.kubeconfig(self.folder / f"{namespace}.kubeconfig"),
            namespace,
            resync_seconds=self.resync_seconds,
            module=self.module,
            more=self.more,
        )
        return [Operator(settings, self.folder / f"{namespace}.{number}.log", self.launch) for number in range(self.operators)]

    async def _settled(self, world: World, proxy: Proxy, revival: asyncio.Task[None] | None) -> None:
        """Wait until the operators, alive again, have looked at everything twice without changing anything."""
        if revival:
            await revival
        alive_at = time.monotonic()

        async def at_rest() -> bool:
            last = max([alive_at, *(call.at for call in proxy.made(_CHANGES))])
            return time.monotonic() - last > 2 * self.resync_seconds

        await world.eventually("the operator has nothing left to do", at_rest, within=_SETTLE_SECONDS)


def as_in(peaceful: Told) -> Check:
    """The check that the same came of a story as when it was told in peace."""

    async def check(told: Told) -> None:
        differences = told.outcome.differences(peaceful.outcome)
        assert not differences, "; ".join(differences)

    return check


async def crash_everywhere(stage: Stage, story: Story, check: Check, *, parallel: int = 4) -> list[Crash]:
    """Tell the story once in peace, then once for every crash: it must pass its check and come out as it did in peace.

    Returns the crashes that came to pass. AssertionError with every crash that broke something, and what it broke, or if the
    operator never came to the first change of a kind.
    """
    peaceful = await stage.tell(story, check)
    counts = Counter(call.what for call in peaceful.journal)
    crashes = [Crash(what, nth, moment) for what, count in counts.items() for nth in range(1, count + 1) for moment in _moments(what)]
    turns = asyncio.Semaphore(parallel)
    failures: list[str] = []

    async def as_in_peace(told: Told) -> None:
        await as_in(peaceful)(told)
        await check(told)

    async def attempt(crash: Crash) -> Crash | None:
        async with turns:
            try:
                told = await stage.tell(story, as_in_peace, crash)
            except Exception as error:  # noqa: BLE001 -- every failure is collected with its crash and raised below
                failures.append(f"{crash}: {_reason(error)}")
                return None
            return crash if told.crashed else None

    done = await asyncio.gather(*map(attempt, crashes))
    assert not failures, f"{len(failures)} of {len(crashes)} crashes broke the story:\n" + "\n".join(failures)
    # What is read, and how often one kind of change is made, may differ from run to run; that it is made at all may not.
    planned = zip(crashes, done, strict=True)
    missed = [str(crash) for crash, happened in planned if crash.nth == 1 and not happened and not crash.what.startswith("GET ")]
    assert not missed, f"these never came to pass: {missed}"
    return [crash for crash in done if crash]


async def _start(operators: Sequence[Operator]) -> None:
    await asyncio.gather(*(operator.start() for operator in operators))


async def _revive(operators: Sequence[Operator], died: asyncio.Event) -> None:
    """What kubelet does: start the container again."""
    await died.wait()
    await _start(operators)


def _moments(what: str) -> Sequence[Moment]:
    """A read changes nothing: dying before it, after it, or before the next call leaves one and the same world."""
    return [Moment.BEFORE] if what.startswith("GET ") else list(Moment)


def _until_last_change(journal: list[Call]) -> list[Call]:
    while journal and not journal[-1].mutating:
        journal = journal[:-1]
    return journal


def _fault(moment: Moment, kill: Callable[[], None]) -> Fault:
    return then(kill, before=moment is Moment.BEFORE, reply=moment is Moment.REPLIED)


def _reason(error: BaseException) -> str:
    """The innermost reason: task groups wrap what their tasks raise."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
