"""A real cluster of the suite's own: made by the cluster tool, under a name of its own, and taken down at the end.

No kubeconfig is read from the environment, so no cluster can be met here that the tool did not make.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from hack.cluster.progress import ClusterError
from hack.demo import setup
from hack.demo.data import SAMPLE
from hack.demo.kube import Json, Kube
from hack.demo.story import first_model
from hack.demo.world import World, unchanged
from tests.e2e.node import Node
from tests.e2e.volume import Volume
from tests.support import clinc150 as real_data

CLUSTER = "safeguard-e2e"
KEEP = "SAFEGUARD_KEEP"  # set: the cluster stays up after the run, for the next one

NewWorld = Callable[..., World]


@pytest.fixture(scope="session")
def kube() -> Iterator[Kube]:
    """The cluster, seen from the operator's namespace."""
    try:
        yield setup.cluster(CLUSTER)
    except ClusterError as error:
        pytest.fail(str(error), pytrace=False)
    finally:
        if not os.environ.get(KEEP):
            setup.cluster_tool("down", "--name", CLUSTER)


@pytest.fixture(scope="session")
def images(kube: Kube) -> Mapping[str, str]:
    """The images of this checkout, in the cluster."""
    del kube
    return setup.images(CLUSTER)


@pytest.fixture(scope="session")
def operator(kube: Kube, images: Mapping[str, str]) -> Kube:
    """The operator, running for the whole cluster."""
    setup.install(kube, images)
    return kube


@pytest.fixture(scope="session")
def node(kube: Kube) -> Node:
    """The machine below the cluster."""
    return Node(kube)


@contextmanager
def worlds(operator: Kube, images: Mapping[str, str]) -> Iterator[NewWorld]:
    """Makes namespaces with a server that has no model yet; they are deleted, and not waited for, at the end."""
    made: list[World] = []

    def make(data: Path = SAMPLE, change: Callable[[Json], None] = unchanged) -> World:
        world = World(operator.within(f"e2e-{uuid.uuid4().hex[:8]}"), images, print)
        made.append(world)
        world.begin(data, change=change)
        return world

    yield make
    for world in made:
        world.kube.delete("Namespace", world.kube.namespace)


@pytest.fixture(scope="module")
def new_world(operator: Kube, images: Mapping[str, str]) -> Iterator[NewWorld]:
    """Makes namespaces for the tests of one module."""
    with worlds(operator, images) as make:
        yield make


@pytest.fixture(scope="session")
def live_world(operator: Kube, images: Mapping[str, str]) -> Iterator[World]:
    """A namespace whose model is live: shared, because each test asks for something of its own there."""
    with worlds(operator, images) as make:
        world = make()
        first_model(world)
        yield world


@pytest.fixture(scope="session")
def volume(live_world: World) -> Volume:
    """The claim that holds the versions of the shared model."""
    return Volume(live_world)


clinc150 = real_data.clinc150
