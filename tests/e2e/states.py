"""What is waited for: states of objects, as conditions for ``Kube.until``, and what a container says."""

from hack.demo.errors import expect
from hack.demo.kube import Condition, Json, Kube
from hack.demo.world import PREFIX


def in_stage(stage: str) -> Condition:
    """A request that has come to this stage."""
    return lambda request: request.get("status", {}).get("stage") == stage


def waits_for(words: str) -> Condition:
    """A request that says what it waits for."""
    return lambda request: words in request.get("status", {}).get("waiting", "")


def has_its_job(request: Json) -> bool:
    """A request whose training Job is recorded."""
    return "job" in request.get("status", {})


def not_ready(reason: str) -> Condition:
    """A model that is not Ready, for this reason."""
    wanted = ("Ready", "False", reason)
    return lambda model: any(
        (each["type"], each["status"], each["reason"]) == wanted for each in model.get("status", {}).get("conditions", [])
    )


def runs(container: str, **marks: str) -> Condition:
    """A pod with these labels or annotations of ours, of which this container runs."""
    wanted = {f"{PREFIX}{name}": value for name, value in marks.items()}

    def holds(pod: Json) -> bool:
        metadata, status = pod["metadata"], pod.get("status", {})
        found = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
        containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        return wanted.items() <= found.items() and any(each["name"] == container and "running" in each["state"] for each in containers)

    return holds


def until_it_says(kube: Kube, pod: str, container: str, words: str, *, within: int) -> None:
    """Follow a container's log until a line holds these words; raises ``NotSo`` after ``within`` seconds, or when the container ends."""
    process = kube.start("logs", "--follow", f"--request-timeout={within}s", pod, "--container", container)
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not (lines and words in lines[-1]):
            lines.append(process.stdout.readline())
            expect(lines[-1], f"Container {container} of pod {pod} did not say {words!r} within {within} s: {''.join(lines) or 'nothing'}")
    finally:
        process.kill()
        process.communicate()
