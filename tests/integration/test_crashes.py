"""Killed at every call, and two at once: one Job a request, one rollout a verdict, one Event a fact."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench import seeds
from modelsafeguard.core.lifecycle.outcomes import HEADLINES
from modelsafeguard.core.verdict import Verdict
from tests.support.apiserver import ApiServer
from tests.support.crash_matrix import Moment, Stage, Story, Told, crash_everywhere
from tests.support.endings import OUTAGE, at_rest, promoted_and_rejected, rolled_back, taken_back
from tests.support.faults import Proxy, calls, held_until
from tests.support.objects import model_deployment, retrain_request
from tests.support.operator_process import Operator, Settings
from tests.support.script import play
from tests.support.stories import model_says
from tests.support.warm import Warm
from tests.support.world import World

WARM = Warm("tests.support.preload")


@pytest.fixture
def stage(cluster: ApiServer, new_namespace: Callable[[], str], tmp_path: Path) -> Stage:
    return Stage(cluster, new_namespace, tmp_path, WARM)


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
