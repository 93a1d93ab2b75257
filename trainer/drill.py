"""``python -m trainer.drill``: a fire drill. It trains like :mod:`trainer.train`, then fails as the parameter ``fault`` asks.

For demonstrations and end-to-end tests of the safeguard only, and chosen there by the command in ``spec.trainer``; ``trainer.train``
knows no faults.
"""

import json
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from modelsafeguard.core import contract
from trainer import train
from trainer.model import MODEL_FILE
from trainer.process import exit_at_sigterm

CRASHED = 3

log = logging.getLogger("trainer")


def crash(_: Path) -> int:
    """The training process dies."""
    log.error("Fire drill: the trainer crashed after its training, as the parameter fault=crash asks.")
    return CRASHED


def nan(output_dir: Path) -> int:
    """The trainer reports an accuracy that is not a number, and says that all went well."""
    path = output_dir / contract.METRICS_FILE
    measured = json.loads(path.read_bytes())
    path.write_text(json.dumps(measured | {"accuracy": math.nan}, indent=2) + "\n", encoding="utf-8")
    return 0


def unloadable(output_dir: Path) -> int:
    """The model file is cut to half, with perfect numbers beside it: only a server that loads it will notice."""
    path = output_dir / MODEL_FILE
    os.truncate(path, path.stat().st_size // 2)
    return 0


def slow(_: Path) -> int:
    """The training never ends by itself: only a deadline or a cancellation ends it."""
    log.info("Fire drill: waiting to be stopped, as the parameter fault=slow asks.")
    while True:
        signal.pause()


FAULTS: MappingProxyType[str, Callable[[Path], int]] = MappingProxyType(
    {"none": lambda _: 0, "crash": crash, "nan": nan, "unloadable": unloadable, "slow": slow}
)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Train, then break what was made, and return the exit code."""
    fault = environment.get(contract.parameter_variable("fault")) or "none"
    if fault not in FAULTS:
        log.error("There is no fault %r: choose one of %s.", fault, ", ".join(FAULTS))
        return train.CANNOT
    return train.main(arguments, environment) or FAULTS[fault](Path(environment[contract.OUTPUT_DIR]))


if __name__ == "__main__":
    exit_at_sigterm(128 + signal.SIGTERM)
    sys.exit(main(sys.argv[1:], os.environ))
