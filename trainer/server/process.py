"""The server as a process: it serves until SIGTERM, then drains.

Draining: not ready at once; for ``DRAIN_SECONDS`` everything that still arrives is answered, with ``Connection: close``, while
Kubernetes takes the pod out of its endpoints; then the port closes, requests under way end, and the process exits 0. A second signal
skips the waiting.
"""

import logging
import time
from collections.abc import Mapping
from types import FrameType

import uvicorn

from trainer.server.app import build_app
from trainer.server.config import Config, ConfigError
from trainer.server.service import Service

# Longer than common clients' own, so that it is the client who closes an idle connection and no request crosses with the closing.
KEEP_ALIVE_SECONDS = 75
# With the default DRAIN_SECONDS, within Kubernetes' default grace period of 30 s.
SECONDS_FOR_REQUESTS_UNDER_WAY = 20

log = logging.getLogger("trainer.server")


class DrainingServer(uvicorn.Server):
    """uvicorn stops listening at the signal itself; this one keeps answering for ``drain_seconds`` first."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._drained_at = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain. The signal is not kept for uvicorn to raise again at the end: stopping as asked is exit code 0."""
        del sig, frame
        now = time.monotonic()
        self._drained_at = now if self._service.draining else now + self._service.config.drain_seconds
        self._service.draining = True

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second; True ends the serving."""
        return await super().on_tick(counter) or time.monotonic() >= self._drained_at


def main(environment: Mapping[str, str]) -> int:
    """Serve until told to stop, and return the exit code."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        config = Config.from_environment(environment)
    except ConfigError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence for the person who deploys it, not a traceback
        return 2
    service = Service(config)
    server = DrainingServer(
        uvicorn.Config(
            build_app(service),
            host="0.0.0.0",  # noqa: S104 - the pod's network is where its clients and the kubelet are
            port=config.port,
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SECONDS_FOR_REQUESTS_UNDER_WAY,
        ),
        service,
    )
    server.run()
    log.info("Drained and stopped.")
    return 0
