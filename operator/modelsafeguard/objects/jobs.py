"""The four Jobs: train a candidate and publish it, read its report again, remove old versions, verify a version."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from modelsafeguard.api import names
from modelsafeguard.api.codec import encode
from modelsafeguard.core import contract, pod
from modelsafeguard.core.lifecycle.step import JobRole
from modelsafeguard.core.lifecycle.world import reader_name
from modelsafeguard.core.model import Live, Model, Prune, Verification
from modelsafeguard.core.parameters import InvalidParameters, resolve
from modelsafeguard.core.request import Request
from modelsafeguard.core.trainer import trainer_problem
from modelsafeguard.objects.meta import labels, owned_by, without_empty
from modelsafeguard.objects.pods import (
    CONTAINER_SECURITY,
    SCRATCH_PATH,
    STORE_VOLUME,
    data_mounts,
    data_volumes,
    measure_container,
    mount,
    pod_spec,
    store_mount,
    store_volume,
    variable,
    variable_from_pod,
)

# The operator ends a training run itself at the owner's deadline, with the pod's own reason. The Job's own deadline is for an
# operator that is not there.
BACKSTOP_SECONDS: Final = 60

# For the Jobs that only read or remove files; pulling the image is included.
HOUSEKEEPING_SECONDS: Final = 600

TRAIN_SCRATCH: Final = "safeguard-train-tmp"
MEASURE_SCRATCH: Final = "safeguard-measure-tmp"  # not the trainer's: nothing that measure reads is to be planted


@dataclass(frozen=True)
class Images:
    """The images of our own containers; by digest, where one is known."""

    measure: str


def training_job(model: Model, request: Request, images: Images, *, node: str | None = None) -> dict[str, Any]:
    """The Job that trains a candidate (the owner's image), then checks, measures and publishes it (ours).

    Raises ``ValueError`` for a trainer or parameters that should have been refused before: nothing half right is ever sent.
    """
    trainer, version = model.spec.trainer, request.status.version
    parameters = resolve(trainer.parameters, request.spec.parameters)
    if isinstance(parameters, InvalidParameters):
        raise ValueError(parameters.message)  # noqa: TRY004 - a value of the request is wrong, not a type
    if problem := trainer_problem(model.spec):
        raise ValueError(problem)
    measure = measure_container(
        images.measure,
        pod.PUBLISH,
        [*_subject(model, request), *_asked_of_measure(model, request), *_data_variables(model), *_identity()],
        [store_mount(model), *data_mounts(model), mount(MEASURE_SCRATCH, SCRATCH_PATH)],
    )
    spec = pod_spec(
        model,
        node=node,
        serviceAccountName=trainer.service_account_name,
        automountServiceAccountToken=bool(trainer.service_account_name),
        nodeSelector=dict(trainer.node_selector),
        affinity=dict(trainer.affinity),
        initContainers=[_check_container(model, images), _train_container(model, request, parameters)],
        containers=[measure],
        volumes=[store_volume(model), *data_volumes(model), _scratch(TRAIN_SCRATCH), _scratch(MEASURE_SCRATCH), *trainer.volumes],
    )
    return _job(_metadata(model, JobRole.TRAIN, version, request), spec, trainer.active_deadline_seconds + BACKSTOP_SECONDS)


def reader_job(model: Model, request: Request, images: Images, *, node: str | None = None) -> dict[str, Any]:
    """The Job that delivers the stored report of a candidate once more, after its termination message was lost."""
    env = [*_subject(model, request), _store()]
    reader = _housekeeper(model, images, pod.READ, env)
    return _housekeeping(model, _metadata(model, JobRole.READER, reader_name(request.status.version), request), reader, node)


def prune_job(model: Model, prune: Prune, images: Images, *, node: str | None = None) -> dict[str, Any]:
    """The Job that removes exactly the listed versions from the volume."""
    env = [variable(contract.MODEL, model.meta.name), _store(), variable(pod.VERSIONS, _json(prune.versions))]
    pruner = _housekeeper(model, images, pod.PRUNE, env)
    return _housekeeping(model, _metadata(model, JobRole.PRUNE, prune.job_name), pruner, node)


def verify_job(model: Model, verification: Verification, images: Images, *, node: str | None = None) -> dict[str, Any]:
    """The Job that checks a published version's files before it is mounted."""
    env = [
        variable(contract.MODEL, model.meta.name),
        variable(contract.VERSION, verification.version),
        _store(),
        variable(pod.DIGEST, verification.manifest_digest),
    ]
    verifier = _housekeeper(model, images, pod.VERIFY, env)
    return _housekeeping(model, _metadata(model, JobRole.VERIFY, verification.job_name), verifier, node)


def _check_container(model: Model, images: Images) -> dict[str, Any]:
    """Whether the claim can be written at all is known before the training is paid for."""
    mounts = [store_mount(model), mount(MEASURE_SCRATCH, SCRATCH_PATH)]
    return measure_container(images.measure, pod.CHECK, [_store(), *_identity()], mounts, name=pod.CHECK_CONTAINER)


def _train_container(model: Model, request: Request, parameters: Mapping[str, str]) -> dict[str, Any]:
    trainer, version, live = model.spec.trainer, request.status.version, _our_live(model)
    staging = f"{model.spec.storage.path}/{contract.STAGING}/{version}/$({pod.POD_UID})"
    # Ours come first, so that the owner's entries may refer to them; that none has the same name was checked.
    env = [
        *_subject(model, request),
        variable(contract.OUTPUT_DIR, pod.OUTPUT_PATH),
        *([variable(contract.LIVE_DIR, pod.LIVE_PATH)] if live else []),
        *_data_variables(model),
        *(variable(contract.parameter_variable(name), value) for name, value in parameters.items()),
        *_identity(),
        *trainer.env,
    ]
    mounts = [mount(STORE_VOLUME, pod.OUTPUT_PATH, subPathExpr=staging)]
    if live:
        published = contract.version_path(model.spec.storage.path, live.version)
        mounts.append(mount(STORE_VOLUME, pod.LIVE_PATH, read_only=True, subPath=published))
    mounts += data_mounts(model)
    if all(own.get("mountPath") != SCRATCH_PATH for own in trainer.volume_mounts):
        mounts.append(mount(TRAIN_SCRATCH, SCRATCH_PATH))
    return without_empty(
        {
            "name": pod.TRAIN_CONTAINER,
            "image": trainer.image,
            "imagePullPolicy": trainer.image_pull_policy,
            "command": list(trainer.command),
            "args": list(trainer.args),
            "env": env,
            "envFrom": list(trainer.env_from),
            "resources": dict(trainer.resources),
            # The owner's own words count: an owner may create Jobs anyway (manifests/admission).
            "securityContext": {**CONTAINER_SECURITY, **trainer.security_context},
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": [*mounts, *trainer.volume_mounts],
        }
    )


def _housekeeper(model: Model, images: Images, command: str, env: list[dict[str, Any]]) -> dict[str, Any]:
    store = store_mount(model, read_only=command != pod.PRUNE)
    return measure_container(images.measure, command, [*env, *_identity()], [store, mount(MEASURE_SCRATCH, SCRATCH_PATH)])


def _housekeeping(model: Model, metadata: dict[str, Any], container: dict[str, Any], node: str | None) -> dict[str, Any]:
    spec = pod_spec(model, node=node, containers=[container], volumes=[store_volume(model), _scratch(MEASURE_SCRATCH)])
    return _job(metadata, spec, HOUSEKEEPING_SECONDS)


def _metadata(model: Model, role: JobRole, name: str, request: Request | None = None) -> dict[str, Any]:
    """A Job for a request belongs to it and goes with it; any other belongs to the model."""
    theirs = model.spec.trainer.labels if role is JobRole.TRAIN else {}
    if request:
        ours, owner = labels(model.meta.name, role.value, request.meta.name), owned_by(names.REQUEST_KIND, request.meta)
    else:
        ours, owner = labels(model.meta.name, role.value), owned_by(names.MODEL_KIND, model.meta)
    return {"name": name, "namespace": model.meta.namespace, "labels": {**theirs, **ours}, "ownerReferences": [owner]}


def _job(metadata: dict[str, Any], spec: dict[str, Any], seconds: int) -> dict[str, Any]:
    """A Job that runs its pod once. A pod that a node drain took away did not fail: it is replaced, once it is really gone."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": seconds,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]},
            "template": {"metadata": {"labels": metadata["labels"]}, "spec": spec},
        },
    }


def _our_live(model: Model) -> Live | None:
    """The live version, if it has a folder of ours: an adopted one has none."""
    live = model.status.live
    return None if live is None or live.adopted else live


def _subject(model: Model, request: Request) -> list[dict[str, Any]]:
    return [
        variable(contract.MODEL, model.meta.name),
        variable(contract.VERSION, request.status.version),
        variable(contract.REQUEST, request.meta.name),
    ]


def _asked_of_measure(model: Model, request: Request) -> list[dict[str, Any]]:
    live, frozen = _our_live(model), request.status.frozen
    if frozen is None:
        raise ValueError("nothing is trained before it is written down what it will be judged by")
    judged_by = [
        variable(pod.FROZEN, _json(encode(frozen))),
        variable(pod.HOLDOUTS, _json([encode(use) for use in model.status.holdouts])),
    ]
    baseline = [variable(pod.LIVE_VERSION, live.version), variable(pod.LIVE_DIGEST, live.manifest_digest)] if live else []
    return [_store(), *judged_by, *baseline]


def _data_variables(model: Model) -> list[dict[str, Any]]:
    data = model.spec.data
    if data is None:
        return []
    holdout = [variable(contract.HOLDOUT, data.holdout)] if data.holdout else []
    return [variable(contract.DATA_DIR, pod.DATA_PATH), *holdout]


def _identity() -> list[dict[str, Any]]:
    return [variable_from_pod(pod.POD_UID, "metadata.uid"), variable_from_pod(pod.POD_NAME, "metadata.name")]


def _store() -> dict[str, Any]:
    return variable(pod.STORE, pod.STORE_PATH)


def _scratch(volume: str) -> dict[str, Any]:
    return {"name": volume, "emptyDir": {}}


def _json(values: object) -> str:
    return json.dumps(values, separators=(",", ":"))
