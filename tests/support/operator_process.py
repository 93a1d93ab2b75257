"""The operator as a process of its own: started, killed, started again, and its log read."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

import httpx

from tests.support.apiserver import ADDRESS
from tests.support.binaries import ROOT
from tests.support.client import POLL_SECONDS
from tests.support.processes import Program, free_port

MODULE: Final = "modelsafeguard.engine"
MEASURE_IMAGE: Final = "modelsafeguard/measure@sha256:" + "0" * 64
_START_SECONDS: Final = 20.0
# A traceback, a warning as Python prints it (file:line: SomeWarning: text), or asyncio's complaint about a lost task.
_FAULT: Final = re.compile(
    r"^Traceback \(most recent call last\):|^\S+:\d+: \w*Warning: .*|.*\bwas never (?:awaited|retrieved)\b.*", re.MULTILINE
)


class Process(Protocol):
    """What an operator runs in: an interpreter of its own (``processes.Program``), or a fork of a warm one (``warm.Forked``)."""

    @property
    def running(self) -> bool: ...
    @property
    def returncode(self) -> int | None: ...
    def start(self) -> None: ...
    def signal(self, number: int) -> None: ...
    def kill(self) -> None: ...
    def stop(self, grace: float = ...) -> int: ...


# (module, its arguments, its log, its environment beside ours) → the process, not started yet
Launcher = Callable[[str, list[str], Path, Mapping[str, str]], Process]


def fresh(module: str, arguments: list[str], log: Path, env: Mapping[str, str]) -> Process:
    """A new interpreter, as in the image. Python's warnings are shown."""
    path = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
    return Program([sys.executable, "-m", module, *arguments], log, {"PYTHONPATH": path, "PYTHONWARNINGS": "default", **env})


@dataclass(frozen=True)
class Settings:
    """How an operator is started. An empty namespace means all of them."""

    kubeconfig: Path
    namespace: str = ""
    resync_seconds: float = 2.0
    measure_image: str = MEASURE_IMAGE
    log_level: str = "debug"
    module: str = MODULE
    more: Mapping[str, str] = field(default_factory=dict)


class Operator:
    """One operator, that may be started again and again. Its log goes on through all of its lives."""

    def __init__(self, settings: Settings, log: Path, launch: Launcher = fresh) -> None:
        self.log = log
        port = free_port()
        self._url = f"http://{ADDRESS}:{port}"
        env = {
            "KUBECONFIG": str(settings.kubeconfig),
            "SAFEGUARD_NAMESPACE": settings.namespace,
            "SAFEGUARD_RESYNC_SECONDS": str(settings.resync_seconds),
            "SAFEGUARD_MEASURE_IMAGE": settings.measure_image,
            "SAFEGUARD_PROBE_PORT": str(port),
            **settings.more,
        }
        self._process = launch(settings.module, ["--log-level", settings.log_level], log, env)

    @property
    def running(self) -> bool:
        return self._process.running

    async def start(self) -> None:
        """Start it, and return when it says that it is ready, or when it was killed meanwhile.

        AssertionError when it ended by itself or is not ready in time, with the end of its log.
        """
        self.begin()
        await self.ready()

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        self._process.start()

    async def ready(self) -> None:
        """As ``start``, of a process that has been started."""
        async with httpx.AsyncClient(verify=False) as http:

            async def answers() -> bool:
                return not self._process.running or await _status(http, f"{self._url}/readyz") == HTTPStatus.OK

            await self._until(answers, "ready")
        ended = self._process.returncode
        assert ended in {None, -signal.SIGKILL}, f"The operator ended with status {ended}. {self._last_words()}"

    async def ended(self) -> int | None:
        """Its exit status once it has ended by itself; AssertionError when it goes on."""

        async def over() -> bool:
            return not self._process.running

        await self._until(over, "at its end")
        return self._process.returncode

    async def probe(self, name: str) -> int | None:
        """The HTTP status that a probe answers with; None while nothing listens."""
        async with httpx.AsyncClient(verify=False) as http:
            return await _status(http, f"{self._url}/{name}")

    def kill(self) -> None:
        """SIGKILL: no last words."""
        self._process.kill()

    def signal(self, number: int) -> None:
        """Any other signal (SIGSTOP and SIGCONT: an operator that hangs for a while)."""
        self._process.signal(number)

    async def stop(self) -> None:
        """SIGTERM. AssertionError unless it ends in good order, in time."""
        status = await asyncio.to_thread(self._process.stop)
        assert status == 0, f"The operator ended with status {status} after SIGTERM. {self._last_words()}"

    def assert_log_is_clean(self) -> None:
        """AssertionError if the log has a traceback or a warning of Python's own in it."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        fault = _FAULT.search(text)
        assert fault is None, f"The operator's log {self.log} is not clean: {text[fault.start() : fault.start() + 3000] if fault else ''}"

    async def _until(self, reached: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await reached():  # noqa: ASYNC110 -- another process's state
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"The operator was not {what} within {_START_SECONDS:g} s. {self._last_words()}") from None

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-25:]
        return "Its log ends with:\n" + "\n".join(lines)


async def _status(http: httpx.AsyncClient, url: str) -> int | None:
    try:
        return (await http.get(url)).status_code
    except httpx.TransportError:
        return None
