"""How many operators there are for the cluster: none, two, or one again."""

from collections.abc import Iterator
from contextlib import contextmanager

from hack.demo.kube import Kube
from hack.demo.setup import OPERATOR


@contextmanager
def operators(operator: Kube, count: int) -> Iterator[None]:
    """So many while the block runs; the one is back, and ready, afterwards."""
    _scale(operator, count)
    try:
        yield
    finally:
        _scale(operator, 1)


def _scale(operator: Kube, count: int) -> None:
    operator.kubectl("scale", f"deployment/{OPERATOR}", f"--replicas={count}")
    if count:
        operator.kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", timeout=130)
    else:
        operator.kubectl("wait", "--for=delete", "pod", "--selector=app.kubernetes.io/component=operator", "--timeout=60s")
