"""Operators without the second that Python takes to import: each is forked from a server that has imported everything already.

It is Python's own fork server (``multiprocessing``): one thread, nothing started, so that a fork differs from a fresh
interpreter in nothing but what is imported.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import warnings
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from tests.support.processes import die_with_parent


class Warm:
    """Launches modules in forks of a process that has imported ``preload``: an ``operator_process.Launcher``."""

    def __init__(self, preload: str) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["__main__", preload])

    def __call__(self, module: str, arguments: list[str], log: Path, env: Mapping[str, str]) -> "Forked":
        return Forked(self._context, module, arguments, log, env)


class Forked:
    """A module run as ``__main__`` in a fork. The same face as ``processes.Program``."""

    def __init__(self, context: ForkServerContext, module: str, arguments: list[str], log: Path, env: Mapping[str, str]) -> None:
        self.log = log
        self._context = context
        self._what = (module, arguments, str(log), dict(env))
        self._process: ForkServerProcess | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def returncode(self) -> int | None:
        """None while it runs, negative after a signal."""
        return self._process.exitcode if self._process else None

    def start(self) -> None:
        """Start it; its output is appended to the log."""
        assert not self.running, f"{self._what[0]} runs already"
        self._process = self._context.Process(target=_become, args=self._what, daemon=True)
        self._process.start()

    def signal(self, number: int) -> None:
        if self.running and self._process and self._process.pid:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.join()

    def stop(self, grace: float = 10.0) -> int:
        """SIGTERM, wait ``grace`` seconds, then SIGKILL. Returns the exit status."""
        self.signal(signal.SIGTERM)
        assert self._process, f"{self._what[0]} has not been started"
        self._process.join(grace)
        self.kill()
        assert self._process.exitcode is not None
        return self._process.exitcode


def _become(module: str, arguments: list[str], log: str, env: Mapping[str, str]) -> None:
    die_with_parent()
    os.setsid()
    with Path(log).open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.update(env)
    sys.argv = [module, *arguments]
    warnings.simplefilter("default")
    runpy.run_module(module, run_name="__main__", alter_sys=True)
