"""One pass over a model, in a simulated world: what is refused in it, and when the next pass comes."""

from decimal import Decimal

import pytest

from modelsafeguard.core.lifecycle.step import ExpireJob, PublishLive, WriteRequest
from modelsafeguard.core.model import ModelSpec, Serving, Storage, Trainer
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.engine.queue import RetryLater
from modelsafeguard.engine.reconciler import Reconciler
from modelsafeguard.kube.act import NotPerformed
from tests.unit.core.lifecycle.operators import Story
from tests.unit.core.lifecycle.world import MODEL, NAMESPACE, RefusedError

REFUSED = "403 Forbidden: a change freeze is in force"


class Observer:
    """Reads the simulated world."""

    def __init__(self, world):
        self.world = world

    async def observe(self, *_):
        return self.world.observe()


class Actor:
    """Performs in the simulated world, and remembers what it tried."""

    def __init__(self, world):
        self.world = world
        self.tried = []

    async def perform(self, observed, effects):
        known = observed
        for effect in effects:
            self.tried.append(type(effect))
            try:
                after = self.world.perform(known or observed, effect)
            except RefusedError as error:
                raise NotPerformed(error.refusal) from error
            known = after if known else None
        return known


@pytest.fixture
def world():
    """The bake of a candidate is over, and nobody has looked yet."""
    serving, policy = Serving("intents", "server", "model"), Policy((MetricRule("accuracy", Decimal("0.01")),))
    world = Story(ModelSpec(serving, Storage("models", "intents"), Trainer("trainer"), policy))
    world.train()
    world.pods_become_ready()
    world.attended = False
    world.clock_passes(60)
    return world


@pytest.fixture
def actor(world):
    return Actor(world)


@pytest.fixture
def reconcile(world, actor):
    reconciler = Reconciler(Observer(world), actor, lambda: world.now)
    return lambda: reconciler.reconcile((NAMESPACE, MODEL))


async def test_what_is_refused_is_tried_once_in_a_pass_and_all_else_is_done(world, actor, reconcile, caplog):
    world.refuse(REFUSED, PublishLive, ExpireJob)
    with pytest.raises(RetryLater, match="a change freeze"):
        await reconcile()
    assert world.verdict()[0]
    assert world.model.status.active_request is None
    assert (actor.tried.count(PublishLive), actor.tried.count(ExpireJob)) == (1, 1)
    assert [record.getMessage() for record in caplog.records] == [f"{NAMESPACE}/{MODEL}: the API server refused: {REFUSED}"] * 2


async def test_a_refusal_that_no_rule_passes_over_ends_the_pass(world, actor, reconcile):
    world.refuse(REFUSED, WriteRequest)
    with pytest.raises(RetryLater) as later:
        await reconcile()
    assert later.value.at_latest is None
    assert actor.tried.count(WriteRequest) == 1
    assert world.verdict()[0] is None


async def test_the_next_pass_comes_no_later_than_what_the_clock_brings(world, reconcile):
    world.refuse(REFUSED, PublishLive)
    world.ask("next")
    with pytest.raises(RetryLater) as later:
        await reconcile()
    assert later.value.at_latest == 5


async def test_what_is_taken_again_leaves_nothing_to_be_tried(world, reconcile):
    world.refuse(REFUSED, PublishLive)
    with pytest.raises(RetryLater):
        await reconcile()
    world.allow()
    assert await reconcile() is None
    assert world.model.status.live.published
