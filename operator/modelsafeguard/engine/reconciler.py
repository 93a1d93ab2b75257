"""One model at a time: gather, decide, act, until nothing is left to do."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.core.lifecycle import Observed, advance, refused
from modelsafeguard.core.lifecycle.step import Effect
from modelsafeguard.engine.queue import RetryLater
from modelsafeguard.engine.registry import Key
from modelsafeguard.kube.act import Actor
from modelsafeguard.kube.errors import Conflict, Invalid, NotFound, Refused, Unavailable
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
        for _ in range(_MOST_STEPS):
            step = advance(known or observed, self.clock())
            log.debug("%s: %s", name, step.why)
            if step.effects:
                known = await self._perform(known or observed, step.effects)
            elif known is None:
                return step.wake_after
            else:
                known = None  # the replies told of what was written and of nothing else: rest only on what was read
            if known is None:
                observed = await self.observer.observe(*key)
        raise RetryLater(f"{name} did not come to rest in {_MOST_STEPS} steps")

    async def _perform(self, observed: Observed, effects: Sequence[Effect]) -> Observed | None:
        """The world after the effects. If one is refused, what follows from that is written down before the retry."""
        try:
            return await self.actor.perform(observed, effects)
        except Refused as error:
            told = refused(observed, effects, str(error), self.clock(), for_good=isinstance(error, Invalid))
            if not told.effects:
                raise
            known = await self.actor.perform(observed, told.effects)
            if isinstance(error, Invalid):
                return known
            raise
