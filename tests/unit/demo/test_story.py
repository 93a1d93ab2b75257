"""A chapter holds what it is told against what it sees: told something else, it says so."""

from contextlib import contextmanager

import pytest

from hack.demo.errors import NotSo
from hack.demo.story import unloadable_model
from hack.demo.traffic import Traffic
from hack.demo.world import Served

LIVE = "v-1"
BEFORE = Served(3, {"image": "x"}, frozenset({"pod-1", "pod-2"}))
AFTER = Served(5, {"image": "x"}, frozenset({"pod-1", "pod-2"}))


class Rehearsal:
    """A world in which a rollout was undone, as it should be; a test changes one thing about it."""

    def __init__(self) -> None:
        self.reason, self.verdict_given = "ProgressDeadlineExceeded", "RolledBack"
        self.states, self.lives = [BEFORE, AFTER], [LIVE, LIVE]
        self.answers = Traffic(requests=10, versions={LIVE: 10})
        self.told: list[str] = []

    def served(self) -> Served:
        return self.states.pop(0)

    def live(self) -> str:
        return self.lives.pop(0) if len(self.lives) > 1 else self.lives[0]

    def tell(self, text: str) -> None:
        self.told.append(text)

    def ask_as(self, _: object) -> str:
        return "unloadable"

    def verdict(self, name: str) -> dict:
        conditions = [{"type": "Succeeded", "status": "False"}]
        status = {"verdict": self.verdict_given, "reason": self.reason, "message": "the previous version is restored"}
        return {"metadata": {"name": name}, "status": status | {"conditions": conditions}}

    @contextmanager
    def serving(self, **_: int):
        yield

    @contextmanager
    def asked_all_the_time(self):
        yield self.answers
        self.answers.expect_none_failed()


def test_a_rollout_that_missed_its_deadline_and_was_undone_is_the_story_of_chapter_five():
    world = Rehearsal()
    unloadable_model(world)
    assert world.told[-2:] == [
        "rolled back: the previous version is restored",
        f"meanwhile: 10 requests in 0 s, 0 failed (the slowest answer took 0.00 s), all from {LIVE}",
    ]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        pytest.param({"verdict_given": "Failed"}, "should have ended as RolledBack, and ended as Failed", id="another verdict"),
        pytest.param({"reason": "BakeFailed"}, "rolled back because of BakeFailed", id="another reason"),
        pytest.param({"states": [BEFORE, Served(5, {"image": "y"}, BEFORE.pods)]}, "not what it was", id="another template stays"),
        pytest.param({"states": [BEFORE, BEFORE]}, "never rolled out", id="nothing was tried"),
        pytest.param({"states": [BEFORE, Served(5, BEFORE.template, frozenset({"pod-3"}))]}, "were replaced", id="old pods went"),
        pytest.param({"answers": Traffic(requests=2, versions={LIVE: 1, "v-2": 1})}, "Answers came from", id="the new version answered"),
        pytest.param({"answers": Traffic(requests=2, failed=1, versions={LIVE: 1})}, "1 of 2 requests failed", id="a request failed"),
        pytest.param({"lives": [LIVE, "v-2"]}, "v-2 is live", id="the record has it live"),
    ],
)
def test_anything_else_is_said(changed: dict, sentence: str):
    world = Rehearsal()
    vars(world).update(changed)
    with pytest.raises(NotSo, match=sentence):
        unloadable_model(world)
