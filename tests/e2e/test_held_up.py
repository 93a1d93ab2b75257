"""What keeps a training from beginning: the request fails at its deadline, in the words of whoever refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hack.demo.kube import Json
from hack.demo.world import MODEL, World, expect_verdict

NOT_THERE = f"{MODEL}/trainer-that-nobody-built:1"
SECONDS = 10
SECONDS_FOR_AN_IMAGE = 30  # kubelet comes to it only after the container before it has run


NO_PODS: Json = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"pods": "0"}}}
UNBOUND: Json = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "unbound"},
    "spec": {"storageClassName": "nobodys", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@contextmanager
def held_up_by(world: World, obstacle: Json | None, changes: Json) -> Iterator[None]:
    """With an object in the way, and the model's spec changed, while the block runs."""
    spec = world.model()["spec"]
    if obstacle:
        world.kube.create(obstacle)
    world.kube.merge("ModelDeployment", MODEL, {"spec": changes})
    try:
        yield
    finally:
        world.kube.merge("ModelDeployment", MODEL, {"spec": {part: spec[part] for part in changes}})
        if obstacle:
            world.kube.delete(obstacle["kind"], obstacle["metadata"]["name"])


@pytest.mark.parametrize(
    ("name", "obstacle", "changes", "said"),
    [
        pytest.param(
            "no-room",
            NO_PODS,
            {"trainer": {"activeDeadlineSeconds": SECONDS}},
            ["training did not end within 10 s", "exceeded quota: team, requested: pods=1"],
            id="a quota without room for its pod",
        ),
        pytest.param(
            "claim-unbound",
            UNBOUND,
            {"trainer": {"activeDeadlineSeconds": SECONDS}, "data": {"claimName": "unbound"}},
            ["training did not end within 10 s", "Unschedulable: ", "unbound"],
            id="a claim that stays unbound",
        ),
        pytest.param(
            "no-image",
            None,
            {"trainer": {"activeDeadlineSeconds": SECONDS_FOR_AN_IMAGE, "image": NOT_THERE, "imagePullPolicy": "Never"}},
            ["training did not end within 30 s", "ErrImageNeverPull", NOT_THERE],
            id="an image that is not there",
        ),
    ],
)
def test_a_training_that_cannot_begin_fails_at_its_deadline_in_the_words_of_what_held_it_up(
    live_world: World, name: str, obstacle: Json | None, changes: Json, said: list[str]
) -> None:
    before = live_world.served()
    with held_up_by(live_world, obstacle, changes):
        if obstacle is NO_PODS:
            live_world.kube.until("ResourceQuota", "team", "its being in force", lambda body: "used" in body.get("status", {}), within=30)
        status = expect_verdict(live_world.verdict(live_world.ask(name), within=120), "Failed")
    assert status["reason"] == "TrainingDeadlineExceeded"
    assert [words for words in said if words not in status["message"]] == [], status["message"]
    live_world.kube.gone("Job", status["version"], within=60)
    assert live_world.served() == before
