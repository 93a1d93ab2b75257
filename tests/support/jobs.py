"""The Job controller and the kubelet of a Job's pod, played by writing the statuses that the real ones write.

The API server checks a Job's status strictly (Kubernetes 1.36, ``ValidateJobStatus``): ``SuccessCriteriaMet`` must stand before
``Complete``, ``FailureTarget`` before ``Failed``, a finished Job has a start time and no active pods.
"""

from dataclasses import dataclass
from typing import Final

from modelsafeguard.core.handover import encode_failure, encode_report
from modelsafeguard.core.pod import CHECK_CONTAINER
from modelsafeguard.core.report import Report
from tests.support.client import Client, Json
from tests.support.forms import condition, owner_reference, timestamp

JOB_NAME_LABEL: Final = "batch.kubernetes.io/job-name"
_BEFORE: Final = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}


@dataclass(frozen=True)
class End:
    """How one container ended. ``message`` is its termination message, ``reason`` kubelet's word ("OOMKilled")."""

    exit_code: int = 0
    message: str = ""
    reason: str = ""


class JobPlayer(Client):
    """Plays what happens to Jobs. The pod's containers are those of the Job's own template: the API server admits them or not."""

    async def job_started(self, name: str) -> Json:
        """The Job's pod runs. Returns the pod; there is only ever one."""
        job = await self.get("Job", name)
        made = _pod_of(job)
        if found := await self.find("Pod", made["metadata"]["name"]):
            return found
        pod = await self.create(made)
        await self.patch_status(
            "Job", name, {"startTime": timestamp(), "active": 1, "ready": 1, "terminating": 0, "uncountedTerminatedPods": {}}
        )
        return await self.patch_status("Pod", pod["metadata"]["name"], {"phase": "Running", "startTime": timestamp()})

    async def job_completed(self, name: str, *, report: Report | None = None, message: str = "") -> None:
        """All containers ended with 0; the last one left the report, or the raw message, as its termination message."""
        text = encode_report(report).decode() if report else message
        await self._pod_ends(name, "Succeeded", End(), End(message=text))
        await self._finish(name, "Complete", "CompletionsReached", "Reached expected number of succeeded pods")

    async def job_failed(
        self,
        name: str,
        *,
        train: End | None = None,
        failed: tuple[str, str] | None = None,
        measure: End | None = None,
        reason: str = "BackoffLimitExceeded",
        message: str = "Job has reached the specified backoff limit",
    ) -> None:
        """The Job failed: the init container ended as ``train``, or the last one as ``measure``.

        ``failed`` (reason, sentence) is what ``measure`` hands over when it refuses.
        """
        last = End(1, encode_failure(*failed).decode()) if failed else measure
        await self._pod_ends(name, "Failed", train or End(), last or End(1))
        await self._finish(name, "Failed", reason, message)

    async def job_exceeded_its_deadline(self, name: str) -> None:
        """Its ``activeDeadlineSeconds`` are over: the real controller deletes the pod and then says so."""
        for pod in await self.find_all("Pod", labels=f"{JOB_NAME_LABEL}={name}"):
            await self.delete("Pod", pod["metadata"]["name"], now=True)
        await self._finish(name, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")

    async def pod_stuck(self, name: str, reason: str = "ImagePullBackOff", message: str = "Back-off pulling image") -> None:
        """The Job's pod exists and its first container waits; with reason "Unschedulable" it has no node."""
        pod = await self.job_started(name)
        if reason == "Unschedulable":
            unscheduled = condition("PodScheduled", reason, message, status="False")
            await self.patch_status("Pod", pod["metadata"]["name"], {"phase": "Pending", "conditions": [unscheduled]})
            return
        waiting = {"waiting": {"reason": reason, "message": message}}
        spec = pod["spec"]
        field = "initContainerStatuses" if spec.get("initContainers") else "containerStatuses"
        first = (spec.get("initContainers") or spec["containers"])[0]
        await self.patch_status("Pod", pod["metadata"]["name"], {"phase": "Pending", field: [_container(first, waiting, ready=False)]})

    async def job_pod_refused(self, name: str, message: str) -> None:
        """The Job controller could not create the pod (quota, admission): it says so in an Event only, as the real one does."""
        job = await self.get("Job", name)
        regarding = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "namespace": self.namespace, "uid": job["metadata"]["uid"]}
        event: Json = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.failed-create"},
            "eventTime": timestamp(micro=True),
            "reportingController": "job-controller",
            "reportingInstance": "job-controller-0",
            "action": "Creating",
            "reason": "FailedCreate",
            "type": "Warning",
            "note": message,
            "regarding": regarding,
        }
        await self.create(event)

    async def _pod_ends(self, name: str, phase: str, init: End, last: End) -> None:
        """The init containers end as ``init``; if that is a failure the others never start, else the last of them ends as ``last``."""
        pod = await self.job_started(name)
        containers = pod["spec"]["containers"]
        if init.exit_code:
            states = [_container(each, {"waiting": {"reason": "PodInitializing"}}, ready=False) for each in containers]
        else:
            states = [*(_ended(each, End()) for each in containers[:-1]), _ended(containers[-1], last)]
        inits = [_ended(each, End() if each["name"] == CHECK_CONTAINER else init) for each in pod["spec"].get("initContainers", [])]
        status = {"phase": phase, "initContainerStatuses": inits, "containerStatuses": states}
        await self.patch_status("Pod", pod["metadata"]["name"], status)

    async def _finish(self, name: str, kind: str, reason: str, message: str) -> None:
        job = await self.get("Job", name)
        status: Json = {
            "startTime": job.get("status", {}).get("startTime", timestamp()),
            "active": 0,
            "ready": 0,
            "terminating": 0,
            "uncountedTerminatedPods": {},
            "conditions": [condition(_BEFORE[kind], reason, message), condition(kind, reason, message)],
            **({"succeeded": 1, "completionTime": timestamp()} if kind == "Complete" else {"failed": 1}),
        }
        await self.patch_status("Job", name, status)


def _pod_of(job: Json) -> Json:
    template, meta = job["spec"]["template"], job["metadata"]
    metadata = {**template["metadata"], "name": f"{meta['name']}-{meta['uid'][:5]}", "ownerReferences": [owner_reference(job)]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _ended(container: Json, end: End) -> Json:
    terminated: Json = {
        "exitCode": end.exit_code,
        "reason": end.reason or ("Error" if end.exit_code else "Completed"),
        "startedAt": timestamp(),
        "finishedAt": timestamp(),
    }
    if end.message:
        terminated["message"] = end.message
    return _container(container, {"terminated": terminated}, ready=end.exit_code == 0)


def _container(container: Json, state: Json, *, ready: bool) -> Json:
    return {"name": container["name"], "image": container["image"], "imageID": "", "ready": ready, "restartCount": 0, "state": state}
