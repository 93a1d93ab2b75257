"""What the operator told this pod, from its environment: checked once, then typed."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from modelsafeguard.api.codec import decode_written
from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.core import contract, pod
from modelsafeguard.core.model import HoldoutUse
from modelsafeguard.core.report import is_digest, is_version
from modelsafeguard.core.request import Frozen
from modelsafeguard.core.text import printable
from modelsafeguard.measure.errors import MeasureError, Reason

# Where the container's termination message is written; another path is for runs outside a pod.
TERMINATION_LOG: Final = "SAFEGUARD_TERMINATION_LOG"
DEFAULT_TERMINATION_LOG: Final = "/dev/termination-log"

T = TypeVar("T")

_POD_UID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True)
class Candidate:
    """The version to publish, and the live one that it is measured against ("" where there is none of ours).

    ``frozen`` is what it is judged by, and ``holdouts`` how often the model's were judged on before.
    """

    version: str
    pod_uid: str
    model: str
    request: str
    live_version: str
    live_digest: str
    frozen: Frozen
    holdouts: tuple[HoldoutUse, ...] = ()

    @property
    def margins(self) -> dict[str, Decimal]:
        """The largest drop of each of the policy's metrics that is accepted."""
        return {rule.name: rule.max_drop for rule in self.frozen.policy.metrics}


class Settings:
    """Reads the environment. Every property raises MeasureError(SettingsInvalid) when its variable is missing or malformed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    @property
    def store(self) -> str:
        """The folder ``spec.storage.path`` of the claim, as it is mounted here."""
        return self._text(pod.STORE, os.path.isabs, "an absolute path")

    @property
    def version(self) -> str:
        """The version that this pod is about."""
        return self._text(contract.VERSION, is_version, "a version")

    @property
    def digest(self) -> str:
        """What the version's manifest must hash to."""
        return self._text(pod.DIGEST, is_digest, "sha256: and 64 hex digits")

    @property
    def format(self) -> str:
        """Which of the files that a report is stored in."""
        return self._text(pod.FORMAT, pod.FORMATS.__contains__, " or ".join(pod.FORMATS))

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions to remove, and no others."""
        return self._names(pod.VERSIONS, is_version, "a version")

    @property
    def candidate(self) -> Candidate:
        """All that publishing needs."""
        return Candidate(
            version=self.version,
            pod_uid=self._text(pod.POD_UID, lambda uid: _POD_UID.fullmatch(uid) is not None, "a pod's uid"),
            model=self._environ.get(contract.MODEL, ""),
            request=self._environ.get(contract.REQUEST, ""),
            live_version=self._text(pod.LIVE_VERSION, is_version, "a version", optional=True),
            live_digest=self._text(pod.LIVE_DIGEST, is_digest, "sha256: and 64 hex digits", optional=True),
            frozen=self._written(Frozen, pod.FROZEN),
            holdouts=self._written(tuple[HoldoutUse, ...], pod.HOLDOUTS),
        )

    def _written(self, type_: type[T], name: str) -> T:
        try:
            return decode_written(type_, f"The variable {name}", _parsed(self._environ.get(name, "")))
        except MalformedObject as error:
            raise MeasureError(Reason.SETTINGS_INVALID, str(error)) from error

    def _text(self, name: str, check: Callable[[str], bool], noun: str, *, optional: bool = False) -> str:
        value = self._environ.get(name, "")
        if not value and optional:
            return ""
        if not check(value):
            raise MeasureError(Reason.SETTINGS_INVALID, f"The variable {name} is not {noun}: {printable(value)}")
        return value

    def _names(self, name: str, check: Callable[[str], bool], noun: str) -> tuple[str, ...]:
        text = self._environ.get(name, "")
        values = _parsed(text)
        if not isinstance(values, list) or not all(isinstance(value, str) and check(value) for value in values):
            raise MeasureError(Reason.SETTINGS_INVALID, f"The variable {name} is not a JSON list, each of it {noun}: {printable(text)}")
        return tuple(values)


def _parsed(text: str) -> object:
    """What the JSON says; None for what is none."""
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    return parsed
