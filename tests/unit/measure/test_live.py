import os
import stat
from decimal import Decimal

import pytest

from modelsafeguard.core.report import Evidence
from modelsafeguard.measure.live import MAX_DISAGREEMENT

LIVE_COLUMNS = ("id", "label", "predicted", "live_predicted")
OTHER_HOLDOUT = [("7", "yes", "yes", "yes"), ("8", "yes", "no", "no"), ("9", "no", "no", "no"), ("10", "no", "no", "yes")]


@pytest.fixture
def live(world):
    """A live version v-1, which is right on 2 of the 4 rows, "maybe" among its answers."""
    metrics = {"accuracy": 0.5, "f1_macro": 0.3889, "f1_weighted": 0.5833, "n_classes": 3, "n_features": 12, "n_samples": 40,
               "training_date": "2025-08-01T00:00:00"}  # fmt: skip
    world.trained("v-1", "pod-1", metrics=metrics, rows=[("1", "yes", "yes"), ("2", "yes", "no"), ("3", "no", "maybe"), ("4", "no", "no")])
    report = world.publish("v-1", "pod-1")
    assert report.version == "v-1"
    return report


def rows_with(live_answers):
    return [
        (identity, label, predicted, answer)
        for (identity, label, predicted), answer in zip(
            [("1", "yes", "yes"), ("2", "yes", "no"), ("3", "no", "no"), ("4", "no", "no")], live_answers, strict=True
        )
    ]


def test_on_the_same_holdout_the_live_models_stored_predictions_count(world, live):
    world.trained(rows=[("4", "no", "no"), ("3", "no", "no"), ("2", "yes", "no"), ("1", "yes", "yes")])

    report = world.publish(live="v-1")

    assert (report.live_version, report.live_evidence) == ("v-1", Evidence.PAIRED)
    assert report.live_metrics == {name: live.metrics[name] for name in ("accuracy", "f1_macro", "f1_weighted")}


@pytest.mark.usefixtures("live")
def test_on_another_holdout_the_trainers_rescoring_counts(world):
    world.trained(rows=OTHER_HOLDOUT, columns=LIVE_COLUMNS)

    report = world.publish(live="v-1")

    assert (report.live_evidence, report.live_metrics["accuracy"]) == (Evidence.RESCORED, Decimal("0.5"))


@pytest.mark.usefixtures("live")
def test_on_another_holdout_without_rescoring_nothing_is_known_of_the_live_model(world):
    world.trained(rows=[row[:3] for row in OTHER_HOLDOUT])

    report = world.publish(live="v-1")

    assert (report.live_version, report.live_evidence, report.live_metrics) == ("v-1", Evidence.NONE, {})


@pytest.mark.usefixtures("live")
def test_without_predictions_nothing_is_known_of_the_live_model(world):
    world.trained(rows=None)

    assert world.publish(live="v-1").live_evidence is Evidence.NONE


@pytest.mark.usefixtures("live")
def test_stored_and_rescored_answers_that_agree_are_paired(world):
    world.trained(rows=rows_with(["yes", "no", "maybe", "no"]), columns=LIVE_COLUMNS)

    assert world.publish(live="v-1").live_evidence is Evidence.PAIRED
    assert world.report()["live"]["disagreement"] == 0


@pytest.mark.usefixtures("live")
def test_stored_and_rescored_answers_that_differ_fail(world):
    world.trained(rows=rows_with(["yes", "no", "no", "no"]), columns=LIVE_COLUMNS)
    before = world.files()

    failure = world.publish(live="v-1")

    assert failure.reason == "LiveDisagrees"
    assert "differs from the stored predictions of the live version v-1 on 1 of 4 rows" in failure.message
    assert world.files() == before


CUT_ELSEWHERE = [("1", "x,a"), ("1,x", "a")]  # both are the line "1,x,a" of the holdout digest
PERFECT = {"accuracy": 1, "f1_macro": 1, "f1_weighted": 1, "n_classes": 1, "n_features": 1, "n_samples": 1,
           "training_date": "2025-08-01T00:00:00"}  # fmt: skip


@pytest.mark.parametrize(("before", "now"), [CUT_ELSEWHERE, CUT_ELSEWHERE[::-1]])
@pytest.mark.parametrize(("rescored", "evidence"), [(False, Evidence.NONE), (True, Evidence.RESCORED)])
def test_rows_with_the_same_digest_but_other_ids_are_another_holdout(world, before, now, rescored, evidence):
    world.trained("v-1", "pod-1", metrics=PERFECT, rows=[(*before, before[1])])
    first = world.publish("v-1", "pod-1")
    world.trained(metrics=PERFECT, rows=[(*now, now[1], "b")[: 4 if rescored else 3]], columns=LIVE_COLUMNS[: 4 if rescored else 3])

    report = world.publish(live="v-1")

    assert first.holdout_digest == report.holdout_digest
    assert report.live_evidence is evidence
    assert report.live_metrics.get("accuracy", 0) == 0


def test_rows_with_the_same_digest_line_are_joined_by_their_ids_in_whatever_order_they_stand(world):
    rows = [(identity, label, label) for identity, label in CUT_ELSEWHERE]
    world.trained("v-1", "pod-1", metrics=PERFECT, rows=[*rows, ("2", "b", "b")])
    world.publish("v-1", "pod-1")
    world.trained(metrics=PERFECT, rows=[("2", "b", "b"), *rows[::-1]])

    report = world.publish(live="v-1")

    assert (report.live_evidence, report.live_metrics["accuracy"]) == (Evidence.PAIRED, 1)


@pytest.mark.parametrize(("differing", "fails"), [(2, False), (3, True)], ids=["at the bound", "above the bound"])
def test_a_thousandth_of_the_rows_may_differ(world, differing, fails):
    rows = [(str(number), "yes", "yes") for number in range(2000)]
    assert differing / len(rows) <= MAX_DISAGREEMENT or fails
    world.trained("v-1", "pod-1", metrics=PERFECT, rows=rows)
    world.publish("v-1", "pod-1")
    world.trained(
        metrics=PERFECT, rows=[(*row, "no" if number < differing else "yes") for number, row in enumerate(rows)], columns=LIVE_COLUMNS
    )

    assert (getattr(world.publish(live="v-1"), "reason", "") == "LiveDisagrees") is fails


def change_weights(folder):
    path = folder / "model" / "weights.bin"
    path.chmod(0o644)
    path.write_bytes(b"\x00\x02" * 500)


def remove_weights(folder):
    (folder / "model").chmod(0o755)
    (folder / "model" / "weights.bin").unlink()


def add_file(folder):
    folder.chmod(0o755)
    (folder / "added").write_text("")


def change_manifest(folder):
    (folder / "safeguard-manifest.json").chmod(0o644)
    (folder / "safeguard-manifest.json").write_text("{}")


def remove_manifest(folder):
    folder.chmod(0o755)
    (folder / "safeguard-manifest.json").unlink()


def replace_by_link(folder):
    path = folder / "predictions.csv"
    content = path.read_text()
    folder.chmod(0o755)
    path.unlink()
    elsewhere = folder.parent.parent / "elsewhere.csv"
    elsewhere.write_text(content)
    path.symlink_to(elsewhere)


def replace_manifest_by_link(folder):
    folder.chmod(0o755)
    (folder / "safeguard-manifest.json").rename(folder.parent.parent / "elsewhere.json")
    (folder / "safeguard-manifest.json").symlink_to("../../elsewhere.json")


def replace_manifest_by_socket(folder):
    folder.chmod(0o755)
    (folder / "safeguard-manifest.json").unlink()
    os.mknod(folder / "safeguard-manifest.json", stat.S_IFSOCK | 0o600)


def replace_folder_by_link(folder):
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")


def remove_folder(folder):
    folder.rename(folder.with_name("elsewhere"))


DAMAGES = [
    pytest.param(change_weights, "'model/weights.bin' was changed", id="a file was changed"),
    pytest.param(remove_weights, "'model/weights.bin' is missing", id="a file is missing"),
    pytest.param(add_file, "'added' was added", id="a file was added"),
    pytest.param(change_manifest, "does not have the recorded digest", id="the manifest was changed"),
    pytest.param(remove_manifest, "'safeguard-manifest.json' is not there", id="the manifest is missing"),
    pytest.param(replace_by_link, "'predictions.csv' is a symbolic link", id="a file became a link"),
    pytest.param(replace_manifest_by_link, "'safeguard-manifest.json' is not a regular file", id="the manifest became a link"),
    pytest.param(replace_manifest_by_socket, "'safeguard-manifest.json' is not a regular file", id="the manifest became a socket"),
    pytest.param(replace_folder_by_link, "'v-1' is not there", id="the folder became a link"),
    pytest.param(remove_folder, "'v-1' is not there", id="the folder is gone"),
]


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES)
def test_a_damaged_live_version_blocks_no_candidate_and_proves_nothing(world, live, damage, sentence):
    damage(world.version("v-1"))
    world.trained(rows=rows_with(["no", "yes", "yes", "yes"]), columns=LIVE_COLUMNS)

    report = world.publish(live="v-1", digest=live.manifest_digest)

    assert (report.version, report.live_evidence, report.live_metrics) == ("v-2", Evidence.NONE, {})
    assert sentence in world.report()["live"]["problem"]


@pytest.mark.usefixtures("live")
def test_a_live_version_without_a_recorded_digest_proves_nothing(world):
    world.trained(rows=rows_with(["yes", "no", "maybe", "no"]), columns=LIVE_COLUMNS)

    assert world.publish(live="v-1", digest="").live_evidence is Evidence.NONE


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES)
def test_verify_names_the_first_difference(world, live, damage, sentence):
    assert world.verify("v-1", live.manifest_digest) == ""

    damage(world.version("v-1"))

    assert sentence in world.verify("v-1", live.manifest_digest)
    assert world.status == 1
