"""A pin: its owner's order to serve a version that is still on the volume. Its files are verified, then it is rolled out like any other."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from modelsafeguard.core.cluster import Job, JobState
from modelsafeguard.core.handover import Failure, parse_handover
from modelsafeguard.core.lifecycle.outcomes import pin_ended
from modelsafeguard.core.lifecycle.readiness import Problem, rollout_obstacle
from modelsafeguard.core.lifecycle.rollout import intent, serving_of
from modelsafeguard.core.lifecycle.step import CreateVerifyJob, DeleteJob, Effect, Step, WriteModel, step
from modelsafeguard.core.lifecycle.world import Observed
from modelsafeguard.core.model import LastRollout, Live, Model, Verification, VersionRecord
from modelsafeguard.core.pod import MEASURE_CONTAINER
from modelsafeguard.core.verdict import Ending, Verdict

VERIFY_SECONDS = 600


def pin_problem(observed: Observed) -> Problem | None:
    """Why the pinned version does not serve and nothing is being done about it; None while it serves, or is being brought back."""
    model = observed.present
    pin, status = model.spec.pin, model.status
    if pin is None or served(model):
        return None
    if status.last_rollout and status.last_rollout.request_uid == order_of(model):
        message = f"version {pin.version} is pinned, and does not serve: {status.last_rollout.message}; correct or remove spec.pin"
        return Problem("PinFailed", message)
    if waiting := next((each for each in status.awaiting_approval if each.version == pin.version), None):
        message = f"version {pin.version} is pinned, and nobody has approved it yet; remove spec.pin and approve RetrainRequest "
        return Problem("PinNotApproved", message + waiting.request_name)
    if _record(model) is None:
        there = ", ".join(record.version for record in model.status.versions if _usable(record)) or "none"
        return Problem(
            "PinUnknown", f"version {pin.version} is pinned, and is not on the volume; correct or remove spec.pin (there: {there})"
        )
    return None if status.rollout else rollout_obstacle(observed)


def served(model: Model) -> bool:
    """Whether the pinned version is the live one."""
    pin, live = model.spec.pin, model.status.live
    return pin is not None and live is not None and live.version == pin.version


def order_of(model: Model) -> str:
    """What stands for the request's uid in a rollout that a pin orders: tried once for each state of the spec."""
    return f"pin-{model.meta.generation}"


def _record(model: Model) -> VersionRecord | None:
    pin = model.spec.pin
    return next((record for record in model.status.versions if pin and record.version == pin.version and _usable(record)), None)


def _usable(record: VersionRecord) -> bool:
    return bool(record.manifest_digest) and not record.pruned


def advance_pin(observed: Observed, now: datetime) -> Step | None:
    """Begin, follow and end the verification of a pinned version; then record its rollout. None while there is nothing to do."""
    model, status = observed.present, observed.present.status
    if status.verification:
        return _follow(observed, status.verification, now)
    record = _record(model)
    # A verdict is taken from how the last rollout ended: as long as it is not, nothing may overwrite that.
    unsaid = status.last_rollout and status.active_request and status.last_rollout.request_uid == status.active_request.uid
    if record is None or served(model) or status.prune or status.rollout or unsaid or pin_problem(observed):
        return None
    verification = Verification(_job_name(model, record), record.version, record.manifest_digest, now)
    return step(f"version {record.version} is pinned: its files are verified", WriteModel(replace(status, verification=verification)))


def _job_name(model: Model, record: VersionRecord) -> str:
    """Deterministic, so that the Job for one order is made once."""
    asked = f"{record.version} {record.manifest_digest} {order_of(model)}"
    return f"{model.meta.name}-verify-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"


def _follow(observed: Observed, verification: Verification, now: datetime) -> Step | None:
    status, job = observed.present.status, observed.jobs.get(verification.job_name)
    pin, record = observed.present.spec.pin, _record(observed.present)
    late = now >= verification.started_at + timedelta(seconds=VERIFY_SECONDS)
    if pin is None or record is None or verification.version != pin.version:
        return _end(observed, job, "another version is pinned, or none", WriteModel(replace(status, verification=None)))
    if job is None and not verification.job_uid and not late:
        create = CreateVerifyJob(verification)
        return None if observed.refusal(create) else step("the verify Job is not there yet", WriteModel(status), create)
    ours = job is not None and job.owner_uid == observed.present.meta.uid and verification.job_uid in ("", job.uid)
    if job is not None and ours and not verification.job_uid:
        return step("the verify Job was made", WriteModel(replace(status, verification=replace(verification, job_uid=job.uid))))
    if job is not None and ours and job.state is JobState.COMPLETE:
        return _end(observed, job, "its files are those that were published", _rolled_out(observed, record, now))
    if job is not None and ours and job.state is JobState.ACTIVE and not late:
        return None
    return _given_up(observed, verification, job, now)


def _rolled_out(observed: Observed, record: VersionRecord, now: datetime) -> WriteModel:
    model = observed.present
    assert model.spec.pin is not None
    version = Live(
        version=record.version,
        metrics=record.metrics,
        since=now,
        serving=serving_of(observed, record.version, record.manifest_digest),
        holdout_digest=record.holdout_digest,
        manifest_digest=record.manifest_digest,
        model_digest=record.model_digest,
        training_date=record.training_date,
        request_uid=record.request_uid,
        below_best=record.below_best,
        evidence=record.evidence,
    )
    why = f": {model.spec.pin.reason}" if model.spec.pin.reason else ""
    rollout = intent(observed, version, order_of(model), f"version {record.version} serves, as spec.pin orders{why}", now)
    return WriteModel(replace(model.status, verification=None, rollout=rollout))


def _given_up(observed: Observed, verification: Verification, job: Job | None, now: datetime) -> Step:
    model = observed.present
    ending = Ending(Verdict.FAILED, "VersionNotVerified", f"its files could not be verified: {_why(observed, verification)}")
    last = LastRollout(order_of(model), ending.verdict, ending.reason, ending.message, now)
    written = WriteModel(replace(model.status, verification=None, last_rollout=last))
    return _end(observed, job, "the pinned version is not to be mounted", pin_ended(order_of(model), verification.version, ending), written)


def _why(observed: Observed, verification: Verification) -> str:
    pods = observed.job_pods.get(verification.job_name, ())
    said = next((end.message for pod in pods for end in pod.ends if end.name == MEASURE_CONTAINER and end.exit_code), "")
    handed = parse_handover(said, version=verification.version)
    if isinstance(handed, Failure) and not handed.lost:
        return handed.message
    trouble = next((pod.trouble for pod in pods if pod.trouble), "") or observed.job_trouble.get(verification.job_name, "")
    return f"Job {verification.job_name} gave no answer" + (f" ({trouble})" if trouble else "")


def _end(observed: Observed, job: Job | None, why: str, *effects: Effect) -> Step:
    """The record first; a Job that a crash leaves behind goes with the model."""
    ours = job is not None and job.owner_uid == observed.present.meta.uid
    return step(why, *effects, *([DeleteJob(job.name, job.uid)] if job and ours else []))
