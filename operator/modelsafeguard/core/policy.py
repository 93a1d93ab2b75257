"""What a candidate must show before it may replace the live model, and how a request may tighten it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum


class Promotion(StrEnum):
    """What follows a passing verdict, the more careful one later."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"
    DRY_RUN = "DryRun"


@dataclass(frozen=True)
class MetricRule:
    """The largest drop of one metric that is accepted; a negative one requires a gain.

    ``max_drop`` is a decimal fraction (0.01 is one percentage point). A drop of exactly ``max_drop`` passes.
    """

    name: str
    max_drop: Decimal


@dataclass(frozen=True)
class Rules:
    """What a request may ask for: rules, of which every one must pass, and what follows."""

    metrics: tuple[MetricRule, ...] = ()
    promotion: Promotion = Promotion.AUTOMATIC


@dataclass(frozen=True)
class Policy(Rules):
    """What a model's owner asks for. How long a person may take to approve a candidate is the owner's to say alone."""

    approval_deadline_seconds: int = 604_800


def stricter(owner: Policy, asked: Rules | None) -> Policy:
    """The policy that counts for a request: for each metric the smaller ``max_drop``, and the more careful promotion.

    Metrics that only one side names count as well: the owner's first, in the owner's order, then those that the request adds.
    A request can therefore be stricter than the owner and never looser. A ``max_drop`` that is no finite number is kept, so that
    the gate PolicyComplete sees it: a broken rule is never dropped in favour of a looser one.
    """
    if asked is None:
        return owner
    drops: dict[str, Decimal] = {}
    for rule in (*owner.metrics, *asked.metrics):
        drops[rule.name] = _smaller(drops[rule.name], rule.max_drop) if rule.name in drops else rule.max_drop
    careful = list(Promotion)
    return replace(
        owner,
        metrics=tuple(MetricRule(name, drop) for name, drop in drops.items()),
        promotion=max(owner.promotion, asked.promotion, key=careful.index),
    )


def _smaller(one: Decimal, other: Decimal) -> Decimal:
    for drop in (one, other):
        if not drop.is_finite():
            return drop
    return min(one, other)
