"""Every plot again: with the operator killed at each of its steps, and with a second one that acts on each old world."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Self

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
from tests.unit.core.lifecycle.plots import PLOTS, Happening
from tests.unit.core.lifecycle.world import World

Disturb = Callable[["Telling", int], None]


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

    def __init__(self, world: World, happenings: Sequence[Happening], disturb: Disturb = lambda *_: None) -> None:
        self.world = world.copy()
        self.operator, self.other = Operator(self.world), Operator(self.world)
        self._works, self._works_seen = 0, -1
        self._to_come = happenings
        self._disturb = disturb

    def copy(self, disturb: Disturb = lambda *_: None) -> Self:
        """The plot as far as it was told, to be told on with this disturbance."""
        other = copy(self)
        other.world = self.world.copy()
        other.operator, other.other = self.operator.copy(other.world), self.other.copy(other.world)
        other._disturb = disturb
        return other

    def tell(self) -> Outcome:
        """To its end, from wherever it is."""
        while self._goes_on():
            pass
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

    def _goes_on(self) -> bool:
        """The operator works; what it writes makes it look again, until it finds nothing to do; then the next thing happens."""
        if not self.operator.resting:
            if not self.operator.deciding:
                self._disturb(self, self._works)
                self._works += 1
            self.operator.work()
        elif self._works_seen != self._works:
            self._works_seen = self._works
            self.operator.look()
        elif self._to_come:
            happening, *self._to_come = self._to_come
            happening(self.world)
            self._works_seen = -1
        else:
            return False
        return True


def in_peace(world: World, happenings: Sequence[Happening]) -> tuple[Outcome, list[Telling]]:
    """How the plot ends, and a copy of it before each of the operator's effects: told on from there, it need not be told up to there."""
    moments: list[Telling] = []
    outcome = Telling(world, happenings, lambda telling, _: moments.append(telling.copy())).tell()
    return outcome, moments


@pytest.fixture(scope="module")
def given(spec):
    """The world in which a plot begins."""

    @cache
    def world(name: str) -> World:
        telling = Telling(World(spec, through_json=False), PLOTS[name].given)
        telling.tell()
        return telling.world

    return world


@pytest.mark.parametrize("name", PLOTS)
def test_killed_at_any_step_the_plot_ends_as_if_nothing_had_been(given, name):
    expected, moments = in_peace(given(name), PLOTS[name].then)
    for number, telling in enumerate(moments):
        telling.operator.kill()
        telling.operator.look()
        assert telling.tell() == expected, f"killed before step {number}"


# How many effects old the record is when the second operator acts; it read the rest of the world half-way.
AGES = (1, 4, 9)


@pytest.mark.parametrize("name", PLOTS)
def test_a_second_operator_with_an_old_world_changes_nothing(given, name):
    expected, moments = in_peace(given(name), PLOTS[name].then)
    for (seen, moment), age in product(enumerate(moments), AGES):

        def disturb(telling, work, seen=seen, age=age):
            if work == seen:
                telling.other.read_record()
            if work == seen + age // 2:
                telling.other.read_rest()
            if work == seen + age:
                telling.other.finish_step()
                telling.other.kill()

        assert moment.copy(disturb).tell() == expected, f"looked before effect {seen}, acted {age} later"


FENCED = (CreateRequestJob, CreatePruneJob, CreateVerifyJob, ApplyServing)


@pytest.mark.parametrize("name", PLOTS)
def test_a_job_is_made_a_deployment_patched_and_a_fact_of_the_model_told_only_after_its_record_was_written_in_the_same_step(given, name):
    telling = Telling(given(name), PLOTS[name].then)
    telling.tell()
    assert not [effect for step in telling.operator.steps for effect in unfenced(step.effects)]


def unfenced(effects: tuple[Effect, ...]) -> list[Effect]:
    """What follows no write: a second operator with an old world would do it again."""
    writes = [number for number, effect in enumerate(effects) if isinstance(effect, WriteModel | WriteRequest)]
    late = effects[: writes[0]] if writes else effects
    return [effect for effect in late if isinstance(effect, FENCED) or (isinstance(effect, Emit) and effect.about is None)]
