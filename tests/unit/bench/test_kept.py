from datetime import UTC, datetime

import pytest

from bench.kept import BEGIN, DOCUMENT, END, Run, keep, kept, shown, written_into
from bench.results import Result

MACHINE = {"hardware": "two cores", "Kubernetes": "v1.36.3"}


def a_run(name: str, measured: float = 1.0) -> Run:
    began = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    return Run(name, began, 130.0, (0.1, 1.9), (Result(f"what {name} measures", "s", measured, limit=10),))


def test_runs_are_read_again_as_they_were(tmp_path) -> None:
    path = tmp_path / "bench" / "results.json"
    keep(path, MACHINE, [a_run("burst"), a_run("size")])
    assert kept(path) == (MACHINE, [a_run("burst"), a_run("size")])


def test_a_run_replaces_the_earlier_one_of_its_benchmark_and_leaves_the_others(tmp_path) -> None:
    path = tmp_path / "results.json"
    keep(path, MACHINE, [a_run("burst"), a_run("size")])
    keep(path, MACHINE, [a_run("burst", measured=2.0)])
    assert kept(path)[1] == [a_run("size"), a_run("burst", measured=2.0)]


def test_numbers_of_another_machine_or_of_other_versions_are_not_kept_beside_new_ones(tmp_path) -> None:
    path = tmp_path / "results.json"
    keep(path, MACHINE, [a_run("size")])
    other = {**MACHINE, "Kubernetes": "v1.37.0"}
    keep(path, other, [a_run("burst")])
    assert kept(path) == (other, [a_run("burst")])


def test_what_is_shown_is_the_machine_each_run_and_the_table_of_all() -> None:
    text = shown(MACHINE, [a_run("burst"), a_run("size")])
    assert "- Kubernetes: v1.36.3" in text
    assert "- size: 2026-01-31 12:30 UTC, took 2 min, load average 0.1 before and 1.9 after" in text
    assert text.index("what burst measures") < text.index("what size measures")


def test_only_what_stands_between_the_two_lines_is_replaced() -> None:
    document = f"# Title\n\n{BEGIN}\nold\n{END}\n\nThe rest.\n"
    once = written_into(document, "new")
    assert once == f"# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nThe rest.\n"
    assert written_into(once, "new") == once


@pytest.mark.parametrize("document", ["no lines", BEGIN, END, f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_document_without_the_two_lines_is_not_written(document) -> None:
    with pytest.raises(ValueError, match="must hold each of these lines once"):
        written_into(document, "new")


def test_the_documentation_has_a_place_for_the_results() -> None:
    assert "measured" in written_into(DOCUMENT.read_text(encoding="utf-8"), "measured")
