import copy
from collections.abc import Callable
from typing import Any

import pytest

from hack.cluster.readiness import not_ready

STARTED = "2026-11-24T00:10:00Z"
BEFORE, AFTER = "2026-11-24T00:09:59Z", "2026-11-24T00:10:01Z"

Body = dict[str, Any]


def node() -> Body:
    return {"kind": "Node", "metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def deployment() -> Body:
    return {
        "kind": "Deployment",
        "metadata": {"name": "d", "generation": 2},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, "availableReplicas": 2},
    }


def pod() -> Body:
    container = {"ready": True, "state": {"running": {"startedAt": AFTER}}}
    return {"kind": "Pod", "metadata": {"name": "p"}, "status": {"phase": "Running", "containerStatuses": [container]}}


def test_a_cluster_with_everything_running_is_ready():
    assert not_ready([node(), deployment(), pod()], STARTED) == []


def changed(make: Callable[[], Body], change: Callable[[Body], object]) -> Body:
    body = copy.deepcopy(make())
    change(body)
    return body


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        pytest.param(changed(node, lambda n: n["status"].update(conditions=[])), "node n", id="a node that has said nothing"),
        pytest.param(
            changed(node, lambda n: n["status"]["conditions"][0].update(status="Unknown")), "node n", id="a node that is not heard of"
        ),
        pytest.param(changed(deployment, lambda d: d["status"].update(availableReplicas=1)), "deployment d", id="a replica is missing"),
        pytest.param(
            changed(deployment, lambda d: d["status"].update(observedGeneration=1)), "deployment d", id="numbers of an older generation"
        ),
        pytest.param(changed(deployment, lambda d: d.pop("status")), "deployment d", id="a deployment that nobody has looked at"),
        pytest.param(changed(pod, lambda p: p["status"].pop("containerStatuses")), "pod p", id="a pod without containers"),
        pytest.param(
            changed(pod, lambda p: p["status"]["containerStatuses"][0].update(ready=False)), "pod p", id="a container is not ready"
        ),
        pytest.param(
            changed(pod, lambda p: p["status"]["containerStatuses"][0]["state"]["running"].update(startedAt=BEFORE)),
            "pod p",
            id="a container that was ready before the node was started again",
        ),
        pytest.param(
            changed(pod, lambda p: p["status"]["containerStatuses"][0].update(state={"waiting": {"reason": "CrashLoopBackOff"}})),
            "pod p",
            id="a container that waits to be started again",
        ),
    ],
)
def test_what_is_missing_is_named(body: Body, missing: str):
    others = [make() for make in (node, deployment, pod) if make()["kind"] != body["kind"]]
    assert not_ready([body, *others], STARTED) == [missing]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(changed(pod, lambda p: p.update(status={"phase": "Succeeded"})), id="a pod that has done its work"),
        pytest.param(
            changed(pod, lambda p: (p["metadata"].update(deletionTimestamp=AFTER), p["status"].clear())), id="a pod that is going"
        ),
    ],
)
def test_pods_that_need_not_run_are_not_waited_for(body: Body):
    assert not_ready([node(), deployment(), body], STARTED) == []


def test_nothing_at_all_is_not_ready():
    assert not_ready([], STARTED) == ["any node", "any deployment", "any pod"]
