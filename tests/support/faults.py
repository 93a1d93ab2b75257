"""A reverse proxy between the operator and the API server that injects faults and keeps a journal of every call.

The operator speaks plain HTTP to it, without credentials; the proxy adds those of whoever the operator is to be.
Watches stream through chunk by chunk.
"""

import asyncio
import re
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from tests.support.apiserver import ADDRESS, ApiServer, write_kubeconfig
from tests.support.connections import Connector

_LARGEST_BODY: Final = 16 * 2**20
_READS: Final = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS)
# Belong to one connection, not to the message (RFC 9110, 7.6.1); the bodies' framing is made anew on each side.
_HOP_BY_HOP: Final = (hdrs.HOST, hdrs.CONNECTION, hdrs.KEEP_ALIVE, hdrs.TRANSFER_ENCODING, hdrs.CONTENT_LENGTH, hdrs.UPGRADE)
_UP_TO_NAMESPACE: Final = re.compile(r"^/apis?/.*?/namespaces/[^/]+/")
_UID_IN_NAME: Final = re.compile(r"-[0-9a-f]{8,}(?![0-9a-z])")
_OWN_HEADERS: Final = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)


@dataclass
class Call:
    """One call of the operator, at ``time.monotonic()``. ``status`` is the API server's or the fault's answer; None while there is none."""

    method: str
    path: str
    query: str
    status: int | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def mutating(self) -> bool:
        return self.method not in _READS

    @property
    def watch(self) -> bool:
        return "watch=" in self.query

    @property
    def what(self) -> str:
        """The call without what differs from run to run: the namespace, and the digits of an object's uid in a name."""
        return f"{self.method} {_UID_IN_NAME.sub('-*', _UP_TO_NAMESPACE.sub('', self.path))}"


@dataclass
class Exchange:
    """A call under way, as a fault sees it."""

    call: Call
    _request: web.BaseRequest
    _proxy: "Proxy"

    async def apply(self) -> None:
        """Let the API server do it, and keep its answer from the operator."""
        async with self._proxy.upstream(self.call, self._request) as answer:
            await answer.read()

    async def pass_on(self) -> web.StreamResponse:
        """The ordinary way: to the API server, and its answer back as it comes."""
        async with self._proxy.upstream(self.call, self._request) as answer:
            return await self._proxy.stream(answer, self._request)

    async def cut(self) -> web.StreamResponse:
        """Close the operator's connection without an answer."""
        if self._request.transport:
            self._request.transport.abort()
        # The server cancels this task now that the connection is gone.
        return await asyncio.Future[web.StreamResponse]()


# What happens to a call instead of being passed on.
Fault = Callable[[Exchange], Awaitable[web.StreamResponse]]
Matcher = Callable[[Call], bool]


async def drop(exchange: Exchange) -> web.StreamResponse:
    """The call never arrives."""
    return await exchange.cut()


async def lose_reply(exchange: Exchange) -> web.StreamResponse:
    """The call is done, the operator never hears of it."""
    await exchange.apply()
    return await exchange.cut()


async def black_hole(_exchange: Exchange) -> web.StreamResponse:
    """Nothing comes back, ever."""
    return await asyncio.Future[web.StreamResponse]()


async def close_watch_at_once(exchange: Exchange) -> web.StreamResponse:
    """A watch that ends before its first event."""
    exchange.call.status = 200
    return web.Response(content_type="application/json")


def answers(status: int, *, retry_after: int | None = None) -> Fault:
    """The call is refused with this status (429, 500, 503 …) and not done."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        exchange.call.status = status
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": f"injected {status}"}
        headers = {} if retry_after is None else {hdrs.RETRY_AFTER: str(retry_after)}
        return web.json_response(body, status=status, headers=headers)

    return fault


def delays(seconds: float) -> Fault:
    """The call is passed on late."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await exchange.pass_on()

    return fault


def held_until(event: asyncio.Event) -> Fault:
    """The call is passed on once the event is set: a client that hangs, or a network that does."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        await event.wait()
        return await exchange.pass_on()

    return fault


def then(callback: Callable[[], None], *, before: bool = False, reply: bool = True) -> Fault:
    """Call back (to kill the operator, say) ``before`` the call is sent on, or when it was done: with its ``reply`` or without."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        if before:
            callback()
            return await exchange.cut()
        if not reply:
            await exchange.apply()
            callback()
            return await exchange.cut()
        response = await exchange.pass_on()
        callback()
        return response

    return fault


def calls(method: str = "", path: str = "", *, mutating: bool | None = None, watch: bool | None = False) -> Matcher:
    """Calls by method, by a regular expression found in the path, by whether they change something, and by whether they watch."""
    pattern = re.compile(path)

    def matches(call: Call) -> bool:
        return (
            method in {"", call.method}
            and pattern.search(call.path) is not None
            and mutating in {None, call.mutating}
            and watch in {None, call.watch}
        )

    return matches


def every(nth: int, when: Matcher, *, of: int) -> Matcher:
    """Of the calls that match, the ``nth`` of each ``of`` of its kind: with every ``nth`` from 1 to ``of`` each call is met once."""
    counts: Counter[tuple[str, bool]] = Counter()

    def matches(call: Call) -> bool:
        if not when(call):
            return False
        counts[call.what, call.watch] += 1
        return counts[call.what, call.watch] % of == nth % of

    return matches


@dataclass
class _Rule:
    fault: Fault
    matches: Matcher
    wait: int  # matching calls that still pass
    times: int  # matching calls that it then happens to; -1 for ever

    def takes(self, call: Call) -> bool:
        if self.times == 0 or not self.matches(call):
            return False
        if self.wait > 0:
            self.wait -= 1
            return False
        self.times -= self.times > 0
        return True


@dataclass
class Proxy:
    """``async with Proxy(server) as proxy``: the operator calls ``proxy.url``. With a token it is that user, else the administrator.

    ``journal`` holds all calls in their order of arrival.
    """

    server: ApiServer
    token: str = ""
    journal: list[Call] = field(default_factory=list)
    url: str = ""
    _rules: list[_Rule] = field(default_factory=list)
    _watches: set[asyncio.Transport] = field(default_factory=set)
    _connections: set[asyncio.Transport] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        # Whatever the operator left unanswered is cancelled with its connection, and at the end at once.
        handler = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(handler, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, ADDRESS, 0)
        await site.start()
        self.url = f"http://{ADDRESS}:{self._runner.addresses[0][1]}"
        connector = Connector(ssl=self._ssl(), limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=_OWN_HEADERS, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.cut_watches()
        await self._runner.cleanup()
        # One whose reading is paused as its operator is killed is forgotten by the server, and still open (seen once in some 600 kills).
        for transport in self._connections:
            transport.abort()
        await self._session.close()

    def inject(self, fault: Fault, when: Matcher, *, nth: int = 1, times: int = 1) -> None:
        """The fault happens to the ``nth`` call from now on that matches, and to ``times`` in all (-1: to every later one)."""
        self._rules.append(_Rule(fault, when, nth - 1, times))

    def heal(self) -> None:
        """No more faults."""
        self._rules.clear()

    def cut_watches(self) -> None:
        """Break every watch that is open now."""
        for transport in list(self._watches):
            transport.abort()

    def kubeconfig(self, path: Path, namespace: str = "default") -> Path:
        """Write the operator's kubeconfig."""
        return write_kubeconfig(path, {"server": self.url}, {}, namespace)

    def made(self, when: Matcher) -> list[Call]:
        """The calls so far that match."""
        return [call for call in self.journal if when(call)]

    @asynccontextmanager
    async def upstream(self, call: Call, request: web.BaseRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        """The call, sent to the API server; its status is noted."""
        body = await request.read()
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP)
        if self.token:
            headers[hdrs.AUTHORIZATION] = f"Bearer {self.token}"
        url = URL(self.server.url + request.raw_path, encoded=True)
        sent = self._session.request(request.method, url, headers=headers, data=body or None, allow_redirects=False)
        async with sent as answer:
            call.status = answer.status
            yield answer

    async def stream(self, answer: aiohttp.ClientResponse, request: web.BaseRequest) -> web.StreamResponse:
        """Hand an answer on, chunk by chunk."""
        headers = CIMultiDict((name, value) for name, value in answer.headers.items() if name not in _HOP_BY_HOP)
        response = web.StreamResponse(status=answer.status, headers=headers)
        if hdrs.CONTENT_LENGTH in answer.headers:
            response.content_length = int(answer.headers[hdrs.CONTENT_LENGTH])
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Call(request.method, request.path, request.query_string)
        self.journal.append(call)
        exchange = Exchange(call, request, self)
        taking = [rule for rule in self._rules if rule.takes(call)]  # every rule counts every call
        transport = request.transport
        if transport:
            self._connections.add(transport)
        if call.watch and transport:
            self._watches.add(transport)
        try:
            return await (taking[0].fault(exchange) if taking else exchange.pass_on())
        except aiohttp.ClientError:
            return await exchange.cut()  # the API server is away: so it looks to the operator
        finally:
            if transport:
                self._watches.discard(transport)

    def _ssl(self) -> ssl.SSLContext:
        return self.server.anonymous_ssl if self.token else self.server.ssl
