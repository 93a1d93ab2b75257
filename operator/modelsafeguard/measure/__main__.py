"""``python -m modelsafeguard.measure COMMAND`` (``_COMMANDS``): one answer in the termination message."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from modelsafeguard.core import pod
from modelsafeguard.core.errors import HandoverError
from modelsafeguard.core.handover import encode, encode_failure, encode_report
from modelsafeguard.measure.check import check
from modelsafeguard.measure.errors import MeasureError, Reason, from_os_error
from modelsafeguard.measure.folder import open_folder
from modelsafeguard.measure.manifest import verify
from modelsafeguard.measure.prune import prune
from modelsafeguard.measure.read import read
from modelsafeguard.measure.settings import DEFAULT_TERMINATION_LOG, TERMINATION_LOG, Settings
from modelsafeguard.measure.show import stored_file, summary

log = logging.getLogger("modelsafeguard.measure")


def _check(settings: Settings) -> bytes:
    check(settings.store)
    return b""


def _publish(settings: Settings) -> bytes:
    # Only this command needs scikit-learn, whose import takes longer than all the others do together.
    from modelsafeguard.measure.publish import publish  # noqa: PLC0415 - see above

    return encode_report(publish(settings.store, settings.candidate))


def _read(settings: Settings) -> bytes:
    return encode_report(read(settings.store, settings.version))


def _prune(settings: Settings) -> bytes:
    prune(settings.store, settings.versions)
    return b""


def _verify(settings: Settings) -> bytes:
    with open_folder(settings.store) as store:
        verify(store, settings.version, settings.digest)
    return b""


def _show(settings: Settings) -> bytes:
    content = stored_file(settings.store, f"{settings.version}.{settings.format}")
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
    return encode(summary(content))


def _recheck(settings: Settings) -> bytes:
    from modelsafeguard.measure.recheck import recheck  # noqa: PLC0415 - as in _publish

    return encode({"differences": recheck(settings.store, settings.version)})


_COMMANDS: Final[Mapping[str, Callable[[Settings], bytes]]] = {
    pod.CHECK: _check,
    pod.PUBLISH: _publish,
    pod.READ: _read,
    pod.PRUNE: _prune,
    pod.VERIFY: _verify,
    pod.SHOW: _show,
    pod.RECHECK: _recheck,
}


def run(command: str, environ: Mapping[str, str]) -> tuple[int, bytes]:
    """Perform a command: its exit status, and its termination message (empty when check, prune or verify went well)."""
    try:
        return 0, _COMMANDS[command](Settings(environ))
    except (MeasureError, HandoverError) as error:
        reason, sentence = error.reason, str(error)
    except OSError as error:
        log.exception("The volume refused")
        failure = from_os_error(error)
        reason, sentence = failure.reason, str(failure)
    except Exception as error:  # whatever it is, the answer is a sentence, and the traceback goes to the log
        log.exception("This is an error of measure itself")
        reason = Reason.INTERNAL_ERROR
        sentence = f"measure ended with an error of its own ({type(error).__name__}): see the log of container measure, and report it"
    log.error("%s: %s", reason, sentence)
    return 1, encode_failure(reason, sentence)


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """The exit status: 0 with a report or success, 1 with a failure, 2 for a wrong command line."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    if len(arguments) != 1 or arguments[0] not in _COMMANDS:
        sys.stderr.write(f"usage: python -m modelsafeguard.measure {' | '.join(_COMMANDS)}\n")
        return 2
    status, message = run(arguments[0], environ)
    try:
        Path(environ.get(TERMINATION_LOG, DEFAULT_TERMINATION_LOG)).write_bytes(message)
    except OSError:
        # A report that is published and cannot be said is not a failure: the operator then sends a reader.
        log.exception("The termination message could not be written")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
