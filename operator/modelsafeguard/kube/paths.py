"""Where things are in the API."""

from modelsafeguard.api.names import API_VERSION, MODEL_PLURAL, REQUEST_PLURAL

# Of no namespace themselves.
NAMESPACES = "/api/v1/namespaces"

_PREFIXES = {
    MODEL_PLURAL: f"/apis/{API_VERSION}",
    REQUEST_PLURAL: f"/apis/{API_VERSION}",
    "jobs": "/apis/batch/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "pods": "/api/v1",
    "events": "/api/v1",
    "persistentvolumeclaims": "/api/v1",
}

# manifests/admission: without these bindings anybody who may annotate a request could approve it, sign for another baseline, or write
# somebody else's name into it.
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
_BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
APPROVE_BINDING = f"{_BINDINGS}/approve.modelsafeguard.io"
REBASE_BINDING = f"{_BINDINGS}/rebase.modelsafeguard.io"
REQUESTER_BINDING = f"{_BINDINGS}/requester.modelsafeguard.io"


def collection(plural: str, namespace: str = "") -> str:
    """All objects of a kind, in one namespace or in all."""
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"{_PREFIXES[plural]}{where}/{plural}"


def item(plural: str, namespace: str, name: str, subresource: str = "") -> str:
    """One object, or one of its subresources."""
    return f"{collection(plural, namespace)}/{name}" + (f"/{subresource}" if subresource else "")


def events(namespace: str) -> str:
    """Where Events are written: the newer of their two groups. They are read in the older, whose selectors know what an Event is about."""
    return f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
