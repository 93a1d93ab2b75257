"""RetrainRequest: between the object and its value."""

from collections.abc import Mapping
from typing import Any

from modelsafeguard.api.codec import decode, encode
from modelsafeguard.api.names import REQUEST_KIND
from modelsafeguard.core.request import Request, RequestSpec, RequestStatus


def from_body(body: Mapping[str, Any]) -> Request:
    """The value of a RetrainRequest as the API server gives it.

    Raises:
        MalformedObject: naming the request, and the fields that are missing or wrong.
    """
    return decode(Request, REQUEST_KIND, body)


def spec_to_json(spec: RequestSpec) -> dict[str, Any]:
    """The ``spec`` of a RetrainRequest."""
    return encode(spec)


def status_to_json(status: RequestStatus) -> dict[str, Any]:
    """The whole ``status`` of a RetrainRequest: what is not in it is to be gone."""
    return encode(status)
