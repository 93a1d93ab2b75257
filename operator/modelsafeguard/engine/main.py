"""Start everything in the right order, and stop it in the reverse one."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import kopf

from modelsafeguard.engine.handlers import registered
from modelsafeguard.engine.memory import give_large_blocks_back
from modelsafeguard.engine.probes import Health, serve
from modelsafeguard.engine.queue import KeyQueue
from modelsafeguard.engine.reconciler import Reconciler
from modelsafeguard.engine.registry import Key, Registry
from modelsafeguard.engine.resync import Resync
from modelsafeguard.engine.settings import Settings, SettingsError
from modelsafeguard.kube.act import Actor
from modelsafeguard.kube.client import connect
from modelsafeguard.kube.errors import KubernetesError
from modelsafeguard.kube.observe import Observer
from modelsafeguard.objects.jobs import Images

log = logging.getLogger(__name__)

WORKERS = 16


async def run(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Run the operator until it is told to stop (SIGTERM, or ``stop``); raises ``KubernetesError`` if it cannot begin."""
    _end_at_sigterm(running := asyncio.current_task())
    api = await connect()
    models, health = Registry(), Health()
    observer = Observer(api, models.rival, models.place)
    reconciler = Reconciler(observer, Actor(api, Images(settings.measure_image), settings.instance), lambda: datetime.now(UTC))
    queue: KeyQueue[Key] = KeyQueue(reconciler.reconcile, workers=WORKERS)
    resync = Resync(api, models, queue, settings.namespaces, settings.resync_seconds)
    probes = await serve(health, settings.probe_port)
    background = [asyncio.create_task(health.run())]  # the first list may take long, and is no stuck loop
    try:
        await resync.first()  # conflicts between models must be known before the first decision
        started = asyncio.Event()
        stop = stop or asyncio.Event()
        background += [asyncio.create_task(work) for work in (queue.run(), resync.run(), _mark_ready(health, started, running))]
        for task in background:
            task.add_done_callback(partial(_stop_without, stop))
        # At its end kopf waits 5 s for every task that it did not see at its start: let ours begin, and make their own, before it.
        await asyncio.sleep(0)
        await kopf.operator(
            registry=registered(models, queue, api.news),
            standalone=True,
            # Without one kopf asks for the user's name, and an unprivileged uid in a container has none.
            identity=settings.instance,  # type: ignore[arg-type]  # a NewType over str that kopf does not export
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            ready_flag=started,
            stop_flag=stop,
        )
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await probes.cleanup()
        await api.close()


def _stop_without(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """A part that died is not missed by kopf: the process must end, to be started anew as a whole."""
    if not task.cancelled() and (error := task.exception()):
        log.error("a part of the operator has ended, so the process does", exc_info=error)
        stop.set()


def _end_at_sigterm(task: asyncio.Task[None] | None) -> None:
    """Handle it, because the first process of a container is deaf to a signal that it does not handle."""
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _mark_ready(health: Health, started: asyncio.Event, running: asyncio.Task[None] | None) -> None:
    await started.wait()
    _end_at_sigterm(running)  # again: kopf's own handler, which is there by now, leaves a task behind that kopf then waits 5 s for
    health.started = health.ready = True
    log.info("ready")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of the operator; returns the exit status."""
    parser = argparse.ArgumentParser(prog="modelsafeguard", description="The Model Safeguard operator.")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"], help="debug explains each decision")
    parser.add_argument("--log-format", default="full", choices=["full", "plain", "json"], help="full has times, plain has not")
    given = parser.parse_args(arguments)
    kopf.configure(log_format=kopf.LogFormat[given.log_format.upper()])
    # Kopf's own debug lines are about kopf; ours explain decisions.
    logging.getLogger("modelsafeguard").setLevel(given.log_level.upper())
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    # What is imported stays: left out of the garbage collector's rounds it saves each full one 38 ms (measured), in which nothing moves.
    gc.freeze()
    give_large_blocks_back()
    try:
        settings = Settings.from_environment()
        asyncio.run(run(settings))
    except asyncio.CancelledError:
        log.info("stopped, as it was told to")
    except (SettingsError, KubernetesError, OSError) as error:
        sys.stderr.write(f"modelsafeguard cannot start: {error}\n")
        return 1
    return 0
