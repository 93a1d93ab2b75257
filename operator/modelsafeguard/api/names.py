"""Every name that the API consists of: one place, because users, manifests and other programs live by them."""

from typing import Final

from modelsafeguard.core import annotations

GROUP: Final = annotations.GROUP
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

MODEL_KIND: Final = "ModelDeployment"
MODEL_PLURAL: Final = "modeldeployments"
REQUEST_KIND: Final = "RetrainRequest"
REQUEST_PLURAL: Final = "retrainrequests"

# Who sets the fields that we own (server-side apply), and who reports our Events.
FIELD_MANAGER: Final = "modelsafeguard"

# Labels on what we make: for selecting.
LABEL_MODEL: Final = f"{GROUP}/model"
LABEL_REQUEST: Final = f"{GROUP}/request"
LABEL_ROLE: Final = f"{GROUP}/role"

# The recommended labels (Kubernetes documentation, "Recommended Labels").
LABEL_APP_NAME: Final = "app.kubernetes.io/name"
LABEL_APP_INSTANCE: Final = "app.kubernetes.io/instance"
LABEL_APP_VERSION: Final = "app.kubernetes.io/version"
LABEL_APP_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_APP_PART_OF: Final = "app.kubernetes.io/part-of"
LABEL_APP_MANAGED_BY: Final = "app.kubernetes.io/managed-by"

# On a ModelDeployment: the public copy of the live model's record. The version stands on the serving pods' template as well.
ANNOTATION_VERSION: Final = f"{GROUP}/version"
ANNOTATION_TRAINING_DATE: Final = f"{GROUP}/training-date"
ANNOTATION_HOLDOUT_DIGEST: Final = f"{GROUP}/holdout-digest"

# What people decide with, and who asked: stamped by the API server (manifests/admission).
ANNOTATION_CANCEL: Final = annotations.CANCEL
ANNOTATION_APPROVED_BY: Final = annotations.APPROVED_BY
ANNOTATION_APPROVAL_REASON: Final = annotations.APPROVAL_REASON
ANNOTATION_REBASED_BY: Final = annotations.REBASED_BY
ANNOTATION_REQUESTED_BY: Final = annotations.REQUESTED_BY


def metric_annotation(metric: str) -> str:
    """The annotation that shows a metric of the live model: ``f1_macro`` is shown as ``modelsafeguard.io/f1-macro``.

    One to one, since a metric's name has no ``-`` (the CRD sees to that).
    """
    return f"{GROUP}/{metric.replace('_', '-')}"


def annotated_metric(annotation: str) -> str:
    """The metric that an annotation shows: the inverse of ``metric_annotation``."""
    return annotation.removeprefix(f"{GROUP}/").replace("-", "_")
