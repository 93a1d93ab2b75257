"""manifests/ and the examples that build on it, as kubectl renders and the API server reads them."""

import os
from typing import Any

import pytest
import yaml

from hack.demo.manifests import DEMO, STANDING_IN, substituted
from hack.demo.setup import IMAGES
from tests.support.binaries import ROOT

MANIFESTS = ROOT / "manifests"
OVERLAYS = ROOT / "examples" / "install"
OPERATOR = ("Deployment", "modelsafeguard-operator")
PUSHED = "@sha256:AS-DOCKER-PUSH-PRINTED-IT"


def by_name(text: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(document["kind"], document["metadata"]["name"]): document for document in yaml.safe_load_all(text) if document}


def test_install_yaml_is_what_the_cluster_overlay_renders(kubectl):
    assert by_name(kubectl("kustomize", str(MANIFESTS / "cluster"))) == by_name((MANIFESTS / "install.yaml").read_text())


@pytest.mark.usefixtures("cluster")
def test_the_whole_install_is_taken_by_the_api_server(kubectl):
    """With unknown fields refused, which kubectl does. A dry run: nothing of it stays."""
    documents = by_name((MANIFESTS / "install.yaml").read_text())
    for (kind, name), document in documents.items():
        if document["metadata"].get("namespace"):
            document["metadata"]["namespace"] = "default"
        done = kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(document))
        assert "serverside-applied" in done, (kind, name)


@pytest.mark.parametrize("overlay", ["namespaced", "cronjob"])
def test_an_overlay_for_one_namespace_has_nothing_of_the_clusters(kubectl, overlay):
    documents = by_name(kubectl("kustomize", str(MANIFESTS / overlay)))
    assert documents
    assert all("namespace" in document["metadata"] for document in documents.values())


def test_the_namespaced_operator_watches_the_namespace_that_it_runs_in(kubectl):
    documents = by_name(kubectl("kustomize", str(MANIFESTS / "namespaced")))
    (container,) = documents["Deployment", "modelsafeguard-operator"]["spec"]["template"]["spec"]["containers"]
    assert {"name": "SAFEGUARD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}} in container["env"]


@pytest.mark.parametrize("overlay", ["namespaced", "cronjob"])
def test_an_overlay_is_taken_by_the_api_server(kubectl, namespace, overlay):
    rendered = kubectl("kustomize", str(MANIFESTS / overlay))
    for (kind, name), document in by_name(rendered).items():
        document["metadata"]["namespace"] = namespace
        done = kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(document))
        assert "serverside-applied" in done, (kind, name)


def container_of(documents: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    (container,) = documents[OPERATOR]["spec"]["template"]["spec"]["containers"]
    return container


@pytest.mark.parametrize("overlay", ["cluster", "namespaced"])
def test_an_overlay_of_ones_own_names_both_images_and_changes_nothing_else(kubectl, overlay):
    ours, theirs = (by_name(kubectl("kustomize", str(folder / overlay))) for folder in (MANIFESTS, OVERLAYS))
    variables = {entry["name"]: entry.get("value") for entry in container_of(theirs)["env"]}
    assert container_of(theirs)["image"] == f"YOUR-REGISTRY/modelsafeguard-operator{PUSHED}"
    assert variables["SAFEGUARD_MEASURE_IMAGE"] == f"YOUR-REGISTRY/modelsafeguard-measure{PUSHED}"
    assert set(variables) == {entry["name"] for entry in container_of(ours)["env"]}
    for documents in (ours, theirs):
        documents[OPERATOR]["spec"]["template"]["spec"]["containers"] = [container_of(documents) | {"image": "", "env": []}]
        for document in documents.values():
            if document["metadata"].get("namespace") in {"modelsafeguard", "your-namespace"}:
                document["metadata"]["namespace"] = "any"
        for subject in (each for document in documents.values() for each in document.get("subjects", [])):
            subject.pop("namespace", None)
    assert theirs == ours


def test_an_overlay_for_ones_own_namespace_binds_the_operators_account_there(kubectl):
    documents = by_name(kubectl("kustomize", str(OVERLAYS / "namespaced")))
    assert {document["metadata"]["namespace"] for document in documents.values()} == {"your-namespace"}
    (subject,) = documents["RoleBinding", "modelsafeguard-operator"]["subjects"]
    assert subject["namespace"] == "your-namespace"


@pytest.mark.usefixtures("cluster")
def test_an_overlay_for_ones_own_namespace_is_applied_as_the_readme_says(kubectl, namespace, tmp_path):
    overlay = yaml.safe_load((OVERLAYS / "namespaced" / "kustomization.yaml").read_text())
    base = os.path.relpath(MANIFESTS / "namespaced", tmp_path.resolve())
    overlay |= {"namespace": namespace, "resources": [base]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    assert "deployment.apps/modelsafeguard-operator serverside-applied" in kubectl("apply", "--server-side", "--kustomize", str(tmp_path))
    found = yaml.safe_load(kubectl("get", "deployment", "modelsafeguard-operator", f"--namespace={namespace}", "--output=yaml"))
    assert found["spec"]["template"]["spec"]["containers"][0]["image"].endswith(PUSHED)


@pytest.mark.parametrize("folder", [DEMO, MANIFESTS / "cluster"], ids=["the demo's model", "the operator"])
def test_every_image_that_stands_in_is_one_that_the_demo_builds(kubectl, folder):
    built = {f"modelsafeguard/{name}": name for name in IMAGES}
    text = kubectl("kustomize", str(folder))
    assert STANDING_IN in text
    assert _of_ours(substituted(list(yaml.safe_load_all(text)), built)) == []


def _of_ours(value: Any) -> list[str]:
    """Every string in a tree that is the name of one of our images, with or without a digest."""
    if isinstance(value, dict | list):
        return [text for each in (value.values() if isinstance(value, dict) else value) for text in _of_ours(each)]
    return [value] if isinstance(value, str) and value.startswith("modelsafeguard/") else []
