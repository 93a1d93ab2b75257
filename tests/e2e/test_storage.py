"""A claim without room: Failed with a sentence, and nothing is harmed."""

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from hack.demo.kube import Json, Kube
from hack.demo.setup import cluster_tool
from hack.demo.world import expect_verdict

FOLDER = "/var/safeguard-full"
CLASS = "full"
SIZE = "200k"  # less than a model takes


@pytest.fixture
def small_volume(operator: Kube) -> Iterator[Callable[[Json], None]]:
    """A volume of 200 KiB for the models; gives the change that makes the claim ask for it."""
    node = operator.all("Node")[0]["metadata"]["name"]
    words = cluster_tool("env", "--name", node.removesuffix("-control-plane"))
    environment = dict(word.split("=", 1) for word in words if "=" in word)

    def in_node(*command: str) -> None:
        subprocess.run(["docker", "exec", node, *command], env=os.environ | environment, check=True, capture_output=True, timeout=60)

    volume = {"storageClassName": CLASS, "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": FOLDER}}
    in_node("mkdir", "--parents", FOLDER)
    in_node("mount", "--types", "tmpfs", "--options", f"size={SIZE},mode=0777", "tmpfs", FOLDER)
    operator.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": CLASS}, "spec": volume})

    def ask_for_it(body: Json) -> None:
        if body["kind"] == "PersistentVolumeClaim" and body["metadata"]["name"] == "models":
            body["spec"]["storageClassName"] = CLASS

    yield ask_for_it
    operator.delete("PersistentVolume", CLASS)
    in_node("umount", "--lazy", FOLDER)


def test_a_full_volume_fails_the_request_in_a_sentence_and_rolls_nothing_out(new_world, small_volume) -> None:
    world = new_world(change=small_volume)
    before = world.served()
    status = expect_verdict(world.verdict(world.ask("too-large", dataset="full")), "Failed")
    assert "No space left on device" in status["message"]
    assert world.served() == before
    assert "live" not in world.model()["status"]
