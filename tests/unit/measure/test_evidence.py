"""What a whole ``publish`` says of the candidate beside the live model, from the trainer's files to both reports."""

import json
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Classes, Leakage, Part, SliceComparison, Unmeasured
from modelsafeguard.core.numbers import PValue
from modelsafeguard.core.text import text_digest
from modelsafeguard.measure import slices

LABELS = [("1", "yes"), ("2", "yes"), ("3", "no"), ("4", "no"), ("5", "no")]
LIVE = ["yes", "yes", "no", "yes", "maybe"]
CANDIDATE = ["no", "no", "no", "no", "no"]
NUMBERS = {"n_classes": 2, "n_features": 12, "n_samples": 40, "training_date": "2025-08-20T14:30:00"}
OF_LIVE = {"accuracy": 0.6, "f1_macro": 0.4333, "f1_weighted": 0.62, **NUMBERS, "labels": ["maybe", "no", "yes"]}
OF_CANDIDATE = {"accuracy": 0.6, "f1_macro": 0.375, "f1_weighted": 0.45, **NUMBERS}
COLUMNS = ("id", "label", "predicted")


def rows(answers, *columns):
    return [(*row, answer, *values) for row, answer, *values in zip(LABELS, answers, *columns, strict=True)]


@pytest.fixture
def live(world):
    world.trained("v-1", "pod-1", metrics=OF_LIVE, rows=rows(LIVE))
    assert world.publish("v-1", "pod-1").version == "v-1"


def trained(world, *columns, names=(), metrics=OF_CANDIDATE, answers=CANDIDATE):
    return world.trained(metrics=metrics, rows=rows(answers, *columns), columns=(*COLUMNS, *names))


@pytest.mark.usefixtures("live")
def test_the_compact_report_holds_the_comparison(world):
    trained(world, ["web", "web", "app", "app", ""], names=["channel"], metrics={**OF_CANDIDATE, "labels": ["no", "yes"]})

    comparison = world.publish(live="v-1").comparison

    assert (comparison.rows, comparison.changed, comparison.gained, comparison.lost, comparison.p_value) == (5, 4, 2, 2, 1)
    assert list(comparison.metrics) == ["accuracy", "f1_macro", "f1_weighted"]
    assert (comparison.metrics["accuracy"].delta, comparison.metrics["f1_macro"].delta) == (0, Decimal("-0.0583333333"))
    assert comparison.slices_tested == 5
    assert comparison.slices == (
        SliceComparison("channel", "web", 2, 0, 2, PValue(1)),
        SliceComparison("label", "yes", 2, 0, 2, PValue(1)),
    )
    assert (comparison.classes_lost, comparison.classes_gained) == (Classes(2, ("maybe", "yes")), Classes())
    assert comparison == world.read().comparison


@pytest.mark.usefixtures("live")
def test_the_full_report_holds_every_slice_and_what_the_intervals_are_drawn_from(world):
    trained(world, ["web", "web", "app", "app", ""], names=["channel"])

    world.publish(live="v-1", metrics=("accuracy", "f1_macro", "recall"), margins={"accuracy": "0.05", "f1_macro": "0"})

    comparison = world.report()["comparison"]
    assert [(one["column"], one["value"], one["delta"]) for one in comparison["slices"]] == [
        ("channel", "web", "-1"),
        ("label", "yes", "-1"),
        ("channel", "app", "0.5"),
        ("label", "no", "0.6666666667"),
        ("channel", "", "1"),
    ]
    assert comparison["slices"][0] | {"lower": "", "upper": ""} == {
        "column": "channel", "value": "web", "rows": 2, "gained": 0, "lost": 2, "delta": "-1", "lower": "", "upper": "", "pValue": "1",
    }  # fmt: skip
    assert comparison["classesLost"] == ["yes"]
    assert comparison["rowsNeeded"] == {"accuracy": 2512}  # (1.96 + 0.84)^2 * 4/5 / 0.05^2; no number of rows tells a margin of 0
    assert comparison["detectableDrop"] == "1"
    assert {name: comparison["resampling"][name] for name in ("resamples", "cells", "generator")} == {
        "resamples": 10_000,
        "cells": 4,
        "generator": "PCG64",
    }
    assert world.report()["schema"] == 3


@pytest.mark.usefixtures("live")
def test_rows_in_another_order_give_the_same_digits(world):
    trained(world)
    first = world.publish(live="v-1"), world.report()["comparison"]
    world.trained("v-3", "pod-3", metrics=OF_CANDIDATE, rows=rows(CANDIDATE)[::-1])

    again = world.publish("v-3", "pod-3", live="v-1"), world.report("v-3")["comparison"]

    assert (again[0].comparison, again[1]) == (first[0].comparison, first[1])


TOO_MANY = [str(number) for number in range(5)]


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param(TOO_MANY, "it has more than 4 distinct values", id="too many values"),
        pytest.param(
            ["a", "a", "b" * 257, "a", "a"], "it has a value that is longer than 256 characters or has control characters", id="long"
        ),
        pytest.param(
            ["a", "a", "b\nb", "a", "a"], "it has a value that is longer than 256 characters or has control characters", id="lines"
        ),
    ],
)
def test_a_column_that_makes_no_slices_fails_nothing_and_is_said_to_be_unmeasured(world, monkeypatch, values, why):
    monkeypatch.setattr(slices, "MAX_VALUES", 4)
    trained(world, values, ["x", "x", "x", "y", "y"], names=["remark", "channel"])

    report = world.publish(live="v-1")

    assert report.not_measured[Part.SLICES] is Unmeasured.COLUMN_UNUSABLE
    assert world.report()["holdout"]["unusableColumns"] == {"remark": why}
    assert {one["column"] for one in world.report()["comparison"]["slices"]} == {"label", "channel"}


def test_a_first_candidate_has_nothing_to_be_compared_with(world):
    trained(world, ["web", "web", "app", "app", ""], names=["channel"])

    report = world.publish()

    assert (report.comparison, report.not_measured[Part.COMPARISON]) == (None, Unmeasured.NO_LIVE_VERSION)
    assert world.report()["comparison"] == {}
    assert world.report()["notMeasured"]["Comparison"] == "NoLiveVersion"


@pytest.mark.usefixtures("live")
def test_without_predictions_nothing_is_compared(world):
    world.trained(metrics=OF_CANDIDATE, rows=None)

    report = world.publish(live="v-1")

    assert report.not_measured == {Part.COMPARISON: Unmeasured.NO_PREDICTIONS, Part.LEAKAGE: Unmeasured.NO_PREDICTIONS}


@pytest.mark.usefixtures("live")
def test_on_another_holdout_nothing_is_compared_unless_the_trainer_asked_the_live_model(world):
    other = [(f"x{identity}", label, answer) for (identity, label), answer in zip(LABELS, CANDIDATE, strict=True)]
    world.trained(metrics=OF_CANDIDATE, rows=other)
    world.trained("v-3", "pod-3", metrics=OF_CANDIDATE, rows=[(*row, answer) for row, answer in zip(other, LIVE, strict=True)],
                  columns=(*COLUMNS, "live_predicted"))  # fmt: skip

    assert world.publish(live="v-1").not_measured[Part.COMPARISON] is Unmeasured.NO_LIVE_ANSWERS
    assert world.publish("v-3", "pod-3", live="v-1").comparison.gained == 2


@pytest.mark.usefixtures("live")
def test_a_damaged_live_version_is_not_compared_with(world):
    trained(world)
    digest = world.manifest_digest("v-1")
    (world.version("v-1") / "metrics.json").chmod(0o644)
    (world.version("v-1") / "metrics.json").write_text(json.dumps(OF_CANDIDATE))

    assert world.publish(live="v-1", digest=digest).not_measured[Part.COMPARISON] is Unmeasured.LIVE_DAMAGED


TEXTS = ["Pay me", "pay  ME", "Where is it?", "No, thanks", "été"]


def texts(folder, content=None):
    lines = [f'{identity},"{text}"' for (identity, _), text in zip(LABELS, TEXTS, strict=True)]
    (folder / "holdout.csv").write_text(content or "\n".join(["id,text", *lines]))


def digests(folder, *trained_on, content=None):
    text = "".join(f"{text_digest(text)}\n" for text in trained_on)
    (folder / "train-digests.txt").write_bytes(text.encode() if content is None else content)


@pytest.fixture
def live_with_digests(world):
    digests(world.trained("v-1", "pod-1", metrics=OF_LIVE, rows=rows(LIVE)), "e\u0301te\u0301", "something else")
    world.publish("v-1", "pod-1")


@pytest.mark.usefixtures("live_with_digests")
def test_rows_that_were_trained_on_are_counted_for_both_models(world):
    folder = trained(world)
    texts(folder)
    digests(folder, "PAY ME", "pay me", "no, thanks", "unseen")

    report = world.publish(live="v-1")

    assert report.leakage == Leakage(5, 3, 1)
    assert world.report()["leakage"] == {"rows": 5, "leaked": 3, "share": "0.6", "liveLeaked": 1, "liveShare": "0.2"}
    assert Part.LIVE_LEAKAGE not in report.not_measured


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"%s\r\n%s\n\n%s", id="mixed line ends, empty lines, no last line end"),
        pytest.param(b"\xef\xbb\xbf%s\n%s\n%s\n", id="a byte order mark"),
    ],
)
def test_digests_may_be_written_in_several_ways(world, content):
    folder = trained(world)
    texts(folder)
    digests(folder, content=content % tuple(text_digest(text).upper().encode() for text in ("pay me", "été", "pay me")))

    assert world.publish().leakage == Leakage(5, 3)


def test_a_text_for_every_row_may_be_one_of_many(world):
    folder = trained(world)
    texts(folder, "text,further,id\n" + "".join(f'"a, ""quoted""\ntext",x,{identity}\n' for identity in range(1, 9)))
    digests(folder, 'A, "quoted" text')

    assert world.publish().leakage == Leakage(5, 5)


def test_what_is_not_there_is_not_measured(world):
    digests(trained(world), "pay me")
    texts(world.trained("v-3", "pod-3", metrics=OF_CANDIDATE, rows=rows(CANDIDATE)))

    assert world.publish().not_measured[Part.LEAKAGE] is Unmeasured.NO_HOLDOUT_TEXTS
    assert world.publish("v-3", "pod-3").not_measured[Part.LEAKAGE] is Unmeasured.NO_TRAIN_DIGESTS


@pytest.mark.usefixtures("live")
def test_a_live_version_without_digests_leaves_its_own_share_unmeasured(world):
    folder = trained(world)
    texts(folder)
    digests(folder, "pay me")

    report = world.publish(live="v-1")

    assert (report.leakage, report.not_measured) == (Leakage(5, 2), {Part.LIVE_LEAKAGE: Unmeasured.NO_TRAIN_DIGESTS})


def test_a_live_version_whose_digests_are_malformed_fails_no_candidate(world):
    """It may have been published by a measure that did not look."""
    digests(world.trained("v-1", "pod-1", metrics=OF_LIVE, rows=rows(LIVE)), content=b"none")
    world.publish("v-1", "pod-1")
    folder = trained(world)
    texts(folder)
    digests(folder, "pay me")

    assert world.publish(live="v-1").not_measured == {Part.LIVE_LEAKAGE: Unmeasured.TRAIN_DIGESTS_INVALID}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param("", "has no column id", id="an empty file"),
        pytest.param("id,words\n", "has no column text", id="a column missing"),
        pytest.param("id,text,text\n", "names a column more than once", id="a column twice"),
        pytest.param("id,text\n", "has no text for 5 of the 5 ids of predictions.csv", id="no rows"),
        pytest.param("id,text\n1,a\n2,b\n3,c\n4,d\n", "has no text for 1 of the 5 ids of predictions.csv", id="a row missing"),
        pytest.param("id,text\n1,a\n1,b\n", "has the id '1' twice, again in line 3", id="an id twice"),
        pytest.param("id,text\n1\n", "has 1 values instead of 2 in line 2", id="a value missing"),
        pytest.param("id,text\n,a\n", "has no id in line 2", id="no id"),
        pytest.param('id,text\n1,"a\n', "is not CSV", id="a quote that never ends"),
        pytest.param("id,text\n1,\udcff\n", "is not UTF-8", id="bytes that are not UTF-8"),
    ],
)
def test_texts_that_are_malformed_or_contradict_the_predictions_fail_the_candidate(world, content, sentence):
    folder = trained(world)
    (folder / "holdout.csv").write_bytes(content.encode(errors="surrogateescape"))
    digests(folder, "pay me")
    before = world.files()

    failure = world.publish()

    assert (failure.reason, failure.message.startswith("holdout.csv ")) == ("HoldoutInvalid", True)
    assert sentence in failure.message
    assert world.files() == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"", "has no digest", id="an empty file"),
        pytest.param(b"0" * 64 + b"\nnone\n", "has something else than 64 hex digits in line 2", id="a word"),
        pytest.param(b"0" * 63 + b"\n", "in line 1", id="a digit missing"),
        pytest.param(b"0" * 66 + b"\n", "in line 1", id="digits too many"),
        pytest.param(b"0" * 63 + b"g\n", "in line 1", id="a letter that is no digit"),
        pytest.param(b"0" * 64 + b" " + b"0" * 64, "in line 1", id="two in a line"),
        pytest.param(b" " + b"0" * 63 + b"\n", "in line 1", id="a space"),
        pytest.param(b"\xff" * 200_000, "in line 1", id="a line without end"),
        pytest.param(b"\n", "has no digest", id="only empty lines"),
    ],
)
def test_digests_that_are_malformed_fail_the_candidate(world, content, sentence):
    folder = trained(world)
    texts(folder)
    digests(folder, content=content)

    failure = world.publish()

    assert (failure.reason, failure.message.startswith("train-digests.txt ")) == ("TrainDigestsInvalid", True)
    assert sentence in failure.message


@pytest.mark.parametrize(("name", "reason"), [("holdout.csv", "HoldoutTooLarge"), ("train-digests.txt", "TrainDigestsTooLarge")])
def test_files_that_are_too_large_are_refused_before_they_are_read(world, name, reason):
    folder = trained(world)
    texts(folder)
    digests(folder, "pay me")
    with (folder / name).open("ab") as file:
        file.truncate((1 << 30) + 1)

    assert world.publish().reason == reason
