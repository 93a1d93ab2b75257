"""Whole stories, each to endings of its own, that take an API server's faults and a killed operator with patience."""

from modelsafeguard.core.report import Report
from tests.support.objects import model_deployment, report, retrain_request
from tests.support.script import Script, hands_over, play, stalls_unless
from tests.support.world import World

OUTAGE = 30.0


def of_version(version: str) -> Report:
    """Good, then worse, by the request's name."""
    worse = version.startswith("worse")
    return report(version, accuracy="0.80" if worse else "0.90", f1_macro="0.80" if worse else "0.90")


async def at_rest(world: World) -> None:
    """The model has let go of its last request: all that was to be said of it has been said."""
    await world.until(
        "ModelDeployment",
        "intents",
        "nothing under way",
        lambda body: not {"activeRequest", "rollout"} & body["status"].keys(),
        within=OUTAGE,
    )


async def promoted_and_rejected(world: World) -> None:
    """A request while another one is active: the first is promoted, the second, of a later second, rejected."""
    await world.given_serving()
    await world.create(model_deployment())
    async with play(world, {"intents": Script(training=hands_over(of_version))}):
        await world.create(retrain_request("good"))
        await world.job_of("good", within=OUTAGE)
        await world.create(retrain_request("worse"))
        await world.verdict("good", within=OUTAGE)
        await world.verdict("worse", within=OUTAGE)
        await at_rest(world)


async def rolled_back(world: World) -> None:
    """The first candidate's pods never become ready."""
    await world.given_serving()
    await world.create(model_deployment(serving={"progressDeadlineSeconds": 2}))
    serves_what_was_found = stalls_unless(lambda body: "annotations" not in body["spec"]["template"]["metadata"])
    async with play(world, {"intents": Script(training=hands_over(of_version), rollout=serves_what_was_found)}):
        await world.create(retrain_request("good"))
        await world.verdict("good", within=OUTAGE)
        await at_rest(world)


async def taken_back(world: World) -> None:
    """A request is cancelled while its Job runs."""
    await world.given_serving()
    await world.create(model_deployment())
    await world.create(retrain_request("good"))
    await world.until("RetrainRequest", "good", "a Job that is known", lambda body: "job" in body.get("status", {}), within=OUTAGE)
    await world.patch("RetrainRequest", "good", {"metadata": {"annotations": {"modelsafeguard.io/cancel": "yes"}}})
    await world.verdict("good", within=OUTAGE)
    await at_rest(world)
