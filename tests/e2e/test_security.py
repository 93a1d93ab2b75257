"""Who may do what: nobody borrows the operator's rights, and every pod passes the restricted standard."""

import pytest
from kubernetes.client.exceptions import ApiException

from hack.demo import manifests
from hack.demo.kube import Json, Kube
from hack.demo.world import MODEL, World
from tests.e2e.states import not_ready, waits_for

MALLORY = "mallory"


@pytest.fixture(scope="module")
def mallorys(live_world: World) -> Kube:
    """The same namespace, seen by somebody who may make ModelDeployments and Jobs there, and no more."""
    rules = [
        {"apiGroups": ["modelsafeguard.io"], "resources": ["modeldeployments"], "verbs": ["create", "get", "update", "patch", "delete"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["theirs"], "verbs": ["patch"]},
    ]
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": MALLORY}}
    live_world.kube.create(rbac | {"kind": "Role", "rules": rules})
    subject = {"kind": "User", "name": MALLORY, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "Role", "name": MALLORY, "apiGroup": "rbac.authorization.k8s.io"}
    live_world.kube.create(rbac | {"kind": "RoleBinding", "roleRef": role, "subjects": [subject]})
    return live_world.kube.within(live_world.kube.namespace, user=MALLORY)


@pytest.fixture
def own_model(live_world: World) -> Json:
    """A ModelDeployment with which nothing is wrong: its author's own Deployment and folder, nobody's ServiceAccount."""
    documents = manifests.rendered(live_world.kube, manifests.QUICKSTART, live_world.words)
    model = next(body for body in documents if body["kind"] == "ModelDeployment")
    model["metadata"]["name"] = "theirs"
    model["spec"]["serving"]["deploymentName"] = "theirs"
    model["spec"]["storage"]["path"] = "theirs"
    return model


def test_a_model_of_ones_own_is_let_in(mallorys: Kube, own_model: Json) -> None:
    assert mallorys.create(own_model)
    mallorys.delete("ModelDeployment", "theirs")


@pytest.mark.parametrize(
    ("alter", "sentence"),
    [
        pytest.param(
            {"serving": {"deploymentName": MODEL}},
            f"The operator would patch Deployment {MODEL} for this model, and {MALLORY} may not patch it",
            id="another's Deployment",
        ),
        pytest.param(
            {"trainer": {"serviceAccountName": "modelsafeguard-nightly"}},
            f"The trainer would run as ServiceAccount modelsafeguard-nightly, and {MALLORY} may not impersonate it",
            id="another's ServiceAccount",
        ),
    ],
)
def test_the_operators_rights_are_not_lent(mallorys: Kube, own_model: Json, alter: Json, sentence: str) -> None:
    for part, fields in alter.items():
        own_model["spec"][part] |= fields
    with pytest.raises(ApiException) as refused:
        mallorys.create(own_model)
    assert refused.value.status == 403
    assert sentence in str(refused.value.body)
    assert mallorys.find("ModelDeployment", "theirs") is None


def test_nothing_is_done_for_a_younger_model_in_anothers_folder(live_world: World, mallorys: Kube, own_model: Json) -> None:
    # given a model whose folder lies inside another's, which its author could mount in a Job anyway
    own_model["spec"]["storage"]["path"] = f"{MODEL}/versions"
    mallorys.create(own_model)
    # when a training is asked for
    request = {"apiVersion": "modelsafeguard.io/v1alpha1", "kind": "RetrainRequest", "metadata": {"name": "intruding"}}
    with live_world.kube.recorded("Job") as jobs:
        live_world.kube.create(request | {"spec": {"modelDeploymentRef": {"name": "theirs"}}})
        # then the model and the request say why nothing is done, and nothing is
        model = live_world.kube.until("ModelDeployment", "theirs", "Ready=False/Conflict", not_ready("Conflict"), within=30)
        older = waits_for(f"ModelDeployment {MODEL} is older")
        live_world.kube.until("RetrainRequest", "intruding", "its reason for waiting", older, within=30)
        live_world.kube.delete("ModelDeployment", "theirs")
        ended = live_world.verdict("intruding", within=60)
    message = next(each["message"] for each in model["status"]["conditions"] if each["type"] == "Ready")
    assert MODEL in message
    assert ended["status"]["verdict"] == "Cancelled"
    assert not [job for job in jobs if job["metadata"]["labels"].get("modelsafeguard.io/model") == "theirs"]


def test_a_model_cannot_be_moved_into_anothers_folder_afterwards(mallorys: Kube, own_model: Json) -> None:
    mallorys.create(own_model)
    with pytest.raises(ApiException) as refused:
        mallorys.merge("ModelDeployment", "theirs", {"spec": {"storage": {"path": MODEL}}})
    mallorys.delete("ModelDeployment", "theirs")
    assert "stay as they were made" in str(refused.value.body)


def test_every_pod_of_ours_was_admitted_by_the_restricted_standard(live_world: World, operator: Kube) -> None:
    for kube in (live_world.kube, operator):
        labels = kube.get("Namespace", kube.namespace)["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    ran = {pod["metadata"]["labels"].get("modelsafeguard.io/role") for pod in live_world.kube.all("Pod", "modelsafeguard.io/role")}
    assert "train" in ran
    assert live_world.pods()
    assert operator.all("Pod", "app.kubernetes.io/component=operator")
