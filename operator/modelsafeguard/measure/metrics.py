"""metrics.json: read within bounds, checked key by key, every number taken from its written text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from modelsafeguard.core.contract import METRICS_FILE, METRICS_KEYS
from modelsafeguard.core.numbers import METRIC_NAME, objection
from modelsafeguard.core.report import is_digest, is_training_date
from modelsafeguard.measure.errors import MeasureError, Reason, printable
from modelsafeguard.measure.folder import read_bounded

MAX_BYTES: Final = 1 << 20
_DATE: Final = "training_date"
_MAX_DEPTH: Final = 16


@dataclass(frozen=True)
class Metrics:
    """What the trainer says. ``numbers`` holds the required ones, the policy's, and any other number at the top level, as written."""

    numbers: Mapping[str, Decimal]
    training_date: str
    model_digest: str = ""
    holdout_digest: str = ""
    labels: tuple[str, ...] = field(default_factory=tuple)


def read_metrics(folder: int, asked: Sequence[str]) -> Metrics:
    """The checked content of the folder's metrics.json; ``asked`` are the names of the policy's metrics.

    Raises:
        MeasureError: MetricsMissing, MetricsTooLarge or MetricsInvalid.
    """
    try:
        raw = read_bounded(METRICS_FILE, folder, MAX_BYTES)
    except FileNotFoundError:
        message = f"The trainer wrote no {METRICS_FILE}: it must write one with the keys {', '.join(METRICS_KEYS)}"
        raise MeasureError(Reason.METRICS_MISSING, message) from None
    if raw is None:
        raise MeasureError(Reason.METRICS_TOO_LARGE, f"{METRICS_FILE} is larger than {MAX_BYTES} bytes: it holds metrics, not data")
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
                raise _invalid(f"has the key {printable(key)} more than once")
            content[key] = value
        return content

    try:
        # Decimal reads NaN and Infinity as well: the walk below then names the key that holds them.
        content = json.loads(
            raw.decode("utf-8-sig"), parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal, object_pairs_hook=unique
        )
    except UnicodeDecodeError as error:
        raise _invalid(f"is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise _invalid(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except InvalidOperation as error:
        raise _invalid("has a number that is too large to be read") from error
    except RecursionError as error:
        raise _invalid("is nested too deeply") from error
    if not isinstance(content, dict):
        raise _invalid("is not a JSON object")
    return content


def _refuse_not_finite(content: Mapping[str, Any]) -> None:
    for path, value in _leaves(content):
        if isinstance(value, Decimal) and not value.is_finite():
            raise _invalid(f"has {printable(path)} = {value}, which is not a finite number")


def _leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > _MAX_DEPTH:
        raise _invalid(f"is nested more than {_MAX_DEPTH} levels deep")
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
        raise _invalid(f"has no {name}")
    value = content[name]
    if not isinstance(value, Decimal):
        raise _invalid(f"has {name} = {printable(json.dumps(value, default=str))}, which is not a number")
    if fault := objection(name, value):
        raise _invalid(f"is not valid: {fault}")
    return value


def _training_date(content: Mapping[str, Any]) -> str:
    value = content.get(_DATE)
    if not isinstance(value, str) or not is_training_date(value):
        raise _invalid(f"has no {_DATE} in ISO 8601, such as 2025-08-20T14:30:00")
    return value


def _digest(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name, "")
    if not isinstance(value, str) or (value and not is_digest(value)):
        raise _invalid(f"has a {name} that is not sha256: and 64 hex digits")
    return value


def _labels(content: Mapping[str, Any]) -> tuple[str, ...]:
    value = content.get("labels", [])
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise _invalid("has labels that are not a list of strings")
    return tuple(value)


def _invalid(fault: str) -> MeasureError:
    return MeasureError(Reason.METRICS_INVALID, f"{METRICS_FILE} {fault}: the trainer must be corrected")
