"""A policy in a file: what stands below ``spec.policy`` of a ModelDeployment, or a whole ModelDeployment."""

from pathlib import Path
from typing import Final

import yaml

from modelsafeguard.api.codec import decode_written
from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.api.names import MODEL_KIND
from modelsafeguard.cli.errors import UsageError
from modelsafeguard.core.policy import Policy

_LARGEST: Final = 1 << 20


def read_policy(path: Path) -> Policy:
    """The policy in a YAML or JSON file; raises ``UsageError`` with the path and what is wrong."""
    try:
        content = yaml.safe_load(read_bytes(path))
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if isinstance(content, dict) and content.get("kind") == MODEL_KIND:
        spec = content.get("spec")
        content = spec.get("policy") if isinstance(spec, dict) else None
    try:
        return decode_written(Policy, f"The policy in {path}", content)
    except MalformedObject as error:
        raise UsageError(f"{error}. It holds what stands below spec.policy of a {MODEL_KIND}.") from error


def read_bytes(path: Path) -> bytes:
    """The bytes of a file that a person named; raises ``UsageError`` where it cannot be read, or is far too large to be one."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(content) > _LARGEST:
        raise UsageError(f"{path} is larger than {_LARGEST} bytes, which neither a policy nor a metrics.json is.")
    return content
