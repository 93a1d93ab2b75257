"""What a candidate must show before it may replace the live model, and how a request may tighten it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from modelsafeguard.core.numbers import is_fraction
from modelsafeguard.core.profiles import ALWAYS_ENFORCED, PROFILES, GateName, Mode, Profile, strictest

# A jump of more than five points, of a metric that cannot exceed one, has more often been a mistake than a better model.
BELIEVABLE_GAIN: Final = Decimal("0.05")


class Promotion(StrEnum):
    """What follows a passing verdict, the more careful one later."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"
    DRY_RUN = "DryRun"


class OnInconclusive(StrEnum):
    """What follows when there is too little evidence."""

    FINISH = "Finish"
    AWAIT_APPROVAL = "AwaitApproval"


@dataclass(frozen=True)
class MetricRule:
    """The largest drop of one metric that is accepted; a negative one requires a gain.

    ``max_drop`` is a decimal fraction (0.01 is one percentage point). A drop of exactly ``max_drop`` passes. Of the others None is what
    was not said: ``min_value`` is then not asked for, and the other two are as the properties have it.
    """

    name: str
    max_drop: Decimal
    min_value: Decimal | None = None
    max_gain: Decimal | None = None
    max_total_drop: Decimal | None = None

    @property
    def believable_gain(self) -> Decimal | None:
        """The largest gain that no person has to look at; None for a metric of which nobody knows what a large gain is."""
        if self.max_gain is None and is_fraction(self.name):
            return BELIEVABLE_GAIN
        return self.max_gain

    @property
    def total_drop(self) -> Decimal:
        """How far below the best model the live one may come, over many accepted drops."""
        if self.max_total_drop is not None:
            return self.max_total_drop
        return 2 * self.max_drop if self.max_drop.is_finite() and self.max_drop > 0 else Decimal(0)


@dataclass(frozen=True)
class GateMode:
    """The owner's word on one gate, whatever the profile says."""

    name: GateName
    mode: Mode


@dataclass(frozen=True)
class Approvals:
    """Who may approve, beyond what the API server asks of everybody."""

    forbid_own: bool = False


@dataclass(frozen=True)
class Rules:
    """What a request may ask for: rules, of which every one must pass, what follows, and which gates decide."""

    metrics: tuple[MetricRule, ...] = ()
    promotion: Promotion = Promotion.AUTOMATIC
    profile: Profile = Profile.SEED


@dataclass(frozen=True)
class Policy(Rules):
    """What a model's owner asks for. What is not in ``Rules`` is the owner's to say alone. Shares are decimal fractions, as drops are."""

    gates: tuple[GateMode, ...] = ()
    min_holdout_rows: int = 100
    max_decisions: int = 50
    max_slice_drop: Decimal = Decimal(0)
    max_leakage: Decimal = Decimal("0.01")
    max_negative_flips: Decimal | None = None
    on_inconclusive: OnInconclusive = OnInconclusive.FINISH
    approvals: Approvals = field(default_factory=Approvals)
    approval_deadline_seconds: int = 604_800

    def mode(self, gate: GateName) -> Mode:
        """What becomes of the findings of a gate."""
        if gate in ALWAYS_ENFORCED:
            return Mode.ENFORCE
        own = [each.mode for each in self.gates if each.name is gate]
        return strictest(*own) if own else PROFILES[self.profile][gate]

    def rule(self, metric: str) -> MetricRule | None:
        """What is asked of one metric; None if nothing is."""
        return next((rule for rule in self.metrics if rule.name == metric), None)


def stricter(owner: Policy, asked: Rules | None) -> Policy:
    """The policy that counts for a request: of each threshold, mode and promotion the stricter one.

    Metrics that only one side names count as well: the owner's first, in the owner's order, then those that the request adds.
    A request can therefore be stricter than the owner and never looser. A threshold that is no finite number is kept, so that
    the gate PolicyComplete sees it: a broken rule is never dropped in favour of a looser one.
    """
    if asked is None:
        return owner
    rules: dict[str, MetricRule] = {}
    for rule in (*owner.metrics, *asked.metrics):
        rules[rule.name] = _tighter(rules[rule.name], rule) if rule.name in rules else rule
    careful = list(Promotion)
    counts = replace(owner, metrics=tuple(rules.values()), promotion=max(owner.promotion, asked.promotion, key=careful.index))
    return _in_strict(counts) if asked.profile is Profile.STRICT else counts


def _in_strict(owner: Policy) -> Policy:
    """The owner's policy with no gate looser than the profile Strict has it."""
    strict = PROFILES[Profile.STRICT]
    modes = (GateMode(gate, strictest(owner.mode(gate), strict[gate])) for gate in GateName)
    return replace(owner, profile=Profile.STRICT, gates=tuple(each for each in modes if each.mode is not strict[each.name]))


def _tighter(owner: MetricRule, asked: MetricRule) -> MetricRule:
    """Where the request says nothing, the owner's word stands, and where the owner says nothing, what that means."""
    return MetricRule(
        owner.name,
        _of(min, owner.max_drop, asked.max_drop),
        min_value=_told(max, owner.min_value, owner.min_value, asked.min_value),
        max_gain=_told(min, owner.max_gain, owner.believable_gain, asked.max_gain),
        max_total_drop=_told(min, owner.max_total_drop, owner.total_drop, asked.max_total_drop),
    )


Choice = Callable[[Decimal, Decimal], Decimal]


def _told(choose: Choice, said: Decimal | None, meant: Decimal | None, asked: Decimal | None) -> Decimal | None:
    if asked is None:
        return said
    return asked if meant is None else _of(choose, meant, asked)


def _of(choose: Choice, one: Decimal, other: Decimal) -> Decimal:
    for threshold in (one, other):
        if not threshold.is_finite():
            return threshold
    return choose(one, other)
