"""One namespace of a real cluster: objects as plain dictionaries, waiting by watches, and kubectl for what people do with it."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import urllib3
import yaml
from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient

from hack.cluster.places import places
from hack.demo.errors import NotSo

Json = dict[str, Any]
Condition = Callable[[Json], object]

API_VERSIONS: Final[Mapping[str, str]] = {
    "ModelDeployment": "modelsafeguard.io/v1alpha1",
    "RetrainRequest": "modelsafeguard.io/v1alpha1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Event": "events.k8s.io/v1",
    "SubjectAccessReview": "authorization.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
}
MERGE_PATCH: Final = "application/merge-patch+json"
KUBECTL_SECONDS: Final = 120.0


class Kube:
    """A client for one namespace, as the administrator of the cluster or ``user``. Refusals are ``ApiException``s."""

    def __init__(self, kubeconfig: Path, kubectl: Path, namespace: str, *, user: str = "") -> None:
        self.kubeconfig, self.namespace, self.user = kubeconfig, namespace, user
        self.program = kubectl
        configuration = Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        client = ApiClient(configuration)
        if user:
            client.set_default_header("Impersonate-User", user)
        with TemporaryDirectory() as folder:  # the discovered kinds are kept by nobody: another cluster may have others
            self._dynamic = DynamicClient(client, cache_file=str(Path(folder) / "kinds"))

    def within(self, namespace: str, *, user: str = "") -> Self:
        """The same cluster, in another namespace or as another user."""
        return type(self)(self.kubeconfig, self.program, namespace, user=user)

    def get(self, kind: str, name: str) -> Json:
        """Read one object; ``ApiException`` 404 where there is none."""
        return dict(self._kind(kind).get(name=name, namespace=self.namespace).to_dict())

    def find(self, kind: str, name: str) -> Json | None:
        """Read one object; None where there is none."""
        try:
            return self.get(kind, name)
        except ApiException as error:
            if error.status == 404:  # noqa: PLR2004 - HTTP's own number
                return None
            raise

    def all(self, kind: str, selector: str = "") -> list[Json]:
        """Read all objects of a kind, or those with these labels."""
        return list(self._kind(kind).get(namespace=self.namespace, label_selector=selector or None).to_dict()["items"])

    def create(self, body: Json) -> Json:
        """Create an object in this namespace."""
        return dict(self._kind(body["kind"]).create(body=body, namespace=self.namespace).to_dict())

    def merge(self, kind: str, name: str, patch: Json) -> Json:
        """Change an object by a JSON merge patch."""
        resource = self._kind(kind)
        return dict(resource.patch(body=patch, name=name, namespace=self.namespace, content_type=MERGE_PATCH).to_dict())

    def delete(self, kind: str, name: str) -> None:
        """Delete an object, and what it owns in the background; that it is gone already is fine."""
        try:
            self._kind(kind).delete(name=name, namespace=self.namespace, body={"propagationPolicy": "Background"})
        except ApiException as error:
            if error.status != 404:  # noqa: PLR2004 - HTTP's own number
                raise

    def until(  # noqa: PLR0913 - what is waited for, in one sentence
        self, kind: str, name: str, what: str, condition: Condition, *, within: float, seen: Condition | None = None
    ) -> Json:
        """Watch an object until the condition is true of it, and return it; ``seen`` is shown every state on the way.

        Without a name any object of the kind will do. Raises ``NotSo`` after ``within`` seconds, with the last state.
        """
        last: Json = {}
        for event, body in self._events(kind, name, within=within):
            last = {} if event == "DELETED" else body
            if seen and last:
                seen(last)
            if last and condition(last):
                return last
        state = last.get("status") or ("it is there" if last else "there is none")
        subject = f"{kind} {name or 'of any name'} in namespace {self.namespace}"
        raise NotSo(f"{subject}: {what} was not seen within {within:.0f} s. Its state: {state}")

    def gone(self, kind: str, name: str, *, within: float) -> None:
        """Wait until there is no such object; raises ``NotSo`` after ``within`` seconds."""
        before = self.find(kind, name)
        if before is None:
            return
        version = before["metadata"]["resourceVersion"]
        for event, _ in self._events(kind, name, within=within, since=version):
            if event == "DELETED":
                return
        raise NotSo(f"{kind} {name} in namespace {self.namespace} was not gone within {within:.0f} s.")

    @contextmanager
    def recorded(self, kind: str, name: str = "") -> Iterator[list[Json]]:
        """Every state of an object (or of all of a kind) while the block runs, oldest first."""
        listed = self._kind(kind).get(namespace=self.namespace, field_selector=f"metadata.name={name}" if name else None).to_dict()
        states: list[Json] = list(listed["items"])
        since = listed["metadata"]["resourceVersion"]
        stop = threading.Event()

        def record() -> None:
            nonlocal since
            while not stop.is_set():
                for _, body in self._stream(kind, name, 1, since):
                    states.append(body)
                    since = body["metadata"]["resourceVersion"]

        thread = threading.Thread(target=record, daemon=True)
        thread.start()
        try:
            yield states
        finally:
            stop.set()
            thread.join()

    def kubectl(self, *arguments: str, stdin: str | bytes | None = None, timeout: float = KUBECTL_SECONDS) -> str:
        """What a person would type, and its output. Raises ``NotSo`` with kubectl's own words when it fails."""
        given = stdin.encode() if isinstance(stdin, str) else stdin or b""
        done = subprocess.run(
            self.command(*arguments), check=False, capture_output=True, timeout=timeout, env=self._environment(), input=given
        )
        if done.returncode:
            raise NotSo(f"kubectl {' '.join(arguments)} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start kubectl with pipes, to talk with."""
        pipe = subprocess.PIPE
        return subprocess.Popen(self.command(*arguments), stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=self._environment())

    def command(self, *arguments: str) -> Sequence[str]:
        """The words of a call of kubectl in this namespace."""
        user = [f"--as={self.user}"] if self.user else []
        return [str(self.program), "--namespace", self.namespace, *user, *arguments]

    def apply(self, objects: Sequence[Json]) -> None:
        """Server-side apply of objects, as kubectl does it."""
        self.kubectl("apply", "--server-side", "--filename", "-", stdin=yaml.safe_dump_all(objects))

    def _environment(self) -> dict[str, str]:
        return os.environ | {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(places().kubectl)}

    def _kind(self, kind: str) -> Any:
        return self._dynamic.resources.get(api_version=API_VERSIONS.get(kind, "v1"), kind=kind)

    def _events(self, kind: str, name: str, *, within: float, since: str | None = None) -> Iterator[tuple[str, Json]]:
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            yield from self._stream(kind, name, max(1, round(left)), since)

    def _stream(self, kind: str, name: str, seconds: int, since: str | None) -> Iterator[tuple[str, Json]]:
        resource, chosen = self._kind(kind), name or None
        try:
            for event in resource.watch(namespace=self.namespace, name=chosen, timeout=seconds, resource_version=since):
                yield event["type"], event["raw_object"]
        except (urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError):
            return  # the stream was cut: watch again
