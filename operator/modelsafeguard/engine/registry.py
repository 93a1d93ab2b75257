"""What the operator remembers between events: one small entry a model, and the end of life of finished requests. No bodies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelsafeguard.core.model import Model
from modelsafeguard.kube.observe import Place

Key = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a model serves and stores: what two models must not share."""

    created: str
    uid: str
    place: Place
    path: str

    @property
    def age(self) -> tuple[str, str]:
        """What the younger of two is told by."""
        return self.created, self.uid


def entry_of(body: Mapping[str, Any]) -> tuple[Key, Entry]:
    """The key and the entry of a ModelDeployment."""
    metadata, spec = body["metadata"], body["spec"]
    entry = Entry(
        created=metadata["creationTimestamp"],
        uid=metadata["uid"],
        place=Place(spec["serving"]["deploymentName"], spec["storage"]["claimName"]),
        path=spec["storage"]["path"],
    )
    return (metadata["namespace"], metadata["name"]), entry


class Registry:
    """All known models, kept by events and replaced by each full list."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        self._heard: set[Key] | None = None

    def list_begins(self) -> None:
        """What events tell from now on is newer than the full list that is being read."""
        self._heard = set()

    def note(self, body: Mapping[str, Any]) -> Key:
        """Remember a ModelDeployment; returns its key."""
        key, entry = entry_of(body)
        self._entries[key] = entry
        self._hear(key)
        return key

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone."""
        self._entries.pop(key, None)
        self._hear(key)

    def replace(self, entries: Mapping[Key, Entry]) -> set[Key]:
        """Take over a full list, but for what was heard while it was read; returns the keys that are known now or were before."""
        before, heard = set(self._entries), self._heard or set()
        listed = {key: entry for key, entry in entries.items() if key not in heard}
        self._entries = listed | {key: entry for key, entry in self._entries.items() if key in heard}
        self._heard = None
        return before | set(entries)

    def _hear(self, key: Key) -> None:
        if self._heard is not None:
            self._heard.add(key)

    def serving(self, namespace: str, deployment: str) -> list[Key]:
        """The models that serve with this Deployment."""
        return [key for key, entry in self._entries.items() if key[0] == namespace and entry.place.deployment == deployment]

    def place(self, namespace: str, name: str) -> Place | None:
        """Where a model was when it was last heard of; None for one that is not known."""
        entry = self._entries.get((namespace, name))
        return entry.place if entry else None

    def neighbours(self, key: Key) -> list[Key]:
        """The other models on the same Deployment or on overlapping folders."""
        mine = self._entries.get(key)
        if mine is None:
            return []
        return [other for other, entry in self._entries.items() if other != key and other[0] == key[0] and _clash(entry, mine)]

    def rival(self, model: Model) -> str:
        """The name of an older model on the same Deployment or on an overlapping folder of the same claim; '' if there is none."""
        key = (model.meta.namespace, model.meta.name)
        mine = self._entries.get(key)
        if mine is None:
            return ""
        return min((name for _, name in self.neighbours(key) if self._entries[key[0], name].age < mine.age), default="")


def _clash(one: Entry, other: Entry) -> bool:
    if one.place.deployment == other.place.deployment:
        return True
    return one.place.claim == other.place.claim and (
        f"{one.path}/".startswith(f"{other.path}/") or f"{other.path}/".startswith(f"{one.path}/")
    )
