"""One model in one namespace: set up from the repository's manifests, asked for retrainings, and looked at."""

import io
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from hack.demo import manifests
from hack.demo.errors import NotSo, expect
from hack.demo.kube import Json, Kube
from hack.demo.traffic import Traffic, traffic

MODEL = "intents"
SERVER = "app.kubernetes.io/name=intents,app.kubernetes.io/component=server"
PREFIX = "modelsafeguard.io/"

SETUP_SECONDS = 120.0
GONE_SECONDS = 180.0
VERDICT_SECONDS = 300.0

Told = Callable[[str], None]


def silent(_: str) -> None:
    """Tell nobody."""


def unchanged(_: Json) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Served:
    """What the serving Deployment is at one moment: equal before and after means that nothing was touched."""

    generation: int
    template: Json
    pods: frozenset[str]


class World:
    """A namespace with the model ``intents``. ``images`` maps the manifests' image names to the cluster's; ``tell`` hears of progress."""

    def __init__(self, kube: Kube, images: Mapping[str, str], tell: Told = silent) -> None:
        self.kube, self.tell = kube, tell
        self.words = {**images, manifests.NAMESPACE: kube.namespace}

    def begin(self, data: Path, folder: Path = manifests.DEMO, change: Callable[[Json], None] = unchanged) -> None:
        """A new namespace with the objects of a kustomize folder, and the data on its claim; what an earlier run left goes first.

        ``change`` may alter each object before it is applied.
        """
        objects = manifests.rendered(self.kube, folder, self.words)
        for each in objects:
            change(each)
        if self.kube.find("Namespace", self.kube.namespace):
            self.tell("removing what an earlier run left")
            self.end()
        self.kube.apply(sorted(objects, key=lambda body: body["kind"] != "Namespace"))
        helpers = [manifests.read(path, self.words) for path in (manifests.QUICKSTART / "loader.yaml", manifests.DEMO / "client.yaml")]
        self.kube.apply(helpers)
        self.tell("waiting for the first pods, and for the claims' volumes")
        for pod in helpers:
            self.kube.until("Pod", pod["metadata"]["name"], "Ready", is_true("Ready"), within=SETUP_SECONDS)
        self.fill(data)
        self.kube.delete("Pod", "loader")
        self.kube.until("ModelDeployment", MODEL, "Ready", is_true("Ready"), within=SETUP_SECONDS)

    def end(self) -> None:
        """Delete the namespace, and wait until it is gone."""
        # The namespace's deletion asks only now and then whether its pods have ended, the less often the longer they may take.
        self.kube.kubectl("delete", "deployments,cronjobs,jobs", "--all", "--wait=false")
        self.kube.kubectl("delete", "pods", "--all", "--grace-period=1")
        self.kube.delete("Namespace", self.kube.namespace)
        self.kube.gone("Namespace", self.kube.namespace, within=GONE_SECONDS)

    def fill(self, data: Path) -> None:
        """Copy the CSV files of a folder onto the data's claim."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path in sorted(data.glob("*.csv")):
                tar.add(path, arcname=path.name, filter=_anonymous)
        self.kube.kubectl("exec", "--stdin", "loader", "--", "tar", "--extract", "--directory", "/data/intents", stdin=archive.getvalue())

    def ask(self, name: str, **parameters: str) -> str:
        """Create a RetrainRequest with these parameters, and give its name."""
        return self.order(name, {"parameters": parameters})

    def order(self, name: str, spec: Json, **metadata: Json) -> str:
        """Create a RetrainRequest with more in its spec than parameters, and give its name."""
        body = {"apiVersion": f"{PREFIX}v1alpha1", "kind": "RetrainRequest", "metadata": {"name": name, **metadata}}
        self.kube.create(body | {"spec": {"modelDeploymentRef": {"name": MODEL}, **spec}})
        return name

    def ask_as(self, path: Path) -> str:
        """Create the RetrainRequest of a file, and give its name."""
        return str(self.kube.create(manifests.read(path))["metadata"]["name"])

    def verdict(self, name: str, *, within: float = VERDICT_SECONDS) -> Json:
        """Wait for the end of a request, telling its stages, and return it."""
        told: set[str] = set()

        def seen(request: Json) -> None:
            status = request.get("status", {})
            text = f"{name}: {status.get('stage', '')}" + (f" ({status['waiting']})" if status.get("waiting") else "")
            if status.get("stage") and text not in told:
                told.add(text)
                self.tell(text)

        return self.kube.until("RetrainRequest", name, "its end", is_true("Finished"), within=within, seen=seen)

    def model(self) -> Json:
        """The ModelDeployment."""
        return self.kube.get("ModelDeployment", MODEL)

    def live(self) -> str:
        """The version that serves, by the operator's record."""
        return str(self.model()["status"]["live"]["version"])

    def pods(self) -> dict[str, Json]:
        """The serving pods that are not on their way out, by uid."""
        found = self.kube.all("Pod", SERVER)
        return {pod["metadata"]["uid"]: pod for pod in found if "deletionTimestamp" not in pod["metadata"]}

    def served(self) -> Served:
        """The Deployment and its pods now."""
        deployment = self.kube.get("Deployment", MODEL)
        return Served(deployment["metadata"]["generation"], deployment["spec"]["template"], frozenset(self.pods()))

    @contextmanager
    def serving(self, *, progress_deadline_seconds: int) -> Iterator[None]:
        """Another deadline for rollouts, while the block runs."""
        before = self.model()["spec"]["serving"]["progressDeadlineSeconds"]
        self._set_deadline(progress_deadline_seconds)
        try:
            yield
        finally:
            self._set_deadline(before)

    def _set_deadline(self, seconds: int) -> None:
        self.kube.merge("ModelDeployment", MODEL, {"spec": {"serving": {"progressDeadlineSeconds": seconds}}})

    @contextmanager
    def asked_all_the_time(self) -> Iterator[Traffic]:
        """A client that keeps sending requests while the block runs; none of them may fail."""
        with traffic(self.kube, MODEL, MODEL) as seen:
            yield seen
        seen.expect_none_failed()


def is_true(condition: str) -> Callable[[Json], bool]:
    """Whether an object has this condition with status True."""
    return lambda body: any(each["type"] == condition and each["status"] == "True" for each in body.get("status", {}).get("conditions", []))


def annotations(body: Json) -> dict[str, str]:
    """An object's annotations of ours, without the group."""
    found = body["metadata"].get("annotations", {})
    return {key.removeprefix(PREFIX): value for key, value in found.items() if key.startswith(PREFIX)}


def expect_verdict(request: Json, verdict: str) -> Json:
    """The status of a request that ended with this verdict; ``NotSo`` otherwise."""
    status: Json = request["status"]
    name = request["metadata"]["name"]
    found = f"RetrainRequest {name} should have ended as {verdict}, and ended as {status['verdict']}: {status['message']}"
    expect(status["verdict"] == verdict, found)
    expect(
        is_true("Succeeded")(request) == (verdict == "Promoted"),
        f"The condition Succeeded of RetrainRequest {name} does not fit {verdict}.",
    )
    return status


def deltas(status: Json) -> dict[str, Decimal]:
    """Candidate minus live, computed anew from the reports: what the operator says is compared with it."""
    candidate, live = status["report"]["metrics"], status["frozen"]["baseline"]["metrics"]
    return {name: Decimal(candidate[name]) - Decimal(live[name]) for name in ("accuracy", "f1_macro")}


def expect_sentence(status: Json, beginning: str) -> None:
    """``NotSo`` unless the message is the sentence with this beginning, and its numbers are those of the reports to four digits."""
    message, changes = status["message"], deltas(status)
    pattern = rf"{beginning}: accuracy (?P<accuracy>[+-]\d\.\d{{4,}}), F1 (?P<f1_macro>[+-]\d\.\d{{4,}})"
    found = re.fullmatch(pattern, message)
    if found is None:
        raise NotSo(f'The reason should read "{beginning}: accuracy …, F1 …", and reads "{message}".')
    for name, change in changes.items():
        rounded = abs(Decimal(found[name]) - change) <= Decimal("0.00005")
        expect(rounded, f'The reason says "{message}", but by the reports {name} changed by {change:+f}.')


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.mode = 0o644
    return member
