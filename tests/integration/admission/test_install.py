"""manifests/, as kubectl renders and the API server reads it."""

from typing import Any

import pytest
import yaml

from tests.support.binaries import ROOT

MANIFESTS = ROOT / "manifests"


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
