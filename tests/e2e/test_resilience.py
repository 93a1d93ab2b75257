"""The operator or the API server dies at a moment that nobody chose, or the operator is there twice, or not at all for a while:
everything still happens, and happens once.
"""

import logging
import random
from collections import Counter
from contextlib import ExitStack
from itertools import pairwise
from threading import Event

import pytest

from hack.demo.kube import Json, Kube
from hack.demo.world import World, expect_sentence, expect_verdict, is_true
from tests.e2e.assassin import Assassin
from tests.e2e.node import Node
from tests.e2e.operators import operators
from tests.e2e.states import has_its_job, in_stage

log = logging.getLogger(__name__)

LONGEST_WAIT = 4.0  # seconds into a stage; training and rollout both take longer


@pytest.fixture(scope="module")
def assassin(operator: Kube, images) -> Assassin:
    return Assassin(operator, images["modelsafeguard/trainer"])


@pytest.fixture
def two_operators(operator: Kube):
    with operators(operator, 2):
        yield


def at_a_random_moment_of(world: World, request: str, stage: str) -> None:
    """Return at some moment after the request has reached the stage."""
    world.kube.until("RetrainRequest", request, f"stage {stage}", in_stage(stage), within=60)
    moment = random.uniform(0, LONGEST_WAIT)
    log.info("the moment: %.2f s into %s", moment, stage)
    Event().wait(moment)


def events_about(world: World, name: str) -> Counter[str]:
    return Counter(event["reason"] for event in world.kube.all("Event") if event.get("regarding", {}).get("name") == name)


def assert_happened_once(world: World, request: Json, jobs: list[Json]) -> None:
    name, status = request["metadata"]["name"], request["status"]
    made = {job["metadata"]["uid"] for job in jobs if job["metadata"]["labels"].get("modelsafeguard.io/request") == name}
    assert made == {status["job"]["uid"]}
    told = events_about(world, name)
    assert told["TrainingStarted"] == 1
    assert set(told.values()) == {1}, f"an Event was made twice: {told}"
    recorded = [each for each in world.model()["status"]["versions"] if each["version"] == status["version"]]
    assert len(recorded) == 1


def test_an_operator_killed_in_training_and_in_the_rollout_finishes_both_once(live_world: World, assassin: Assassin) -> None:
    # given a live model
    before = live_world.served()
    with live_world.kube.recorded("Job") as jobs, live_world.asked_all_the_time():
        # when the operator is killed twice on the way to a better one
        request = live_world.ask("killed", dataset="full")
        for stage in ("Training", "RollingOut"):
            at_a_random_moment_of(live_world, request, stage)
            assert assassin.kill() == 1
        ended = live_world.verdict(request)
    # then there was one Job, one rollout, one verdict, and no failed request
    expect_verdict(ended, "Promoted")
    assert_happened_once(live_world, ended, jobs)
    assert live_world.served().generation == before.generation + 1


@pytest.mark.usefixtures("two_operators")
def test_two_operators_at_once_both_killed_in_between_do_everything_once_and_in_order(live_world: World, assassin: Assassin) -> None:
    # given two operators, and three requests at the same time
    before = live_world.served()
    with live_world.kube.recorded("Job") as jobs:
        names = [live_world.ask(f"twice-{number}", dataset=dataset) for number, dataset in enumerate(("noisy", "slightly-worse", "noisy"))]
        # when both are killed while the first is at work
        at_a_random_moment_of(live_world, names[0], "Training")
        assert assassin.kill() == 2
        ended = [live_world.verdict(name) for name in names]
    # then each was trained once, one after the other, and what was to be rolled out was rolled out once
    for request, verdict in zip(ended, ("Rejected", "Promoted", "Rejected"), strict=True):
        expect_verdict(request, verdict)
        assert_happened_once(live_world, request, jobs)
    # Times are in whole seconds: of requests with the same one any may be the older.
    in_turn = sorted(ended, key=lambda request: request["status"]["startedAt"])
    assert all(one["status"]["finishedAt"] <= next_one["status"]["startedAt"] for one, next_one in pairwise(in_turn))
    ages = [request["metadata"]["creationTimestamp"] for request in in_turn]
    assert ages == sorted(ages)
    assert live_world.served().generation == before.generation + 1


def test_an_api_server_that_dies_in_training_or_in_the_rollout_changes_nothing_of_how_they_end(live_world: World, node: Node) -> None:
    # given a live model
    before = live_world.served()
    # when the API server is killed on the way to another one; once only, since kubelet waits longer and longer before it starts it again
    request = live_world.ask("without-api-server", dataset="slightly-worse")
    at_a_random_moment_of(live_world, request, random.choice(("Training", "RollingOut")))
    node.kill_api_server()
    ended = live_world.verdict(request)
    # then there was one Job, one rollout and one verdict
    expect_verdict(ended, "Promoted")
    assert_happened_once(live_world, ended, live_world.kube.all("Job"))
    assert live_world.served().generation == before.generation + 1


def test_a_report_that_was_lost_with_its_pod_is_read_again_from_the_volume_and_nothing_is_trained_again(
    live_world: World, operator: Kube, node: Node
) -> None:
    before, kube = live_world.served(), live_world.kube
    with kube.recorded("Job") as jobs, kube.recorded("Pod") as pods:
        # given a training that cannot begin before the operator is away
        with ExitStack() as away:
            with node.cordoned():
                name = live_world.ask("message-lost", dataset="noisy")
                request = kube.until("RetrainRequest", name, "its Job", has_its_job, within=60)
                away.enter_context(operators(operator, 0))
            # when it ends, and its pod goes before anybody has read what it said
            version = request["status"]["version"]
            kube.until("Job", version, "its completion", is_true("Complete"), within=120)
            for pod in kube.all("Pod", f"batch.kubernetes.io/job-name={version}"):
                kube.delete("Pod", pod["metadata"]["name"])
                kube.gone("Pod", pod["metadata"]["name"], within=60)
        status = expect_verdict(live_world.verdict(name), "Rejected")
    # then the verdict is as if nothing had been, by a reader and without a second training
    expect_sentence(status, "Performance degraded")
    assert _made(jobs, name) == {(status["job"]["uid"], "train"), (status["reader"]["uid"], "reader")}
    assert sorted(role for _, role in _made(pods, name)) == ["reader", "train"]
    assert live_world.served() == before


def _made(states: list[Json], request: str) -> set[tuple[str, str]]:
    """The uids and roles of all that was ever there for a request."""
    labels = ((body["metadata"]["uid"], body["metadata"].get("labels", {})) for body in states)
    return {(uid, each["modelsafeguard.io/role"]) for uid, each in labels if each.get("modelsafeguard.io/request") == request}
