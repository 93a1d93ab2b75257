"""The verbs, as a library: what the command line calls."""

import os
from collections.abc import Sequence
from pathlib import Path

from hack.cluster import kubernetes, preflight, status, storage, wheels
from hack.cluster.cache import Cache, remove_tree
from hack.cluster.cluster import Cluster
from hack.cluster.debian import Debian
from hack.cluster.docker import Engine, brought
from hack.cluster.engine import EngineControl
from hack.cluster.golang import Go
from hack.cluster.images import Images, requirement_files
from hack.cluster.loading import load
from hack.cluster.nodeimage import NodeImage
from hack.cluster.places import REPOSITORY, Places
from hack.cluster.progress import ClusterError, say


class Tool:
    """Everything below one set of places. Each method raises ClusterError with a sentence when it cannot do its work."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.cache = Cache(places.entries)
        self.go = Go(places, self.cache)
        self.packages = Debian(places, self.cache)
        self.engines = EngineControl(places, self.packages)

    def preflight(self, *, tests: bool = False) -> list[str]:
        """Say what cannot work on this machine, with `tests` also for `make test`; nothing is an empty list."""
        machine = preflight.examine(self.places, self.engines, kubernetes.present_kubectl(self.cache))
        return preflight.problems(machine, tests=tests and not os.environ.get(preflight.BINARIES))

    def engine(self) -> Engine:
        """Give an engine that answers; before one is started, what cannot work on this machine is said."""
        if (found := self.engines.find()) is None and (said := self.preflight()):
            raise ClusterError("\n✗ ".join(said))
        return found or self.engines.start()

    def binaries(self) -> Path:
        """Give the folder with the Kubernetes programs."""
        return kubernetes.binaries(self.go)

    def kubectl(self) -> Path:
        """Give a kubectl that fits our clusters, built if there is none."""
        return kubernetes.kubectl(self.go)

    def up(self, name: str) -> Path:
        """Bring a cluster to Ready, with storage; gives the path of its kubeconfig."""
        cluster = self._cluster(name, self.engine())
        cluster.up(NodeImage(self.places, self.cache, self.go, self.packages))
        storage.ensure(cluster)
        self.go.forget()
        return cluster.kubeconfig

    def down(self, name: str | None) -> None:
        """Delete one cluster of ours, or all; with the last one goes the engine that we started."""
        self._need_their_docker("make down")
        engine = self.engines.find()
        doomed = status.names(self.places) if name is None else [name]
        if engine:
            for each in doomed:
                self._cluster(each, engine).down()
        if not engine or not status.names(self.places):
            self.engines.stop()

    def clean(self) -> None:
        """Remove everything that this tool made."""
        self._need_their_docker("make clean")
        self.down(None)
        self._need_their_docker("make clean")  # it may be another one than the engine that has just been stopped
        if engine := self.engines.find():
            engine.forget_images()
            engine.forget_networks()
        wheels.remove()
        staying = self.packages.forget()
        remove_tree(self.places.root)
        if staying:
            say(f"  ! {staying}")

    def build_images(self, targets: Sequence[str], arguments: Sequence[tuple[str, str]]) -> list[str]:
        """Build targets of the Dockerfile; gives their names, each with a tag made of its content."""
        dockerfile = (REPOSITORY / "Dockerfile").read_text()
        self.wheels(requirement_files(dockerfile, REPOSITORY / "requirements"))
        return Images(self.places, self.engine(), self.packages).build(targets, dict(arguments))

    def load(self, name: str, images: Sequence[str]) -> list[str]:
        """Bring images into a cluster; gives their references by digest, in the same order."""
        cluster = self._running(name)
        return [load(cluster, image, self.places.logs / "images.log") for image in images]

    def wheels(self, requirements: Sequence[Path]) -> Path:
        """Fill `build/wheels`; gives the folder."""
        return wheels.prepare(requirements, self.places, self.cache)

    def storage(self, name: str) -> str:
        """See to it that claims of every access mode can be made; gives the storage class."""
        storage.ensure(self._running(name))
        return storage.CLASS

    def environment(self, name: str) -> dict[str, str]:
        """Variables for a shell that works with a cluster."""
        cluster = self._running(name)
        chosen = {key: value for key, value in cluster.engine.environment.items() if key in {"DOCKER_HOST", "DOCKER_CONFIG"}}
        return chosen | {"KUBECONFIG": str(cluster.kubeconfig), "KUBECACHEDIR": str(self.places.kubectl)}

    def status(self) -> str:
        """Describe what there is."""
        engine = self.engines.find()
        clusters = [self._cluster(name, engine) for name in status.names(self.places)] if engine else []
        return status.report(self.places, engine, clusters)

    def _need_their_docker(self, again: str) -> None:
        """Refuse to forget what is in a docker of the user's while that one does not answer.

        Clusters without a docker that answers are the user's docker's, unless an engine of ours has been at work: its stopped containers
        go with its data.
        """
        if self.engines.find() or self.engines.record.exists():
            return
        held = [f"cluster {name}" for name in status.names(self.places)] if not self.places.engine_data.exists() else []
        held += [f"{kind} made by this tool" for kind in ("images", "networks") if brought(self.places.state, kind)]
        if held:
            raise ClusterError(f"Docker does not answer, and it holds {' and '.join(held)}. Start docker, then run {again} again.")

    def _cluster(self, name: str, engine: Engine) -> Cluster:
        return Cluster(name, self.places, engine, self.go)

    def _running(self, name: str) -> Cluster:
        engine = self.engines.find()
        cluster = self._cluster(name, engine) if engine else None
        if cluster is None or not cluster.exists():
            raise ClusterError(f"There is no cluster {name}; make it with `up --name {name}`.")
        return cluster
