"""The Jobs, as a real API server reads them; the test's namespace enforces the restricted Pod Security Standard."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from modelsafeguard.core.model import Prune, Verification
from modelsafeguard.objects.jobs import Images, prune_job, reader_job, training_job, verify_job

IMAGES = Images(measure="measure")


@pytest.fixture(params=["training", "training for a full model", "reading", "pruning", "verifying"])
def job(request, smallest, full, request_):
    account_of_the_namespace = replace(full, spec=replace(full.spec, trainer=replace(full.spec.trainer, service_account_name="default")))
    return {
        "training": lambda: training_job(smallest, request_, IMAGES),
        "training for a full model": lambda: training_job(account_of_the_namespace, request_, IMAGES, node="node-3"),
        "reading": lambda: reader_job(full, request_, IMAGES),
        "pruning": lambda: prune_job(smallest, Prune("intents-prune-1", ("a-1",), datetime.now(UTC)), IMAGES),
        "verifying": lambda: verify_job(smallest, Verification("intents-verify-1", "a-1", "sha256:1", datetime.now(UTC)), IMAGES),
    }[request.param]()


def test_every_field_is_known_to_kubernetes(api, namespace, job):
    reply = api.post(f"/apis/batch/v1/namespaces/{namespace}/jobs", params={"dryRun": "All", "fieldValidation": "Strict"}, json=job)
    assert reply.is_success, reply.text
    assert "warning" not in reply.headers


def test_its_pod_passes_the_restricted_pod_security_standard(api, namespace, job):
    pod = {"metadata": {"name": "tried"}, "spec": job["spec"]["template"]["spec"]}
    reply = api.post(f"/api/v1/namespaces/{namespace}/pods", params={"dryRun": "All", "fieldValidation": "Strict"}, json=pod)
    assert reply.is_success, reply.text


def test_a_pod_without_the_hardening_would_not_pass(api, namespace, job):
    spec = job["spec"]["template"]["spec"] | {"securityContext": {}}
    reply = api.post(f"/api/v1/namespaces/{namespace}/pods", params={"dryRun": "All"}, json={"metadata": {"name": "tried"}, "spec": spec})
    assert reply.status_code == 403
    assert "violates PodSecurity" in reply.json()["message"]
