"""The Deployment controller, and the scheduler and kubelet of serving pods, played by writing what the real ones write."""

import hashlib
import json
from typing import Final

from tests.support.client import Client, Json
from tests.support.forms import condition, owner_reference, timestamp

HASH_LABEL: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"


class RolloutPlayer(Client):
    """Plays what happens to Deployments. A step is as whole as a test can observe: pods first, then the Deployment's status."""

    async def deployment_rolled(self, name: str) -> None:
        """Every pod is of the present template and ready, the old ones are gone."""
        deployment = await self.get("Deployment", name)
        current = await self._scale_new(deployment, _replicas(deployment))
        for pod in await self._pods(deployment, current):
            await self._pod_is(pod, _running(pod))
        await self._remove_old(deployment, current)
        done = condition("Progressing", "NewReplicaSetAvailable", f'ReplicaSet "{current}" has successfully progressed.')
        await self._deployment_status(deployment, updated=_replicas(deployment), progressing=done)

    async def deployment_rolling(self, name: str) -> None:
        """One pod of the present template has started and is not ready; the old ones serve."""
        deployment = await self.get("Deployment", name)
        current = await self._scale_new(deployment, 1)
        for pod in await self._pods(deployment, current):
            await self._pod_is(pod, _running(pod, ready=False))
        progressing = condition("Progressing", "ReplicaSetUpdated", f'ReplicaSet "{current}" is progressing.')
        await self._deployment_status(deployment, updated=1, progressing=progressing)

    async def deployment_stalls(self, name: str, *, reason: str = "CrashLoopBackOff", ago: float = 0.0) -> None:
        """One new pod waits for ``reason``, and the progress deadline is over since ``ago`` seconds."""
        deployment = await self.get("Deployment", name)
        current = await self._scale_new(deployment, 1)
        waiting = {"waiting": {"reason": reason, "message": f"{reason} of container server"}}
        for pod in await self._pods(deployment, current):
            await self._pod_is(pod, _running(pod, ready=False, restarts=1, state=waiting))
        message = f'ReplicaSet "{current}" has timed out progressing.'
        exceeded = condition("Progressing", "ProgressDeadlineExceeded", message, status="False", ago=ago)
        await self._deployment_status(deployment, updated=1, progressing=exceeded)

    async def pods_restart(self, name: str) -> None:
        """Every pod of the present template restarted once and is ready again."""
        for pod in await self.serving_pods(name):
            restarts = pod["status"]["containerStatuses"][0]["restartCount"] + 1
            await self._pod_is(pod, _running(pod | {"status": {}}, restarts=restarts))  # ready again: at a new time

    async def pods_lose_readiness(self, name: str) -> None:
        """No pod of the present template is ready any more."""
        deployment = await self.get("Deployment", name)
        for pod in await self.serving_pods(name):
            restarts = pod["status"]["containerStatuses"][0]["restartCount"]
            await self._pod_is(pod, _running(pod, ready=False, restarts=restarts))
        await self.patch_status(
            "Deployment", name, {"readyReplicas": 0, "availableReplicas": 0, "unavailableReplicas": _replicas(deployment)}
        )

    async def pods_are_bound(self, name: str, node: str) -> None:
        """The scheduler has found this node for every pod of the present template."""
        for pod in await self.serving_pods(name):
            metadata = {"name": pod["metadata"]["name"]}
            target = {"apiVersion": "v1", "kind": "Node", "name": node}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
            await self._call("POST", self.path("Pod", metadata["name"], "binding"), binding)

    async def serving_pods(self, name: str) -> list[Json]:
        """The pods of the Deployment's present template."""
        deployment = await self.get("Deployment", name)
        return await self._pods(deployment, _replica_set_name(deployment))

    async def _scale_new(self, deployment: Json, replicas: int) -> str:
        """Make the ReplicaSet of the present template and this many pods. Returns its name."""
        name = _replica_set_name(deployment)
        found = await self.find("ReplicaSet", name)
        newest = max((_revision(other) for other in await self._replica_sets(deployment)), default=0)
        if found is None:
            found = await self.create(_replica_set(deployment, newest + 1))
        elif _revision(found) < newest:  # an old template is back: the real controller renews its revision
            await self.patch("ReplicaSet", name, {"metadata": {"annotations": {REVISION: str(newest + 1)}}})
        await self._scale(found, replicas)
        existing = {pod["metadata"]["name"] for pod in await self._pods(deployment, name)}
        for index in range(replicas):
            pod = _pod_of(found, index)
            if pod["metadata"]["name"] not in existing:
                await self.create(pod)
        return name

    async def _remove_old(self, deployment: Json, current: str) -> None:
        for other in await self._replica_sets(deployment):
            if other["metadata"]["name"] != current:
                for pod in await self._pods(deployment, other["metadata"]["name"]):
                    await self.delete("Pod", pod["metadata"]["name"], now=True)
                await self._scale(other, 0)
        for pod in (await self._pods(deployment, current))[_replicas(deployment) :]:
            await self.delete("Pod", pod["metadata"]["name"], now=True)

    async def _scale(self, replica_set: Json, replicas: int) -> None:
        name = replica_set["metadata"]["name"]
        if replica_set["spec"]["replicas"] != replicas:
            await self.patch("ReplicaSet", name, {"spec": {"replicas": replicas}})
        await self.patch_status("ReplicaSet", name, {"replicas": replicas, "fullyLabeledReplicas": replicas})

    async def _replica_sets(self, deployment: Json) -> list[Json]:
        uid = deployment["metadata"]["uid"]
        return [found for found in await self.find_all("ReplicaSet") if found["metadata"]["ownerReferences"][0]["uid"] == uid]

    async def _pods(self, deployment: Json, replica_set: str) -> list[Json]:
        labels = deployment["spec"]["selector"]["matchLabels"] | {HASH_LABEL: replica_set.rpartition("-")[2]}
        return await self.find_all("Pod", labels=",".join(f"{key}={value}" for key, value in labels.items()))

    async def _pod_is(self, pod: Json, status: Json) -> None:
        await self.patch_status("Pod", pod["metadata"]["name"], status)

    async def _deployment_status(self, deployment: Json, *, updated: int, progressing: Json) -> None:
        """Counts from the pods that are there. ``lastUpdateTime`` is what says whether a condition is older than a patch."""
        name = deployment["metadata"]["name"]
        pods = await self.find_all("Pod", labels=",".join(f"{k}={v}" for k, v in deployment["spec"]["selector"]["matchLabels"].items()))
        ready = sum(_is_ready(pod) for pod in pods)
        available = condition("Available", "MinimumReplicasAvailable", "Deployment has minimum availability.", status=str(ready > 0))
        status: Json = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": len(pods) - ready,
            "conditions": [each | {"lastUpdateTime": each["lastTransitionTime"]} for each in (available, progressing)],
        }
        await self.patch_status("Deployment", name, status)


def _replicas(deployment: Json) -> int:
    return int(deployment["spec"].get("replicas", 1))


def _revision(replica_set: Json) -> int:
    return int(replica_set["metadata"]["annotations"][REVISION])


def _is_ready(pod: Json) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod.get("status", {}).get("conditions", []))


def _template_hash(deployment: Json) -> str:
    return hashlib.sha256(json.dumps(deployment["spec"]["template"], sort_keys=True).encode()).hexdigest()[:10]


def _replica_set_name(deployment: Json) -> str:
    return f"{deployment['metadata']['name']}-{_template_hash(deployment)}"


def _replica_set(deployment: Json, revision: int) -> Json:
    label = {HASH_LABEL: _template_hash(deployment)}
    template = deployment["spec"]["template"]
    metadata = template["metadata"] | {"labels": template["metadata"]["labels"] | label}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": _replica_set_name(deployment),
            "labels": metadata["labels"],
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": deployment["spec"]["selector"]["matchLabels"] | label},
            "template": {"metadata": metadata, "spec": template["spec"]},
        },
    }


def _pod_of(replica_set: Json, index: int) -> Json:
    template = replica_set["spec"]["template"]
    metadata = template["metadata"] | {
        "name": f"{replica_set['metadata']['name']}-{index}",
        "ownerReferences": [owner_reference(replica_set)],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _running(pod: Json, *, ready: bool = True, restarts: int = 0, state: Json | None = None) -> Json:
    """The status of a pod whose containers run, or are in ``state``. The time of a readiness that did not change is kept."""
    known = {each["type"]: each for each in pod.get("status", {}).get("conditions", [])}
    reason = "" if ready else "ContainersNotReady"
    conditions = [condition(kind, reason, "", status=str(ready)) for kind in ("Ready", "ContainersReady")]
    kept = [known[each["type"]] if known.get(each["type"], {}).get("status") == each["status"] else each for each in conditions]
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": ready,
            "started": state is None,
            "restartCount": restarts,
            "state": state or {"running": {"startedAt": timestamp()}},
        }
        for container in pod["spec"]["containers"]
    ]
    return {"phase": "Running", "conditions": kept, "containerStatuses": containers}
