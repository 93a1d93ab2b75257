import json
import os
import sys

import pytest


@pytest.fixture
def published(world):
    world.trained()
    return world.publish()


def test_read_hands_over_the_report_of_a_published_version(world, published):
    before = world.files()

    assert (world.read(), world.status) == (published, 0)
    assert world.files() == before


def test_read_finds_a_report_that_a_crash_left_under_its_first_name(world, published):
    reports = world.store / "reports"
    (reports / "v-2.json").rename(reports / ".v-2.json.pod-2")

    assert world.read() == published


@pytest.mark.usefixtures("published")
def test_read_takes_no_report_about_other_files_of_that_version(world):
    path = world.store / "reports" / "v-2.json"
    path.chmod(0o644)
    path.write_text(json.dumps({**world.report(), "manifestDigest": "sha256:" + "0" * 64}))

    assert world.read().reason == "ReportMissing"


@pytest.mark.usefixtures("published")
def test_read_takes_no_report_of_a_damaged_version(world):
    weights = world.version() / "model" / "weights.bin"
    weights.chmod(0o644)
    weights.write_bytes(b"other")

    assert world.read().reason == "VersionDamaged"


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, "{}", '{"compact": 1}', "\udcff"], ids=repr)
@pytest.mark.usefixtures("published")
def test_a_report_that_cannot_be_read_is_said_to_be_missing(world, content):
    path = world.store / "reports" / "v-2.json"
    path.chmod(0o644)
    path.write_bytes(content.encode(errors="surrogateescape"))

    assert world.read().reason == "ReportMissing"


@pytest.mark.parametrize("kind", ["a link", "a folder", "a pipe"])
@pytest.mark.usefixtures("published")
def test_what_is_no_file_in_the_place_of_a_report_is_passed_over(world, kind):
    path = world.store / "reports" / "v-2.json"
    content = path.read_bytes()
    path.unlink()
    if kind == "a link":
        (world.store / "elsewhere.json").write_bytes(content)
        path.symlink_to("../elsewhere.json")
    elif kind == "a folder":
        path.mkdir()
    else:
        os.mkfifo(path)

    assert world.read().reason == "ReportMissing"


@pytest.mark.usefixtures("published")
def test_a_report_with_a_forged_compact_part_is_refused(world):
    path = world.store / "reports" / "v-2.json"
    forged = world.report()
    forged["compact"]["metrics"]["accuracy"] = "NaN"
    path.chmod(0o644)
    path.write_text(json.dumps(forged))

    failure = world.read()

    assert (failure.reason, "cannot be used" in failure.message) == ("ReportMissing", True)


def test_there_is_nothing_to_read_before_anything_was_published(world):
    assert world.read().reason == "ReportMissing"


def test_prune_removes_exactly_the_named_versions_and_keeps_their_reports(world):
    for number in (1, 2, 3):
        world.trained(f"v-{number}", f"pod-{number}")
        world.publish(f"v-{number}", f"pod-{number}")
    world.trained("v-1", "pod-9")
    world.trained("v-4", "pod-4")

    assert world.prune("v-1", "v-3") == ""

    assert world.status == 0
    assert sorted(path.name for path in (world.store / "versions").iterdir()) == ["v-2"]
    assert sorted(path.name for path in (world.store / "staging").iterdir()) == ["v-4"]
    kept = [f"v-{number}.{kind}" for number in (1, 2, 3) for kind in ("html", "json")]
    assert sorted(path.name for path in (world.store / "reports").iterdir()) == kept


@pytest.mark.usefixtures("published")
def test_prune_can_be_repeated(world):
    world.prune("v-2")

    assert (world.prune("v-2", "v-never-there"), world.status) == ("", 0)


@pytest.mark.parametrize("versions", [["../outside"], [".."], ["."], [""], ["v-2/model"], ["/"], ["v-2", 7], "v-2", None], ids=repr)
@pytest.mark.usefixtures("published")
def test_prune_refuses_the_whole_list_when_one_name_is_no_version(world, versions):
    before = world.files()

    message = world.measure("prune", SAFEGUARD_VERSIONS=json.dumps(versions))

    assert json.loads(message.split("\n")[0])["failed"]["reason"] == "SettingsInvalid"
    assert (world.files(), world.status) == (before, 1)


@pytest.mark.parametrize("where", ["versions", "staging"])
@pytest.mark.usefixtures("published")
def test_prune_never_follows_a_link(world, tmp_path, where):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("p")
    (world.store / where / "v-7").symlink_to(outside)
    (world.store / where / "v-8").mkdir()
    (world.store / where / "v-8" / "link").symlink_to(outside)
    (world.store / where / "v-8" / "file-link").symlink_to(outside / "precious")

    assert world.prune("v-7", "v-8") == ""

    assert (outside / "precious").read_text() == "p"
    assert not any((world.store / where / name).is_symlink() or (world.store / where / name).exists() for name in ("v-7", "v-8"))


def test_prune_removes_what_a_trainer_nested_too_deeply_for_recursion(world):
    """Deeper than Python recurses, and with a longer path than the kernel takes (4 KiB)."""
    (world.store / "staging" / "v-5").mkdir()
    descriptor = os.open(world.store / "staging" / "v-5", os.O_RDONLY)
    for _ in range(sys.getrecursionlimit() + 100):
        os.mkdir("nested", dir_fd=descriptor)
        below = os.open("nested", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)

    assert world.prune("v-5") == ""
    assert not (world.store / "staging" / "v-5").exists()


def test_prune_is_not_confused_by_names_that_it_would_use_itself(world):
    root = world.store / "staging" / "v-5"
    for path in (".pruned-0/.pruned-1/x", ".pruned-1/.pruned-0/x", "a/.pruned-0/b/.pruned-2"):
        (root / path).mkdir(parents=True)
    (root / ".pruned-3").write_text("")

    assert world.prune("v-5") == ""
    assert not root.exists()
