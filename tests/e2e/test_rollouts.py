"""Rollouts that go wrong after they seemed to go right, and what becomes of old versions."""

from hack.demo.kube import Json
from hack.demo.story import first_model
from hack.demo.world import MODEL, expect_verdict

# Longer than a rollout of two pods takes here (about 10 s), shorter than the bake that follows it.
CRASHES_AFTER_SECONDS = 25
BAKE_SECONDS = 60


def _fragile(body: Json) -> None:
    """A server that dies some time after its start, if its version is called fragile: ready long enough to be believed."""
    if body["kind"] == "Deployment":
        server = "python -m trainer.server"
        die = f"case $MODEL_VERSION in fragile-*) exec timeout --signal=KILL {CRASHES_AFTER_SECONDS} {server};; *) exec {server};; esac"
        body["spec"]["template"]["spec"]["containers"][0]["command"] = ["sh", "-c", die]


def test_a_server_that_crashes_during_the_bake_undoes_the_rollout(new_world) -> None:
    # given a live model, and a bake that lasts longer than the next version does
    world = new_world(change=_fragile)
    first_model(world)
    before, live = world.served(), world.live()
    world.kube.merge("ModelDeployment", MODEL, {"spec": {"serving": {"bakeSeconds": BAKE_SECONDS}}})
    # when a better version becomes ready everywhere, and then dies
    status = expect_verdict(world.verdict(world.ask("fragile", dataset="full")), "RolledBack")
    # then the verdict says so, and what was there before is there again
    assert status["reason"] == "BakeFailed"
    assert "restarted during the bake" in status["message"] or "lost its readiness" in status["message"]
    assert world.live() == live
    assert world.served().template == before.template
    world.kube.until("Deployment", MODEL, "all pods available", _all_available, within=60)


def _all_available(deployment: Json) -> bool:
    status = deployment["status"]
    settled = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return settled and status.get("availableReplicas") == status.get("updatedReplicas") == deployment["spec"]["replicas"]


def test_rejected_versions_leave_the_volume_and_their_reports_stay(live_world, volume) -> None:
    # given an owner who keeps no rejected version
    live_world.kube.merge("ModelDeployment", MODEL, {"spec": {"history": {"rejected": 0}}})
    live = live_world.live()
    # when one is rejected
    version = expect_verdict(live_world.verdict(live_world.ask("hopeless", dataset="noisy")), "Rejected")["version"]
    # then its folder goes, by the record and in fact; its report and the live version stay
    live_world.kube.until("ModelDeployment", MODEL, f"{version} pruned", _pruned(version), within=90)
    kept = volume.names("versions")
    assert live in kept
    assert version not in kept
    assert {f"{live}.json", f"{version}.json"} <= volume.names("reports")


def _pruned(version: str):
    return lambda body: any(each["version"] == version and each.get("pruned") for each in body["status"].get("versions", []))
