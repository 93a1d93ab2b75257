"""Why a training Job failed, in the best words that there are."""

from modelsafeguard.core.cluster import ContainerEnd, Job, Pod
from modelsafeguard.core.handover import Failure, parse_handover
from modelsafeguard.core.pod import CHECK_CONTAINER, MEASURE_CONTAINER, TRAIN_CONTAINER
from modelsafeguard.core.text import one_line
from modelsafeguard.core.verdict import Ending, Verdict


def training_failure(job: Job, pods: tuple[Pod, ...], waiting: str) -> Ending:
    """The reason and the sentence for a failed Job: measure's own words, else the trainer's, else the Job's."""
    ends = {end.name: end for pod in pods for end in pod.ends if end.exit_code != 0}
    for ours in (CHECK_CONTAINER, MEASURE_CONTAINER):
        if ours in ends:
            return _of_measure(job, ends[ours])
    if TRAIN_CONTAINER in ends:
        end = ends[TRAIN_CONTAINER]
        if end.reason == "OOMKilled":
            message = "the trainer was killed for using more memory than its limit; raise spec.trainer.resources"
            return Ending(Verdict.FAILED, "TrainerOutOfMemory", message)
        last = last_line(end.message)
        return Ending(Verdict.FAILED, "TrainerCrashed", f"the trainer ended with status {end.exit_code}" + (f": {last}" if last else ""))
    why = waiting or job.message or job.reason
    return Ending(Verdict.FAILED, job.reason or "JobFailed", f"training Job {job.name} failed" + (f": {why}" if why else ""))


def _of_measure(job: Job, end: ContainerEnd) -> Ending:
    handed = parse_handover(end.message, version=job.name)
    if isinstance(handed, Failure) and not handed.lost:
        return Ending(Verdict.FAILED, handed.reason, handed.message)
    message = f"{end.name} ended with status {end.exit_code} ({end.reason}) and no word; see the log of Job {job.name}"
    return Ending(Verdict.FAILED, "MeasureCrashed", message)


def last_line(text: str, limit: int = 400) -> str:
    """The last line that says something, printable and bounded: log text is not trusted."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return one_line(lines[-1][:limit]) if lines else ""
