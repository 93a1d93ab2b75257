"""The client that keeps asking, as a process of its own against a server that may fail: every failure is counted, and none is hidden."""

import json
import subprocess
import sys

import pytest

from hack.demo.client import KEPT_FAILURES
from hack.demo.traffic import CLIENT
from tests.integration.tools.model_server import answers, hangs, resets, unavailable

PATIENT, HASTY = 30.0, 0.2  # seconds


@pytest.fixture
def client():
    """Starts the client against a port, and ends it if the test has not."""
    started = []

    def start(port: int, timeout: float = PATIENT) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, CLIENT, "127.0.0.1", str(port), "intents", str(timeout)]
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        started.append(process)
        assert json.loads(process.stdout.readline()) == {"began": True}
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def report_of(process: subprocess.Popen[str]) -> dict[str, object]:
    """End its input, and read what it has to say."""
    said, errors = process.communicate(input="", timeout=30)
    assert errors == ""
    return json.loads(said)


def test_answers_are_counted_by_the_version_that_gave_them(server, client):
    server.answers = (answers("v-1"), answers("v-2"))
    process = client(server.port)
    server.wait_for(20)
    report = report_of(process)
    assert (report["failed"], report["failures"]) == (0, [])
    assert report["versions"] == {"v-1": -(-len(server.asked) // 2), "v-2": len(server.asked) // 2}
    assert 0 < report["slowest"] <= report["seconds"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(unavailable, "503: {}", id="it says that it is not ready"),
        pytest.param(resets, "ConnectionResetError", id="the connection is reset"),
    ],
)
def test_every_request_that_fails_is_counted_once_and_never_asked_again(server, client, answer, words):
    server.answers = (answers("v-1"), answer, answers("v-1"))
    process = client(server.port)
    server.wait_for(12)
    report = report_of(process)
    failed = server.asked.count(answer)
    assert (report["requests"], report["failed"]) == (len(server.asked), failed)
    assert report["versions"] == {"v-1": len(server.asked) - failed}
    assert len(report["failures"]) == min(failed, KEPT_FAILURES)
    assert all(words in failure for failure in report["failures"])


def test_an_answer_that_does_not_come_in_time_is_a_failed_request(server, client):
    server.answers = (hangs,)
    process = client(server.port, HASTY)
    server.wait_for(6)
    report = report_of(process)
    assert report["requests"] == report["failed"] >= 6
    assert "TimeoutError" in report["failures"][0]


def test_a_server_that_is_not_there_fails_every_request(server, client):
    server.server_close()
    report = report_of(client(server.port))
    assert report["requests"] == report["failed"] >= 1  # the others may have been told to stop before their first
    assert "ConnectionRefusedError" in report["failures"][0]


def test_requests_are_made_on_new_connections_and_on_one_that_is_kept(server, client):
    process = client(server.port)
    server.wait_for(30)
    report_of(process)
    per_connection = sorted(server.connections.values())
    assert per_connection[-1] > 1
    assert per_connection.count(1) > len(per_connection) / 2
