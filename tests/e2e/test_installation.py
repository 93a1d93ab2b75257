"""An operator for one namespace, as manifests/namespaced installs it: no right beyond it, and it does the whole job."""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from hack.cluster.places import REPOSITORY
from hack.demo.kube import Kube
from hack.demo.manifests import rendered
from hack.demo.setup import OPERATOR
from hack.demo.story import first_model
from tests.e2e.operators import operators

BEYOND = (
    ("modelsafeguard.io", "retrainrequests", "list"),
    ("modelsafeguard.io", "modeldeployments", "patch"),
    ("batch", "jobs", "create"),
    ("apps", "deployments", "patch"),
    ("", "secrets", "get"),
)


def test_an_operator_for_one_namespace_does_its_job_without_a_right_beyond_it(
    new_world, operator: Kube, images: Mapping[str, str], tmp_path: Path
) -> None:
    # given an overlay as the manifest's comment describes it
    world = new_world()
    base = os.path.relpath(REPOSITORY / "manifests" / "namespaced", tmp_path.resolve())
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": world.kube.namespace,
        "resources": [base],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    objects = rendered(world.kube, tmp_path, images)
    assert not [body["kind"] for body in objects if body["kind"].startswith("Cluster")]
    with operators(operator, 0):
        # when it is installed and alone, and a model is asked for
        world.kube.apply(objects)
        world.kube.kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", timeout=130)
        # then the whole job is done
        first_model(world)
    # and anywhere else it may do nothing
    account = f"system:serviceaccount:{world.kube.namespace}:{OPERATOR}"
    assert _may(world.kube, account, BEYOND[0], world.kube.namespace)
    allowed = [each for each in BEYOND for namespace in ("", "default") if _may(world.kube, account, each, namespace)]
    assert not allowed


def _may(kube: Kube, user: str, right: tuple[str, str, str], namespace: str) -> bool:
    """Whether a user has a right (group, resource, verb); an empty namespace means all of them."""
    asked = dict(zip(("group", "resource", "verb"), right, strict=True)) | {"namespace": namespace}
    review = {"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {"user": user, "resourceAttributes": asked}}
    return bool(kube.create(review)["status"]["allowed"])
