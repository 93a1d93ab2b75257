import asyncio
import time
from contextlib import suppress

import aiohttp
import pytest
from kopf._cogs.structs.references import Resource

from modelsafeguard.api.names import GROUP, MODEL_PLURAL, REQUEST_PLURAL, VERSION
from modelsafeguard.engine.probes import Health, serve


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    async def passes(self, seconds):
        """Second by second, as the loop of a process that is well sees it."""
        for _ in range(seconds):
            self.now += 1
            await turns()


async def turns():
    """Everything that is due has its turn."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch):
    """The time of the probes, and with it that of the loop, which asks the same function."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
async def tasks():
    """Starts tasks that end with the test."""
    started = []

    def start(work, name=None):
        started.append(asyncio.create_task(work, name=name))
        return started[-1]

    yield start
    for task in started:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


WATCHED = [
    Resource(GROUP, VERSION, MODEL_PLURAL),
    Resource(GROUP, VERSION, REQUEST_PLURAL),
    Resource("batch", "v1", "jobs"),
    Resource("apps", "v1", "deployments"),
]


@pytest.fixture
async def watch(tasks):
    """Begins a watch, named as kopf names the task that it is."""

    def begin(resource, namespace=None):
        return tasks(asyncio.Event().wait(), name=f"watcher for {resource}@{namespace}")

    return begin


def health_of(clock, **state):
    return Health(**{"beat": clock.now, "heard": clock.now, **state})


@pytest.fixture
async def health(clock, tasks):
    """Of a process that has begun its work and looks after itself."""
    health = health_of(clock, started=True)
    tasks(health.run())
    await turns()
    return health


@pytest.fixture
async def ask():
    """Asks a process by HTTP, as the kubelet does."""
    runners = []

    async def ask(health, path):
        runner = await serve(health, 0)
        runners.append(runner)
        port = next(port for host, port, *_ in runner.addresses if host == "0.0.0.0")
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/{path}") as answer:
            return answer.status, await answer.text()

    yield ask
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("beat", "heard", "trouble"),
    [
        pytest.param(0, 0, "", id="just now"),
        pytest.param(20, 30, "", id="as long ago as may be"),
        pytest.param(21, 0, "the event loop has been stuck for 21 s", id="the loop stood still"),
        pytest.param(0, 31, "a watch ended 31 s ago and was not begun again", id="a watch was not begun again"),
        pytest.param(90, 90, "the event loop has been stuck for 90 s", id="both: a loop that stands still hears nothing"),
    ],
)
def test_a_process_is_live_as_long_as_its_loop_turns_and_its_watches_go_on(clock, beat, heard, trouble):
    assert Health(beat=clock.now - beat, heard=clock.now - heard).trouble() == trouble


def test_a_process_that_has_just_begun_is_live_and_not_ready():
    health = Health()
    assert health.trouble() == ""
    assert not health.ready


async def test_before_its_start_a_process_has_no_watches_and_is_well(clock, tasks):
    health = health_of(clock)
    tasks(health.run())
    await turns()
    await clock.passes(600)
    assert health.trouble() == ""


async def test_a_process_that_watches_all_kinds_is_well_for_ever(clock, watch, health):
    for resource in WATCHED:
        watch(resource, "ml")
    await clock.passes(600)
    assert health.trouble() == ""


@pytest.mark.parametrize("ended", WATCHED, ids=str)
async def test_a_watch_that_ended_and_was_not_begun_again_is_told_of(clock, watch, health, ended):
    watches = {resource: watch(resource) for resource in WATCHED}
    await clock.passes(60)
    watches[ended].cancel()
    await clock.passes(30)
    assert health.trouble() == ""
    await clock.passes(1)
    assert health.trouble() == "a watch ended 31 s ago and was not begun again"


async def test_a_watch_that_was_begun_again_in_time_is_forgotten(clock, watch, health):
    again, *others = WATCHED
    for resource in others:
        watch(resource)
    for _ in range(3):
        watched = watch(again)
        await clock.passes(60)
        watched.cancel()
        await clock.passes(29)
        assert health.trouble() == ""


async def test_a_loop_that_stood_still_is_told_of_until_it_turns_again(clock, watch, health):
    for resource in WATCHED:
        watch(resource)
    await clock.passes(60)
    clock.now += 45
    assert health.trouble() == "the event loop has been stuck for 45 s"
    await turns()
    assert health.trouble() == ""


@pytest.mark.parametrize(
    ("path", "state", "answer"),
    [
        pytest.param("livez", {}, (200, "ok"), id="live"),
        pytest.param("livez", {"beat": 0.0}, (503, "the event loop has been stuck for 1000 s"), id="not live, with the reason"),
        pytest.param("livez", {"heard": 0.0}, (503, "a watch ended 1000 s ago and was not begun again"), id="deaf, with the reason"),
        pytest.param("readyz", {}, (503, "the first full list is not done yet"), id="not ready yet"),
        pytest.param("readyz", {"ready": True}, (200, "ok"), id="ready"),
        pytest.param("readyz", {"ready": True, "beat": 0.0}, (200, "ok"), id="readiness is not liveness"),
    ],
)
async def test_a_probe_is_answered_over_http(clock, ask, path, state, answer):
    assert await ask(health_of(clock, **state), path) == answer
