"""One active request: from its start to a stored report, and from a rollout's end to its verdict."""

from dataclasses import replace
from datetime import datetime, timedelta

from modelsafeguard.core.cluster import Job, JobState, Pod
from modelsafeguard.core.handover import parse_handover
from modelsafeguard.core.lifecycle.approval import advance_approval, awaiting
from modelsafeguard.core.lifecycle.failures import training_failure
from modelsafeguard.core.lifecycle.judging import baseline_of, explained, judge_or_wait, judged, rejudged
from modelsafeguard.core.lifecycle.outcomes import finish
from modelsafeguard.core.lifecycle.readiness import rollout_obstacle
from modelsafeguard.core.lifecycle.rollout import begin
from modelsafeguard.core.lifecycle.step import CreateRequestJob, Emit, JobRole, Step, WriteModel, WriteRequest, step
from modelsafeguard.core.lifecycle.stopping import delete_jobs, kept, kept_at_work
from modelsafeguard.core.lifecycle.world import Observed, Refusal, cancelled, reader_name, version_of
from modelsafeguard.core.model import ActiveRequest, LastRollout
from modelsafeguard.core.parameters import InvalidParameters, resolve
from modelsafeguard.core.pod import MEASURE_CONTAINER
from modelsafeguard.core.policy import stricter
from modelsafeguard.core.report import Report
from modelsafeguard.core.request import Frozen, JobRef, Request, RequestStatus, Stage
from modelsafeguard.core.verdict import Ending, Verdict

READER_DEADLINE_SECONDS = 300


def advance_request(observed: Observed, now: datetime) -> Step | None:
    """The next step of the active request; None while it waits for somebody else."""
    request = observed.active
    if request is None or request.status.verdict:
        return None
    match request.status.stage:
        case None | Stage.QUEUED:
            return _start(observed, request, now)
        case Stage.TRAINING:
            return _train(observed, request, now)
        case Stage.JUDGING if cancelled(request):
            ending = Ending(Verdict.CANCELLED, "Cancelled", "cancelled before it was judged")
            return step("cancelled before it was judged", finish(request, ending, now))
        case Stage.JUDGING:
            return judge_or_wait(observed, request, now)
        case Stage.AWAITING_APPROVAL:
            return advance_approval(observed, request, now)
        case Stage.ROLLING_OUT:
            return _roll_out(observed, request, now)
        case _:
            return None


def _start(observed: Observed, request: Request, now: datetime) -> Step:
    """Freeze the rules and the baseline, and then make the Job: of two operators only one can have written that."""
    model = observed.present
    if cancelled(request):
        return step(
            "cancelled before it started", finish(request, Ending(Verdict.CANCELLED, "Cancelled", "cancelled before training began"), now)
        )
    resolved = resolve(model.spec.trainer.parameters, request.spec.parameters)
    if isinstance(resolved, InvalidParameters):
        return step("its parameters are not allowed", finish(request, Ending(Verdict.FAILED, "InvalidParameters", resolved.message), now))
    status = replace(
        request.status,
        stage=Stage.TRAINING,
        model_uid=model.meta.uid,
        version=version_of(ActiveRequest(request.meta.name, request.meta.uid)),
        frozen=Frozen(
            model_uid=model.meta.uid,
            model_generation=model.meta.generation,
            policy=stricter(model.spec.policy, request.spec.policy),
            baseline=baseline_of(model.status.live),
        ),
        waiting="",
        started_at=now,
        deadline=now + timedelta(seconds=model.spec.trainer.active_deadline_seconds),
    )
    create = CreateRequestJob(JobRole.TRAIN, replace(request, status=status))
    return step("it is the oldest: rules and baseline are frozen, its Job is made", WriteRequest(request, status), create)


def _train(observed: Observed, request: Request, now: datetime) -> Step | None:
    status = request.status
    job = observed.jobs.get(status.version)
    if cancelled(request):
        return _cancel(observed, request, now)
    if status.job is None:
        return _adopt(observed, request, job, now)
    if status.reader:
        return _collect(observed, request, now)
    if job is None or job.uid != status.job.uid:
        message = f"training Job {status.job.name} disappeared before it gave a result; create a new request"
        return step("its Job is gone", finish(request, Ending(Verdict.FAILED, "JobLost", message), now))
    if job.state is JobState.COMPLETE:
        return _collect(observed, request, now)
    pods = observed.job_pods.get(job.name, ())
    if job.state is JobState.FAILED:
        return step("its Job failed", finish(request, training_failure(job, pods, status.waiting), now))
    return _wait_for_training(observed, request, job, now)


def _cancel(observed: Observed, request: Request, now: datetime) -> Step | None:
    if stopped := delete_jobs(observed, request):
        return stopped
    if kept_at_work(observed, request, now):
        return None
    message = f"cancelled during training; {kept(observed, request) or 'its Job was removed'}"[:2000]
    return step("cancelled, and its Job is not at work", finish(request, Ending(Verdict.CANCELLED, "Cancelled", message), now))


def _wait_for_training(observed: Observed, request: Request, job: Job, now: datetime) -> Step | None:
    """Until the deadline. The reason of a pod that is gone is kept: it is why the Job will have failed."""
    status, pods = request.status, observed.job_pods.get(job.name, ())
    trouble = next((pod.trouble for pod in pods if pod.trouble), "") or observed.job_trouble.get(job.name, "")
    if status.deadline and now >= status.deadline:
        why = trouble or status.waiting
        message = f"training did not end within {_allowed(status)} s" + (f": {why}" if why else "")
        return step("training took too long", finish(request, Ending(Verdict.FAILED, "TrainingDeadlineExceeded", message), now))
    if trouble != status.waiting and (trouble or pods):
        return step("its pod's own reason changed", WriteRequest(request, replace(status, waiting=trouble)))
    return None


def _allowed(status: RequestStatus) -> int:
    """Seconds that training may take, as they were when it began."""
    assert status.started_at is not None
    assert status.deadline is not None
    return int((status.deadline - status.started_at).total_seconds())


def _adopt(observed: Observed, request: Request, job: Job | None, now: datetime) -> Step | None:
    """Trust the Job of the right name only if it belongs to this very request; from then on it is known by its uid."""
    status = request.status
    if job is None and status.deadline and now >= status.deadline:
        why = status.waiting or "it was never tried"
        message = f"training Job {status.version} could not be created within {_allowed(status)} s: {why}"
        return step("its Job could not be made", finish(request, Ending(Verdict.FAILED, "TrainingDeadlineExceeded", message), now))
    if job is None:
        # Its owner may have edited the model since the request began.
        resolved = resolve(observed.present.spec.trainer.parameters, request.spec.parameters)
        if isinstance(resolved, InvalidParameters):
            ending = Ending(Verdict.FAILED, "InvalidParameters", resolved.message)
            return step("its parameters are no longer allowed", finish(request, ending, now))
        create = CreateRequestJob(JobRole.TRAIN, request)
        if refusal := observed.refusal(create):
            return _refused(request, refusal, now)
        return step("its training Job is not there yet", WriteRequest(request, status), create)
    if job.owner_uid != request.meta.uid:
        message = f"a Job named {job.name} exists that does not belong to this request; delete it and create a new request"
        return step("its Job's name is taken", finish(request, Ending(Verdict.FAILED, "JobNameTaken", message), now))
    return step(
        "its Job was made",
        Emit(request, "TrainingStarted", f"training Job {job.name} was created"),
        WriteRequest(request, replace(status, job=JobRef(job.name, job.uid), waiting="")),
    )


def _refused(request: Request, refusal: Refusal, now: datetime) -> Step | None:
    """The API server does not take the training Job: tried again until the deadline, unless it is not a valid one."""
    if refusal.for_good:
        message = f"the API server does not accept training Job {request.status.version}; correct spec.trainer: {refusal.said}"[:2000]
        return step("its Job is not valid", finish(request, Ending(Verdict.FAILED, "InvalidJob", message), now))
    if request.status.waiting == refusal.said:
        return None
    return step("its Job is refused", WriteRequest(request, replace(request.status, waiting=refusal.said)))


def _collect(observed: Observed, request: Request, now: datetime) -> Step | None:
    """The Job is complete: its report is stored and judged in one write, or asked for once more by a reader Job."""
    version = request.status.version
    name = reader_name(version) if request.status.reader else version
    handed = parse_handover(_measured(observed.job_pods.get(name, ())), version=version)
    if isinstance(handed, Report):
        return explained("its report is here", judged(observed, request, handed, now))
    if not handed.lost:
        return step("measure refused the candidate", finish(request, Ending(Verdict.FAILED, handed.reason, handed.message), now))
    return _read_again(observed, request, now)


def _measured(pods: tuple[Pod, ...]) -> str:
    """What the pod that succeeded handed over; nothing if two say that they did, so that the volume is asked."""
    said = [end.message for pod in pods for end in pod.ends if end.name == MEASURE_CONTAINER and end.exit_code == 0]
    return said[0] if len(said) == 1 else ""


def _read_again(observed: Observed, request: Request, now: datetime) -> Step | None:
    """Training was paid for: a lost message is read again from the volume, never trained again."""
    name = reader_name(request.status.version)
    reader, status = observed.jobs.get(name), request.status
    lost = Ending(
        Verdict.FAILED,
        "ResultLost",
        f"the report of {status.version} was lost with its pod, and Job {name} could not read it again from the volume",
    )
    assert status.deadline is not None
    if status.reader is None:
        if reader is None and now >= status.deadline + timedelta(seconds=READER_DEADLINE_SECONDS):
            return step("the reader Job could not be made", finish(request, lost, now))
        if reader is None:
            create = CreateRequestJob(JobRole.READER, request)
            if observed.refusal(create):
                return None
            return step("its report was lost: a reader Job fetches it", WriteRequest(request, status), create)
        if reader.owner_uid != request.meta.uid:
            taken = Ending(Verdict.FAILED, "JobNameTaken", f"a foreign Job is named {name}; delete it and create a new request")
            return step("the reader's name is taken", finish(request, taken, now))
        deadline = now + timedelta(seconds=READER_DEADLINE_SECONDS)
        return step("the reader Job was made", WriteRequest(request, replace(status, reader=JobRef(name, reader.uid), deadline=deadline)))
    at_work = reader is not None and reader.uid == status.reader.uid and reader.state is JobState.ACTIVE
    if at_work and now < status.deadline:
        return None
    return step("the reader Job did not deliver", finish(request, lost, now))


def _roll_out(observed: Observed, request: Request, now: datetime) -> Step | None:
    """Accepted: begin the rollout as soon as the Deployment lets us; its end brings the verdict."""
    status, record = request.status, observed.present.status
    if record.rollout:
        return None
    if record.last_rollout and record.last_rollout.request_uid == request.meta.uid:
        last = record.last_rollout
        return step("its rollout has ended", finish(request, Ending(last.verdict, last.reason, last.message), now))
    if cancelled(request):
        message = "cancelled before the rollout; nothing was patched"
        return _not_begun(observed, request, Ending(Verdict.CANCELLED, "Cancelled", message), now)
    if again := rejudged(observed, request, now):
        return again
    if observed.present.spec.pin:
        waits = awaiting(observed.present, request, status, now)
        return step("a version was pinned meanwhile: a person decides", WriteRequest(request, waits))
    if obstacle := rollout_obstacle(observed):
        if status.deadline and now >= status.deadline:
            message = f"accepted, but not rolled out within {observed.present.spec.serving.progress_deadline_seconds} s: {obstacle.message}"
            return _not_begun(observed, request, Ending(Verdict.FAILED, obstacle.reason, message), now)
        if status.waiting != obstacle.message:
            return step("the Deployment cannot be patched yet", WriteRequest(request, replace(status, waiting=obstacle.message)))
        return None
    return begin(observed, request, now)


def _not_begun(observed: Observed, request: Request, ending: Ending, now: datetime) -> Step:
    """End an accepted request without a rollout, in the place where a rollout would be begun.

    Of this and a rollout that another operator begins, with an older world, only one can be written.
    """
    last = LastRollout(request.meta.uid, ending.verdict, ending.reason, ending.message, now)
    return step(f"it is not rolled out: {ending.reason}", WriteModel(replace(observed.present.status, last_rollout=last)))
