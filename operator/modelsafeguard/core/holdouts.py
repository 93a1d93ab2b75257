"""How often a holdout was judged on: each decision tells something of it."""

from collections.abc import Iterable

from modelsafeguard.core.model import HoldoutUse


def decisions_before(holdouts: Iterable[HoldoutUse], digest: str) -> int:
    """How many decisions there are on this holdout."""
    return sum(use.decisions for use in holdouts if use.digest == digest)


def decisions_with(holdouts: Iterable[HoldoutUse], digest: str) -> int | None:
    """As many with the next one; None where it is not known which holdout it is."""
    return decisions_before(holdouts, digest) + 1 if digest else None
