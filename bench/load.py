"""Rollouts under load, on a real cluster: clients keep asking while version after version is rolled out, and no request may fail.

The cluster is the benchmark's own, made by the cluster tool and taken down at the end; no kubeconfig is read from the environment.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from bench.results import Result
from hack.cluster.places import places
from hack.cluster.progress import ClusterError, say
from hack.cluster.tool import Tool
from hack.demo import setup
from hack.demo.data import SAMPLE
from hack.demo.errors import expect
from hack.demo.story import first_model
from hack.demo.traffic import Traffic, traffic
from hack.demo.world import MODEL, World, expect_verdict

CLUSTER: Final = "safeguard-bench"
NAMESPACE: Final = "safeguard-bench"
# Each is promoted after the other: one is worse by a hair, which the owner allows, the other better.
DATASETS: Final = ("full", "slightly-worse")


def measure(answers: int) -> list[Result]:
    """How many of so many requests failed. Raises ``ClusterError`` or ``NotSo``, with a sentence, where that cannot be found out."""
    if said := Tool(places()).preflight():
        raise ClusterError(" ".join(said))
    with served() as world:
        first_model(world)
        return summed_up(rolled_out(world, answers))


@contextmanager
def served() -> Iterator[World]:
    """A cluster with the operator, the demo's namespace in it, and a server that has no model yet; all of it goes afterwards."""
    try:
        kube = setup.cluster(CLUSTER)
        images = setup.images(CLUSTER)
        setup.install(kube, images)
        world = World(kube.within(NAMESPACE), images, lambda text: say(f"    {text}"))
        world.begin(SAMPLE)
        yield world
    finally:
        try:
            setup.cluster_tool("down", "--name", CLUSTER)
        except ClusterError as error:  # what was measured counts all the same
            say(f"  ! {error}")


def rolled_out(world: World, answers: int) -> list[Traffic]:
    """Rollout after rollout, each under load from before its request to after its verdict, until so many requests were made."""
    seen: list[Traffic] = []
    for number, dataset in enumerate(itertools.cycle(DATASETS)):
        made = sum(each.requests for each in seen)
        if made >= answers:
            break
        before = world.live()
        with traffic(world.kube, MODEL, MODEL) as during:
            version = expect_verdict(world.verdict(world.ask(f"load-{number}", dataset=dataset)), "Promoted")["version"]
        expect({before, version} <= set(during.versions), f"Rollout {number} was not seen by the clients: {during.versions}")
        seen.append(during)
        say(f"  {made + during.requests:,} of {answers:,} requests, {sum(each.failed for each in seen)} failed, {len(seen)} rollouts")
    return seen


def summed_up(seen: Sequence[Traffic]) -> list[Result]:
    """The results of the traffic of all rollouts."""
    total, failures = sum(each.requests for each in seen), [failure for each in seen for failure in each.failures]
    remark = f"the first failures: {'; '.join(failures[:5])}" if failures else ""
    failed = sum(each.failed for each in seen)
    return [
        Result(f"failed of {total:,} requests during {len(seen)} rollouts", "requests", failed, limit=0, remark=remark),
        Result("requests during rollouts: rate", "a second", total / sum(each.seconds for each in seen)),
        Result("requests during rollouts: slowest answer", "s", max(each.slowest for each in seen)),
    ]
