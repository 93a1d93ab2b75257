from contextlib import contextmanager

import pytest

from bench import load
from hack.cluster.progress import ClusterError
from hack.demo.errors import NotSo
from hack.demo.traffic import Traffic


class AWorld:
    """Every request is promoted; the clients see what they are told to."""

    kube = None

    def __init__(self, verdict="Promoted") -> None:
        self.asked, self._verdict, self.version = [], verdict, "first"

    def live(self):
        return self.version

    def ask(self, name, *, dataset):
        self.asked.append(dataset)
        return name

    def verdict(self, name):
        self.version = f"{name}-1f0c9a2e"
        succeeded = {"type": "Succeeded", "status": str(self._verdict == "Promoted")}
        status = {"verdict": self._verdict, "version": self.version, "message": "", "conditions": [succeeded]}
        return {"metadata": {"name": name}, "status": status}


@pytest.fixture
def clients(monkeypatch):
    """Set how many requests the clients make during each rollout, how many fail, and whether they see the new version."""
    chosen = {"requests": 1000, "failed": 0, "see": True}
    worlds = []

    @contextmanager
    def traffic(*_):
        world, seen = worlds[0], Traffic()
        before = world.version
        yield seen
        seen.requests, seen.failed, seen.seconds, seen.slowest = chosen["requests"], chosen["failed"], 10.0, 0.5
        seen.failures = ["503: not ready"] * chosen["failed"]
        seen.versions = {before: 1} | ({world.version: 1} if chosen["see"] else {})

    monkeypatch.setattr(load, "traffic", traffic)
    return chosen, worlds


def rolled_out(clients, answers, **world):
    clients[1].append(AWorld(**world))
    return load.rolled_out(clients[1][0], answers)


def test_versions_are_rolled_out_until_enough_requests_were_made(clients) -> None:
    assert len(rolled_out(clients, 2500)) == 3
    assert clients[1][0].asked == ["full", "slightly-worse", "full"]


def test_the_rollouts_are_summed_up(clients) -> None:
    failed, rate, slowest = load.summed_up(rolled_out(clients, 2500))
    assert failed.row()[0] == "failed of 3,000 requests during 3 rollouts"
    assert (failed.measured, failed.met, failed.remark) == (0, True, "")
    assert (rate.measured, slowest.measured) == (100, 0.5)


def test_requests_that_failed_are_counted_and_quoted_and_the_rollouts_go_on(clients) -> None:
    clients[0]["failed"] = 1
    failed, *_ = load.summed_up(rolled_out(clients, 2500))
    assert (failed.measured, failed.met) == (3, False)
    assert "503: not ready" in failed.remark


def test_a_rollout_that_the_clients_did_not_see_counts_for_nothing(clients) -> None:
    clients[0]["see"] = False
    with pytest.raises(NotSo, match="Rollout 0 was not seen by the clients"):
        rolled_out(clients, 2500)


def test_a_request_that_is_not_promoted_is_no_rollout(clients) -> None:
    with pytest.raises(NotSo, match="should have ended as Promoted"):
        rolled_out(clients, 2500, verdict="Rejected")


@pytest.fixture
def tool(monkeypatch):
    """The cluster tool's calls, none of which is made."""
    calls, problems = [], []
    monkeypatch.setattr(load.setup, "cluster", lambda name: calls.append(f"up {name}"))
    monkeypatch.setattr(load.setup, "cluster_tool", lambda *words: calls.append(" ".join(words)))
    monkeypatch.setattr(load.Tool, "preflight", lambda _: problems)
    return calls, problems


def test_what_cannot_work_on_the_machine_is_said_before_anything_is_begun(tool) -> None:
    calls, problems = tool
    problems += ["Go is not installed.", "This needs root."]
    with pytest.raises(ClusterError, match=r"Go is not installed\. This needs root\."):
        load.measure(50_000)
    assert calls == []


def test_the_cluster_is_taken_down_whatever_happens(tool, monkeypatch) -> None:
    def no_images(_):
        raise ClusterError("no images")

    monkeypatch.setattr(load.setup, "images", no_images)
    with pytest.raises(ClusterError, match="no images"):
        load.measure(50_000)
    assert tool[0] == ["up safeguard-bench", "down --name safeguard-bench"]


def test_no_cluster_but_its_own_is_met(tool, monkeypatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/elses.kubeconfig")
    monkeypatch.setattr(load.setup, "images", lambda _: pytest.fail("enough"))
    with pytest.raises(pytest.fail.Exception):
        load.measure(50_000)
    assert tool[0][0] == f"up {load.CLUSTER}"
