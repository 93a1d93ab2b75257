"""Somebody who keeps asking the model while its pods are replaced: ``client.py``, in a pod of its own."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hack.demo.errors import NotSo, expect
from hack.demo.kube import Kube

CLIENT = Path(__file__).with_name("client.py")
POD = "client"


@dataclass
class Traffic:
    """What the client has seen; filled when the block ends. ``versions`` counts the answers of each version, ``slowest`` is in seconds."""

    requests: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.requests:,} requests in {self.seconds:.0f} s, {self.failed} failed (the slowest answer took {self.slowest:.2f} s)"

    def expect_none_failed(self) -> None:
        """Raise ``NotSo`` if any request failed, or none was made."""
        expect(self.requests, "The client made no request.")
        expect(not self.failed, f"{self.failed} of {self.requests} requests failed, the first: {'; '.join(self.failures)}")


@contextmanager
def traffic(kube: Kube, host: str, model: str, port: int = 80) -> Iterator[Traffic]:
    """Requests from a pod, through the Service ``host``, from before the block until after it.

    Raises ``NotSo`` if the client cannot be started, or does not report.
    """
    process = kube.start("exec", "--stdin", POD, "--", "python", "-c", CLIENT.read_text(encoding="utf-8"), host, str(port), model)
    seen = Traffic()
    try:
        assert process.stdout is not None
        _line(process.stdout.readline(), process)
        yield seen
        report, _ = process.communicate(input="", timeout=60)
        vars(seen).update(_line(report, process))
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _line(text: str, process: subprocess.Popen[str]) -> dict[str, object]:
    try:
        line: dict[str, object] = json.loads(text)
    except ValueError:
        process.kill()
        _, errors = process.communicate()
        raise NotSo(f"The client inside the cluster did not report: {errors.strip() or text.strip() or 'it said nothing'}") from None
    return line
