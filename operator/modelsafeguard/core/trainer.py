"""What an owner's trainer may not ask for: what would break the trainer contract, or reach the published versions."""

import posixpath
from collections.abc import Iterator
from itertools import chain
from typing import Final

from modelsafeguard.core.model import ModelSpec, Trainer
from modelsafeguard.core.parameters import clashing_names, pattern_problem
from modelsafeguard.core.pod import POD_NAME, POD_UID

RESERVED_PREFIX: Final = "SAFEGUARD_"
RESERVED_VARIABLES: Final = (POD_UID, POD_NAME)
RESERVED_PATH: Final = "/safeguard"
RESERVED_VOLUME_PREFIX: Final = "safeguard-"


def trainer_problem(spec: ModelSpec) -> str:
    """The first thing in ``spec.trainer`` that cannot be honoured, as a sentence; empty when all can."""
    problems = chain(_of_parameters(spec.trainer), _of_variables(spec.trainer), _of_volumes(spec), _of_mounts(spec.trainer))
    return next(problems, "")


def _of_parameters(trainer: Trainer) -> Iterator[str]:
    yield from filter(None, map(pattern_problem, trainer.parameters))
    yield from filter(None, [clashing_names(trainer.parameters)])


def _of_variables(trainer: Trainer) -> Iterator[str]:
    for entry in trainer.env:
        name = str(entry.get("name", ""))
        if name.startswith(RESERVED_PREFIX) or name in RESERVED_VARIABLES:
            yield f"spec.trainer.env sets {name}, which belongs to the trainer contract; rename it"


def _of_volumes(spec: ModelSpec) -> Iterator[str]:
    for volume in spec.trainer.volumes:
        name = str(volume.get("name", ""))
        if name.startswith(RESERVED_VOLUME_PREFIX):
            yield f"spec.trainer.volumes has one named {name}; names beginning with {RESERVED_VOLUME_PREFIX} are the operator's, rename it"
        tokens = [source for source in (volume.get("projected") or {}).get("sources", []) if source.get("serviceAccountToken")]
        if tokens and not spec.trainer.service_account_name:
            yield f"spec.trainer.volumes asks for a token in {name}, and spec.trainer.serviceAccountName names nobody whose it would be"
        # It would be writable as a whole: a training run could overwrite the live model.
        if (volume.get("persistentVolumeClaim") or {}).get("claimName") == spec.storage.claim_name:
            yield (
                f"spec.trainer.volumes mounts claim {spec.storage.claim_name}, which holds the published versions;"
                " a trainer writes to SAFEGUARD_OUTPUT_DIR only, so remove it"
            )


def _of_mounts(trainer: Trainer) -> Iterator[str]:
    for entry in trainer.volume_mounts:
        path, name = _absolute(str(entry.get("mountPath", ""))), str(entry.get("name", ""))
        if path == "/" or f"{path}/".startswith(f"{RESERVED_PATH}/"):
            yield f"spec.trainer.volumeMounts mounts {path}; {RESERVED_PATH} is the operator's, choose another path"
        if name.startswith(RESERVED_VOLUME_PREFIX):
            yield f"spec.trainer.volumeMounts mounts {name}, a volume of the operator's; mount your own"


def _absolute(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))  # POSIX lets a path begin with two slashes, and normpath keeps them
