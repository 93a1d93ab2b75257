"""What people order beside a retraining: to take it back, to go back to an earlier version, to begin with a model that is live already."""

from hack.demo.kube import Json
from hack.demo.story import better_model, first_model
from hack.demo.world import MODEL, PREFIX, annotations, expect_verdict

NOT_THERE = f"{MODEL}/trainer-that-nobody-built:1"


def test_a_training_that_is_taken_back_is_stopped_and_its_job_is_gone(live_world) -> None:
    # given a training that takes its time
    before = live_world.served()
    request = live_world.ask("taken-back", fault="slow")
    training = live_world.kube.until("RetrainRequest", request, "its Job", lambda body: "job" in body.get("status", {}), within=60)
    # when somebody takes it back
    live_world.kube.kubectl("annotate", "retrainrequest", request, f"{PREFIX}cancel=yes")
    # then it ends at once, and its Job with it
    expect_verdict(live_world.verdict(request, within=60), "Cancelled")
    live_world.kube.gone("Job", training["status"]["job"]["name"], within=60)
    assert live_world.served() == before


def test_a_pinned_version_serves_again_once_a_pod_has_verified_its_files(new_world) -> None:
    # given two versions, the second of which is live
    world = new_world()
    first_model(world)
    good = world.live()
    better_model(world)
    assert world.live() != good
    # when its owner pins the first one
    with world.asked_all_the_time() as traffic, world.kube.recorded("Job") as jobs:
        world.kube.merge("ModelDeployment", MODEL, {"spec": {"pin": {"version": good, "reason": "complaints"}}})
        world.kube.until("ModelDeployment", MODEL, f"version {good} in its annotations", _published(good), within=180)
    # then a Job has looked at its files, it serves, and no request has failed
    assert "verify" in {job["metadata"]["labels"].get(f"{PREFIX}role") for job in jobs}
    assert good in traffic.versions
    assert world.live() == good
    assert {pod["metadata"]["annotations"][f"{PREFIX}version"] for pod in world.pods().values()} == {good}


def _published(version: str):
    return lambda body: annotations(body).get("version") == version


def _with_an_image_that_is_not_there(body: Json) -> None:
    if body["kind"] == "ModelDeployment":
        body["spec"]["trainer"] |= {"image": NOT_THERE, "imagePullPolicy": "Never", "activeDeadlineSeconds": 30}


def test_an_image_that_is_not_there_fails_the_request_at_its_deadline_in_kubelets_words(new_world) -> None:
    world = new_world(change=_with_an_image_that_is_not_there)
    status = expect_verdict(world.verdict(world.ask("no-image")), "Failed")
    assert status["reason"] == "TrainingDeadlineExceeded"
    assert "ErrImageNeverPull" in status["message"]
    assert NOT_THERE in status["message"]


def test_a_model_that_was_live_before_is_the_baseline_by_its_annotations(new_world) -> None:
    # given a Deployment that serves, whose numbers somebody annotates
    world = new_world()
    before = world.served()
    world.kube.kubectl("annotate", "modeldeployment", MODEL, f"{PREFIX}accuracy=0.99", f"{PREFIX}f1-macro=0.99")
    world.kube.until("ModelDeployment", MODEL, "an adopted model", lambda body: body["status"].get("live", {}).get("adopted"), within=30)
    # when a candidate is worse than these
    status = expect_verdict(world.verdict(world.ask("worse-than-annotated", dataset="full")), "Rejected")
    # then it is compared with them, and nothing is touched
    assert status["frozen"]["baseline"]["metrics"]["accuracy"] == "0.99"
    assert world.served() == before
