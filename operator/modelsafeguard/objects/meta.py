"""Names, labels and owners of what we make."""

from collections.abc import Mapping
from typing import Any, Final

import modelsafeguard
from modelsafeguard.api import names
from modelsafeguard.core.model import Meta

APPLICATION: Final = "modelsafeguard"


def labels(model: str, role: str, request: str = "") -> dict[str, str]:
    """The labels on an object that we make for ``model``."""
    ours = {
        names.LABEL_APP_NAME: APPLICATION,
        names.LABEL_APP_INSTANCE: model,
        names.LABEL_APP_VERSION: modelsafeguard.__version__,
        names.LABEL_APP_COMPONENT: role,
        names.LABEL_APP_PART_OF: APPLICATION,
        names.LABEL_APP_MANAGED_BY: APPLICATION,
        names.LABEL_MODEL: model,
        names.LABEL_ROLE: role,
    }
    return ours | {names.LABEL_REQUEST: request} if request else ours


def reference(kind: str, meta: Meta) -> dict[str, Any]:
    """An object of ours, as Kubernetes refers to it."""
    return {"apiVersion": names.API_VERSION, "kind": kind, "name": meta.name, "uid": meta.uid}


def owned_by(kind: str, meta: Meta) -> dict[str, Any]:
    """The owner reference of a controller: what it owns is deleted with it, and before it where that is waited for."""
    return reference(kind, meta) | {"controller": True, "blockOwnerDeletion": True}


def without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something: what an owner left out is left out of the manifest as well."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, ())}
