"""What happened in a namespace, written down as it happens: also what is gone by the time a check looks."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from tests.support.client import Json
from tests.support.objects import GROUP
from tests.support.world import World

T = TypeVar("T")
_OURS = ("RetrainRequest", "ModelDeployment")


@dataclass(frozen=True)
class Outcome:
    """What came of a story, in numbers that must not depend on how often an operator was killed in it.

    ``jobs``: how many, of each (request, role). ``rollouts``: changes of each Deployment's pod template. ``verdicts``: all that each
    request ever had. ``events``: how many, of each (kind, object, reason), about our two kinds.
    """

    jobs: dict[tuple[str, str], int]
    rollouts: dict[str, int]
    verdicts: dict[str, list[str]]
    events: dict[tuple[str, str, str], int]

    def differences(self, other: "Outcome") -> list[str]:
        """A line for each part that is not the same in both."""
        pairs = [(part, getattr(self, part), getattr(other, part)) for part in ("jobs", "rollouts", "verdicts", "events")]
        return [
            f"{part} of {key}: {mine.get(key)} instead of {theirs.get(key)}"
            for part, mine, theirs in pairs
            for key in sorted(mine.keys() | theirs.keys())
            if mine.get(key) != theirs.get(key)
        ]


@dataclass
class History:
    """``jobs``: the uids of all Jobs of a (request, role). ``templates``: a Deployment's pod templates, one after another.

    ``events``: the uids of all Events of a (kind, object, reason). ``verdicts``: the verdicts seen of a request, one after another.
    """

    jobs: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    templates: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    events: dict[tuple[str, str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    verdicts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def outcome(self) -> Outcome:
        """The numbers of it."""
        return Outcome(
            jobs={key: len(uids) for key, uids in self.jobs.items()},
            rollouts={name: len(templates) - 1 for name, templates in self.templates.items()},
            verdicts={name: list(seen) for name, seen in self.verdicts.items()},
            events={key: len(uids) for key, uids in self.events.items() if key[0] in _OURS},
        )

    def note(self, kind: str, body: Json) -> None:
        """Write down what this state of an object adds."""
        meta = body["metadata"]
        match kind:
            case "Job":
                labels = meta.get("labels", {})
                self.jobs[labels.get(f"{GROUP}/request", ""), labels.get(f"{GROUP}/role", "")].add(meta["uid"])
            case "Deployment":
                _append_new(self.templates[meta["name"]], body["spec"]["template"])
            case "Event":
                regarding = body["regarding"]
                self.events[regarding["kind"], regarding["name"], body["reason"]].add(meta["uid"])
            case "RetrainRequest":
                _append_new(self.verdicts[meta["name"]], body.get("status", {}).get("verdict"))


@asynccontextmanager
async def recorded(world: World) -> AsyncIterator[History]:
    """Keep the history of a namespace while the block runs. What is there at its end is in it."""
    history = History()
    kinds = ("Job", "Deployment", "Event", "RetrainRequest")

    async def follow(kind: str) -> None:
        async with aclosing(world.follow(kind)) as events:
            async for _, body in events:
                history.note(kind, body)

    async with asyncio.TaskGroup() as writers:
        tasks = [writers.create_task(follow(kind)) for kind in kinds]
        yield history
        for task in tasks:
            task.cancel()
    for kind in kinds:
        for body in await world.find_all(kind):
            history.note(kind, body)


def _append_new(values: list[T], value: T | None) -> None:
    if value and value not in values[-1:]:
        values.append(value)
