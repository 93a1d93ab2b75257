"""What the server is told by its environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelsafeguard.core import contract

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")


class ConfigError(Exception):
    """The environment does not describe a server; the message is one sentence."""


@dataclass(frozen=True)
class Config:
    """One server. ``version`` and ``digest`` are empty until a rollout sets them; durations are in seconds, sizes in bytes."""

    model_name: str
    model_dir: Path
    version: str
    digest: str
    port: int
    drain_seconds: float
    max_body_bytes: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Config":
        """The configuration in these variables; only ``MODEL_NAME`` is required.

        ``MODEL_DIR`` (default /model), ``MODEL_VERSION``, ``MODEL_DIGEST``, ``PORT`` (8080), ``DRAIN_SECONDS`` (5) and ``MAX_BODY_BYTES``
        (1 MiB) are the others. Raises :class:`ConfigError` for what is missing or out of range.
        """
        name = environment.get("MODEL_NAME", "")
        if not _NAME.fullmatch(name):
            raise ConfigError(f"MODEL_NAME stands in the model's address and must be letters, digits, '.', '_' and '-'; it is {name!r}.")
        version = environment.get(contract.MODEL_VERSION, "")
        if version and not _NAME.fullmatch(version):
            raise ConfigError(
                f"{contract.MODEL_VERSION} stands in addresses and headers and must be of the same letters; it is {version!r}."
            )
        return cls(
            model_name=name,
            model_dir=Path(environment.get("MODEL_DIR") or "/model"),
            version=version,
            digest=environment.get(contract.MODEL_DIGEST, ""),
            port=int(_number(environment, "PORT", default=8080, largest=65535)),
            drain_seconds=_number(environment, "DRAIN_SECONDS", default=5, largest=3600),
            max_body_bytes=int(_number(environment, "MAX_BODY_BYTES", default=1 << 20, largest=1 << 30)),
        )


def _number(environment: Mapping[str, str], name: str, *, default: float, largest: float) -> float:
    text = environment.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= largest:  # false for NaN too
        raise ConfigError(f"{name} must be a number from 0 to {largest}; it is {text!r}.")
    return number
