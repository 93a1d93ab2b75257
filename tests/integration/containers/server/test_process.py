"""The server as a process, over a real socket: what a pod's clients and the kubelet see."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.support.binaries import ROOT
from tests.support.processes import wait_until_it_catches_sigterm
from trainer.server.process import main

INFER = "/v2/models/intents/infer"
QUESTION = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["cancel it"]}]}
PATIENCE = 60


class Process:
    """A running server."""

    def __init__(self, **environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        variables = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "operator", ROOT))), "MODEL_NAME": "intents", "PORT": str(self.port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trainer.server"], env=variables | environment, stderr=subprocess.PIPE, text=True
        )

    def wait_for(self, address, status, saying=""):
        """Return once the answer has this status and these words in it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.stderr.read()
            try:
                answer = httpx.get(self.url + address, timeout=PATIENCE)
            except httpx.TransportError:
                pass
            else:
                if answer.status_code == status and saying in answer.text:
                    return
            time.sleep(0.02)
        pytest.fail(f"{address} did not answer {status} {saying!r} within {PATIENCE} s")

    def wait_until_closed(self):
        """Return once the port takes no connection."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.02)
        pytest.fail("the port is still open")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


@pytest.fixture
def start(published):
    started = []

    def _start(**environment):
        rollout = {"MODEL_DIR": str(published.folder), "MODEL_VERSION": published.version, "MODEL_DIGEST": published.digest}
        started.append(Process(**(rollout | environment)))
        return started[-1]

    yield _start
    for server in started:
        server.stop()


def test_told_to_stop_under_load_it_fails_no_request_and_asks_to_be_left(start):
    server = start(DRAIN_SECONDS="3600")
    server.wait_for("/v2/health/ready", 200)
    answers, failures, stop = [], [], threading.Event()

    def ask_without_pause():
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            while not stop.is_set():
                try:
                    answer = client.post(INFER, json=QUESTION)
                except httpx.TransportError as error:
                    failures.append(error)
                    return
                answers.append((answer.status_code, answer.headers.get("connection")))

    client = threading.Thread(target=ask_without_pause)
    client.start()
    try:
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("/v2/health/ready", 503, saying="stopping")
        asked_while_draining = len(answers) + 20
        while len(answers) < asked_while_draining and not failures:
            time.sleep(0.01)
    finally:
        stop.set()
        client.join()
    assert failures == []
    assert {status for status, _ in answers} == {200}
    assert answers[-1] == (200, "close")


def test_a_request_that_is_half_sent_when_the_port_closes_is_still_answered(start):
    server = start(DRAIN_SECONDS="0")
    server.wait_for("/v2/health/ready", 200)
    body = json.dumps(QUESTION).encode()
    head = f"POST {INFER} HTTP/1.1\r\nHost: server\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")  # so the server is reading this request's body
        server.process.send_signal(signal.SIGTERM)
        server.wait_until_closed()
        assert server.process.poll() is None
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"cancel"' in answer
    assert server.process.wait(timeout=PATIENCE) == 0


def test_a_wrong_digest_is_live_and_not_ready_and_a_second_signal_ends_it_without_draining(start):
    server = start(MODEL_DIGEST="sha256:" + "0" * 64, DRAIN_SECONDS="3600")
    server.wait_for("/v2/health/ready", 503, saying="but MODEL_DIGEST is")
    assert httpx.get(server.url + "/v2/health/live", timeout=PATIENCE).status_code == 200
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("/v2/health/ready", 503, saying="stopping")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=PATIENCE) == 0
    assert "Not ready, and will not be: The manifest of version v1" in server.process.stderr.read()


def test_told_to_stop_while_it_still_starts_it_ends_at_once(start):
    server = start()
    wait_until_it_catches_sigterm(server.process)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=PATIENCE) == 0
    assert "Started server process" not in server.process.stderr.read()


def test_a_server_without_a_name_does_not_start_and_says_why(caplog):
    assert main({}) == 2
    assert "MODEL_NAME stands in the model's address" in caplog.text
