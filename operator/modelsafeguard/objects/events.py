"""Events: one for each fact, whoever says it and however often."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from modelsafeguard.api import names
from modelsafeguard.core.model import Meta
from modelsafeguard.objects.meta import reference

MAX_NOTE: Final = 1024
"""Bytes, by which the API server counts."""

REPORTING_CONTROLLER: Final = f"{names.GROUP}/operator"


@dataclass(frozen=True)
class Fact:
    """Something that happened to one of our two kinds. ``key`` tells two facts of one object and reason apart."""

    kind: str
    meta: Meta
    reason: str
    note: str
    key: str = ""
    warning: bool = False


def event(fact: Fact, *, now: datetime, instance: str) -> dict[str, Any]:
    """An ``events.k8s.io/v1`` Event of ``fact``, reported by ``instance`` of the operator.

    Its name follows from the fact: a second operator, or the same one after a restart, gets AlreadyExists for what was told.
    """
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": event_name(fact), "namespace": fact.meta.namespace},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Warning" if fact.warning else "Normal",
        "reason": fact.reason,
        "action": fact.reason,
        "note": _shortened(fact.note),
        "regarding": reference(fact.kind, fact.meta) | {"namespace": fact.meta.namespace},
        "reportingController": REPORTING_CONTROLLER,
        "reportingInstance": instance,
    }


def event_name(fact: Fact) -> str:
    """The name of the Event: what tells a fact from every other, and not its words."""
    identity = f"{fact.meta.uid}/{fact.reason}/{fact.key}"
    return f"{fact.meta.name}.{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _shortened(note: str) -> str:
    encoded = note.encode()
    return note if len(encoded) <= MAX_NOTE else f"{encoded[: MAX_NOTE - 3].decode(errors='ignore')}…"
