"""What is said of an outcome, with an API server that takes the Event, has it already, refuses it, or gives no answer."""

from collections import deque

import pytest

from modelsafeguard.api import modeldeployment
from modelsafeguard.core.lifecycle import Observed
from modelsafeguard.core.lifecycle.step import Emit
from modelsafeguard.kube import act
from modelsafeguard.kube.act import Actor
from modelsafeguard.kube.errors import AlreadyExists, Refused, Unavailable
from modelsafeguard.objects.jobs import Images
from tests.support.objects import model_deployment

LINES = ("ml/intents nightly-1: ✅ Model retrained", "ml/intents nightly-1: Performance: improved")


class Api:
    """Answers in turn to what is created; an exception is raised."""

    def __init__(self, *answers):
        self.answers = deque(answers)
        self.names = []

    async def create(self, _, body):
        self.names.append(body["metadata"]["name"])
        answer = self.answers.popleft() if self.answers else None
        if answer:
            raise answer


@pytest.fixture
def observed():
    body = model_deployment()
    body["metadata"] |= {
        "namespace": "ml",
        "uid": "u",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": "2026-01-31T12:00:00Z",
    }
    return Observed("ml", "intents", modeldeployment.from_body(body))


@pytest.fixture
def tell(observed, caplog):
    caplog.set_level("INFO", act.log.name)

    async def tell(actor, *keys):
        caplog.clear()
        for key in keys or ("verdict",):
            await actor.perform(observed, [Emit(None, "ModelPromoted", "improved", key=key, log=LINES)])
        return [record.getMessage() for record in caplog.records]

    return tell


def operator(*answers):
    return Actor(Api(*answers), Images("measure"), "operator-1")


async def test_a_new_event_is_logged(tell):
    assert await tell(operator()) == list(LINES)


async def test_an_event_that_is_there_already_is_logged_too_for_whoever_wrote_it_may_have_been_killed_before_it_logged_it(tell):
    assert await tell(operator(AlreadyExists("409"))) == list(LINES)


async def test_what_one_process_tells_again_is_logged_once(tell):
    assert await tell(operator(None, AlreadyExists("409")), "verdict", "verdict") == list(LINES)


async def test_two_facts_are_logged_both(tell):
    assert await tell(operator(), "one", "another") == [*LINES, *LINES]


async def test_an_event_that_is_refused_is_logged_with_the_refusal(tell):
    assert await tell(operator(Refused("POST events: 403"))) == ["an Event could not be written: POST events: 403", *LINES]


async def test_what_the_api_server_gave_no_answer_to_is_logged_when_it_is_told_again(tell):
    actor = operator(Unavailable("no answer"))
    with pytest.raises(Unavailable):
        await tell(actor)
    assert await tell(actor) == list(LINES)


async def test_a_process_that_has_told_very_much_remembers_what_it_told_last(tell):
    actor = operator()
    keys = [str(number) for number in range(act._KEPT_NAMES + 1)]
    assert len(await tell(actor, *keys)) == 2 * len(keys)
    assert await tell(actor, keys[-1], keys[1]) == []
    assert len(actor._logged) == act._KEPT_NAMES
