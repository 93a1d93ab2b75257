"""The HTTP side: the Open Inference Protocol's addresses for one model. Every error is ``{"error": "one sentence"}``."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.server.protocol import INPUT, OUTPUTS, ProtocolError, infer_response, parse_infer
from trainer.server.service import Service

VERSION_HEADER = "Model-Version"
SECONDS_FOR_A_BODY = 15


def build_app(service: Service) -> Starlette:
    """The ASGI application; its lifespan loads the model beside the running server, which is live meanwhile."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        loading = asyncio.create_task(asyncio.to_thread(service.load))
        yield
        await loading

    handlers = _Handlers(service)
    model = "/v2/models/{name}"
    version = model + "/versions/{version}"
    return Starlette(
        routes=[
            Route("/v2", handlers.server),
            Route("/v2/health/live", handlers.live),
            Route("/v2/health/ready", handlers.ready),
            *(
                Route(prefix + path, endpoint, methods=[method])
                for prefix in (model, version)
                for path, endpoint, method in (
                    ("", handlers.model, "GET"),
                    ("/ready", handlers.model_ready, "GET"),
                    ("/infer", handlers.infer, "POST"),
                )
            ),
        ],
        middleware=[Middleware(_Headers, service=service)],
        exception_handlers={ProtocolError: _protocol_error, HTTPException: _http_error, Exception: _failure},
        lifespan=lifespan,
    )


class _Handlers:
    """One method an address."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._config = service.config

    async def server(self, _: Request) -> Response:
        return JSONResponse({"name": "model-safeguard-reference-server", "version": "2", "extensions": []})

    async def live(self, _: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        reason = self._service.not_ready
        return JSONResponse({"ready": True}) if reason is None else JSONResponse({"ready": False, "error": reason}, status_code=503)

    async def model(self, request: Request) -> Response:
        self._check_address(request)
        versions = [] if self._service.no_model else [self._config.version]
        metadata = {"name": self._config.model_name, "versions": versions, "platform": "scikit-learn"}
        return JSONResponse(metadata | {"inputs": [INPUT], "outputs": OUTPUTS})

    async def model_ready(self, request: Request) -> Response:
        self._check_address(request)
        reason = self._service.not_ready
        answer = {"name": self._config.model_name, "ready": reason is None}
        return JSONResponse(answer) if reason is None else JSONResponse(answer | {"error": reason}, status_code=503)

    async def infer(self, request: Request) -> Response:
        self._check_address(request)
        model = self._service.model
        if model is None:
            raise ProtocolError(503, self._service.no_model or "")
        question = parse_infer(await _bounded_body(request, self._config.max_body_bytes))
        # In a thread: a batch may take a while, and the probes must be answered meanwhile.
        answers = await run_in_threadpool(model.answer, question.texts)
        return JSONResponse(infer_response(question, answers, model_name=self._config.model_name, version=self._config.version))

    def _check_address(self, request: Request) -> None:
        name, version = request.path_params["name"], request.path_params.get("version")
        if name != self._config.model_name:
            raise ProtocolError(404, f"There is no model {name!r} here: this server serves {self._config.model_name!r}.")
        if version is not None and version != self._config.version:
            raise ProtocolError(404, f"There is no version {version!r} here: this server has {self._config.version or 'none yet'!r}.")


async def _bounded_body(request: Request, most: int) -> bytes:
    """The body, as far as it is neither too large nor too slow: a body that never ends must not hold a draining server."""
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS_FOR_A_BODY):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise ProtocolError(413, f"The body is larger than {most} bytes: send fewer texts at once.")
    except TimeoutError:
        raise ProtocolError(408, f"The body did not arrive within {SECONDS_FOR_A_BODY} seconds.") from None
    except ClientDisconnect:
        raise ProtocolError(400, "The client went away before its request was complete.") from None
    return bytes(body)


class _Headers:
    """On every answer: the version behind it and, while draining, the request to come back on a new connection, which finds another pod."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if self._service.model:
                    headers[VERSION_HEADER] = self._service.config.version
                if self._service.draining:
                    headers["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _protocol_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProtocolError)
    return JSONResponse({"error": error.sentence}, status_code=error.status)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"{request.method} {request.url.path} is not an address of this server ({error.detail}); see the Open Inference Protocol V2."
    return JSONResponse({"error": sentence}, status_code=error.status_code, headers=error.headers)


async def _failure(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "The model could not answer; the server's log says why."}, status_code=500)
