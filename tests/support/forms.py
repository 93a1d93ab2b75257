"""Times, conditions and owner references as Kubernetes' controllers write them."""

import datetime as dt

from tests.support.client import Json


def timestamp(*, micro: bool = False, ago: float = 0.0) -> str:
    """The time ``ago`` seconds before now, RFC 3339, in whole seconds or (``micro``, for Events) in microseconds."""
    when = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def condition(kind: str, reason: str, message: str, *, status: str = "True", ago: float = 0.0) -> Json:
    """A condition that changed ``ago`` seconds before now."""
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": timestamp(ago=ago)}


def owner_reference(body: Json) -> Json:
    """What a controller writes into the objects that it makes for this one."""
    meta = body["metadata"]
    own = {"apiVersion": body["apiVersion"], "kind": body["kind"], "name": meta["name"], "uid": meta["uid"]}
    return own | {"controller": True, "blockOwnerDeletion": True}
