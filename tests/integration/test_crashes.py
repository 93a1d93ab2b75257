"""Killed at every call, two at once, and faults of the API server: one Job a request, one rollout a verdict, one Event a fact."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench import seeds
from modelsafeguard.core.lifecycle.outcomes import HEADLINES
from modelsafeguard.core.report import Report
from modelsafeguard.core.verdict import Verdict
from tests.support.apiserver import ApiServer
from tests.support.crash_matrix import Moment, Stage, Story, Told, crash_everywhere
from tests.support.faults import Fault, Proxy, answers, calls, delays, drop, held_until, lose_reply
from tests.support.objects import model_deployment, report, retrain_request
from tests.support.operator_process import Operator, Settings
from tests.support.script import Script, hands_over, play, stalls_unless
from tests.support.stories import model_says
from tests.support.warm import Warm
from tests.support.world import World

OUTAGE = 30.0


WARM = Warm("tests.support.preload")


@pytest.fixture
def stage(cluster: ApiServer, new_namespace: Callable[[], str], tmp_path: Path) -> Stage:
    return Stage(cluster, new_namespace, tmp_path, WARM)


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
        lambda body: not {"activeRequest", "rollout", "prune", "verification"} & body["status"].keys(),
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


async def a_long_history(world: World) -> None:
    """Thirteen versions on the volume; how they came there is another story."""
    await seeds.models(world, ["intents"])
    await world.patch("ModelDeployment", "intents", {"spec": {"serving": {"bakeSeconds": 0}}})


async def pinned_and_pruned(world: World) -> None:
    """A version of before is pinned, and then the history is made shorter."""
    async with play(world):
        await world.patch("ModelDeployment", "intents", {"spec": {"pin": {"version": "intents-p8"}}})
        annotated = "modelsafeguard.io/version"
        pinned = "the pinned version's numbers"
        await world.until(
            "ModelDeployment", "intents", pinned, lambda body: body["metadata"]["annotations"][annotated] == "intents-p8", within=OUTAGE
        )
        await world.patch("ModelDeployment", "intents", {"spec": {"history": {"promoted": 2, "rejected": 0}}})
        await world.until("ModelDeployment", "intents", "pruned versions", lambda body: "'pruned': True" in str(body), within=OUTAGE)
        await at_rest(world)


async def everything_once(told: Told) -> None:
    outcome = told.outcome
    assert all(count == 1 for count in outcome.jobs.values()), outcome.jobs
    assert all(count == 1 for count in outcome.events.values()), outcome.events
    assert all(len(verdicts) == 1 for verdicts in outcome.verdicts.values()), outcome.verdicts
    for request, (verdict,) in outcome.verdicts.items():
        said = [line.partition(f"/intents {request}: ")[2] for line in told.log]
        assert HEADLINES[Verdict(verdict)] in said
        assert any(line.startswith(("Performance: ", "Reason: ")) for line in said)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(promoted_and_rejected, id="in a story with a promotion and a rejection"),
        pytest.param(rolled_back, id="in a story with a rollout that is undone"),
        pytest.param(taken_back, id="in a story with a training that is taken back"),
    ],
)
async def test_an_operator_killed_at_any_call_and_started_again_does_everything_exactly_once(stage: Stage, story: Story) -> None:
    crashes = await crash_everywhere(stage, story, everything_once)

    assert {crash.moment for crash in crashes} == set(Moment)


async def test_an_operator_killed_at_any_change_of_a_pin_and_a_prune_does_everything_exactly_once(stage: Stage) -> None:
    crashes = await crash_everywhere(replace(stage, given=a_long_history), pinned_and_pruned, everything_once, reads=False)

    assert {crash.moment for crash in crashes} == set(Moment)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(promoted_and_rejected, id="in a story with a promotion and a rejection"),
        pytest.param(taken_back, id="in a story with a training that is taken back"),
    ],
)
async def test_two_operators_at_once_do_everything_exactly_once(stage: Stage, story: Story) -> None:
    await replace(stage, operators=2).tell(story, everything_once)


async def test_of_two_operators_one_that_hangs_right_before_it_makes_a_job_leaves_none_of_a_request_that_is_over(
    world: World, proxy: Proxy, tmp_path: Path
) -> None:
    """Its order was good when it was written. The other operator makes the Job, and removes it with the request."""
    settings = Settings(proxy.kubeconfig(tmp_path / "kubeconfig"), world.namespace, resync_seconds=0.5)
    operators = [Operator(settings, tmp_path / f"operator.{number}.log", WARM) for number in range(2)]
    goes_on = asyncio.Event()
    jobs = calls("POST", "/jobs$")
    proxy.inject(held_until(goes_on), jobs)
    try:
        await asyncio.gather(*(operator.start() for operator in operators))
        await taken_back(world)
        goes_on.set()

        async def made_anew() -> bool:
            return [call.status for call in proxy.made(jobs)] == [201, 201]

        await world.eventually("a second Job", made_anew)
        await world.eventually("no Job", lambda: no_job(world))
    finally:
        for operator in operators:
            operator.kill()


async def no_job(world: World) -> bool:
    return not await world.find_all("Job")


@pytest.mark.usefixtures("operator")
async def test_between_a_request_and_its_job_only_the_two_records_are_written(world: World, proxy: Proxy) -> None:
    """What it needs to be exactly one Job, and what keeps the wait for it short."""
    await world.given_serving()
    await world.create(model_deployment())
    await model_says(world, "NoModelYet")
    before = len(proxy.made(calls(mutating=True)))
    await world.create(retrain_request("good"))
    await world.job_of("good")

    made = [call.what for call in proxy.made(calls(mutating=True))[before:]]
    assert made[:3] == ["PUT modeldeployments/intents/status", "PUT retrainrequests/good/status", "POST jobs"]


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answers(409), id="409"),
        pytest.param(answers(429, retry_after=1), id="429, later"),
        pytest.param(answers(500), id="500"),
        pytest.param(answers(503), id="503"),
        pytest.param(drop, id="a connection cut before the call is sent"),
        pytest.param(lose_reply, id="a reply that is lost"),
        pytest.param(delays(0.5), id="half a second late"),
    ],
)
async def test_every_third_change_meets_a_fault_and_the_verdicts_are_the_same(world: World, proxy: Proxy, fault: Fault) -> None:
    for nth in range(1, 40, 3):
        proxy.inject(fault, calls(mutating=True), nth=nth)
    await promoted_and_rejected(world)

    assert (await world.verdict("good"))["verdict"] == "Promoted"
    assert (await world.verdict("worse"))["verdict"] == "Rejected"
    assert len(await world.find_all("Job")) == 2


@pytest.mark.usefixtures("operator")
async def test_watches_that_are_cut_again_and_again_delay_nothing_for_ever(world: World, proxy: Proxy) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    async with play(world, {"intents": Script(training=hands_over(of_version))}):
        for name in ("good", "worse"):
            proxy.cut_watches()
            await world.create(retrain_request(name))
            proxy.cut_watches()
            await world.verdict(name, within=OUTAGE)


@pytest.mark.usefixtures("operator")
async def test_an_api_server_that_is_restarted_in_the_middle_changes_no_verdict(apiserver: ApiServer, world: World) -> None:
    await world.given_serving()
    await world.create(model_deployment())
    await world.create(retrain_request("good"))
    job = await world.job_of("good")
    await apiserver.restart()
    async with play(world, {"intents": Script(training=hands_over(of_version))}):
        status = await world.verdict("good", within=OUTAGE)

    assert status["version"] == job["metadata"]["name"]
    assert status["verdict"] == "Promoted"
