"""Liveness and readiness over HTTP: live means that this process can still do its work, ready that it has begun to."""

import asyncio
import time
from dataclasses import dataclass, field

from aiohttp import web

from modelsafeguard.api.names import GROUP, MODEL_PLURAL, REQUEST_PLURAL, VERSION

# Longer than any pause that a healthy loop makes.
_STUCK_SECONDS = 20.0
# A watcher that ends is made anew by kopf within this time; if not, only a restart brings it back.
_DEAF_SECONDS = 30.0
# What the handlers hear of, as kopf's watchers are named after it.
_WATCHED = (f"{MODEL_PLURAL}.{VERSION}.{GROUP}", f"{REQUEST_PLURAL}.{VERSION}.{GROUP}", "jobs.v1.batch", "deployments.v1.apps")


@dataclass
class Health:
    """What the probes answer from."""

    ready: bool = False
    started: bool = False
    beat: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Notice a blocked loop, and a watcher that ended without a successor (kopf #1276). Until cancelled."""
        while True:
            now = time.monotonic()
            self.beat = now
            if not self.started or _watching():
                self.heard = now
            await asyncio.sleep(1)

    def trouble(self) -> str:
        """Why this process must be restarted; '' while it is well."""
        now = time.monotonic()
        if now - self.beat > _STUCK_SECONDS:
            return f"the event loop has been stuck for {now - self.beat:.0f} s"
        if now - self.heard > _DEAF_SECONDS:
            return f"a watch ended {now - self.heard:.0f} s ago and was not begun again"
        return ""


def _watching() -> bool:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return all(any(kind in name for name in names) for kind in _WATCHED)


async def serve(health: Health, port: int) -> web.AppRunner:
    """Answer ``/livez`` and ``/readyz`` with 200, or with 503 and the reason; the caller cleans the runner up."""

    async def livez(_: web.Request) -> web.Response:
        trouble = health.trouble()
        return web.Response(status=503 if trouble else 200, text=trouble or "ok")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(status=200 if health.ready else 503, text="ok" if health.ready else "the first full list is not done yet")

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
