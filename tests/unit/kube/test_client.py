"""The client, against a server on this host that gives canned answers in turn and remembers what it was asked."""

import asyncio
import json
from collections import deque
from functools import partial

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from kubernetes.aio.client import ApiClient, Configuration

from modelsafeguard.kube import client
from modelsafeguard.kube.client import Api
from modelsafeguard.kube.errors import AlreadyExists, Conflict, Expired, Invalid, KubernetesError, NotFound, Refused, Unavailable
from tests.support.certificates import Authority

PATH = "/api/v1/namespaces/ml/pods/x"


class Server:
    """Its answers are functions of the request; ``bodies`` are what came with the requests in ``asked``."""

    def __init__(self):
        self.answers = deque()
        self.asked, self.bodies = [], []
        self.released = asyncio.Event()

    def answers_with(self, status, body, **headers):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()

        async def answer(_):
            return web.Response(status=status, body=text, headers=headers)

        self.answers.append(answer)

    async def handle(self, request):
        self.asked.append(request)
        self.bodies.append(await request.text())
        return await self.answers.popleft()(request)


@pytest.fixture
async def server():
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(app) as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server
        server.released.set()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Just one, of nobody: to read the system's takes each client 0.1 s."""
    return str(Authority(tmp_path_factory.mktemp("authority")).certificate)


@pytest.fixture
async def api_at(authority):
    """Makes a client, as ``connect`` does."""
    made = []

    def api_at(url):
        configuration = Configuration(host=url, ssl_ca_cert=authority, client_session_kwargs={"trust_env": False})
        made.append(Api(ApiClient(configuration)))
        return made[-1]

    yield api_at
    for api in made:
        await api.close()


@pytest.fixture
async def api(api_at, server):
    return api_at(server.url)


def reply(kind="RetrainRequest", version="7", uid="u"):
    return {"kind": kind, "metadata": {"uid": uid, "resourceVersion": version}}


def page(*items, more=""):
    return {"items": list(items), "metadata": {"continue": more} if more else {}}


async def listed(api, **query):
    return [item async for item in api.items("/pods", **query)]


# --- calls -------------------------------------------------------------------------------------------------------------------


async def test_get_reads_an_object_and_answers_none_where_nothing_is(api, server):
    server.answers_with(200, reply())
    server.answers_with(404, {"reason": "NotFound", "message": "no such pod"})
    assert [await api.get(PATH), await api.get(PATH)] == [reply(), None]
    assert [(asked.method, asked.path, asked.query) for asked in server.asked] == [("GET", PATH, {})] * 2


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("create", ("POST", "application/json", {})),
        ("replace", ("PUT", "application/json", {})),
        ("merge", ("PATCH", "application/merge-patch+json", {})),
        ("apply", ("PATCH", "application/apply-patch+yaml", {"force": "true"})),
    ],
)
async def test_a_write_says_what_it_is_and_whose(api, server, verb, expected):
    method, content_type, more = expected
    server.answers_with(200, reply(version="8"))
    assert await getattr(api, verb)(PATH, reply()) == reply(version="8")
    [asked] = server.asked
    assert (asked.method, asked.path, asked.headers["Content-Type"]) == (method, PATH, content_type)
    assert asked.query == {"fieldManager": "modelsafeguard", **more}
    assert json.loads(server.bodies[0]) == reply()


async def test_a_deletion_is_of_this_very_object_and_one_that_is_gone_already_is_deleted(api, server):
    server.answers_with(404, {"reason": "NotFound"})
    await api.delete(PATH, {"uid": "u", "resourceVersion": "7"})
    options = json.loads(server.bodies[0])
    assert server.asked[0].method == "DELETE"
    assert options["preconditions"] == {"uid": "u", "resourceVersion": "7"}
    assert options["propagationPolicy"] == "Background"


async def test_a_deletion_of_an_object_that_has_changed_is_a_conflict(api, server):
    server.answers_with(409, {"reason": "Conflict"})
    with pytest.raises(Conflict):
        await api.delete(PATH, {"uid": "u"})


# --- what goes wrong ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        *((status, "X", Refused) for status in (400, 401, 403, 405, 413, 415)),
        (422, "Invalid", Invalid),
        (404, "NotFound", NotFound),
        (410, "Expired", Expired),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (409, "", Conflict),
        *((status, "X", Unavailable) for status in (429, 500, 502, 503, 504)),
    ],
)
async def test_a_refusal_is_an_error_of_its_kind_and_a_sentence_that_names_the_call(api, server, status, reason, kind):
    server.answers_with(status, {"reason": reason, "message": "it says why"})
    with pytest.raises(KubernetesError) as refused:
        await api.merge(PATH, {})
    assert type(refused.value) is kind
    assert str(refused.value) == f"PATCH {PATH}: {status} {reason} it says why"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param(None, None, id="nothing"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", None, id="a date"),
        pytest.param("1.5", None, id="a fraction"),
        pytest.param("-1", None, id="a negative number"),
        pytest.param("²", None, id="a digit that is no number"),
    ],
)
async def test_a_busy_server_says_when_to_ask_again(api, server, retry_after, seconds):
    server.answers_with(429, {"reason": "TooManyRequests"}, **({"Retry-After": retry_after} if retry_after else {}))
    with pytest.raises(Unavailable) as refused:
        await api.get(PATH)
    assert refused.value.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"<html>Bad Gateway</html>", ["<html>Bad", "Gateway</html>"], id="HTML"),
        pytest.param(b"x" * 1000, ["x" * 200], id="a long text is cut off"),
        pytest.param(b"caf\xe9", ["caf\ufffd"], id="bytes that are no UTF-8"),
        pytest.param(b'["no object"]', ['["no', 'object"]'], id="JSON that is no object"),
        pytest.param(b"null", ["null"], id="null"),
        pytest.param(b"{}", [], id="an empty object"),
        pytest.param(b"", [], id="nothing"),
    ],
)
async def test_a_refusal_that_is_not_kubernetes_own_is_shown_as_it_is(api, server, body, words):
    server.answers_with(502, body)
    with pytest.raises(Unavailable) as refused:
        await api.get(PATH)
    assert str(refused.value).split() == ["GET", f"{PATH}:", "502", *words]


async def never(server, _):
    await server.released.wait()


async def hangs_up(_, request):
    request.transport.abort()
    return web.Response()


async def breaks_off(_, request):
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"kind":')
    request.transport.close()
    return response


@pytest.mark.parametrize("answer", [never, hangs_up, breaks_off])
async def test_without_a_whole_answer_nobody_knows_what_happened(api, server, monkeypatch, answer):
    monkeypatch.setattr(client, "_TIMEOUT", aiohttp.ClientTimeout(total=0.1 if answer is never else 15))
    server.answers.append(partial(answer, server))
    with pytest.raises(Unavailable, match=f"^POST {PATH}: no answer from the API server") as refused:
        await api.create(PATH, {})
    assert refused.value.retry_after is None
    assert len(server.asked) == 1


async def test_a_server_that_is_not_there_gives_no_answer(api_at):
    with pytest.raises(Unavailable, match=f"^GET {PATH}: no answer from the API server"):
        await api_at(f"http://127.0.0.1:{unused_port()}").get(PATH)


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b'{"kind":', b""], ids=["HTML", "half an object", "nothing"])
async def test_a_success_that_cannot_be_read_is_no_answer(api, server, body):
    server.answers_with(200, body)
    with pytest.raises(Unavailable):
        await api.get(PATH)


# --- lists -------------------------------------------------------------------------------------------------------------------


async def test_a_list_is_read_page_by_page_with_the_same_selectors_and_the_servers_own_mark(api, server):
    marks = ["a+b/c==&d=e f", "2"]
    server.answers_with(200, page(1, 2, more=marks[0]))
    server.answers_with(200, page(3, more=marks[1]))
    server.answers_with(200, page(4))
    api.news(reply(version="41"))
    selectors = {"labelSelector": "a in (x,y),!b", "fieldSelector": "status.verdict!="}
    assert await listed(api, known="RetrainRequest", **selectors) == [1, 2, 3, 4]
    same = selectors | {"limit": "100"}
    assert [asked.query for asked in server.asked] == [
        same | {"resourceVersion": "41", "resourceVersionMatch": "NotOlderThan"},
        same | {"continue": marks[0]},
        same | {"continue": marks[1]},
    ]


def expired(server, *, rest):
    server.answers_with(410, {"reason": "Expired", "message": "too old", "metadata": {"continue": rest} if rest else {}})


async def test_a_list_that_has_expired_halfway_goes_on_from_there_with_what_is_there_now(api, server):
    server.answers_with(200, page(1, 2, more="old"))
    expired(server, rest="new")
    server.answers_with(200, page(3, more="newer"))
    expired(server, rest="newest")
    server.answers_with(200, page(4))
    assert await listed(api, labelSelector="a") == [1, 2, 3, 4]
    same = {"labelSelector": "a", "limit": "100"}
    marks = ["old", "new", "newer", "newest"]
    assert [asked.query for asked in server.asked] == [same, *(same | {"continue": mark} for mark in marks)]


@pytest.mark.parametrize(
    "rests",
    [
        pytest.param([""], id="the server does not say how to go on"),
        pytest.param(["new", "newer"], id="it has expired again at once"),
    ],
)
async def test_a_list_that_cannot_go_on_is_an_error_and_neither_a_short_list_nor_a_missing_object(api, server, rests):
    server.answers_with(200, page(1, more="old"))
    for rest in rests:
        expired(server, rest=rest)
    with pytest.raises(Unavailable, match="410 Expired too old"):
        await listed(api)


async def asked_for(api, server, **query):
    """Which version a list asks for: "" for the newest."""
    server.answers_with(200, page())
    await listed(api, **query)
    asked = server.asked[-1].query
    assert ("resourceVersion" in asked) == ("resourceVersionMatch" in asked)
    return asked.get("resourceVersion", "")


async def test_a_list_need_be_no_newer_than_all_that_was_met_of_its_kind(api, server):
    assert await asked_for(api, server, known="RetrainRequest") == ""
    for version in ("9", "10", "8", "not a number"):
        api.news(reply(version=version))
    api.news(reply("ModelDeployment", "99"))
    assert await asked_for(api, server, known="RetrainRequest") == "10"
    server.answers_with(201, reply(version="11"))
    await api.create(PATH, {})
    assert await asked_for(api, server, known="RetrainRequest") == "11"
    assert await asked_for(api, server, known="Pod") == ""
    assert await asked_for(api, server) == ""


@pytest.mark.parametrize(
    ("status", "expected"),
    [pytest.param(504, "", id="no: the server may have been restored from a backup"), pytest.param(403, "10", id="yes: it only refused")],
)
async def test_whether_what_was_met_still_counts_after_an_error(api, server, status, expected):
    api.news(reply(version="10"))
    server.answers_with(status, {"reason": "Timeout", "message": "Too large resource version"})
    with pytest.raises(KubernetesError):
        await listed(api, known="RetrainRequest")
    assert await asked_for(api, server, known="RetrainRequest") == expected


# --- news --------------------------------------------------------------------------------------------------------------------


async def test_only_what_we_did_not_write_ourselves_is_news(api, server):
    server.answers_with(200, reply(version="8"))
    await api.replace(PATH, reply(version="7"))
    assert [api.news(reply(version=version)) for version in ("7", "8", "9")] == [True, False, True]
    assert api.news(reply(version="8", uid="another"))


async def test_only_the_latest_writes_are_remembered(api, server, monkeypatch):
    monkeypatch.setattr(client, "_KEPT_REPLIES", 2)
    for version in ("7", "8", "9"):
        server.answers_with(200, reply(version=version))
        await api.merge(PATH, {})
    assert [api.news(reply(version=version)) for version in ("7", "8", "9")] == [True, False, False]


async def test_the_kubeconfig_is_the_one_that_the_environment_names_when_it_connects(tmp_path, monkeypatch):
    cluster = {"name": "c", "cluster": {"server": "http://named.example"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    config = {"current-context": "x", "clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {}}]}
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    api = await client.connect()
    await api.close()
    assert api._client.configuration.host == "http://named.example"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        pytest.param("https://api.example:6443", "http://proxy:3128", id="the environment's"),
        pytest.param("https://10.96.0.1:443", None, id="none for an excepted host"),
        pytest.param("http://api.example", None, id="none for another scheme"),
    ],
)
def test_the_environment_names_a_proxy(monkeypatch, url, proxy):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,10.96.0.1")
    assert client._proxy(url) == proxy
