"""Child processes that cannot be left behind."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
# Below the range that the kernel takes the ports of outgoing connections from (32768 upwards by default), so that a port found
# free stays free until its server binds it.
_PORTS = range(20000, 32000)


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone, also when that one was killed (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until_it_catches_sigterm(process: subprocess.Popen[str], within: float = 60.0) -> None:
    """Return once the kernel holds a handler of SIGTERM for the process. AssertionError if it ends, or never has one."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        assert process.poll() is None, f"The process ended with {process.returncode} before it had a handler of SIGTERM"
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
        if int(caught, 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.001)
    raise AssertionError(f"The process had no handler of SIGTERM within {within:.0f} s")


class Program:
    """A program with its own process group and log file. It can be started again after it has ended."""

    def __init__(self, argv: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        self._argv = [str(part) for part in argv]
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process, f"{self._argv[0]} has not been started"
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs, negative after a signal."""
        assert self._process, f"{self._argv[0]} has not been started"
        return self._process.poll()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; its output is appended to the log. Only from the main thread: the program dies with the *thread* that started it."""
        assert threading.current_thread() is threading.main_thread(), f"{self._argv[0]} would be killed as soon as this thread ends"
        assert not self.running, f"{self._argv[0]} runs already"
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._argv,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 -- one system call, no lock is taken between fork and exec
            )

    def signal(self, number: int) -> None:
        """Send a signal to the whole group."""
        if self.running:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.wait()

    def stop(self, grace: float = 10.0) -> int:
        """SIGTERM, wait ``grace`` seconds, then SIGKILL. Returns the exit status."""
        self.signal(signal.SIGTERM)
        assert self._process, f"{self._argv[0]} has not been started"
        try:
            return self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode

    def tail(self, lines: int = 25) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
