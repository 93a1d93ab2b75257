"""A Kube without a cluster."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from hack.demo.kube import Json, Kube


class LocalKube(Kube):
    """``kubectl exec POD -- COMMAND`` runs the command here. ``streams`` are what the API server's watches say, one after the other."""

    def __init__(self, namespace: str = "here", program: str = sys.executable) -> None:
        self.namespace, self.python = namespace, program
        self.streams: list[list[tuple[str, Json]]] = []
        self.objects: dict[tuple[str, str], Json] = {}
        self.watched: list[tuple[str, str, str | None]] = []

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        _, *command = arguments[arguments.index("--") + 1 :]
        pipe = subprocess.PIPE
        return subprocess.Popen([self.python, *command], stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def find(self, kind: str, name: str) -> Json | None:
        return self.objects.get((kind, name))

    def _stream(self, kind: str, name: str, seconds: int, since: str | None) -> Iterator[tuple[str, Json]]:
        assert seconds >= 1
        self.watched.append((kind, name, since))
        yield from self.streams.pop(0) if self.streams else []


@pytest.fixture
def kube() -> LocalKube:
    return LocalKube()
