"""The admission policies in force, and people with rights to try them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.support.apiserver import ApiServer, Kubectl
from tests.support.binaries import ROOT

ADMISSION = ROOT / "manifests" / "admission"
GROUP = "modelsafeguard.io"
EVERYTHING_OF_OURS = {"apiGroups": [GROUP], "resources": ["modeldeployments", "retrainrequests"], "verbs": ["create", "patch"]}
CREATE_JOBS = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}
PATCH_DEPLOYMENT = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"], "resourceNames": ["intents"]}
OWNER = (EVERYTHING_OF_OURS, CREATE_JOBS, PATCH_DEPLOYMENT)


def model(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "intents"},
        "spec": {
            "serving": {"deploymentName": "intents", "container": "server", "modelVolume": "model"},
            "storage": {"claimName": "models", "path": "intents"},
            "trainer": {"image": "trainer"},
            "policy": {"metrics": [{"name": "accuracy", "maxDrop": "0.01"}]},
            **spec,
        },
    }


def retrain(**annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "RetrainRequest",
        "metadata": {"name": "nightly-8", "annotations": {f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}},
        "spec": {"modelDeploymentRef": {"name": "intents"}},
    }


def labelled(kind: str, **labels: str) -> dict[str, Any]:
    """A Job or a pod that says of itself that it is a training of the operator's."""
    context = {"runAsNonRoot": True, "runAsUser": 65532, "allowPrivilegeEscalation": False}
    context |= {"capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}
    pod = {"restartPolicy": "Never", "containers": [{"name": "measure", "image": "measure", "securityContext": context}]}
    metadata = {"name": "forged", "labels": labels or {f"{GROUP}/role": "train"}}
    return {
        "Job": {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}},
        "Pod": {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
    }[kind]


def annotated(**annotations: str | None) -> dict[str, Any]:
    """A merge patch; None removes."""
    return {"metadata": {"annotations": {f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}}}


@dataclass(frozen=True)
class Person:
    """Somebody who talks to the API server about one namespace: by impersonation, so that rights and policies see that name."""

    name: str
    namespace: str
    http: httpx.Client = field(repr=False)

    def create(self, body: dict[str, Any], **query: str) -> httpx.Response:
        plural = f"{body['kind'].lower()}s"
        api = "/api" if body["apiVersion"] == "v1" else "/apis"
        return self._send("POST", f"{api}/{body['apiVersion']}/namespaces/{self.namespace}/{plural}", body, query)

    def get(self, plural: str) -> httpx.Response:
        return self._send("GET", self._path(plural), None, {})

    def patch(self, plural: str, body: dict[str, Any], subresource: str = "") -> httpx.Response:
        return self._send("PATCH", self._path(plural) + subresource, body, {}, "application/merge-patch+json")

    def replace_status(self, plural: str, body: dict[str, Any]) -> httpx.Response:
        return self._send("PUT", f"{self._path(plural)}/status", body, {})

    def _path(self, plural: str) -> str:
        api, name = {
            "modeldeployments": (f"/apis/{GROUP}/v1alpha1", "intents"),
            "retrainrequests": (f"/apis/{GROUP}/v1alpha1", "nightly-8"),
            "pods": ("/api/v1", "forged"),
        }[plural]
        return f"{api}/namespaces/{self.namespace}/{plural}/{name}"

    def may(self, rule: dict[str, Any]) -> bool:
        """Whether a rule that was granted is known to the API server by now."""
        resource, _, subresource = rule["resources"][0].partition("/")
        attributes = {
            "namespace": self.namespace,
            "group": rule["apiGroups"][0],
            "resource": resource,
            "subresource": subresource,
            "verb": rule["verbs"][0],
            "name": rule.get("resourceNames", [""])[0],
        }
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
        reply = self._send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, {}).raise_for_status()
        return bool(reply.json()["status"]["allowed"])

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None, query: dict[str, str], content_type: str = "application/json"
    ) -> httpx.Response:
        headers = {"Impersonate-User": self.name, "Content-Type": content_type}
        return self.http.request(method, path, json=body, params=query, headers=headers)


People = Callable[..., Person]


@pytest.fixture
def person(cluster: ApiServer, namespace: str) -> Iterator[People]:
    """Makes people: ``person("alice", rule, rule)`` has exactly these rights, in the test's namespace."""
    with cluster.client() as http:

        def make(name: str, *rules: dict[str, Any]) -> Person:
            who = Person(name, namespace, http)
            if rules:
                _grant(http, namespace, name, rules)
                wait_until(lambda: all(who.may(rule) for rule in rules), f"{name} has the rights")
            return who

        yield make


def _grant(http: httpx.Client, namespace: str, user: str, rules: tuple[dict[str, Any], ...]) -> None:
    rbac, role = "rbac.authorization.k8s.io", user.replace(":", ".")
    base = f"/apis/{rbac}/v1/namespaces/{namespace}"
    reference = {"apiGroup": rbac, "kind": "Role", "name": role}
    subjects = [{"apiGroup": rbac, "kind": "User", "name": user}]
    http.post(f"{base}/roles", json={"metadata": {"name": role}, "rules": rules}).raise_for_status()
    http.post(f"{base}/rolebindings", json={"metadata": {"name": role}, "roleRef": reference, "subjects": subjects}).raise_for_status()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Ask until it is so: rights and policies reach the API server's decisions through its own watches, within milliseconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"not within 20 s: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def policies(cluster: ApiServer, kubectl: Kubectl) -> Iterator[None]:
    """The policies of manifests/admission in force, and taken back afterwards: other tests share the API server."""
    with cluster.client() as http:
        _grant(http, "default", "owner", OWNER)
        _grant(http, "default", "outsider", (EVERYTHING_OF_OURS,))
        owner, outsider = Person("owner", "default", http), Person("outsider", "default", http)
        tried: dict[str, Callable[[], httpx.Response]] = {
            "author": lambda: outsider.create(model(), dryRun="All"),
            "pin": lambda: owner.create(model(pin={"version": "nightly-5-00000005"}), dryRun="All"),
            "rebase": lambda: owner.create(model() | {"metadata": {"name": "x", **annotated(rebased_by="x")["metadata"]}}, dryRun="All"),
            "approve": lambda: owner.create(retrain(requested_by="owner", approved_by="x"), dryRun="All"),
            "requester": lambda: owner.create(retrain(), dryRun="All"),
            "results": lambda: owner.create(labelled("Job"), dryRun="All"),
        }
        try:
            kubectl("apply", "--server-side", *(word for policy in tried for word in ("-f", str(ADMISSION / f"{policy}.yaml"))))
            for policy, attempt in tried.items():
                refusal = f"ValidatingAdmissionPolicy '{policy}.{GROUP}'"
                wait_until(lambda attempt=attempt, refusal=refusal: refusal in attempt().text, f"{refusal} is in force")  # type: ignore[misc]
            stamp(kubectl, owner, present=True)
            yield
        finally:
            kubectl("delete", "--ignore-not-found", "--kustomize", str(ADMISSION))


def stamp(kubectl: Kubectl, owner: Person, *, present: bool) -> None:
    """Have the policy that stamps requests, or have it not, as on a cluster before Kubernetes 1.36."""
    if present:
        kubectl("apply", "--server-side", "-f", str(ADMISSION / "stamp.yaml"))
    else:
        kubectl("delete", "-f", str(ADMISSION / "stamp.yaml"))
    another = retrain() | {"metadata": {"name": "probe"}}
    wait_until(lambda: owner.create(another, dryRun="All").is_success is present, f"requests are stamped: {present}")
