from dataclasses import replace
from datetime import UTC, datetime

import pytest

from modelsafeguard.api.names import REQUEST_KIND
from modelsafeguard.objects.events import Fact, event, event_name

NOW = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)
INSTANCE = "modelsafeguard-operator-6c9f"


@pytest.fixture
def fact(request_) -> Fact:
    return Fact(REQUEST_KIND, request_.meta, "CandidateRejected", "Performance degraded: accuracy -0.0312, F1 -0.0275", warning=True)


def test_the_manifest_is_what_is_written_down(fact, golden):
    assert event(fact, now=NOW, instance=INSTANCE) == golden("event")


def test_the_same_fact_has_the_same_name_whoever_tells_it_and_in_whatever_words(fact):
    assert event_name(replace(fact, note="in other words", warning=False)) == event_name(fact)


@pytest.mark.parametrize("change", [{"reason": "ModelPromoted"}, {"key": "second"}], ids=["another reason", "another key"])
def test_another_fact_has_another_name(fact, change):
    assert event_name(replace(fact, **change)) != event_name(fact)


def test_an_object_made_again_under_the_same_name_has_its_own_events(fact):
    assert event_name(replace(fact, meta=replace(fact.meta, uid="cccc"))) != event_name(fact)


@pytest.mark.parametrize("letter", ["x", "é", "…"], ids=["one byte a letter", "two bytes", "three bytes"])
def test_a_long_note_is_cut_to_the_bytes_that_the_api_server_takes(fact, letter):
    note = event(replace(fact, note=letter * 2000), now=NOW, instance=INSTANCE)["note"]
    assert 1024 - 3 <= len(note.encode()) <= 1024
    assert note.endswith("…")


def test_a_note_that_just_fits_is_left_as_it_is(fact):
    assert event(replace(fact, note="x" * 1024), now=NOW, instance=INSTANCE)["note"] == "x" * 1024
