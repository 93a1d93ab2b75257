"""The operator dies at a moment that nobody chose, or is there twice: everything still happens, and happens once."""

import logging
import random
from collections import Counter
from itertools import pairwise
from threading import Event

import pytest

from hack.demo.kube import Json, Kube
from hack.demo.setup import OPERATOR
from hack.demo.world import World, expect_verdict
from tests.e2e.assassin import Assassin

log = logging.getLogger(__name__)

LONGEST_WAIT = 4.0  # seconds into a stage; training and rollout both take longer


@pytest.fixture(scope="module")
def assassin(operator: Kube, images) -> Assassin:
    return Assassin(operator, images["modelsafeguard/trainer"])


@pytest.fixture
def two_operators(operator: Kube):
    operator.kubectl("scale", f"deployment/{OPERATOR}", "--replicas=2")
    operator.kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", timeout=130)
    yield
    operator.kubectl("scale", f"deployment/{OPERATOR}", "--replicas=1")
    operator.kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", timeout=130)


def at_a_random_moment_of(world: World, request: str, stage: str) -> None:
    """Return at some moment after the request has reached the stage."""
    world.kube.until("RetrainRequest", request, f"stage {stage}", lambda body: body.get("status", {}).get("stage") == stage, within=60)
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
