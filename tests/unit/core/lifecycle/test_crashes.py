"""Every story again: with the operator killed at each of its steps, and with a second one that acts on each old world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from modelsafeguard.core.model import HoldoutUse, ModelSpec, ServingState
from modelsafeguard.core.policy import Promotion, Rules
from modelsafeguard.core.verdict import Verdict
from tests.support.objects import report
from tests.unit.core.lifecycle.operators import Operator
from tests.unit.core.lifecycle.world import World

Happening = Callable[[World], object]


def asked(name: str = "nightly-1") -> Happening:
    return lambda world: world.ask(name)


def trained(name: str = "nightly-1", accuracy: str = "0.9000") -> Happening:
    return lambda world: world.trained(name, accuracy)


def promoted(name: str = "first") -> list[Happening]:
    return [asked(name), trained(name), World.pods_become_ready, after(60)]


def waiting_for_approval() -> list[Happening]:
    return [*promoted(), lambda world: world.ask(policy=Rules(promotion=Promotion.MANUAL)), trained()]


def after(seconds: float) -> Happening:
    return lambda world: world.clock_passes(seconds)


def reader_delivers(world: World) -> None:
    world.delivered("nightly-1", f"{world.version()}-r", report(world.version()))


STORIES: Mapping[str, list[Happening]] = {
    "a promotion": promoted("nightly-1"),
    "a rejection": [*promoted(), asked(), trained(accuracy="0.1")],
    "a crashed trainer": [asked(), lambda world: world.trainer_ends(world.version(), 1)],
    "a training that never starts": [asked(), lambda world: world.job_pod_waits(world.version(), "ImagePullBackOff"), after(3600)],
    "a lost report": [asked(), lambda world: world.job_completes(world.version(), ""), reader_delivers, World.pods_become_ready, after(60)],
    "a rollout that fails": [
        *promoted(),
        asked(),
        trained(),
        lambda world: world.pods_fail("CrashLoopBackOff"),
        after(300),
        World.pods_become_ready,
    ],
    "two at once": [
        asked("a"),
        asked("b"),
        trained("a"),
        World.pods_become_ready,
        after(60),
        trained("b"),
        World.pods_become_ready,
        after(60),
    ],
    "cancelled while queued": [asked("a"), asked(), World.cancel, trained("a"), World.pods_become_ready, after(60)],
    "cancelled in training": [asked(), World.cancel],
    "cancelled before the rollout": [
        lambda world: world.edit_deployment(paused=True),
        asked(),
        trained(),
        World.cancel,
        lambda world: world.edit_deployment(paused=False),
    ],
    "cancelled in the rollout": [*promoted(), asked(), trained(), World.cancel, World.pods_become_ready],
    "not patched in time": [
        lambda world: world.edit_deployment(paused=True),
        asked(),
        trained(),
        after(300),
        lambda world: world.edit_deployment(paused=False),
    ],
    "blocked for too long": [
        *promoted(),
        lambda world: world.serve_by_hand(ServingState("by-hand/v9")),
        asked(),
        after(3600),
        World.cancel,
    ],
    "approved": [*waiting_for_approval(), World.approve, World.pods_become_ready, after(60)],
    "deleted while it waits for approval": [*waiting_for_approval(), World.delete_request],
    "overtaken while it waits for approval": [*waiting_for_approval(), *promoted("newer")],
    "approved by nobody": [*waiting_for_approval(), after(7 * 86_400)],
}


@dataclass(frozen=True)
class Outcome:
    """What must be the same, whatever became of the operators."""

    verdicts: Mapping[str, Any]
    jobs: Mapping[str, int]
    intents: Mapping[str, int]
    patches: tuple[ServingState, ...]
    events: frozenset[tuple[str, str, str]]
    log: tuple[str, ...]
    recorded: frozenset[tuple[str, Verdict, str]]
    holdouts: tuple[HoldoutUse, ...]
    served: ServingState


class Telling:
    """A story, told with one operator that sees everything. ``disturb`` is called before each of its effects, with its number."""

    def __init__(self, spec: ModelSpec, disturb: Callable[["Telling", int], None] = lambda *_: None) -> None:
        self.world = World(spec, through_json=False)
        self.operator, self.other = Operator(self.world), Operator(self.world)
        self.works = 0
        self._disturb = disturb

    def tell(self, story: list[Happening]) -> Outcome:
        self.attend()
        for happening in story:
            happening(self.world)
            self.attend()
        world = self.world
        return Outcome(
            verdicts={name: (request.status.verdict, request.status.reason) for name, request in world.requests.items()},
            jobs=dict(world.history.jobs_made),
            intents=dict(world.history.intents),
            patches=tuple(world.history.patches),
            events=frozenset(world.history.events),
            log=tuple(world.history.log),
            recorded=frozenset((record.version, record.verdict, record.reason) for record in world.model.status.versions),
            holdouts=world.model.status.holdouts,
            served=world.deployment.serving,
        )

    def attend(self) -> None:
        """The operator looks, and what it writes makes it look again, until it finds nothing to do."""
        before = -1
        while before != self.works:
            before = self.works
            self.operator.look()
            while not self.operator.resting:
                if not self.operator.deciding:
                    self._disturb(self, self.works)
                    self.works += 1
                self.operator.work()


@pytest.mark.parametrize("name", STORIES)
def test_killed_at_any_step_the_story_ends_as_if_nothing_had_been(spec, name):
    peaceful = Telling(spec)
    expected = peaceful.tell(STORIES[name])
    for number in range(peaceful.works):

        def kill(telling, work, number=number):
            if work == number:
                telling.operator.kill()
                telling.operator.look()

        assert Telling(spec, kill).tell(STORIES[name]) == expected, f"killed before step {number}"


# How many effects old the record is when the second operator acts; it read the rest of the world half-way.
AGES = (1, 4)


@pytest.mark.parametrize("name", STORIES)
def test_a_second_operator_with_an_old_world_changes_nothing(spec, name):
    """But for one thing: it may make a Job anew that was deleted since it looked. Nobody believes that one."""
    peaceful = Telling(spec)
    expected = without(peaceful.tell(STORIES[name]), peaceful.world.history.jobs_deleted)
    for seen, age in product(range(peaceful.works), AGES):

        def disturb(telling, work, seen=seen, age=age):
            if work == seen:
                telling.other.read_record()
            if work == seen + age // 2:
                telling.other.read_rest()
            if work == seen + age:
                telling.other.finish_step()
                telling.other.kill()

        told = Telling(spec, disturb).tell(STORIES[name])
        assert without(told, peaceful.world.history.jobs_deleted) == expected, f"looked before effect {seen}, acted {age} later"


def without(outcome: Outcome, jobs: set[str]) -> Outcome:
    return replace(outcome, jobs={name: made for name, made in outcome.jobs.items() if name not in jobs})
