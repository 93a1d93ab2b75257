"""The operator's own settings, from its environment; and kopf's, as measured (docs/decisions)."""

import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import kopf

from modelsafeguard.api.names import GROUP, LABEL_MODEL, REQUEST_PLURAL, VERSION


class SettingsError(Exception):
    """An environment variable is missing or malformed; the message says which and how to set it."""


@dataclass(frozen=True)
class Settings:
    """``namespaces`` empty means the whole cluster. Times are in seconds."""

    measure_image: str
    namespaces: tuple[str, ...] = ()
    resync_seconds: float = 300.0
    probe_port: int = 8080
    instance: str = "operator"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; raises ``SettingsError``."""
        image = environment.get("SAFEGUARD_MEASURE_IMAGE", "")
        if not image:
            raise SettingsError("SAFEGUARD_MEASURE_IMAGE is not set; it must name the measure image, by digest where there is one")
        try:
            resync, port = float(environment.get("SAFEGUARD_RESYNC_SECONDS", "300")), int(environment.get("SAFEGUARD_PROBE_PORT", "8080"))
        except ValueError as error:
            raise SettingsError(f"SAFEGUARD_RESYNC_SECONDS and SAFEGUARD_PROBE_PORT must be numbers: {error}") from error
        return cls(
            measure_image=image,
            namespaces=tuple(filter(None, environment.get("SAFEGUARD_NAMESPACE", "").split(","))),
            resync_seconds=resync,
            probe_port=port,
            instance=environment.get("HOSTNAME", "operator"),
        )


class EndlessBackoff:
    """0.5, 1, 2 … 15 s with jitter, for ever: kopf only reads here, and an outage of the API server must not end the process."""

    def __iter__(self) -> Iterator[float]:
        """Begin anew: kopf iterates once a request."""
        delay = 0.5
        while True:
            yield delay * random.uniform(0.7, 1.3)  # noqa: S311 - jitter, no secret
            delay = min(delay * 2, 15.0)


class NothingToCompare(kopf.DiffBaseStorage):
    """No handler asks what has changed in an object, so no copy of it is made: that was four fifths of kopf's work on an event."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing of the object."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Keep nothing."""


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """Kopf as an informer only: it writes nothing to the cluster, and loses no stream for long."""
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True  # no rights on CRDs and namespaces are needed, and no start-up stall without them
    watching = settings.watching
    watching.server_timeout, watching.client_timeout, watching.connect_timeout = 290, 320, 5
    watching.inactivity_timeout, watching.reconnect_backoff = 70, 1.0
    # Kopf holds the objects of a chunk until their workers have idled: small chunks and short idling keep the start small in memory.
    watching.chunk_size, watching.initial_streaming = 100, False
    watching.label_selectors["batch", "v1", "jobs"] = LABEL_MODEL
    # Finished requests are never looked at again: leaving them out keeps memory independent of how many there are.
    watching.field_selectors[GROUP, VERSION, REQUEST_PLURAL] = "status.verdict="
    settings.networking.request_timeout, settings.networking.connect_timeout = 15, 5
    settings.networking.error_backoffs = EndlessBackoff()
    settings.networking.enforce_retry_after = True
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout, settings.queueing.exit_timeout = 0.1, 1.0  # handlers only queue keys: nothing to wait for
    settings.queueing.error_delays = (1, 2, 4, 8, 15)
    settings.process.ultimate_exiting_timeout = 25  # below the pod's terminationGracePeriodSeconds of 30
    settings.persistence.finalizer = f"{GROUP}/operator"  # never used; unique all the same
    settings.persistence.diffbase_storage = NothingToCompare()
    settings.persistence.consistency_timeout = 0  # kopf patches nothing, so there is nothing to wait for
