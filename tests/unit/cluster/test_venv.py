"""`python3 -m hack.venv`: an environment of ours is known as such from its first moment to its last; one of the user's is left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack import venv
from hack.cluster.progress import ClusterError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the environment is to be."""
    place = tmp_path / ".venv"
    monkeypatch.setattr(venv, "VENV", place)
    monkeypatch.setattr(venv, "need_venv_module", lambda: None)
    return place


@pytest.fixture
def found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The files, with their content, that each program finds which makes the environment; each leaves one more."""
    states: list[dict[str, str]] = []

    def run(command: list[object], **_: object) -> None:
        del command
        states.append(dict(_files(folder)))
        (folder / f"by-program-{len(states)}").write_text("")

    monkeypatch.setattr(venv, "run", run)
    return states


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    return ((path.name, path.read_text()) for path in folder.iterdir())


def test_it_is_marked_as_ours_before_there_is_anything_in_it_and_as_finished_after_all(folder: Path, found: list[dict[str, str]]):
    venv.make()
    assert found == [{"made-of": ""}, {"made-of": "", "by-program-1": ""}]
    assert dict(_files(folder))["made-of"] == venv.stamp()


@pytest.mark.parametrize("mark", ["", "something older"], ids=["that was half made", "of other requirements"])
def test_one_of_ours_is_emptied_and_made_anew(folder: Path, found: list[dict[str, str]], mark: str):
    (folder / "lib").mkdir(parents=True)
    (folder / "made-of").write_text(mark)
    venv.make()
    assert found[0] == {"made-of": ""}


def test_one_that_is_as_it_should_be_is_left_as_it_is(folder: Path, found: list[dict[str, str]]):
    folder.mkdir()
    (folder / "made-of").write_text(venv.stamp())
    venv.make()
    assert found == []


def test_one_of_the_users_own_is_not_touched(folder: Path, found: list[dict[str, str]]):
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text("mine")
    with pytest.raises(ClusterError, match=r"\.venv was not made by this command.*move it away"):
        venv.make()
    assert found == []
    assert dict(_files(folder)) == {"pyvenv.cfg": "mine"}
