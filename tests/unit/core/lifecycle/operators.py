"""Operators of a simulated world: an attentive one for stories, and one that can be slow, stale, and killed between two effects."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from modelsafeguard.core.cluster import JobState
from modelsafeguard.core.lifecycle import Observed, Refusal, Step, advance
from modelsafeguard.core.lifecycle.step import Effect, WriteModel, WriteRequest
from modelsafeguard.core.model import ModelSpec, ServingState
from modelsafeguard.core.request import RequestStatus
from modelsafeguard.core.verdict import Verdict
from tests.unit.core.lifecycle.world import FOUND, ConflictError, GoneError, RefusedError, World

# A request needs about ten steps from end to end: more without rest is a loop.
MOST_STEPS: Final = 40
LONGEST_BACKOFF: Final = 60.0


class Operator:
    """Looks, decides, and performs its effects one by one. Between any two of them it can be overtaken, or killed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._record = world.record()
        self._known: Observed | None = None
        self._pending: list[Effect] = []
        self._complete = True
        self._written = 0
        self.jobs_made_anew: set[str] = set()
        self.steps: list[Step] = []
        self.timer: datetime | None = None

    @property
    def resting(self) -> bool:
        """Whether it has nothing left to do until something happens."""
        return self._known is None and not self._pending

    @property
    def deciding(self) -> bool:
        """Whether the next thing that it does is a decision, not an effect."""
        return not self._pending

    def look(self) -> None:
        """Read the world: what any event, or the timer, makes it do."""
        self.read_record()
        self.read_rest()

    def read_record(self) -> None:
        """The first half of looking: the model and its requests."""
        self.kill()
        self._record = self._world.record()

    def read_rest(self) -> None:
        """The second half: Deployment, claim, Jobs and pods."""
        self._known = self._world.observe(self._record)

    def work(self) -> None:
        """One thing: decide, or perform one effect. What was overtaken is begun anew."""
        if self._pending:
            self._act()
        elif self._known:
            self._decide(self._known)

    def finish_step(self) -> None:
        """Decide on what was seen, however old, and perform it: as far as it is not overtaken."""
        self.work()
        while self._pending:
            self.work()

    def kill(self) -> None:
        """Its memory is gone; what it did so far stays done."""
        self._known, self._pending, self._complete = None, [], True

    def _made(self, name: str) -> None:
        """A Job that another operator has deleted since this one wrote what orders it is made anew: that is known."""
        if self._world.history.jobs_removed.get(name, 0) > self._written:
            self.jobs_made_anew.add(name)

    def _decide(self, known: Observed) -> None:
        step = advance(known, self._world.now)
        self.steps.append(step)
        self._pending = list(step.effects)
        if not step.effects:
            self.timer = None if step.wake_after is None else self._world.now + timedelta(seconds=step.wake_after)
            self._known = None

    def _act(self) -> None:
        assert self._known is not None
        effect, *self._pending = self._pending
        made = self._world.history.jobs_made.copy()
        try:
            after = self._world.perform(self._known, effect)
        except (ConflictError, GoneError):
            self.look()
            return
        if isinstance(effect, WriteModel | WriteRequest):
            self._written = self._world.serial
        for name in self._world.history.jobs_made - made:
            self._made(name)
        self._complete = self._complete and after is not None
        self._known = after or self._known
        if not self._pending and not self._complete:
            self.look()


class Story(World):
    """A world whose operator runs to its rest after everything that happens."""

    def __init__(self, spec: ModelSpec, *, found: ServingState = FOUND, through_json: bool = True) -> None:
        super().__init__(spec, found=found, through_json=through_json)
        self.attended = True
        self.steps: list[Step] = []
        self.wake: float | None = None
        self.happened()

    def happened(self) -> None:
        if self.attended:
            self.run()

    def run(self) -> None:
        """Gather, decide, act, until there is nothing left to do: as ``engine.reconciler`` does it.

        What it wrote is an event as well: it looks once more, until it finds nothing to do at once.
        """
        while self._bring_forward():
            pass

    def _bring_forward(self) -> bool:
        observed, idle = self.observe(), True
        refusals: tuple[Refusal, ...] = ()
        for _ in range(MOST_STEPS):
            world = replace(observed, refusals=refusals)
            step = advance(world, self.now)
            self.steps.append(step)
            if not step.effects or any(map(world.refusal, step.effects)):
                self.wake = min(step.wake_after or LONGEST_BACKOFF, LONGEST_BACKOFF) if refusals else step.wake_after
                return not idle and not refusals
            idle = False
            try:
                observed = self._perform_all(world, step.effects) or self.observe()
            except RefusedError as error:
                observed, refusals = self.observe(), (*refusals, error.refusal)
        raise AssertionError(f"no rest in {MOST_STEPS} steps: {[step.why for step in self.steps[-6:]]}")

    def _perform_all(self, observed: Observed, effects: Sequence[Effect]) -> Observed | None:
        known: Observed | None = observed
        for effect in effects:
            after = self.perform(known or observed, effect)
            known = after if known else None
        return known

    def perform_one_step(self) -> None:
        """The operator does one step and is killed."""
        self.act_on(self.observe())

    def act_on(self, observed: Observed) -> None:
        """Another operator does one step, on the world as it saw it."""
        self._perform_all(observed, advance(observed, self.now).effects)

    def perform_one_effect(self) -> None:
        """The operator does the first effect of its next step and is killed."""
        observed = self.observe()
        self.perform(observed, advance(observed, self.now).effects[0])

    def wait(self, *, at_most: int = 400) -> None:
        """Let the clock run, from one wake-up to the next, until nobody waits for it any more."""
        for _ in range(at_most):
            if self.wake is None:
                return
            self.clock_passes(self.wake)
        raise AssertionError(f"still woken after {at_most} times: {self.steps[-1].why}")

    # What came of it ------------------------------------------------------------------------------------------------------------

    def status(self, request: str = "nightly-1") -> RequestStatus:
        """The status of a request."""
        return self.requests[request].status

    def verdict(self, request: str = "nightly-1") -> tuple[Verdict | None, str]:
        """How a request ended: its verdict and its reason."""
        status = self.status(request)
        return status.verdict, status.reason

    def told(self, reason: str) -> list[str]:
        """The messages of all Events with this reason."""
        return [told.message for (_, said, _), told in self.history.events.items() if said == reason]

    def condition(self, kind: str, request: str = "") -> tuple[str, str] | None:
        """A condition's status and reason, of a request or of the model."""
        conditions = self.status(request).conditions if request else self._present.status.conditions
        return next(((each.status, each.reason) for each in conditions if each.type == kind), None)

    @property
    def jobs_at_work(self) -> list[str]:
        """The names of the request's Jobs that have not ended."""
        return [name for name, job in self.jobs.items() if job.state is JobState.ACTIVE and job.owner_uid in self._uids]

    @property
    def _uids(self) -> set[str]:
        return {request.meta.uid for request in self.requests.values()}

    # Whole chapters -------------------------------------------------------------------------------------------------------------

    def train(self, request: str = "nightly-1", accuracy: str = "0.9000", f1_macro: str = "0.8900", **changes: object) -> None:
        """A request is made and trains with this result."""
        self.ask(request)
        self.trained(request, accuracy, f1_macro, **changes)

    def bake(self) -> None:
        """The new pods become ready and hold."""
        self.pods_become_ready()
        self.clock_passes(self._present.spec.serving.bake_seconds)

    def promote(self, request: str = "nightly-1", accuracy: str = "0.9000", f1_macro: str = "0.8900", **changes: object) -> None:
        """A request is made, trains, and is promoted."""
        self.train(request, accuracy, f1_macro, **changes)
        self.bake()
        assert self.verdict(request)[0] is Verdict.PROMOTED
