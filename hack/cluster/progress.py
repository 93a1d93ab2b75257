"""Say what is going on: no step is silent for longer than fifteen seconds.

Everything here goes to standard error; standard output carries only what a caller wants to read back (a path, an image's reference).
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TICK = 15.0  # seconds between two signs of life
DIE_WITH_US = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()  # util-linux; elsewhere a child may outlive a SIGKILL


class ClusterError(Exception):
    """Something could not be done; the text is a sentence for the person at the terminal."""


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(what: str, expected: float) -> Iterator[Callable[[str], None]]:
    """Announce a step with its expected seconds, give a sign of life every fifteen seconds, and say how long it took.

    What the step is called with is said at the next sign of life: what it is waiting for, say.
    """
    began = time.monotonic()
    ended = threading.Event()
    detail = ""

    def note(text: str) -> None:
        nonlocal detail
        detail = f", {text}"

    def tick() -> None:
        while not ended.wait(TICK):
            say(f"    … {what}: {time.monotonic() - began:.0f} s of about {expected:.0f} s{detail}")

    say(f"  ▸ {what} (about {expected:.0f} s)")
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield note
    finally:
        ended.set()
        ticker.join()
    say(f"  ✓ {what}: {time.monotonic() - began:.1f} s")


def run(  # noqa: PLR0913  each of them is one of subprocess's own
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 1800,
) -> None:
    """Run a program with its output in `log`; it ends with us, however we end, so that no kind or build of a killed run works on.

    Raises:
        ClusterError: it is missing, failed, or took longer than `timeout` seconds; with the last lines that it wrote.
    """
    if shutil.which(command[0], path=(env or os.environ).get("PATH")) is None:
        raise ClusterError(f"`{command[0]}` is not installed, and it is needed; install it and try again.")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        start = output.tell()
        output.write(f"$ {' '.join(map(str, command))}\n".encode())
        output.flush()
        try:
            done = subprocess.run(
                [*DIE_WITH_US, *command],
                cwd=cwd,
                env=env,
                timeout=timeout,
                check=False,
                text=True,
                stdout=output,
                stderr=output,
                **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
            )
            failure = f"ended with status {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            failure = f"took longer than {timeout:.0f} s and was stopped"
    if failure:
        raise ClusterError(f"`{command[0]}` {failure}; the whole output is in {log}. Its last lines:\n{tail(log, start)}")


def tail(log: Path, start: int = 0, lines: int = 15) -> str:
    """Give the last lines of what was written to a log after byte `start`, indented."""
    with log.open("rb") as content:
        content.seek(start)
        text = content.read().decode(errors="replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def ask(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, timeout: float = 60) -> str | None:
    """Run a program that answers a question; None where it is missing, fails or does not answer in time."""
    try:
        done = subprocess.run(
            command, env=env, cwd=cwd, timeout=timeout, check=False, text=True, capture_output=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
