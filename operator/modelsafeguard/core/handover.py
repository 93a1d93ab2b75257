r"""The way a result leaves a pod: its container's termination message.

Kubernetes cuts that message without a word (12 KiB divided by all containers of the pod, 4 KiB each), so it ends with its own
length and digest: ``<compact JSON>\n<length in bytes> sha256:<hex>``. Whoever reads it trusts nothing before both agree.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from modelsafeguard.core.comparison import ABRIDGEMENTS
from modelsafeguard.core.errors import (
    HandoverCutError,
    HandoverError,
    HandoverGarbledError,
    HandoverMissingError,
    HandoverTooLargeError,
    ReportInvalidError,
)
from modelsafeguard.core.report import Report, report_from_payload, report_to_payload
from modelsafeguard.core.text import shortened

LIMIT: Final = 1500  # bytes: 12 KiB divided by eight containers, injected sidecars included
MESSAGE_LIMIT: Final = 800  # characters of a failure's sentence

_TRAILER: Final = re.compile(r"([0-9]{1,5}) sha256:([0-9a-f]{64})")
_REASON: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,63}")


@dataclass(frozen=True)
class Failure:
    """Why there is no report. ``lost``: the text did not arrive whole, so the result may still be on the volume."""

    reason: str
    message: str
    lost: bool = False


def encode(payload: Mapping[str, Any]) -> bytes:
    """The termination message of a payload, ASCII only.

    Raises:
        HandoverTooLargeError: it would be longer than ``LIMIT`` bytes.
    """
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")
    message = b"%s\n%d sha256:%s" % (body, len(body), hashlib.sha256(body).hexdigest().encode("ascii"))
    if len(message) > LIMIT:
        raise HandoverTooLargeError(
            f"The result takes {len(message)} bytes and a termination message holds {LIMIT}: name fewer metrics in the policy"
        )
    return message


def decode(text: str) -> dict[str, Any]:
    """The payload of a termination message, checked for length and digest.

    Raises:
        HandoverMissingError, HandoverCutError, HandoverGarbledError: the text did not arrive whole.
        ReportInvalidError: it did, and is no JSON object.
    """
    if not text.strip():
        raise HandoverMissingError("The container ended without handing over a result")
    body, _, trailer = text.rpartition("\n")
    match = _TRAILER.fullmatch(trailer)
    raw = body.encode("utf-8", "surrogatepass")
    if match is None or int(match[1]) != len(raw):
        raise HandoverCutError(f"The result was cut or changed on its way: {len(text)} characters arrived and its length does not agree")
    if hashlib.sha256(raw).hexdigest() != match[2]:
        raise HandoverGarbledError("The result was changed on its way: its digest does not agree")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise ReportInvalidError("The result is not a JSON object: is the container's image the one that the operator was told?")
    return payload


def encode_report(report: Report) -> bytes:
    """The termination message that hands over a report. Raises HandoverTooLargeError."""
    return encode({"report": report_to_payload(report)})


def fitted(report: Report) -> Report:
    """The report with as many examples in its comparison as a termination message has room for.

    Raises:
        HandoverTooLargeError: it does not fit with as few as there may be, either.
    """
    comparison = report.comparison
    candidates = [replace(report, comparison=comparison.abridged(**room)) for room in ABRIDGEMENTS] if comparison else [report]
    for candidate in candidates[:-1]:
        with suppress(HandoverTooLargeError):
            encode_report(candidate)
            return candidate
    encode_report(candidates[-1])
    return candidates[-1]


def encode_failure(reason: str, message: str) -> bytes:
    """The termination message that says why there is no report; the sentence is made printable, and shortened until it fits."""
    room = MESSAGE_LIMIT
    while True:
        try:
            return encode({"failed": {"reason": reason, "message": shortened(message, room)}})
        except HandoverTooLargeError:
            room //= 2


def parse_handover(text: str, *, version: str) -> Report | Failure:
    """What a pod's untrusted termination message says about the candidate ``version``. Never raises.

    A report about another version, or one that is not exactly in the form that ``measure`` writes, is a Failure.
    """
    try:
        payload = decode(text)
        if set(payload) == {"report"}:
            return report_from_payload(payload["report"], version=version)
        if set(payload) == {"failed"}:
            return _failure(payload["failed"])
        raise ReportInvalidError("The result is neither a report nor a failure")
    except HandoverError as error:
        return Failure(error.reason, str(error), lost=error.lost)


def _failure(value: object) -> Failure:
    if not isinstance(value, dict) or set(value) != {"reason", "message"}:
        raise ReportInvalidError("The failure that was handed over has no reason and message")
    reason, message = value["reason"], value["message"]
    if not isinstance(reason, str) or not _REASON.fullmatch(reason):
        raise ReportInvalidError("The failure that was handed over has no valid reason")
    if not isinstance(message, str) or not message.strip() or len(message) > MESSAGE_LIMIT or not message.isprintable():
        raise ReportInvalidError(f"The failure {reason} that was handed over has no readable message")
    return Failure(reason, message)
