import hashlib
import json
import os
import stat
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Part, Unmeasured
from modelsafeguard.core.report import Evidence, Report, holdout_digest
from modelsafeguard.measure import folder as folder_reading
from modelsafeguard.measure import publish as publishing
from modelsafeguard.measure import read as published_reading
from modelsafeguard.measure import store as storing

METRICS = {
    "accuracy": 0.75,
    "f1_macro": 0.7333,
    "f1_weighted": 0.7333,
    "n_classes": 2,
    "n_features": 12,
    "n_samples": 40,
    "training_date": "2025-08-20T14:30:00",
}
HOLDOUT = holdout_digest([("1", "yes"), ("2", "yes"), ("3", "no"), ("4", "no")])


def _frozen(max_drop):
    return json.dumps({"modelUID": "uid", "modelGeneration": 1, "policy": {"metrics": [{"name": "accuracy", "maxDrop": max_drop}]}})


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_candidate_is_published_read_only_and_its_report_handed_over(world):
    world.trained()

    report = world.publish()

    manifest = (world.version() / "safeguard-manifest.json").read_bytes()
    assert report == Report(
        version="v-2",
        manifest_digest="sha256:" + hashlib.sha256(manifest).hexdigest(),
        model_digest="",
        metrics={
            "accuracy": Decimal("0.75"),
            "f1_macro": Decimal("0.7333333333"),
            "f1_weighted": Decimal("0.7333333333"),
            "n_classes": Decimal(2),
            "n_features": Decimal(12),
            "n_samples": Decimal(40),
        },
        training_date="2025-08-20T14:30:00",
        holdout_digest=HOLDOUT,
        holdout_rows=4,
        not_measured={Part.COMPARISON: Unmeasured.NO_LIVE_VERSION, Part.LEAKAGE: Unmeasured.NO_HOLDOUT_TEXTS},
    )
    assert world.status == 0
    assert world.files() == [
        "reports/v-2.html",
        "reports/v-2.json",
        "versions/v-2/metrics.json",
        "versions/v-2/model/weights.bin",
        "versions/v-2/predictions.csv",
        "versions/v-2/safeguard-manifest.json",
    ]
    assert {path.name: mode(path) for path in (world.version(), *world.version().rglob("*"))} == {
        "v-2": 0o555,
        "model": 0o555,
        "weights.bin": 0o444,
        "metrics.json": 0o444,
        "predictions.csv": 0o444,
        "safeguard-manifest.json": 0o444,
    }
    assert not world.staging().parent.exists()


def test_the_manifest_has_every_file_with_sorted_keys_and_no_spaces(world):
    world.trained()
    world.publish()

    text = (world.version() / "safeguard-manifest.json").read_text()

    manifest = json.loads(text)
    assert text == json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    assert set(manifest["files"]) == {"metrics.json", "model/weights.bin", "predictions.csv"}
    weights = (world.version() / "model/weights.bin").read_bytes()
    assert manifest["files"]["model/weights.bin"] == {"sha256": hashlib.sha256(weights).hexdigest(), "size": 1000}
    assert (manifest["schema"], manifest["version"]) == (1, "v-2")


def test_the_full_report_has_what_was_written_and_what_was_measured(world):
    world.trained(rows=[(*row, "web") for row in [("1", "yes", "yes"), ("2", "yes", "no"), ("3", "no", "no"), ("4", "no", "no")]],
                  columns=("id", "label", "predicted", "channel"))  # fmt: skip
    world.publish()

    report = world.report()

    assert report["written"]["f1_macro"] == "0.7333"
    assert report["recomputed"]["f1_macro"].startswith("0.73333333333333")
    assert report["holdout"] == {
        "digest": HOLDOUT,
        "rows": 4,
        "slices": ["channel"],
        "unusableColumns": {},
        "classes": {"yes": {"rows": 2, "predicted": 1, "right": 1}, "no": {"rows": 2, "predicted": 3, "right": 2}},
    }
    assert (report["model"], report["request"]) == ("intents", "nightly")
    assert report["frozen"]["policy"]["metrics"] == [{"name": "accuracy", "maxDrop": "0.01"}, {"name": "f1_macro", "maxDrop": "0.01"}]
    assert set(report["libraries"]) == {"python", "numpy", "scipy", "scikit-learn"}
    assert set(report["files"]) == {"metrics.json", "model/weights.bin", "predictions.csv"}


def test_without_predictions_the_written_numbers_count_and_the_holdout_stays_unknown(world):
    world.trained(rows=None)

    report = world.publish()

    assert (report.metrics["f1_macro"], report.holdout_digest, report.holdout_rows) == (Decimal("0.7333"), "", 0)


def test_a_holdout_digest_that_is_only_claimed_is_not_reported(world):
    world.trained(metrics={**METRICS, "holdoutDigest": HOLDOUT}, rows=None)

    assert world.publish().holdout_digest == ""


def test_a_policys_own_metric_is_reported(world):
    world.trained(metrics={**METRICS, "recall_at_5": 0.987, "unasked": 3})

    report = world.publish(metrics=("accuracy", "recall_at_5"))

    assert report.metrics["recall_at_5"] == Decimal("0.987")
    assert "unasked" not in report.metrics


def test_publishing_again_hands_the_same_report_over_and_changes_nothing(world):
    world.trained()
    first = world.publish()
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in world.version().rglob("*")}

    again = world.publish()

    assert (again, world.status) == (first, 0)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in world.version().rglob("*")} == before


def test_a_version_of_another_pod_is_left_as_it_is(world):
    world.trained(pod="pod-1")
    first = world.publish(pod="pod-1")
    world.trained(pod="pod-2")
    before = world.files()

    failure = world.publish(pod="pod-2")

    assert (failure.reason, world.status) == ("VersionExists", 1)
    assert world.files() == before
    assert world.read() == first


@pytest.mark.parametrize("kind", ["an empty folder", "a folder", "a file", "a dangling link"])
def test_nothing_of_the_versions_name_is_ever_replaced(world, kind):
    world.trained()
    world.version().parent.mkdir()
    if kind == "a file":
        world.version().write_text("mine")
    elif kind == "a dangling link":
        world.version().symlink_to("nowhere")
    else:
        world.version().mkdir()
        if kind == "a folder":
            (world.version() / "file").write_text("mine")
    before = world.files()

    assert world.publish().reason == "VersionExists"
    assert world.files() == before


@pytest.mark.parametrize("has_renameat2", [True, False], ids=["renameat2", "a file system without renameat2"])
@pytest.mark.parametrize("kind", ["an empty folder", "a folder", "a file"])
def test_a_version_that_appears_in_the_last_moment_is_not_replaced(world, monkeypatch, kind, has_renameat2):
    """Another pod of the same name publishes between the check and the rename."""
    world.trained()
    if not has_renameat2:
        monkeypatch.setattr(storing, "_renameat2", not_supported)

    def rename_new(*names):
        if kind == "a file":
            world.version().write_text("theirs")
        else:
            world.version().mkdir()
            if kind == "a folder":
                (world.version() / "file").write_text("theirs")
        storing.rename_new(*names)

    monkeypatch.setattr(publishing, "rename_new", rename_new)

    assert world.publish().reason == "VersionExists"
    assert "staging/v-2/pod-2.publish/model/weights.bin" in world.files()
    assert not (world.version() / "metrics.json").exists()


def not_supported(*_):
    raise OSError(22, "Invalid argument")


def test_a_file_system_without_renameat2_publishes_all_the_same(world, monkeypatch):
    monkeypatch.setattr(storing, "_renameat2", not_supported)
    world.trained()

    assert isinstance(world.publish(), Report)
    assert (world.version() / "model/weights.bin").exists()


class Crash(BaseException):
    """A kill: nothing in measure may catch it."""


def crash_points(monkeypatch, crash_at):
    """Let every change that publishing makes be the last one: the count says before which change it is killed."""
    changes = 0

    def counted(function):
        def call(*args, **kwargs):
            nonlocal changes
            changes += 1
            if changes == crash_at:
                raise Crash
            return function(*args, **kwargs)

        return call

    for name in ("mkdir", "rename", "fchmod", "rmdir", "unlink"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    for name in ("write_file", "rename_new"):
        monkeypatch.setattr(publishing, name, counted(getattr(publishing, name)))


@pytest.mark.parametrize("crash_at", range(1, 21))
def test_killed_at_any_change_it_is_published_whole_or_not_at_all(world, monkeypatch, crash_at):
    world.trained()
    everything = {"metrics.json", "predictions.csv", "weights.bin"}
    with monkeypatch.context() as patched:
        crash_points(patched, crash_at)
        try:
            world.publish()
        except Crash:
            pass
        else:
            assert crash_at == 20, "publishing makes 19 changes, and is killed before each"

    kept = {path.name for path in world.store.rglob("*") if path.is_file()}
    assert everything <= kept, "nothing is lost"
    if world.version().exists():
        assert isinstance(world.publish(), Report), "the same pod hands it over again"
        assert isinstance(world.read(), Report)
        assert mode(world.version()) == 0o555
    else:
        assert world.read().reason == "ReportMissing"
        world.trained(pod="pod-3")
        assert isinstance(world.publish(pod="pod-3"), Report), "the next pod is not in its way"


def test_an_attempt_that_was_interrupted_is_not_repeated_over_its_own_remains(world):
    world.trained()
    (world.staging().parent / "pod-2.publish").mkdir()

    assert world.publish().reason == "PublishInterrupted"


def test_a_pod_without_a_staging_folder_fails(world):
    failure = world.publish()

    assert failure.reason == "OutputMissing"
    assert "staging/v-2/pod-2" in failure.message


def link_out(path, outside):
    path.symlink_to(outside)


def dangling_link(path, _):
    path.symlink_to("nowhere")


def plain_file(path, _):
    path.write_text("not a folder")


@pytest.mark.parametrize("where", ["staging/v-2/pod-2", "staging/v-2"])
@pytest.mark.parametrize("put", [link_out, dangling_link, plain_file], ids=["a link out of the volume", "a dangling link", "a file"])
def test_what_stands_in_the_place_of_the_trainers_folder_is_named_and_not_followed(world, tmp_path, where, put):
    outside = tmp_path / "outside"
    (outside / "pod-2").mkdir(parents=True)
    (outside / "pod-2" / "metrics.json").write_text(json.dumps(METRICS))
    (world.store / where).parent.mkdir(exist_ok=True)
    put(world.store / where, outside)

    failure = world.publish()

    assert failure.reason == "ModelFolderInvalid"
    assert failure.message == (
        "The folder staging/v-2/pod-2 on the volume, or the one that holds it, is a link or a file, and was not followed: it is made by "
        "the kubelet for each pod; find out who else writes to this claim"
    )
    assert world.files() == [where]


def test_a_file_that_vanishes_while_it_is_measured_is_not_taken_for_a_trainer_that_never_ran(world, monkeypatch):
    folder = world.trained()
    measure = publishing.measured

    def vanish(*args):
        (folder / "model" / "weights.bin").unlink()
        return measure(*args)

    monkeypatch.setattr(publishing, "measured", vanish)

    failure = world.publish()

    assert failure.reason == "VolumeError"
    assert "'weights.bin': No such file or directory" in failure.message


def test_more_paths_than_a_manifest_can_hold_publish_nothing(world):
    """A published manifest that is too large to be read again could never be rolled back to."""
    folder = world.trained()
    for _ in range(14):
        folder = folder / ("\u00e9" * 127)  # 254 bytes on the disk, 762 in the manifest
        folder.mkdir()
    for number in range(800):
        (folder / str(number)).touch()
    before = world.files()

    failure = world.publish()

    assert failure.reason == "ModelFolderInvalid"
    assert failure.message.startswith("The trainer's folder cannot be published: the list of its files would have ")
    assert failure.message.endswith(" bytes, more than 8388608; use fewer files or shorter paths")
    assert world.files() == before
    assert not list((world.store / "versions").iterdir())


def test_a_folder_with_as_many_entries_as_are_allowed_can_be_verified_and_read_again(world, monkeypatch):
    world.trained()
    monkeypatch.setattr(folder_reading, "MAX_ENTRIES", 4)  # metrics.json, predictions.csv, model, model/weights.bin

    report = world.publish()

    assert isinstance(report, Report)
    assert (world.verify(), world.read()) == ("", report)


def test_a_report_that_would_be_too_large_to_be_read_again_publishes_nothing(world, monkeypatch):
    monkeypatch.setattr(published_reading, "MAX_REPORT", 1000)
    world.trained()
    before = world.files()

    failure = world.publish()

    assert failure.reason == "PredictionsTooLarge"
    assert failure.message.endswith(" bytes, more than 1000: use fewer or shorter labels")
    assert world.files() == before


def test_more_metrics_than_a_report_can_carry_publish_nothing(world):
    names = [f"metric_with_a_rather_long_name_{number}" for number in range(24)]
    world.trained(metrics=METRICS | dict.fromkeys(names, 0.123456789))
    before = world.files()

    failure = world.publish(metrics=names)

    assert failure.reason == "HandoverTooLarge"
    assert world.files() == before


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SAFEGUARD_VERSION", "../v-1"),
        ("SAFEGUARD_VERSION", ""),
        ("POD_UID", "a/b"),
        ("POD_UID", ""),
        ("SAFEGUARD_STORE", "relative"),
        ("SAFEGUARD_LIVE_VERSION", ".."),
        ("SAFEGUARD_LIVE_DIGEST", "abc"),
        ("SAFEGUARD_FROZEN", ""),
        ("SAFEGUARD_FROZEN", "accuracy"),
        ("SAFEGUARD_FROZEN", "[]"),
        ("SAFEGUARD_FROZEN", "{}"),
        ("SAFEGUARD_FROZEN", _frozen("0.01").replace("maxDrop", "maxdrop")),
        ("SAFEGUARD_FROZEN", _frozen("NaN")),
        ("SAFEGUARD_FROZEN", _frozen("1e3")),
        ("SAFEGUARD_FROZEN", "[" * 100_000),
        ("SAFEGUARD_HOLDOUTS", ""),
        ("SAFEGUARD_HOLDOUTS", '[{"digest": "sha256:0", "decisions": "3"}]'),
    ],
)
def test_settings_that_cannot_be_right_are_refused_by_name(world, variable, value):
    world.trained()
    settings = {"SAFEGUARD_VERSION": "v-2", "POD_UID": "pod-2", "SAFEGUARD_FROZEN": _frozen("0.01"), "SAFEGUARD_HOLDOUTS": "[]"}

    message = world.measure("publish", **{**settings, variable: value})

    assert json.loads(message.split("\n")[0])["failed"]["reason"] == "SettingsInvalid"
    assert variable in message


def test_evidence_without_a_live_version_is_none(world):
    world.trained()

    assert world.publish().live_evidence is Evidence.NONE
