"""What a person sees of the two kinds with nothing but kubectl."""

import json
import re
import time
from pathlib import Path

import pytest
import yaml

from modelsafeguard.api import modeldeployment, retrainrequest
from modelsafeguard.api.names import API_VERSION
from tests.integration.crds.statuses import MODEL_STATUS, REQUEST_STATUS, written
from tests.support.objects import model_deployment, retrain_request

CRDS = Path(__file__).parents[3] / "crds"
PLURALS = ["modeldeployments", "retrainrequests"]


pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def kubectl_here(kubectl, namespace):
    return lambda *args: kubectl("--namespace", namespace, *args)


@pytest.fixture(scope="module")
def published(cluster, kubectl):
    """What the API server tells of the kinds to all who ask, about a second after it has taken them."""
    kubectl("api-resources")  # kubectl explain looks a short name up in its cache alone, which may be older than the kinds
    deadline = time.monotonic() + 30
    with cluster.client() as http:
        while f"apis/{API_VERSION}" not in http.get("/openapi/v3").json()["paths"]:
            assert time.monotonic() < deadline, "the API server has not published the kinds"
            time.sleep(0.1)
        return http.get(f"/openapi/v3/apis/{API_VERSION}").json()


def descriptions(schema):
    """The descriptions of a schema and of all below it."""
    below = {**schema.get("properties", {}), **{key: schema[key] for key in ("items", "additionalProperties") if key in schema}}
    return {"": schema["description"], **{name: descriptions(inner) for name, inner in below.items()}}


def root(plural):
    crd = yaml.safe_load((CRDS / f"{plural}.yaml").read_text(encoding="utf-8"))
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


@pytest.mark.parametrize("plural", PLURALS)
def test_the_api_server_has_nothing_to_say_against_the_kind(kubectl, plural):
    crd = json.loads(kubectl("get", "crd", f"{plural}.modelsafeguard.io", "-o", "json"))
    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize("plural", PLURALS)
def test_what_kubectl_explain_reads_has_every_description(published, plural):
    kind = {"modeldeployments": "ModelDeployment", "retrainrequests": "RetrainRequest"}[plural]
    told = published["components"]["schemas"][f"io.modelsafeguard.v1alpha1.{kind}"]
    for part in ("spec", "status"):
        assert descriptions(told["properties"][part]) == descriptions(root(plural)["properties"][part])


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("mdep", "a newly trained version may replace the live one"),
        ("mdep.spec.serving.onDrift", "ENUM: Report Restore"),
        ("mdep.spec.policy.metrics.maxDrop", "A drop of exactly this much passes"),
        ("mdep.spec.trainer.resources.limits", "What it cannot use more of"),
        ("rr.spec", "modelDeploymentRef <Object> -required-"),
        ("rr.status.verdict", "Rejected: it was measured and is not good enough"),
    ],
)
def test_kubectl_explain_reads_like_a_manual(kubectl, field, said):
    assert said in " ".join(kubectl("explain", field).split())


def table(text):
    """The cells of what kubectl get prints: columns are parted by at least two blanks."""
    return [re.split(r"\s{2,}", line.rstrip()) for line in text.splitlines()]


async def test_kubectl_get_lists_requests_with_their_verdict_and_numbers(client, kubectl_here):
    body = await client.create(retrain_request("nightly-8"))
    await client.replace(written(body, retrainrequest.status_to_json(REQUEST_STATUS)), subresource="status")
    header, row = table(kubectl_here("get", "rr"))
    assert header == ["NAME", "MODEL", "VERDICT", "STAGE", "ΔACCURACY", "ΔF1", "AGE"]
    assert row[:-1] == ["nightly-8", "intents", "Rejected", "Finished", "-0.0500", "-0.0800"]
    header, row = table(kubectl_here("get", "retrainrequests", "-o", "wide"))
    assert (header[-1], row[-1]) == ("REASON", REQUEST_STATUS.conditions[0].message)


async def test_kubectl_get_lists_models_with_their_live_numbers_and_the_last_verdict(client, kubectl_here):
    body = await client.create(model_deployment())
    await client.replace(written(body, modeldeployment.status_to_json(MODEL_STATUS)), subresource="status")
    header, row = table(kubectl_here("get", "mdep"))
    assert header == ["NAME", "VERSION", "READY", "ACCURACY", "F1", "LAST VERDICT", "AGE"]
    assert row[:-1] == ["intents", "nightly-8-1f0c9a2e", "False", "0.8542", "0.80", "Rejected"]
    header, row = table(kubectl_here("get", "modeldeployments", "-o", "wide"))
    assert (header[-1], row[-1]) == ("MESSAGE", MODEL_STATUS.conditions[0].message)


async def test_both_kinds_are_listed_by_their_category(client, kubectl_here):
    await client.create(model_deployment())
    await client.create(retrain_request("nightly-8"))
    listed = kubectl_here("get", "safeguard", "-o", "name").split()
    assert listed == ["modeldeployment.modelsafeguard.io/intents", "retrainrequest.modelsafeguard.io/nightly-8"]


async def test_kubectl_wait_returns_at_the_end_of_a_request(client, kubectl_here):
    body = await client.create(retrain_request("nightly-8"))
    await client.replace(written(body, retrainrequest.status_to_json(REQUEST_STATUS)), subresource="status")
    assert "condition met" in kubectl_here("wait", "rr/nightly-8", "--for=condition=Finished", "--timeout=10s")


def test_the_rendered_kinds_are_the_same_when_kustomize_has_expanded_them(kubectl, tmp_path):
    resources = [f"{plural}.yaml" for plural in PLURALS]
    for name in resources:
        (tmp_path / name).write_text((CRDS / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "kustomization.yaml").write_text(json.dumps({"resources": resources}), encoding="utf-8")
    rendered = {crd["metadata"]["name"]: crd for crd in yaml.safe_load_all(kubectl("kustomize", str(tmp_path)))}
    for plural in PLURALS:
        assert rendered[f"{plural}.modelsafeguard.io"] == yaml.safe_load((CRDS / f"{plural}.yaml").read_text(encoding="utf-8"))
