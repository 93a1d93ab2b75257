"""Builders: valid objects with defaults that make a story quick. What a story is about, it says; the rest stays out of its way."""

import hashlib
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from modelsafeguard.core.report import Report
from tests.support.client import KINDS, Json

GROUP: Final = "modelsafeguard.io"
TRAINER_IMAGE: Final = "modelsafeguard/trainer"
SERVER_IMAGE: Final = "modelsafeguard/trainer"
_RESTRICTED_POD: Final[Json] = {"runAsNonRoot": True, "runAsUser": 1234, "seccompProfile": {"type": "RuntimeDefault"}}
_RESTRICTED_CONTAINER: Final[Json] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def merged(base: Json, changes: Json) -> Json:
    """The base with the changes: maps are merged, a None takes a key away, everything else replaces."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def resource(kind: str, name: str, content: Json, **metadata: Any) -> Json:
    """An object of a kind: ``content`` is all of it but the type and the metadata."""
    return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": {"name": name, **metadata}, **content}


def model_deployment(
    name: str = "intents", *, annotations: dict[str, str] | None = None, labels: dict[str, str] | None = None, **changes: Any
) -> Json:
    """A ModelDeployment that serves by the Deployment of its own name; ``changes`` are merged into its spec."""
    spec: Json = {
        "serving": {
            "deploymentName": name,
            "container": "server",
            "modelVolume": "model",
            "progressDeadlineSeconds": 30,
            "bakeSeconds": 1,
        },
        "storage": {"claimName": "models", "path": name},
        "trainer": {"image": TRAINER_IMAGE, "activeDeadlineSeconds": 60},
        "policy": {"metrics": [{"name": "accuracy", "maxDrop": "0.01"}, {"name": "f1_macro", "maxDrop": "0.01"}]},
    }
    return resource("ModelDeployment", name, {"spec": merged(spec, changes)}, annotations=annotations or {}, labels=labels or {})


def retrain_request(
    name: str, model: str = "intents", *, annotations: dict[str, str] | None = None, labels: dict[str, str] | None = None, **changes: Any
) -> Json:
    """A RetrainRequest for a model; ``changes`` are merged into its spec."""
    spec: Json = {"modelDeploymentRef": {"name": model}, "trigger": "manual"}
    return resource("RetrainRequest", name, {"spec": merged(spec, changes)}, annotations=annotations or {}, labels=labels or {})


def serving_deployment(name: str = "intents", *, model: str | None = None, version: str | None = None, **changes: Any) -> Json:
    """A user's own Deployment that reads its model from the claim; ``changes`` are merged into its spec.

    With a version it serves that one already, the way a rollout would have left it.
    """
    mount: Json = {"name": "model", "mountPath": "/models"}
    if version:
        mount["subPath"] = f"{model or name}/versions/{version}"
    container: Json = {"name": "server", "image": SERVER_IMAGE, "volumeMounts": [mount], "securityContext": _RESTRICTED_CONTAINER}
    pod: Json = {
        "securityContext": _RESTRICTED_POD,
        "containers": [container],
        "volumes": [{"name": "model", "persistentVolumeClaim": {"claimName": "models"}}],
    }
    labels = {"app": name}
    spec: Json = {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return resource("Deployment", name, {"spec": merged(spec, changes)})


def claim(name: str = "models", *, access_modes: tuple[str, ...] = ("ReadWriteMany",)) -> Json:
    """A PersistentVolumeClaim."""
    spec = {"accessModes": list(access_modes), "resources": {"requests": {"storage": "1Gi"}}}
    return resource("PersistentVolumeClaim", name, {"spec": spec})


def report(version: str, *, accuracy: str = "0.9000", f1_macro: str = "0.8900", **changes: Any) -> Report:
    """The report that ``measure`` hands over for a version; ``changes`` are fields of it."""
    metrics = {
        "accuracy": accuracy,
        "f1_macro": f1_macro,
        "f1_weighted": f1_macro,
        "n_classes": "25",
        "n_features": "5000",
        "n_samples": "1200",
    }
    base = Report(
        version=version,
        manifest_digest=digest(f"manifest of {version}"),
        model_digest=digest(f"model of {version}"),
        metrics={name: Decimal(value) for name, value in metrics.items()},
        training_date="2026-01-02T03:04:05+00:00",
        holdout_digest=digest("holdout"),
        holdout_rows=300,
    )
    return replace(base, **changes)


def digest(text: str) -> str:
    """A digest as a report carries it."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
