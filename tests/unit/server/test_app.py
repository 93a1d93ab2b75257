import httpx
import pytest

from trainer.server.app import build_app
from trainer.server.config import Config
from trainer.server.service import Service


def infer(*texts):
    return {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": list(texts)}]}


@pytest.fixture
def service(published):
    return Service(
        Config.from_environment(
            {
                "MODEL_NAME": "intents",
                "MODEL_DIR": str(published.folder),
                "MODEL_VERSION": published.version,
                "MODEL_DIGEST": published.digest,
                "MAX_BODY_BYTES": "1000",
            }
        )
    )


@pytest.fixture
async def client(service):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build_app(service)), base_url="http://server") as client:
        yield client


@pytest.fixture
def ready(service):
    service.load()
    assert service.not_ready is None


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("address", ["/v2/models/intents/infer", "/v2/models/intents/versions/v1/infer"])
async def test_texts_are_answered_with_labels_scores_and_the_version_that_answered(client, model, address):
    answer = await client.post(address, json=infer("cancel it", "where is it"))
    label, score = answer.json()["outputs"]
    assert answer.status_code == 200
    assert label["data"] == ["cancel", "track"]
    assert score["data"] == [score for _, score in model.answer(["cancel it", "where is it"])]
    assert answer.json()["model_version"] == answer.headers["model-version"] == "v1"


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("/v2", {"version": "2", "extensions": []}, id="the server's metadata"),
        pytest.param("/v2/health/live", {"live": True}, id="live"),
        pytest.param("/v2/health/ready", {"ready": True}, id="ready"),
        pytest.param("/v2/models/intents", {"name": "intents", "versions": ["v1"]}, id="the model's metadata"),
        pytest.param("/v2/models/intents/versions/v1", {"name": "intents", "versions": ["v1"]}, id="the version's metadata"),
        pytest.param("/v2/models/intents/ready", {"name": "intents", "ready": True}, id="the model is ready"),
        pytest.param("/v2/models/intents/versions/v1/ready", {"name": "intents", "ready": True}, id="the version is ready"),
    ],
)
async def test_the_protocols_addresses_answer(client, address, expected):
    answer = await client.get(address)
    assert answer.status_code == 200
    assert answer.json().items() >= expected.items()


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    ("method", "address", "status", "complaint"),
    [
        pytest.param("GET", "/v2/models/other", 404, "no model 'other'", id="another model"),
        pytest.param("POST", "/v2/models/other/infer", 404, "no model 'other'", id="asking another model"),
        pytest.param(
            "POST", "/v2/models/intents/versions/v0/infer", 404, "no version 'v0' here: this server has 'v1'", id="an old version"
        ),
        pytest.param("GET", "/nowhere", 404, "/nowhere is not an address of this server", id="no address"),
        pytest.param("GET", "/v2/models/intents/infer", 405, "Method Not Allowed", id="the wrong method"),
    ],
)
async def test_what_is_not_there_is_said_in_the_protocols_form(client, method, address, status, complaint):
    answer = await client.request(method, address, json=infer("hello") if method == "POST" else None)
    assert answer.status_code == status
    assert complaint in answer.json()["error"]


@pytest.mark.usefixtures("ready")
async def test_a_bad_request_is_a_400_in_the_protocols_form(client):
    answer = await client.post("/v2/models/intents/infer", content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "The body is not valid JSON in UTF-8."})


@pytest.mark.usefixtures("ready")
async def test_a_body_larger_than_the_bound_is_refused(client):
    answer = await client.post("/v2/models/intents/infer", json=infer("x" * 1000))
    assert answer.status_code == 413
    assert answer.json() == {"error": "The body is larger than 1000 bytes: send fewer texts at once."}


async def test_a_server_without_a_model_is_live_not_ready_and_says_so_everywhere(client, service):
    service.config = Config.from_environment({"MODEL_NAME": "intents"})
    service.load()
    live, ready, model_ready, asked = (
        await client.get("/v2/health/live"),
        await client.get("/v2/health/ready"),
        await client.get("/v2/models/intents/ready"),
        await client.post("/v2/models/intents/infer", json=infer("hello")),
    )
    assert [answer.status_code for answer in (live, ready, model_ready, asked)] == [200, 503, 503, 503]
    assert all(answer.json()["error"].startswith("No model has been rolled out yet") for answer in (ready, model_ready, asked))
    assert "model-version" not in ready.headers


@pytest.mark.usefixtures("ready")
async def test_a_draining_server_is_not_ready_answers_on_and_asks_to_be_left(client, service):
    before = await client.post("/v2/models/intents/infer", json=infer("hello"))
    service.draining = True
    ready, asked = await client.get("/v2/health/ready"), await client.post("/v2/models/intents/infer", json=infer("hello"))
    assert (before.status_code, ready.status_code, asked.status_code) == (200, 503, 200)
    assert "This server is stopping" in ready.json()["error"]
    assert "connection" not in before.headers
    assert asked.headers["connection"] == "close"
