"""The work queue, in the loop's own time: it stands still while anything can be done, and jumps to the next timer when nothing can."""

import asyncio
from collections import defaultdict, deque
from contextlib import suppress
from itertools import pairwise

import pytest

from modelsafeguard.engine.queue import KeyQueue, RetryLater

JITTER = pytest.approx(1, abs=0.3)
LATER = 10_000


class Work:
    """Notes when each key is worked on, and by how many; then it ends as it was told to: with a number, None or an exception."""

    def __init__(self, clock):
        self.clock = clock
        self.keys, self.times = [], defaultdict(list)
        self.outcomes = defaultdict(deque)
        self.held = {}
        self.at_work, self.most_at_work = [], 0

    async def __call__(self, key):
        self.keys.append(key)
        self.times[key].append(self.clock.now)
        self.at_work.append(key)
        self.most_at_work = max(self.most_at_work, len(self.at_work))
        assert self.at_work.count(key) == 1
        try:
            if key in self.held:
                await self.held[key].wait()
            outcome = self.outcomes[key].popleft() if self.outcomes[key] else None
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        finally:
            self.at_work.remove(key)

    def hold(self, *keys):
        self.held |= {key: asyncio.Event() for key in keys}

    def release(self, key):
        self.held.pop(key).set()

    def ends(self, key, *outcomes):
        self.outcomes[key].extend(outcomes)


@pytest.fixture
async def work(clock):
    return Work(clock)


@pytest.fixture
async def start(work):
    tasks = []

    def start(workers=1):
        queue = KeyQueue(work, workers=workers)
        tasks.append(asyncio.create_task(queue.run()))
        return queue

    yield start
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def passes(seconds):
    """So much of the loop's own time: no other passes."""
    await asyncio.sleep(seconds)


async def test_a_key_that_is_added_many_times_waits_once_and_keeps_its_place(start, work):
    queue = start()
    for key in ("b", "a", "b", "b", "a"):
        queue.add(key)
    assert len(queue) == 2
    await passes(LATER)
    assert work.keys == ["b", "a"]
    assert len(queue) == 0


async def test_a_key_that_is_added_while_it_is_worked_on_runs_once_more_and_never_at_the_same_time(start, work):
    queue = start(workers=4)
    work.hold("a")
    queue.add("a")
    for _ in range(3):
        await passes(1)
        queue.add("a")
    assert work.keys == ["a"]
    work.release("a")
    await passes(LATER)
    assert work.keys == ["a", "a"]


async def test_a_key_that_is_worked_on_does_not_hold_up_another_one(start, work):
    queue = start(workers=2)
    work.hold("a")
    for key in ("a", "a", "b", "c"):
        queue.add(key)
    await passes(1)
    assert work.keys == ["a", "b", "c"]


async def test_no_more_keys_are_worked_on_at_once_than_there_are_workers(start, work):
    queue = start(workers=3)
    keys = list("abcdefg")
    work.hold(*keys)
    for key in keys:
        queue.add(key)
    for key in keys:
        await passes(1)
        work.release(key)
    await passes(1)
    assert work.keys == keys
    assert work.most_at_work == 3


async def test_a_failure_is_tried_again_later_and_later_up_to_a_minute(start, work):
    queue = start()
    work.ends("a", *(ValueError(number) for number in range(14)))
    queue.add("a")
    await passes(LATER)
    times = work.times["a"]
    pauses = [later - sooner for sooner, later in pairwise(times)]
    expected = [min(0.05 * 2**number, 60) for number in range(14)]
    assert [pause / base for pause, base in zip(pauses, expected, strict=True)] == [JITTER] * 14
    assert all(later > sooner for sooner, later in pairwise(pauses[:10]))


async def test_a_success_ends_the_failures_that_came_before(start, work):
    queue = start()
    work.ends("a", *(ValueError() for _ in range(8)), None, ValueError())
    queue.add("a")
    await passes(LATER)
    queue.add("a")
    await passes(LATER)
    *_, failed, again = work.times["a"]
    assert (again - failed) / 0.05 == JITTER


async def test_to_try_later_counts_as_a_failure_unless_it_says_when(start, work):
    queue = start()
    work.ends("a", RetryLater("busy", 7.5), RetryLater("busy", 0.0), RetryLater("conflict"), RetryLater("conflict"))
    queue.add("a")
    await passes(LATER)
    assert work.times["a"][:3] == [0, 7.5, 7.5]
    third, fourth, fifth = work.times["a"][2:]
    assert (fourth - third) / 0.05 == JITTER
    assert (fifth - fourth) / 0.1 == JITTER


async def test_to_try_later_is_never_later_than_it_says(start, work):
    queue = start()
    work.ends("a", *(RetryLater("refused", at_latest=1) for _ in range(12)), RetryLater("busy", 7.5, at_latest=1))
    queue.add("a")
    await passes(LATER)
    pauses = [later - sooner for sooner, later in pairwise(work.times["a"])]
    assert pauses[0] / 0.05 == JITTER
    assert pauses[-6:] == [pytest.approx(1)] * 6


async def test_work_says_when_its_key_must_be_looked_at_again(start, work):
    queue = start()
    work.ends("a", 60, 0, None)
    queue.add("a")
    await passes(LATER)
    assert work.times["a"] == [0, 60, 60]


@pytest.mark.parametrize(
    "appointments",
    [
        pytest.param([5, 60], id="a later one does not postpone it"),
        pytest.param([60, 5], id="a sooner one takes its place"),
        pytest.param([60, 5, 30], id="the soonest of many stands"),
    ],
)
async def test_a_key_has_one_appointment(start, work, appointments):
    queue = start()
    for seconds in appointments:
        queue.add_after("a", seconds)
    await passes(LATER)
    assert work.times["a"] == [5]


async def test_an_event_before_an_appointment_does_not_call_it_off_and_is_not_put_off_by_it(start, work):
    queue = start()
    queue.add_after("a", 60)
    await passes(10)
    queue.add("a")
    await passes(LATER)
    assert work.times["a"] == [10, 60]


async def test_an_appointment_that_was_kept_does_not_stand_in_the_way_of_the_next(start, work):
    queue = start()
    for _ in range(2):
        queue.add_after("a", 5)
        await passes(10)
    assert work.times["a"] == [5, 15]


async def test_an_appointment_that_comes_while_its_key_is_worked_on_waits_for_the_end(start, work):
    queue = start(workers=2)
    work.hold("a")
    queue.add("a")
    queue.add_after("a", 5)
    await passes(10)
    assert work.times["a"] == [0]
    work.release("a")
    await passes(1)
    assert work.times["a"] == [0, 10]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(KeyError("spec"), id="KeyError"),
        pytest.param(AssertionError(), id="AssertionError"),
        pytest.param(TimeoutError(), id="TimeoutError"),
        pytest.param(ExceptionGroup("many", [ValueError()]), id="a group"),
        pytest.param(RecursionError(), id="RecursionError"),
    ],
)
async def test_an_unexpected_fault_is_logged_with_its_key_and_the_only_worker_goes_on(start, work, caplog, fault):
    queue = start()
    work.ends("a", fault)
    queue.add("a")
    queue.add("b")
    await passes(LATER)
    assert work.keys == ["a", "b", "a"]
    assert [record.getMessage() for record in caplog.records] == ["working on a failed; it is tried again"]


async def test_a_key_that_fails_and_was_added_meanwhile_is_worked_on_at_once(start, work):
    queue = start()
    work.hold("a")
    work.ends("a", ValueError())
    queue.add("a")
    await passes(1)
    queue.add("a")
    work.release("a")
    await passes(0.01)
    assert work.times["a"] == [0, 1]
