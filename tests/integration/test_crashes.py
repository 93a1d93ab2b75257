"""Killed at every call, and two at once: one Job a request, one rollout a verdict, one Event a fact."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelsafeguard.core.lifecycle.outcomes import HEADLINES
from modelsafeguard.core.verdict import Verdict
from tests.support.apiserver import ApiServer
from tests.support.crash_matrix import Moment, Stage, Story, Told, crash_everywhere
from tests.support.endings import promoted_and_rejected, rolled_back, taken_back
from tests.support.faults import Proxy, calls
from tests.support.objects import model_deployment, retrain_request
from tests.support.stories import model_says
from tests.support.warm import Warm
from tests.support.world import World

WARM = Warm("tests.support.preload")


@pytest.fixture
def stage(cluster: ApiServer, new_namespace: Callable[[], str], tmp_path: Path) -> Stage:
    return Stage(cluster, new_namespace, tmp_path, WARM)


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


async def test_two_operators_at_once_do_everything_exactly_once(
    cluster: ApiServer, new_namespace: Callable[[], str], tmp_path: Path
) -> None:
    await Stage(cluster, new_namespace, tmp_path, WARM, operators=2).tell(promoted_and_rejected, everything_once)


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
