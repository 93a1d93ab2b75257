"""What a rollout applies, and its undoing, on a real API server: who owns which field, and what is left."""

from copy import deepcopy

import pytest

from modelsafeguard.api import modeldeployment
from modelsafeguard.api.names import FIELD_MANAGER
from modelsafeguard.core.model import ServingState
from modelsafeguard.objects.serving import metadata_patch, serving_patch
from tests.support.objects import model_deployment

FIRST = ServingState("intents/versions/a-1", "a-1", "sha256:1", "a-1")
SECOND = ServingState("intents/versions/b-2", "b-2", "sha256:2", "b-2")
NOTHING = ServingState()


class Server:
    """The owner's Deployment, as the owner and the operator change it."""

    def __init__(self, api, model):
        self.api, self.model = api, model
        self.url = f"/apis/apps/v1/namespaces/{model.meta.namespace}/deployments"
        self.manifest = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "intents-server", "namespace": model.meta.namespace},
            "spec": {
                "selector": {"matchLabels": {"app": "server"}},
                "template": {
                    "metadata": {"labels": {"app": "server"}},
                    "spec": {
                        "containers": [
                            {
                                "name": "server",
                                "image": "server:1",
                                "env": [{"name": "MODEL_NAME", "value": "intents"}],
                                "volumeMounts": [{"name": "model", "mountPath": "/models/current"}],
                            }
                        ],
                        "volumes": [{"name": "model", "persistentVolumeClaim": {"claimName": "models"}}],
                    },
                },
            },
        }

    def applied(self, body, manager):
        reply = self.api.patch(
            f"{self.url}/intents-server",
            params={"fieldManager": manager, "fieldValidation": "Strict"},
            json=body,
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        assert reply.is_success, reply.text
        return reply.json()

    def rolled_out(self, target):
        now = self.api.get(f"{self.url}/intents-server").raise_for_status().json()
        return self.applied(serving_patch(self.model, "/models/current", target, now["metadata"]["resourceVersion"]), FIELD_MANAGER)


def served(deployment) -> ServingState:
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    (mount,) = container["volumeMounts"]
    annotation = template["metadata"].get("annotations", {}).get("modelsafeguard.io/version")
    return ServingState(mount.get("subPath"), env.get("MODEL_VERSION"), env.get("MODEL_DIGEST"), annotation)


@pytest.fixture(params=["applied", "created"])
def server(request, api, smallest) -> Server:
    """The owner's Deployment: applied server-side, as GitOps does, or simply created, as most are."""
    server = Server(api, smallest)
    if request.param == "applied":
        server.applied(server.manifest, "owner")
    else:
        api.post(server.url, json=server.manifest).raise_for_status()
    return server


def test_a_rollout_sets_our_fields_and_no_others(server):
    before = deepcopy(server.manifest["spec"]["template"]["spec"]["containers"][0])
    deployment = server.rolled_out(FIRST)
    assert served(deployment) == FIRST
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == before["image"]
    assert before["env"][0] in container["env"]


def test_the_next_rollout_replaces_them(server):
    server.rolled_out(FIRST)
    assert served(server.rolled_out(SECOND)) == SECOND


def test_undoing_the_first_rollout_leaves_exactly_what_was_found(server, api):
    found = api.get(f"{server.url}/intents-server").json()["spec"]
    server.rolled_out(FIRST)
    assert server.rolled_out(NOTHING)["spec"] == found


def test_the_same_values_again_change_nothing(server):
    first = server.rolled_out(FIRST)
    assert server.rolled_out(FIRST)["metadata"]["generation"] == first["metadata"]["generation"]


def test_a_deployment_that_changed_meanwhile_is_not_patched(server, api):
    body = serving_patch(server.model, "/models/current", FIRST, "1")
    reply = api.patch(
        f"{server.url}/intents-server",
        params={"fieldManager": FIELD_MANAGER},
        json=body,
        headers={"Content-Type": "application/apply-patch+yaml"},
    )
    assert reply.status_code == 409


def test_a_deployment_that_is_gone_is_not_made_again(api, smallest):
    body = serving_patch(smallest, "/models/current", FIRST, "1")
    reply = api.patch(
        f"/apis/apps/v1/namespaces/{smallest.meta.namespace}/deployments/intents-server",
        params={"fieldManager": FIELD_MANAGER},
        json=body,
        headers={"Content-Type": "application/apply-patch+yaml"},
    )
    assert reply.status_code in {404, 409, 422}, reply.text


@pytest.mark.usefixtures("cluster")
def test_numbers_that_were_decided_on_an_old_record_are_not_annotated(api, smallest):
    models = f"/apis/modelsafeguard.io/v1alpha1/namespaces/{smallest.meta.namespace}/modeldeployments"
    old = modeldeployment.from_body(api.post(models, json=model_deployment(smallest.meta.name)).raise_for_status().json())

    def annotated(model, number):
        return api.patch(
            f"{models}/{model.meta.name}",
            params={"fieldManager": FIELD_MANAGER, "force": "true"},
            json=metadata_patch(model, {"modelsafeguard.io/accuracy": number}),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )

    assert annotated(old, "0.9").is_success
    assert annotated(old, "0.8").status_code == 409
    now = modeldeployment.from_body(api.get(f"{models}/{smallest.meta.name}").json())
    assert now.meta.annotations == {"modelsafeguard.io/accuracy": "0.9"}
    assert annotated(now, "0.7").is_success
