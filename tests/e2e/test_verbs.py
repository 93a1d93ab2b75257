"""What people ask on the command line: a report, whether it is true, what another policy would have decided, and the self-test."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from hack.cluster.places import REPOSITORY
from hack.demo.kube import Json, Kube
from hack.demo.world import MODEL, World, expect_verdict
from tests.e2e.volume import Volume

Ask = Callable[..., subprocess.CompletedProcess[str]]

# All that docs/policy.md says is needed to read a report.
RIGHTS = [
    {"apiGroups": ["modelsafeguard.io"], "resources": ["modeldeployments"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get", "list", "delete"]},
    {"apiGroups": [""], "resources": ["pods/log", "persistentvolumeclaims"], "verbs": ["get"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list"]},
]


def asked(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one verb with a kubeconfig."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "operator"), "KUBECONFIG": str(kubeconfig)}
    command = [sys.executable, "-m", "modelsafeguard.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=1800)


@pytest.fixture(scope="module")
def engineer(live_world: World, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Somebody who has those rights in the model's namespace, and no others."""
    kube = live_world.kube
    kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "engineer"}})
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "engineer"}}
    kube.create(rbac | {"kind": "Role", "rules": RIGHTS})
    role = {"kind": "Role", "name": "engineer", "apiGroup": "rbac.authorization.k8s.io"}
    subject = {"kind": "ServiceAccount", "name": "engineer", "namespace": kube.namespace}
    kube.create(rbac | {"kind": "RoleBinding", "roleRef": role, "subjects": [subject]})
    path = tmp_path_factory.mktemp("engineer") / "kubeconfig"
    path.write_text(yaml.safe_dump(_as(kube, kube.kubectl("create", "token", "engineer").strip())))
    return lambda *arguments: asked(path, *arguments, "--namespace", kube.namespace)


def _as(kube: Kube, token: str) -> Json:
    """The administrator's kubeconfig with somebody else's token."""
    config: Json = yaml.safe_load(kube.kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    return config


def record(world: World) -> list[Json]:
    """The past candidates of the model."""
    return list(world.model()["status"]["versions"])


def readers(world: World) -> list[str]:
    """The pods that read reports."""
    return [pod["metadata"]["name"] for pod in world.kube.all("Pod", "app.kubernetes.io/component=report")]


def test_the_report_on_a_version_is_fetched_as_a_page_and_as_json_and_nothing_is_left_behind(live_world: World, engineer: Ask) -> None:
    # given a version that is live
    version = live_world.live()
    # when its report is asked for
    page, data = (engineer("report", MODEL, version, "--format", form) for form in ("html", "json"))
    # then both forms arrive whole, and agree with the record
    assert (page.returncode, data.returncode) == (0, 0), page.stderr + page.stdout + data.stderr + data.stdout
    assert page.stdout.startswith("<!doctype html>")
    assert "Accepted, to be Promoted" in page.stdout
    (kept,) = (each for each in record(live_world) if each["version"] == version)
    assert json.loads(data.stdout)["compact"] == json.loads(kept["judged"])["report"]
    # and the pods that read them are gone, or about to be
    assert all("deletionTimestamp" in live_world.kube.get("Pod", name)["metadata"] for name in readers(live_world))


def test_a_version_that_there_is_not_is_said_to_have_no_report(engineer: Ask) -> None:
    answer = engineer("report", MODEL, "never-was")
    assert (answer.returncode, answer.stderr) == (1, "")
    assert answer.stdout == "The report on never-was could not be fetched: There is no reports/never-was.html on the volume.\n"


def test_somebody_without_the_rights_is_told_so_by_the_api_server(live_world: World, tmp_path: Path) -> None:
    live_world.kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}})
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(_as(live_world.kube, live_world.kube.kubectl("create", "token", "nobody").strip())))
    answer = asked(path, "report", MODEL, live_world.live(), "--namespace", live_world.kube.namespace)
    assert answer.returncode == 1
    assert "cannot get resource" in answer.stderr


def test_a_report_agrees_with_the_files_until_one_of_the_two_is_changed(live_world: World, engineer: Ask, volume: Volume) -> None:
    # given a candidate that was compared with the live version row by row, and whose files stay
    request = live_world.ask("to-be-verified", dataset="full")
    version = expect_verdict(live_world.verdict(request), "Promoted")["version"]
    # then its report follows from the files
    answer = engineer("verify", MODEL, version)
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stdout
    assert answer.stdout == f"The report on {version} agrees with the files: every number and the verdict came out the same.\n"
    # and when somebody makes the verdict another one in it, that is found
    path, other = f"/store/{MODEL}/reports/{version}.json", 's/"verdict": null/"verdict": "Rejected"/'
    volume.run("sh", "-c", f"chmod u+w {path} && sed -i '{other}' {path}")
    answer = engineer("verify", MODEL, version)
    assert answer.returncode == 3
    assert "judgement.verdict: 'Rejected' in the report, nothing from the files" in answer.stdout


def test_another_policy_is_tried_on_the_past_candidates(live_world: World, engineer: Ask, tmp_path: Path) -> None:
    # given the version that is live, which was accepted
    version = live_world.live()
    # when a policy is replayed that asks for more than it has
    policy = tmp_path / "policy.yaml"
    policy.write_text('metrics: [{name: accuracy, maxDrop: "0.01", minValue: "0.999"}]\ngates: [{name: MetricFloor, mode: Enforce}]\n')
    answer = engineer("replay", MODEL, "--policy", str(policy))
    # then that one is marked, and every candidate has its row
    assert (answer.returncode, answer.stderr) == (0, "")
    rows = [line.split() for line in answer.stdout.splitlines()]
    assert ["*", version] in [row[:2] for row in rows]
    assert {each["version"] for each in record(live_world)} <= {word for row in rows for word in row}


def test_the_self_test_passes_on_this_installation_and_tidies_up(operator: Kube, images: Mapping[str, str]) -> None:
    answer = asked(operator.kubeconfig, "selftest", "--trainer", images["modelsafeguard/trainer"])
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stdout
    assert "🎯 All 8 verdicts are right." in answer.stdout
    name = answer.stdout.splitlines()[0].split()[-1]
    left = operator.find("Namespace", name)
    assert left is None or "deletionTimestamp" in left["metadata"]
