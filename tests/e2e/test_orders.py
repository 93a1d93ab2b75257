"""What people order beside a retraining: to take it back, to hold it back, to go back to an earlier version, to begin with a live model."""

from hack.demo.kube import Condition, Kube
from hack.demo.world import MODEL, PREFIX, World, annotations, expect_verdict
from tests.e2e.operators import operators
from tests.e2e.states import has_its_job, in_stage, waits_for


def test_a_training_that_is_taken_back_is_stopped_and_its_job_is_gone(live_world) -> None:
    # given a training that takes its time
    before = live_world.served()
    request = live_world.ask("taken-back", fault="slow")
    training = live_world.kube.until("RetrainRequest", request, "its Job", has_its_job, within=60)
    # when somebody takes it back
    live_world.kube.kubectl("annotate", "retrainrequest", request, f"{PREFIX}cancel=yes")
    # then it ends at once, and its Job with it
    expect_verdict(live_world.verdict(request, within=60), "Cancelled")
    live_world.kube.gone("Job", training["status"]["job"]["name"], within=60)
    assert live_world.served() == before


def test_a_request_that_is_taken_back_during_its_rollout_is_rolled_back_and_nobody_is_turned_away(live_world: World) -> None:
    # given a rollout under way
    before, live = live_world.served(), live_world.live()
    with live_world.asked_all_the_time():
        request = live_world.ask("regretted", dataset="slightly-worse")
        rolling = live_world.kube.until("RetrainRequest", request, "stage RollingOut", in_stage("RollingOut"), within=120)
        live_world.kube.until("Deployment", MODEL, "the patch", _rolls_out(rolling["status"]["version"]), within=30)
        # when somebody takes its request back
        live_world.kube.kubectl("annotate", "retrainrequest", request, f"{PREFIX}cancel=yes")
        status = expect_verdict(live_world.verdict(request), "RolledBack")
    # then the version of before serves
    assert status["reason"] == "Cancelled"
    assert live_world.served().template == before.template
    assert live_world.live() == live


def _rolls_out(version: str) -> Condition:
    return lambda deployment: annotations(deployment["spec"]["template"]).get("version") == version


def test_a_suspended_model_starts_nothing_new_until_it_is_resumed_and_a_rollout_under_way_ends(live_world: World) -> None:
    # given a rollout under way
    under_way = live_world.ask("under-way", dataset="slightly-worse")
    live_world.kube.until("RetrainRequest", under_way, "stage RollingOut", in_stage("RollingOut"), within=120)
    # when its model is suspended, and another training is asked for
    live_world.kube.merge("ModelDeployment", MODEL, {"spec": {"suspend": True}})
    held_back = live_world.ask("held-back", dataset="noisy")
    live_world.kube.until("RetrainRequest", held_back, "what it waits for", waits_for("is suspended (spec.suspend)"), within=120)
    # then the rollout ends, and the other one has no Job before it is resumed
    expect_verdict(live_world.verdict(under_way), "Promoted")
    assert not live_world.kube.all("Job", f"{PREFIX}request={held_back}")
    live_world.kube.merge("ModelDeployment", MODEL, {"spec": {"suspend": False}})
    expect_verdict(live_world.verdict(held_back), "Rejected")


def test_a_finished_request_is_deleted_after_its_time_to_live_unless_it_is_kept_in_git(live_world: World, operator: Kube) -> None:
    # given finished requests whose time is over
    of_helm = {"app.kubernetes.io/managed-by": "Helm"}
    for name, labels in (("of-nobody", {}), ("of-helm", of_helm)):
        live_world.order(name, {"parameters": {"no": "such"}, "ttlSecondsAfterFinished": 0}, labels=labels)
        expect_verdict(live_world.verdict(name, within=60), "Failed")
    # when the operator looks at all that are finished, as it does when it begins
    with operators(operator, 0):
        pass
    # then one goes, and the one that would be made anew from Git stays
    live_world.kube.gone("RetrainRequest", "of-nobody", within=60)
    assert live_world.kube.find("RetrainRequest", "of-helm")


def test_a_pinned_version_serves_again_once_a_pod_has_verified_its_files(live_world: World) -> None:
    # given two versions, the second of which is live
    good = live_world.live()
    expect_verdict(live_world.verdict(live_world.ask("newer", dataset="slightly-worse")), "Promoted")
    # when its owner pins the first one
    with live_world.asked_all_the_time() as traffic, live_world.kube.recorded("Job") as jobs:
        live_world.kube.merge("ModelDeployment", MODEL, {"spec": {"pin": {"version": good, "reason": "complaints"}}})
        live_world.kube.until("ModelDeployment", MODEL, f"version {good} in its annotations", _published(good), within=180)
    # then a Job has looked at its files, it serves, and no request has failed
    live_world.kube.merge("ModelDeployment", MODEL, {"spec": {"pin": None}})
    assert "verify" in {job["metadata"]["labels"].get(f"{PREFIX}role") for job in jobs}
    assert good in traffic.versions
    assert live_world.live() == good
    assert {pod["metadata"]["annotations"][f"{PREFIX}version"] for pod in live_world.pods().values()} == {good}


def _published(version: str) -> Condition:
    return lambda body: annotations(body).get("version") == version


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
