"""A claim without room, or that cannot be written: Failed with a sentence, and nothing is harmed."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest

from hack.demo.kube import Json, Kube
from hack.demo.setup import cluster_tool
from hack.demo.world import PREFIX, expect_verdict

SMALL = "size=200k,mode=0777"  # less than a model takes
OF_ROOT = "size=50m,mode=0755"


@pytest.fixture
def special_volume(operator: Kube, request: pytest.FixtureRequest) -> Iterator[Callable[[Json], None]]:
    """A volume for the models, mounted with these options; gives the change that makes the claim ask for it."""
    name = f"special-{uuid.uuid4().hex[:8]}"
    folder = f"/var/safeguard-{name}"
    node = operator.all("Node")[0]["metadata"]["name"]
    words = cluster_tool("env", "--name", node.removesuffix("-control-plane"))
    environment = dict(word.split("=", 1) for word in words if "=" in word)

    def in_node(*command: str) -> None:
        subprocess.run(["docker", "exec", node, *command], env=os.environ | environment, check=True, capture_output=True, timeout=60)

    volume = {"storageClassName": name, "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": folder}}
    in_node("mkdir", "--parents", folder)
    in_node("mount", "--types", "tmpfs", "--options", request.param, "tmpfs", folder)
    operator.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume})

    def ask_for_it(body: Json) -> None:
        if body["kind"] == "PersistentVolumeClaim" and body["metadata"]["name"] == "models":
            body["spec"]["storageClassName"] = name

    yield ask_for_it
    operator.delete("PersistentVolume", name)
    in_node("umount", "--lazy", folder)


@pytest.mark.parametrize("special_volume", [SMALL], indirect=True)
def test_a_full_volume_fails_the_request_in_a_sentence_and_rolls_nothing_out(new_world, special_volume) -> None:
    world = new_world(change=special_volume)
    before = world.served()
    status = expect_verdict(world.verdict(world.ask("too-large", dataset="full")), "Failed")
    assert "No space left on device" in status["message"]
    assert world.served() == before
    assert "live" not in world.model()["status"]


@pytest.mark.parametrize("special_volume", [OF_ROOT], indirect=True)
def test_a_claim_that_cannot_be_written_is_said_before_anything_is_trained(new_world, special_volume) -> None:
    world = new_world(change=special_volume)
    before = world.served()
    status = expect_verdict(world.verdict(world.ask("not-ours", dataset="full")), "Failed")
    assert status["reason"] == "VolumeUnwritable"
    (pod,) = world.kube.all("Pod", f"{PREFIX}request=not-ours")
    (train,) = (each for each in pod["status"]["initContainerStatuses"] if each["name"] == "train")
    assert "terminated" not in train["state"]
    assert world.served() == before
