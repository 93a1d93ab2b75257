"""``python -m hack.demo``: set everything up, tell the story, leave the cluster up."""

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from kubernetes.client.exceptions import ApiException

from hack.cluster.places import places
from hack.cluster.progress import ClusterError
from hack.demo import setup
from hack.demo.data import SAMPLE, from_clinc150
from hack.demo.errors import NotSo
from hack.demo.manifests import NAMESPACE
from hack.demo.story import CHAPTERS
from hack.demo.telling import Teller
from hack.demo.world import MODEL, World

CLUSTER = "safeguard"


def play(teller: Teller, data: Path | None) -> None:
    """The whole demo; raises ``NotSo``, ``ClusterError``, ``ApiException``."""
    folder = from_clinc150(data, places().root / "demo-data") if data else SAMPLE
    with teller.part("The cluster", ticking=False):
        kube = setup.cluster(CLUSTER)
    with teller.part("The images", ticking=False):
        images = setup.images(CLUSTER)
    with teller.part("The operator"):
        setup.install(kube, images)
    world = World(kube.within(NAMESPACE), images, teller.fact)
    with teller.part("A namespace with a server that has no model yet, storage, and data"):
        world.begin(folder)
    for number, (title, chapter) in enumerate(CHAPTERS, start=1):
        with teller.part(f"{number}. {title}"):
            chapter(world)
    show(teller, world)
    teller.summary()
    farewell(teller, world)


def show(teller: Teller, world: World) -> None:
    """What kubectl has to say about it all."""
    for words in (
        ["get", "retrainrequests", "--sort-by=.metadata.creationTimestamp"],
        ["describe", "retrainrequest", "mislabelled"],
        ["get", "modeldeployment", MODEL, "--output=jsonpath={.metadata.annotations}"],
    ):
        teller.say(f"\n$ kubectl --namespace {world.kube.namespace} {' '.join(words)}")
        teller.say(world.kube.kubectl(*words).rstrip())


def farewell(teller: Teller, world: World) -> None:
    """What to try next."""
    teller.say(f"""
━━ The cluster is still there. What to try next:
    export KUBECONFIG={world.kube.kubeconfig}{_path(world.kube.program)}
    kubectl config set-context --current --namespace {world.kube.namespace}
    kubectl get modeldeployments,retrainrequests --output wide
    kubectl explain modeldeployment.spec.policy
    kubectl get events --sort-by=.metadata.creationTimestamp
    kubectl patch modeldeployment {MODEL} --type merge --patch '{{"spec": {{"suspend": true}}}}'    nothing new is started
    kubectl annotate retrainrequest NAME modelsafeguard.io/cancel=yes    takes one back that is under way
    make down     removes the cluster; what was built stays
    make clean    removes everything""")


def _path(kubectl: Path) -> str:
    """The line that brings kubectl on PATH, where the one that was used is another than a shell would find."""
    found = shutil.which("kubectl")
    return "" if found and Path(found) == kubectl else f"\n    export PATH={shlex.quote(str(kubectl.parent))}:$PATH"


def main() -> int:
    """Run the demo; 0 if every claim held, 1 and a sentence if one did not."""
    parser = argparse.ArgumentParser(prog="make demo", description="The main job, on a real cluster.")
    parser.add_argument("--data", type=Path, help="a folder with the CLINC150 files, instead of the sample data")
    given = parser.parse_args()
    try:
        play(Teller(), given.data)
    except (NotSo, ClusterError) as error:
        reason = str(error)
    except ApiException as error:
        reason = f"The API server refused a call: {error.status} {error.reason} {error.body}"
    except KeyboardInterrupt:
        reason = "Stopped. The cluster is still there: make demo begins the story anew, make down removes it."
    else:
        return 0
    print(f"\n✗ {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
