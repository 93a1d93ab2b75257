"""When a finished request may be deleted."""

from datetime import datetime, timedelta

from modelsafeguard.core.request import Request

# The labels and annotations by which tools know the objects that they keep: a request that is kept in Git would be made anew after
# its deletion, and retrain for ever.
TRACKING = (
    "app.kubernetes.io/instance",  # Argo CD: the default in 2.x, and by `resourceTrackingMethod: label` in 3.x
    "argocd.argoproj.io/instance",  # Argo CD: the custom label that its documentation proposes
    "argocd.argoproj.io/tracking-id",  # Argo CD: the default in 3.x
    "kustomize.toolkit.fluxcd.io/name",  # Flux: of a Kustomization
    "helm.toolkit.fluxcd.io/name",  # Flux: of a HelmRelease
    "config.k8s.io/owning-inventory",  # Config Sync, kpt
    "applyset.kubernetes.io/part-of",  # kubectl apply --prune --applyset
    "kapp.k14s.io/app",  # kapp, kapp-controller
    "meta.helm.sh/release-name",  # Helm, and Fleet by Helm
)
MANAGED_BY = "app.kubernetes.io/managed-by"


def expires_at(request: Request) -> datetime | None:
    """The time after which a finished request is deleted; None if it is to stay."""
    ttl, finished = request.spec.ttl_seconds_after_finished, request.status.finished_at
    if ttl is None or finished is None or request.status.verdict is None or tracked(request):
        return None
    return finished + timedelta(seconds=ttl)


def tracked(request: Request) -> bool:
    """Whether a GitOps tool or Helm keeps this object."""
    marks = {*request.meta.labels, *request.meta.annotations}
    return any(mark in marks for mark in TRACKING) or request.meta.labels.get(MANAGED_BY) == "Helm"
