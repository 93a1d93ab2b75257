"""Waiting by watches, with what the API server would say written down beforehand."""

import pytest

from hack.demo.errors import NotSo
from hack.demo.world import is_true

MOMENT = 0.01  # seconds: more than enough where nothing comes


def request(stage: str, *conditions: str) -> dict:
    found = [{"type": name, "status": "True"} for name in conditions]
    return {"metadata": {"name": "r", "resourceVersion": "1"}, "status": {"stage": stage, "conditions": found}}


QUEUED, DONE = request("Queued"), request("Finished", "Finished")


def test_an_object_is_given_back_as_soon_as_the_condition_is_true_of_it(kube):
    kube.streams = [[("ADDED", QUEUED), ("MODIFIED", DONE), ("MODIFIED", QUEUED)]]
    assert kube.until("RetrainRequest", "r", "its end", is_true("Finished"), within=60) == DONE


def test_every_state_on_the_way_is_shown_also_after_a_stream_was_cut(kube):
    kube.streams, seen = [[("ADDED", QUEUED)], [], [("ADDED", request("Training")), ("MODIFIED", DONE)]], []
    kube.until("RetrainRequest", "r", "its end", is_true("Finished"), within=60, seen=seen.append)
    assert [each["status"]["stage"] for each in seen] == ["Queued", "Training", "Finished"]
    assert len(kube.watched) == 3


@pytest.mark.parametrize(
    ("events", "state"),
    [
        pytest.param([("ADDED", QUEUED)], "'stage': 'Queued'", id="it stayed as it was"),
        pytest.param([], "there is none", id="it never came"),
        pytest.param([("ADDED", QUEUED), ("DELETED", QUEUED)], "there is none", id="it went"),
        pytest.param([("DELETED", DONE)], "there is none", id="it went as it should have become"),
        pytest.param([("ADDED", {"metadata": {"name": "r"}})], "it is there", id="it has no status"),
    ],
)
def test_what_is_not_seen_in_time_is_said_with_the_last_state(kube, events, state):
    kube.streams = [events]
    with pytest.raises(NotSo, match=rf"RetrainRequest r in namespace here: its end was not seen within 0 s\. Its state: .*{state}"):
        kube.until("RetrainRequest", "r", "its end", is_true("Finished"), within=MOMENT)


class TestUntilAnObjectIsGone:
    def test_one_that_is_not_there_is_not_waited_for(self, kube):
        kube.gone("Job", "j", within=60)
        assert kube.watched == []

    def test_its_deletion_ends_the_waiting(self, kube):
        kube.objects["Job", "j"] = QUEUED
        kube.streams = [[("MODIFIED", QUEUED)], [("DELETED", QUEUED)]]
        kube.gone("Job", "j", within=60)
        assert kube.watched == [("Job", "j", "1")] * 2  # from what was read: a deletion between reading and watching is not missed

    def test_one_that_stays_is_said(self, kube):
        kube.objects["Job", "j"] = QUEUED
        kube.streams = [[("MODIFIED", QUEUED)]]
        with pytest.raises(NotSo, match=r"Job j in namespace here was not gone within 0 s"):
            kube.gone("Job", "j", within=MOMENT)
