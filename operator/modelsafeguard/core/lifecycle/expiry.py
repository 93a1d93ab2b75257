"""When a finished request may be deleted."""

from datetime import datetime, timedelta

from modelsafeguard.core.request import Request

# What GitOps tools and Helm put on the objects that they keep: a request that is kept in Git would be made anew after its
# deletion, and retrain for ever.
TRACKING = (
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/tracking-id",
    "kustomize.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/name",
    "meta.helm.sh/release-name",
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
