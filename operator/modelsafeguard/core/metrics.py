"""metrics.json, as a trainer writes it: checked key by key, every number taken from its written text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from modelsafeguard.core.contract import METRICS_KEYS
from modelsafeguard.core.numbers import METRIC_NAME, objection
from modelsafeguard.core.report import is_digest, is_training_date
from modelsafeguard.core.text import printable

_DATE: Final = "training_date"
MAX_DEPTH: Final = 16


class MetricsInvalidError(ValueError):
    """What is wrong with the file, as the end of a sentence that begins with its name: "has no accuracy"."""


@dataclass(frozen=True)
class Metrics:
    """What the trainer says. ``numbers`` holds the required ones, the policy's, and any other number at the top level, as written."""

    numbers: Mapping[str, Decimal]
    training_date: str
    model_digest: str = ""
    holdout_digest: str = ""
    labels: tuple[str, ...] = field(default_factory=tuple)


def parse_metrics(raw: bytes, asked: Sequence[str]) -> Metrics:
    """The checked content of a metrics.json; ``asked`` are the names of the policy's metrics.

    Raises:
        MetricsInvalidError: for anything that is missing, malformed, not finite or out of its range.
    """
    content = _parse(raw)
    _refuse_not_finite(content)
    numbers = {name: _number(content, name) for name in dict.fromkeys((*METRICS_KEYS, *asked)) if name != _DATE}
    others = {
        name: value
        for name, value in content.items()
        if isinstance(value, Decimal) and METRIC_NAME.fullmatch(name) and not objection(name, value)
    }
    return Metrics(
        numbers=numbers | others,
        training_date=_training_date(content),
        model_digest=_digest(content, "modelDigest"),
        holdout_digest=_digest(content, "holdoutDigest"),
        labels=_labels(content),
    )


def _parse(raw: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in pairs:
            if key in content:
                raise MetricsInvalidError(f"has the key {printable(key)} more than once")
            content[key] = value
        return content

    try:
        # Decimal reads NaN and Infinity as well: the walk below then names the key that holds them.
        content = json.loads(
            raw.decode("utf-8-sig"), parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal, object_pairs_hook=unique
        )
    except UnicodeDecodeError as error:
        raise MetricsInvalidError(f"is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise MetricsInvalidError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except InvalidOperation as error:
        raise MetricsInvalidError("has a number that is too large to be read") from error
    except RecursionError as error:
        raise MetricsInvalidError("is nested too deeply") from error
    if not isinstance(content, dict):
        raise MetricsInvalidError("is not a JSON object")
    return content


def _refuse_not_finite(content: Mapping[str, Any]) -> None:
    for path, value in _leaves(content):
        if isinstance(value, Decimal) and not value.is_finite():
            raise MetricsInvalidError(f"has {printable(path)} = {value}, which is not a finite number")


def _leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > MAX_DEPTH:
        raise MetricsInvalidError(f"is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, f"{path}[]", depth + 1)
    else:
        yield path, value


def _number(content: Mapping[str, Any], name: str) -> Decimal:
    if name not in content:
        raise MetricsInvalidError(f"has no {name}")
    value = content[name]
    if not isinstance(value, Decimal):
        raise MetricsInvalidError(f"has {name} = {printable(json.dumps(value, default=str))}, which is not a number")
    if fault := objection(name, value):
        raise MetricsInvalidError(f"is not valid: {fault}")
    return value


def _training_date(content: Mapping[str, Any]) -> str:
    value = content.get(_DATE)
    if not isinstance(value, str) or not is_training_date(value):
        raise MetricsInvalidError(f"has no {_DATE} in ISO 8601, such as 2025-08-20T14:30:00")
    return value


def _digest(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name, "")
    if not isinstance(value, str) or (value and not is_digest(value)):
        raise MetricsInvalidError(f"has a {name} that is not sha256: and 64 hex digits")
    return value


def _labels(content: Mapping[str, Any]) -> tuple[str, ...]:
    value = content.get("labels", [])
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise MetricsInvalidError("has labels that are not a list of strings")
    return tuple(value)
