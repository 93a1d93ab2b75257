"""What the demo makes of the client's report. The client is real; only its pod is missing."""

import pytest

from hack.demo import traffic as module
from hack.demo.errors import NotSo
from hack.demo.traffic import Traffic, traffic
from hack.demo.world import World
from tests.integration.tools.model_server import answers, unavailable
from tests.support.local_kube import LocalKube


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        pytest.param(Traffic(requests=100, versions={"v-1": 100}), "", id="all were answered"),
        pytest.param(
            Traffic(requests=100, failed=1, failures=["503: no model"]), "1 of 100 requests failed, the first: 503", id="one failed"
        ),
        pytest.param(Traffic(), "The client made no request", id="nobody asked"),
        pytest.param(Traffic(requests=3, failed=3, failures=["a", "b", "c"]), "the first: a; b; c", id="all failed"),
    ],
)
def test_traffic_is_fine_only_if_there_was_some_and_none_of_it_failed(seen: Traffic, sentence: str):
    if sentence:
        with pytest.raises(NotSo, match=sentence):
            seen.expect_none_failed()
    else:
        seen.expect_none_failed()


@pytest.fixture
def world(kube, monkeypatch: pytest.MonkeyPatch) -> World:
    """Its model's Service is the server of the test."""
    monkeypatch.setattr("hack.demo.world.traffic", lambda kube, _, model: traffic(kube, "127.0.0.1", model, kube.port))
    return World(kube, {})


@pytest.fixture(autouse=True)
def where_the_server_is(kube, server):
    kube.port = server.port


def test_the_report_is_read_when_the_block_ends(kube, server):
    with traffic(kube, "127.0.0.1", "intents", server.port) as seen:
        server.wait_for(9)
        assert seen.requests == 0
    assert (seen.requests, seen.failed, seen.versions) == (len(server.asked), 0, {"v-1": len(server.asked)})
    assert str(seen).startswith(f"{seen.requests} requests in ")


def test_a_model_that_is_asked_all_the_time_and_always_answers_is_fine(world, server):
    with world.asked_all_the_time() as seen:
        server.wait_for(9)
    assert seen.requests >= 9


def test_a_single_failed_request_is_one_too_many(world, server):
    def once(handler):
        (unavailable if server.asked.count(once) == 1 else answers("v-1"))(handler)

    server.answers = (once,)
    with pytest.raises(NotSo, match=r"^1 of \d+ requests failed, the first: 503"), world.asked_all_the_time():
        server.wait_for(20)


def test_what_goes_wrong_inside_the_block_is_said_and_the_client_ends(kube, server, monkeypatch):
    started = []
    start = kube.start
    monkeypatch.setattr(kube, "start", lambda *words: started.append(start(*words)) or started[0])
    with pytest.raises(NotSo, match="something else"), traffic(kube, "127.0.0.1", "intents", server.port):
        raise NotSo("something else")
    assert started[0].poll() is not None


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        pytest.param("import sys; sys.exit('no such pod')", "no such pod", id="it cannot be started"),
        pytest.param("print('hello')", "hello", id="it says something else"),
        pytest.param("", "it said nothing", id="it says nothing"),
        pytest.param("import sys; print('{}', flush=True); sys.stdin.read()", "it said nothing", id="it begins and does not report"),
    ],
)
def test_a_client_that_does_not_report_is_said(kube: LocalKube, tmp_path, monkeypatch, program: str, sentence: str):
    (tmp_path / "client.py").write_text(program)
    monkeypatch.setattr(module, "CLIENT", tmp_path / "client.py")
    refused = pytest.raises(NotSo, match=f"The client inside the cluster did not report: {sentence}")
    with refused, traffic(kube, "127.0.0.1", "intents"):
        pass
