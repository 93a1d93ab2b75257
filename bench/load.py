"""Rollouts under load, on a real cluster: clients keep asking while version after version is rolled out, and no request may fail."""

import asyncio
import itertools
import os
from pathlib import Path

from bench.results import Result
from hack.cluster.places import places
from hack.demo import setup
from hack.demo.data import SAMPLE
from hack.demo.errors import NotSo, expect
from hack.demo.story import first_model
from hack.demo.traffic import Traffic, traffic
from hack.demo.world import MODEL, World, expect_verdict

NAMESPACE = "safeguard-bench"
# Each is promoted after the other: one is worse by a hair, which the owner allows, the other better.
DATASETS = ("full", "slightly-worse")


def possible() -> bool:
    """Whether KUBECONFIG is that of a cluster which the cluster tool made."""
    return _kubeconfig().parent == places().clusters


async def measure(answers: int) -> list[Result]:
    """How many of so many requests failed; the cluster and its images are brought up to date before. Raises ``NotSo``."""
    return await asyncio.to_thread(_measure, answers)


def _measure(answers: int) -> list[Result]:
    if not possible():
        raise NotSo(
            f"KUBECONFIG is not that of a cluster which hack/cluster made (in {places().clusters}); other clusters are not touched."
        )
    name = _kubeconfig().stem
    kube = setup.cluster(name)
    images = setup.images(name)
    setup.install(kube, images)
    world = World(kube.within(NAMESPACE), images)
    world.begin(SAMPLE)
    try:
        first_model(world)
        seen = _rolled_out(world, answers)
    finally:
        world.end()
    total = sum(each.requests for each in seen)
    return [
        Result(f"failed of {total:,} requests during {len(seen)} rollouts", "requests", sum(each.failed for each in seen), limit=0),
        Result("requests during rollouts: rate", "a second", total / sum(each.seconds for each in seen)),
        Result("requests during rollouts: slowest answer", "s", max(each.slowest for each in seen)),
    ]


def _rolled_out(world: World, answers: int) -> list[Traffic]:
    """Rollout after rollout, until so many requests were made."""
    seen: list[Traffic] = []
    for number, dataset in enumerate(itertools.cycle(DATASETS)):
        if sum(each.requests for each in seen) >= answers:
            break
        before = world.live()
        with traffic(world.kube, MODEL, MODEL) as during:
            version = expect_verdict(world.verdict(world.ask(f"load-{number}", dataset=dataset)), "Promoted")["version"]
        expect({before, version} <= set(during.versions), f"Rollout {number} was not seen by the clients: {during.versions}")
        seen.append(during)
    return seen


def _kubeconfig() -> Path:
    return Path(os.environ.get("KUBECONFIG", "none")).absolute()
