"""The bake: new pods that restart or lose readiness shortly after a rollout undo it."""

from modelsafeguard.core.cluster import Pod
from modelsafeguard.core.model import PodMark, Rollout

# The record must stay small: of a larger Deployment the first pods by name are watched one by one, the rest by the
# Deployment's availability.
MARKED_PODS = 50


def marks(pods: tuple[Pod, ...], rollout: Rollout) -> tuple[PodMark, ...] | None:
    """What the new pods look like as the bake begins; None while one of them is not ready by its own status.

    That status may lag behind the Deployment's: it is looked at again in a moment, until the rollout's deadline.
    """
    new = [pod for pod in pods if pod.version == rollout.to.version and not pod.deleting]
    if not new or any(pod.ready_since is None for pod in new):
        return None
    ordered = sorted(new, key=lambda pod: pod.name)[:MARKED_PODS]
    return tuple(PodMark(pod.uid, pod.restarts, pod.ready_since) for pod in ordered if pod.ready_since is not None)


def bake_violation(rollout: Rollout, pods: tuple[Pod, ...]) -> str:
    """The sentence that undoes the rollout; empty while the new pods hold.

    A marked pod that is gone was evicted or scaled away: no fault of the model. A readiness that was lost and regained
    between two looks shows in ``ready_since``.
    """
    marked = {mark.uid: mark for mark in rollout.pods}
    for pod in pods:
        if pod.deleting or pod.version != rollout.to.version:
            continue
        mark = marked.get(pod.uid)
        if mark is None and len(marked) == MARKED_PODS:
            continue
        if pod.restarts > (mark.restarts if mark else 0):
            return f"pod {pod.name} restarted during the bake" + (f" ({pod.trouble})" if pod.trouble else "")
        if mark and not pod.ready:
            return f"pod {pod.name} lost its readiness during the bake" + (f" ({pod.trouble})" if pod.trouble else "")
        if mark and pod.ready_since != mark.ready_since:
            return f"pod {pod.name} lost its readiness for a while during the bake"
    return ""
