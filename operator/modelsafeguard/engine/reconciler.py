"""One model at a time: gather, decide, act, until nothing is left to do."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.core.lifecycle import Observed, Refusal, advance
from modelsafeguard.core.lifecycle.step import Effect
from modelsafeguard.engine.queue import RetryLater
from modelsafeguard.engine.registry import Key
from modelsafeguard.kube.act import Actor, NotPerformed
from modelsafeguard.kube.errors import Conflict, NotFound, Refused, Unavailable
from modelsafeguard.kube.observe import Observer

log = logging.getLogger(__name__)

# A request needs about ten steps from end to end; a decision that never comes to rest is a fault to be seen, not to be spun on.
_MOST_STEPS = 100


@dataclass(frozen=True)
class Reconciler:
    """Brings one model's world forward. ``clock`` gives the present time, in UTC."""

    observer: Observer
    actor: Actor
    clock: Callable[[], datetime]

    async def reconcile(self, key: Key) -> float | None:
        """Work on one model; returns the seconds until it must be looked at again, None if only an event can change anything.

        Raises ``RetryLater`` when the API server refused, was busy, or had something newer.
        """
        name = "/".join(key)
        try:
            return await self._bring_forward(key, name)
        except (Conflict, NotFound) as error:
            log.debug("%s: something newer is there, decided again: %s", name, error)
            raise RetryLater(str(error)) from error
        except Unavailable as error:
            log.warning("%s: %s; tried again", name, error)
            raise RetryLater(str(error), error.retry_after) from error
        except Refused as error:
            log.error("%s: the API server refused: %s; tried again", name, error)  # noqa: TRY400 - the sentence says it all
            raise RetryLater(str(error)) from error
        except MalformedObject as error:
            log.error("%s: %s; nothing is done until it is corrected", name, error)  # noqa: TRY400 - the sentence says it all
            return None

    async def _bring_forward(self, key: Key, name: str) -> float | None:
        observed, known = await self.observer.observe(*key), None
        refusals: tuple[Refusal, ...] = ()
        for _ in range(_MOST_STEPS):
            world = replace(known or observed, refusals=refusals)
            step = advance(world, self.clock())
            log.debug("%s: %s", name, step.why)
            if step.effects:
                try:
                    known = await self._perform(world, step.effects)
                except NotPerformed as error:
                    log.error("%s: the API server refused: %s", name, error)  # noqa: TRY400 - the sentence says it all
                    known, refusals = None, (*refusals, error.refusal)
            elif known is None:
                return _at_rest(refusals, step.wake_after)
            else:
                known = None  # the replies told of what was written and of nothing else: rest only on what was read
            if known is None:
                observed = await self.observer.observe(*key)
        raise RetryLater(f"{name} did not come to rest in {_MOST_STEPS} steps")

    async def _perform(self, world: Observed, effects: Sequence[Effect]) -> Observed | None:
        """The world after the effects. One that was refused already, and that no rule has passed over, is left to the next pass."""
        if again := next(filter(None, map(world.refusal, effects)), None):
            raise RetryLater(again.said)
        return await self.actor.perform(world, effects)


def _at_rest(refusals: Sequence[Refusal], wake_after: float | None) -> float | None:
    """What was refused is tried again, later and later; but nothing else waits for that."""
    if refusals:
        raise RetryLater(refusals[0].said, at_latest=wake_after)
    return wake_after
