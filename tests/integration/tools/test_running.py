"""Programs, progress and the lock: with real processes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hack.cluster import progress
from hack.cluster.lock import locked
from hack.cluster.places import REPOSITORY
from hack.cluster.progress import DIE_WITH_US, ClusterError, ask, run, step


def test_a_program_that_fails_is_said_with_its_last_lines(tmp_path: Path):
    log = tmp_path / "logs" / "x.log"
    with pytest.raises(ClusterError) as refused:
        run(["sh", "-c", "seq 100; echo it broke >&2; exit 3"], log=log)
    text = str(refused.value)
    assert "`sh` ended with status 3" in text
    assert text.endswith("    it broke")
    assert "    1\n" not in text
    assert str(log) in text


def test_only_this_runs_lines_are_shown(tmp_path: Path):
    run(["echo", "an earlier run"], log=tmp_path / "x.log")
    with pytest.raises(ClusterError) as refused:
        run(["false"], log=tmp_path / "x.log")
    assert "an earlier run" not in str(refused.value)


def test_a_program_that_is_not_installed_is_said(tmp_path: Path):
    with pytest.raises(ClusterError, match="`no-such-program` is not installed"):
        run(["no-such-program"], log=tmp_path / "x.log")


def test_a_program_that_takes_too_long_is_stopped(tmp_path: Path):
    with pytest.raises(ClusterError, match="took longer than 0 s and was stopped"):
        run(["sleep", "60"], log=tmp_path / "x.log", timeout=0.05)


def test_input_reaches_the_program(tmp_path: Path):
    run(["sh", "-c", 'test "$(cat)" = hello'], log=tmp_path / "x.log", stdin="hello")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        pytest.param(["echo", " yes "], "yes", id="an answer without its white space"),
        pytest.param(["false"], None, id="a refusal"),
        pytest.param(["no-such-program"], None, id="a program that is not there"),
    ],
)
def test_a_question_has_an_answer_or_none(command: list[str], answer: str | None):
    assert ask(command) == answer


RUN = "import sys; from hack.cluster.progress import run; from pathlib import Path; run(sys.argv[2:], log=Path(sys.argv[1]))"


@pytest.mark.skipif(not DIE_WITH_US, reason="this system cannot tie a child's life to its parent's")
def test_a_program_ends_with_a_run_that_is_killed(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", RUN, tmp_path / "log", "sh", "-c", f"exec 3> {pipe}; echo begun >&3; exec sleep 600"]
    with subprocess.Popen(command, cwd=REPOSITORY) as parent, pipe.open() as held_by_the_program:
        assert held_by_the_program.readline() == "begun\n"
        parent.kill()
        assert held_by_the_program.read() == ""  # the end of the pipe: nobody has it open for writing any more


def test_a_long_step_is_never_silent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(progress, "TICK", 0.01)
    said = ""
    with step("building", 20) as note:
        note("missing: a pod")
        while "missing" not in said:
            said += capsys.readouterr().err
    said += capsys.readouterr().err
    assert re.search(r"▸ building \(about 20 s\)\n", said)
    assert re.search(r"… building: 0 s of about 20 s, missing: a pod\n", said)
    assert re.search(r"✓ building: 0\.\d s\n$", said)


def test_a_step_that_fails_does_not_say_it_succeeded(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ClusterError), step("building", 20):
        raise ClusterError("no")
    assert "✓" not in capsys.readouterr().err


def test_results_go_to_standard_output_and_nothing_else_does(capsys: pytest.CaptureFixture[str]):
    with step("building", 1):
        progress.say("hello")
    assert capsys.readouterr().out == ""


HOLD = """
import sys
from pathlib import Path
from hack.cluster.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-c", HOLD, lock], cwd=REPOSITORY, text=True, **pipes)


def test_a_second_run_waits_and_says_for_whom(tmp_path: Path):
    lock = tmp_path / "root" / "lock"
    with holder(lock) as first, holder_after(first, lock) as second:
        assert f"another run (process {first.pid}) is at work" in second.stderr.readline()
        first.kill()
        assert second.stdout.readline() == "held\n"
        second.stdin.close()


def holder_after(first: subprocess.Popen[str], lock: Path) -> subprocess.Popen[str]:
    assert first.stdout.readline() == "held\n"
    return holder(lock)


def test_a_lock_on_a_file_that_was_removed_counts_for_nothing(tmp_path: Path):
    path = tmp_path / "lock"
    with locked(path):
        path.unlink()
        with locked(path):
            assert path.read_text() == str(os.getpid())
