import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster.cache import Cache, remove_tree
from hack.cluster.progress import ClusterError

INPUTS = {"version": "1"}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "entries")


class Maker:
    """Makes a thing of two files and counts how often it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, content: Path) -> None:
        self.times += 1
        (content / "program").write_text("a program")
        (content / "files").mkdir()
        (content / "files" / "note").write_text("a note")


def test_what_was_made_is_not_made_again(cache: Cache):
    make = Maker()
    first = cache.entry("thing", INPUTS, make)
    assert cache.entry("thing", INPUTS, make) == first
    assert make.times == 1
    assert (first / "files" / "note").read_text() == "a note"


def test_other_inputs_are_another_entry(cache: Cache):
    make = Maker()
    assert cache.entry("thing", INPUTS, make) != cache.entry("thing", {"version": "2"}, make)
    assert make.times == 2


def shorten(home: Path) -> None:
    (home / "content" / "program").write_text("a pro")


def change_without_changing_size(home: Path) -> None:
    path = home / "content" / "program"
    path.write_text("A PROGRAM")
    os.utime(path, ns=(1, 1))


def remove_file(home: Path) -> None:
    (home / "content" / "files" / "note").unlink()


def add_file(home: Path) -> None:
    (home / "content" / "stranger").write_text("")


def remove_seal(home: Path) -> None:
    (home / "seal.json").unlink()


def cut_seal(home: Path) -> None:
    seal = home / "seal.json"
    seal.write_text(seal.read_text()[:20])


def misshape_seal(home: Path) -> None:
    (home / "seal.json").write_text(json.dumps({"program": [1], "files/note": None}))


def list_for_seal(home: Path) -> None:
    (home / "seal.json").write_text("[]")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(shorten, id="a file is shorter"),
        pytest.param(change_without_changing_size, id="a file has other content of the same size"),
        pytest.param(remove_file, id="a file is missing"),
        pytest.param(add_file, id="a file has come"),
        pytest.param(remove_seal, id="the seal is missing"),
        pytest.param(cut_seal, id="the seal is cut off"),
        pytest.param(misshape_seal, id="the seal has another shape"),
        pytest.param(list_for_seal, id="the seal is a list"),
    ],
)
def test_a_damaged_entry_is_made_again(cache: Cache, damage: Callable[[Path], None]):
    make = Maker()
    content = cache.entry("thing", INPUTS, make)
    damage(content.parent)
    again = cache.entry("thing", INPUTS, make)
    assert make.times == 2
    assert sorted(path.name for path in again.rglob("*")) == ["files", "note", "program"]
    assert (again / "program").read_text() == "a program"


def test_a_file_that_was_only_touched_is_believed_by_its_digest(cache: Cache):
    make = Maker()
    content = cache.entry("thing", INPUTS, make)
    os.utime(content / "program", ns=(1, 1))
    cache.entry("thing", INPUTS, make)
    assert make.times == 1


def test_a_maker_that_fails_leaves_no_entry_and_does_not_spoil_the_next(cache: Cache):
    def fail(content: Path) -> None:
        (content / "half").write_text("half")
        raise ClusterError("no")

    with pytest.raises(ClusterError):
        cache.entry("thing", INPUTS, fail)
    content = cache.entry("thing", INPUTS, Maker())
    assert not (content / "half").exists()


def test_the_draft_of_a_killed_run_is_not_mixed_into_the_next(cache: Cache):
    draft = cache.entries / ".draft-thing" / "content"
    draft.mkdir(parents=True)
    (draft / "half").write_text("half")
    assert not (cache.entry("thing", INPUTS, Maker()) / "half").exists()


def test_two_entries_of_a_name_stay_and_other_names_are_not_touched(cache: Cache):
    other = cache.entry("thing-else", INPUTS, Maker())
    made = [cache.entry("thing", {"version": str(number)}, Maker()) for number in range(4)]
    assert [content.exists() for content in made] == [False, False, True, True]
    assert other.exists()


def test_an_entry_in_use_outlives_newer_ones_that_are_not(cache: Cache):
    used = cache.entry("thing", INPUTS, Maker())
    os.utime(used.parent, (1, 1))
    newer = cache.entry("thing", {"version": "2"}, Maker())
    os.utime(newer.parent, (2, 2))
    cache.entry("thing", INPUTS, Maker())
    cache.entry("thing", {"version": "3"}, Maker())
    assert used.exists()
    assert not newer.exists()


def test_a_folder_that_may_not_be_written_is_removed_as_well(tmp_path: Path):
    folder = tmp_path / "module" / "source"
    folder.mkdir(parents=True)
    (folder / "file").write_text("")
    folder.chmod(0o500)
    folder.parent.chmod(0o500)
    remove_tree(tmp_path / "module")
    assert not (tmp_path / "module").exists()


def test_a_link_inside_is_removed_and_what_it_points_to_is_not(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    remove_tree(inside)
    assert (outside / "precious").exists()


def test_nothing_is_removed_through_a_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    inside = tmp_path / "folder" / "mounted"
    inside.mkdir(parents=True)
    table = tmp_path / "mountinfo"
    table.write_text(f"1 2 0:1 / {inside} rw - tmpfs tmpfs rw\n")
    monkeypatch.setattr("hack.cluster.mounts.TABLE", table)
    with pytest.raises(ClusterError, match="still mounted"):
        remove_tree(tmp_path / "folder")
    assert inside.exists()
