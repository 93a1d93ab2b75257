"""What a self-test sets up in a namespace of its own: a claim, a served model without a version yet, and requests for known candidates."""

from decimal import Decimal
from typing import Any, Final

from modelsafeguard.api.modeldeployment import spec_to_json
from modelsafeguard.api.names import API_VERSION, MODEL_KIND, REQUEST_KIND
from modelsafeguard.api.retrainrequest import spec_to_json as request_spec_to_json
from modelsafeguard.core.model import ModelSpec, Parameter, Serving, Storage, Trainer
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import Profile
from modelsafeguard.core.request import RequestSpec
from modelsafeguard.objects.pods import CONTAINER_SECURITY, POD_SECURITY, SCRATCH_PATH, mount

NAME: Final = "selftest"
CANDIDATE: Final = "candidate"
# Strict, with a tolerance that a holdout of some hundred rows can tell, and no person to ask about a large gain.
POLICY: Final = Policy(
    tuple(MetricRule(name, Decimal("0.05"), max_gain=Decimal(1)) for name in ("accuracy", "f1_macro")), profile=Profile.STRICT
)
_PORT: Final = 8080
_LABELS: Final = {"app.kubernetes.io/name": NAME}


def namespace(name: str) -> dict[str, Any]:
    """A namespace that holds its pods to the restricted Pod Security Standard."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {**_LABELS, "pod-security.kubernetes.io/enforce": "restricted"}},
    }


def claim(storage_class: str | None) -> dict[str, Any]:
    """The claim that holds the versions; of the default storage class where none is named."""
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    if storage_class:
        spec["storageClassName"] = storage_class
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": NAME}, "spec": spec}


def deployment(image: str) -> dict[str, Any]:
    """The reference model server: ready once it serves a version."""
    server = {
        "name": "server",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "trainer.server"],
        "env": [{"name": "MODEL_NAME", "value": NAME}, {"name": "DRAIN_SECONDS", "value": "0"}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": _PORT}, "periodSeconds": 1},
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": [mount("model", "/model", read_only=True), mount("tmp", SCRATCH_PATH)],
    }
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": dict(POD_SECURITY),
        "containers": [server],
        "volumes": [{"name": "model", "persistentVolumeClaim": {"claimName": NAME}}, {"name": "tmp", "emptyDir": {}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "labels": _LABELS},
        "spec": {"replicas": 1, "selector": {"matchLabels": _LABELS}, "template": {"metadata": {"labels": _LABELS}, "spec": spec}},
    }


def model(image: str) -> dict[str, Any]:
    """The model under test, whose trainer makes whichever candidate a request asks for."""
    spec = ModelSpec(
        serving=Serving(NAME, "server", "model", bake_seconds=1),
        storage=Storage(NAME, NAME),
        trainer=Trainer(
            image=image,
            command=("python", "-m", "trainer.known_bad"),
            image_pull_policy="IfNotPresent",
            parameters=(Parameter(CANDIDATE, "[a-z-]+"),),
            active_deadline_seconds=600,
        ),
        policy=POLICY,
    )
    return {"apiVersion": API_VERSION, "kind": MODEL_KIND, "metadata": {"name": NAME}, "spec": spec_to_json(spec)}


def request(candidate: str) -> dict[str, Any]:
    """The request for one candidate, named after it."""
    spec = RequestSpec(model=NAME, parameters={CANDIDATE: candidate})
    return {"apiVersion": API_VERSION, "kind": REQUEST_KIND, "metadata": {"name": candidate}, "spec": request_spec_to_json(spec)}
