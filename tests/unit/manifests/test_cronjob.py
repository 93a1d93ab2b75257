import argparse

from modelsafeguard.api.names import GROUP, REQUEST_PLURAL
from modelsafeguard.cli import request


def test_a_nightly_request_is_named_after_its_job_so_that_a_tick_run_twice_makes_one(documents):
    (cronjob,) = documents("manifests/cronjob/cronjob.yaml")
    (container,) = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][container["args"].index("--name") + 1] == "$(JOB_NAME)"
    assert container["env"] == [
        {"name": "JOB_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}}
    ]


def test_the_name_of_its_job_fits_a_request(documents):
    (cronjob,) = documents("manifests/cronjob/cronjob.yaml")
    minutes_since_1970 = "-29381760"
    assert len(cronjob["metadata"]["name"] + minutes_since_1970) <= 52


def test_it_may_ask_and_nothing_else(documents):
    role = next(document for document in documents("manifests/cronjob/rights.yaml") if document["kind"] == "Role")
    assert role["rules"] == [{"apiGroups": [GROUP], "resources": [REQUEST_PLURAL], "verbs": ["create"]}]


def test_its_pod_passes_the_restricted_pod_security_standard(documents):
    (cronjob,) = documents("manifests/cronjob/cronjob.yaml")
    pod = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    security = pod["containers"][0]["securityContext"]
    assert security == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def test_what_it_runs_is_what_the_command_line_understands(documents):
    (cronjob,) = documents("manifests/cronjob/cronjob.yaml")
    (container,) = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    *program, verb = container["command"]
    assert (program, verb) == (["python", "-m", "modelsafeguard.cli"], "request")
    parser = argparse.ArgumentParser()
    request.add_to(parser.add_subparsers())
    assert request.manifest(parser.parse_args([verb, *container["args"]]))["spec"] == {
        "modelDeploymentRef": {"name": "intents"},
        "trigger": "cron",
        "ttlSecondsAfterFinished": 604800,
    }
