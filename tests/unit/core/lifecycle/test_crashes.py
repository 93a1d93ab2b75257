"""Every plot again: with the operator killed at each of its steps, and with a second one that acts on each old world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import pytest

from modelsafeguard.core.lifecycle.step import (
    ApplyServing,
    CreatePruneJob,
    CreateRequestJob,
    CreateVerifyJob,
    Effect,
    Emit,
    WriteModel,
    WriteRequest,
)
from modelsafeguard.core.model import HoldoutUse, ServingState
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.lifecycle.operators import Operator
from tests.unit.core.lifecycle.plots import PLOTS
from tests.unit.core.lifecycle.world import World


@dataclass(frozen=True)
class Outcome:
    """What must be the same, whatever became of the operators."""

    verdicts: Mapping[str, Any]
    jobs: Mapping[str, int]
    intents: Mapping[str, int]
    patches: tuple[ServingState, ...]
    events: frozenset[tuple[str, str, str]]
    log: tuple[str, ...]
    holdouts: tuple[HoldoutUse, ...]
    served: ServingState
    annotations: Mapping[str, str]
    record: tuple[tuple[str, Verdict, str, bool], ...]


class Telling:
    """A plot, told with one operator that sees everything. ``disturb`` is called before each of its effects, with its number."""

    def __init__(self, world: World, disturb: Callable[["Telling", int], None] = lambda *_: None) -> None:
        self.world = world.copy()
        self.operator, self.other = Operator(self.world), Operator(self.world)
        self.works = 0
        self._disturb = disturb

    def tell(self, happenings) -> Outcome:
        self.attend()
        for happening in happenings:
            happening(self.world)
            self.attend()
        world = self.world
        versions = world.model.status.versions if world.model else ()
        return Outcome(
            verdicts={name: (request.status.verdict, request.status.reason) for name, request in world.requests.items()},
            jobs=dict(world.history.jobs_made),
            intents=dict(world.history.intents),
            patches=tuple(world.history.patches),
            events=frozenset(world.history.events),
            log=tuple(world.history.log),
            holdouts=world.model.status.holdouts if world.model else (),
            served=world.deployment.serving,
            annotations=world.model.meta.annotations if world.model else {},
            record=tuple((each.version, each.verdict, each.reason, each.pruned) for each in versions),
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


@pytest.fixture
def given(spec):
    """The world in which a plot begins."""

    @cache
    def world(name: str) -> World:
        telling = Telling(World(spec, through_json=False))
        telling.tell(PLOTS[name].given)
        return telling.world

    return world


@pytest.mark.parametrize("name", PLOTS)
def test_killed_at_any_step_the_plot_ends_as_if_nothing_had_been(given, name):
    peaceful = Telling(given(name))
    expected = peaceful.tell(PLOTS[name].then)
    for number in range(peaceful.works):

        def kill(telling, work, number=number):
            if work == number:
                telling.operator.kill()
                telling.operator.look()

        assert Telling(given(name), kill).tell(PLOTS[name].then) == expected, f"killed before step {number}"


# How many effects old the record is when the second operator acts; it read the rest of the world half-way.
AGES = (1, 4, 9)


@pytest.mark.parametrize("name", PLOTS)
def test_a_second_operator_with_an_old_world_changes_nothing(given, name):
    peaceful = Telling(given(name))
    expected = peaceful.tell(PLOTS[name].then)
    for seen, age in product(range(peaceful.works), AGES):

        def disturb(telling, work, seen=seen, age=age):
            if work == seen:
                telling.other.read_record()
            if work == seen + age // 2:
                telling.other.read_rest()
            if work == seen + age:
                telling.other.finish_step()
                telling.other.kill()

        assert Telling(given(name), disturb).tell(PLOTS[name].then) == expected, f"looked before effect {seen}, acted {age} later"


FENCED = (CreateRequestJob, CreatePruneJob, CreateVerifyJob, ApplyServing)


@pytest.mark.parametrize("name", PLOTS)
def test_a_job_is_made_a_deployment_patched_and_a_fact_of_the_model_told_only_after_its_record_was_written_in_the_same_step(given, name):
    telling = Telling(given(name))
    telling.tell(PLOTS[name].then)
    assert not [effect for step in telling.operator.steps for effect in unfenced(step.effects)]


def unfenced(effects: tuple[Effect, ...]) -> list[Effect]:
    """What follows no write: a second operator with an old world would do it again."""
    writes = [number for number, effect in enumerate(effects) if isinstance(effect, WriteModel | WriteRequest)]
    late = effects[: writes[0]] if writes else effects
    return [effect for effect in late if isinstance(effect, FENCED) or (isinstance(effect, Emit) and effect.about is None)]
