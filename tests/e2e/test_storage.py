"""A claim without room, or that cannot be written: Failed with a sentence, and nothing is harmed."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from hack.demo.kube import Json, Kube
from hack.demo.story import first_model
from hack.demo.world import MODEL, PREFIX, expect_verdict
from tests.e2e.node import Node
from tests.e2e.volume import Volume

SMALL = "size=200k,mode=0777"  # less than a model takes
FOR_TWO = "size=8m,mode=0777"
OF_ROOT = "size=50m,mode=0755"


@pytest.fixture
def special_volume(operator: Kube, node: Node, request: pytest.FixtureRequest) -> Iterator[Callable[[Json], None]]:
    """A volume for the models, mounted with these options; gives the change that makes the claim ask for it."""
    name = f"special-{uuid.uuid4().hex[:8]}"
    folder = f"/var/safeguard-{name}"
    volume = {"storageClassName": name, "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": folder}}
    node.run("mkdir", "--parents", folder)
    node.run("mount", "--types", "tmpfs", "--options", request.param, "tmpfs", folder)
    operator.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume})

    def ask_for_it(body: Json) -> None:
        if body["kind"] == "PersistentVolumeClaim" and body["metadata"]["name"] == "models":
            body["spec"]["storageClassName"] = name

    yield ask_for_it
    operator.delete("PersistentVolume", name)
    node.run("umount", "--lazy", folder)


@pytest.mark.parametrize("special_volume", [SMALL], indirect=True)
def test_a_full_volume_fails_the_request_in_a_sentence_and_rolls_nothing_out(new_world, special_volume) -> None:
    world = new_world(change=special_volume)
    before = world.served()
    status = expect_verdict(world.verdict(world.ask("too-large", dataset="full")), "Failed")
    assert "No space left on device" in status["message"]
    assert world.served() == before
    assert "live" not in world.model()["status"]


# It trains well, and takes all the room that is left with a last file of its own.
FILLS = 'python -m trainer.drill && { cat /dev/zero > "$SAFEGUARD_OUTPUT_DIR/padding" || true; }'


@pytest.mark.parametrize("special_volume", [FOR_TWO], indirect=True)
def test_a_volume_that_is_full_when_the_candidate_is_to_be_published_fails_the_request_and_the_live_model_serves(
    new_world, special_volume
) -> None:
    # given a live model, and a trainer whose files just fit beside it
    world = new_world(change=special_volume)
    first_model(world)
    volume, before, live = Volume(world), world.served(), world.live()
    world.kube.merge("ModelDeployment", MODEL, {"spec": {"trainer": {"command": ["sh", "-c", FILLS]}}})
    # when measure has no room for its own
    with world.asked_all_the_time() as answers:
        status = expect_verdict(world.verdict(world.ask("filling", dataset="full")), "Failed")
    # then it says so, nothing is published, and the live model has served all the time
    assert status["reason"] == "VolumeFull"
    assert "The claim's volume is full" in status["message"]
    (pod,) = world.kube.all("Pod", f"{PREFIX}request=filling")
    assert _exit_codes(pod) == {"check": 0, "train": 0, "measure": 1}
    assert volume.names("versions") == {live}
    assert volume.names("reports") == {f"{live}.json", f"{live}.html"}
    assert world.served() == before
    assert set(answers.versions) == {live}


def _exit_codes(pod: Json) -> dict[str, int]:
    ended = [*pod["status"]["initContainerStatuses"], *pod["status"]["containerStatuses"]]
    return {each["name"]: each["state"]["terminated"]["exitCode"] for each in ended}


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
