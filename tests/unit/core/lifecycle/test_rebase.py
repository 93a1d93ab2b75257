"""Annotated numbers that are not the record's are accepted by a signature that the API server has checked, once."""

from decimal import Decimal

import pytest

OTHER = {"accuracy": "0.7500", "f1_macro": "0.7400"}


@pytest.fixture
def changed(world):
    """The annotations are no longer those of the live version."""
    world.promote("live", accuracy="0.9000")
    world.annotate_model(**OTHER)
    assert world.condition("Ready") == ("False", "BaselineChanged")
    return world


def sign(world, name="alice"):
    world.annotate_model(rebased_by=name)


def test_signed_numbers_become_the_baseline_of_the_version_that_serves(changed):
    sign(changed)
    live = changed.model.status.live
    assert live.metrics["accuracy"] == Decimal("0.7500")
    assert live.version == changed.version("live")
    assert changed.condition("Ready") == ("True", "Serving")
    (told,) = changed.told("BaselineRebased")
    assert told.startswith(f"alice accepted other numbers for live version {live.version}: accuracy 0.9")
    changed.train("next", accuracy="0.8000", f1_macro="0.8000")
    assert changed.status("next").message == "Performance improved: accuracy +0.0500, F1 +0.0600"


def test_a_signature_covers_no_later_edit(changed):
    sign(changed)
    changed.annotate_model(accuracy="0.1000")
    assert changed.condition("Ready") == ("False", "BaselineChanged")
    assert len(changed.told("BaselineRebased")) == 1


def test_removed_and_given_anew_it_counts_again(changed):
    sign(changed)
    changed.annotate_model(accuracy="0.6000")
    sign(changed, "")
    assert changed.condition("Ready") == ("False", "BaselineChanged")
    sign(changed)
    assert changed.model.status.live.metrics["accuracy"] == Decimal("0.6000")


def test_somebody_elses_signature_counts_too(changed):
    sign(changed)
    changed.annotate_model(accuracy="0.6000")
    sign(changed, "bob")
    assert changed.model.status.live.metrics["accuracy"] == Decimal("0.6000")


def test_a_signature_that_was_set_while_the_numbers_agreed_accepts_nothing_later(world):
    world.promote("live")
    sign(world)
    world.annotate_model(**OTHER)
    assert world.condition("Ready") == ("False", "BaselineChanged")
    assert world.told("BaselineRebased") == []


def test_a_signature_that_the_api_server_does_not_check_counts_for_nothing_and_says_so(changed):
    changed.policies_in_force = False
    sign(changed)
    assert changed.condition("Ready") == ("False", "BaselineChanged")
    assert "the API server does not check who signs" in changed.told("SignatureIgnored")[0]
    changed.policies_in_force = True
    changed.run()
    assert changed.condition("Ready") == ("False", "BaselineChanged")


def test_a_signature_for_numbers_that_cannot_be_read_accepts_none_later_either(changed):
    changed.annotate_model(accuracy="NaN")
    sign(changed)
    assert changed.condition("Ready") == ("False", "BaselineInvalid")
    changed.annotate_model(accuracy="0.0100")
    assert changed.condition("Ready") == ("False", "BaselineChanged")
    assert changed.told("BaselineRebased") == []


def test_a_signature_during_a_rollout_accepts_nothing(world):
    world.promote("live", accuracy="0.9000")
    world.train("next", accuracy="0.9500")
    world.annotate_model(**OTHER)
    sign(world)
    world.bake()
    assert world.model.status.live.metrics["accuracy"] == Decimal("0.9500")
    assert world.told("BaselineRebased") == []


def test_an_endless_signature_is_taken_notice_of_once(changed):
    sign(changed, "a" * 5000)
    assert len(changed.model.status.rebased_by) == 253
    assert changed.condition("Ready") == ("True", "Serving")
