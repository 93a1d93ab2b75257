"""What holds of any evidence and any policy."""

from dataclasses import replace
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.core.comparison import Classes, Comparison, Leakage, MetricComparison, SliceComparison
from modelsafeguard.core.judge import judge
from modelsafeguard.core.numbers import p_value
from modelsafeguard.core.policy import GateMode, MetricRule, OnInconclusive, Policy, Rules, stricter
from modelsafeguard.core.profiles import ALWAYS_ENFORCED, GateName, Mode, Profile
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.core.verdict import Outcome, worst
from tests.unit.core.gates.evidence import CANDIDATE, HOLDOUT, LIVE

METRICS = ("accuracy", "f1_macro")
MODELS = ("sha256:" + "c" * 64, "sha256:" + "d" * 64)
FREE = [gate for gate in GateName if gate not in ALWAYS_ENFORCED]


def hundredths(random, least, most):
    """A number in hundredths of a percentage point."""
    return Decimal(random.randint(least, most)) / 10_000


def maybe(random, value):
    return random.choice([None, value])


def comparison(random):
    """Consistent enough: an interval holds its delta, and a slice that is named lost more than it gained."""
    rows = random.choice([80, 300, 4500])
    gained, lost = random.randint(0, rows // random.choice([4, 40])), random.randint(0, rows // random.choice([4, 40]))
    part = SliceComparison("domain", "banking", rows // 4, 0, random.randint(1, rows // 4), p_value(random.random() ** 4))
    compared = {}
    for name in METRICS:
        delta = Decimal(gained - lost) / rows if name == "accuracy" else hundredths(random, -200, 500)
        ends = (delta - hundredths(random, 0, 300), delta + hundredths(random, 0, 300))
        compared[name] = MetricComparison(delta, *ends, hundredths(random, 0, 300))
    return Comparison(
        rows=rows,
        changed=gained + lost + random.randint(0, rows // 4),
        gained=gained,
        lost=lost,
        p_value=p_value(random.random() ** 4),
        resamples=10_000,
        metrics=compared,
        slices_tested=4,
        slices=random.choice([(), (), (part,)]),
        classes_lost=random.choice([Classes(), Classes(), Classes(1, ("alarm",))]),
    )


def case(random):
    """A report and the live model that it is compared with, by all kinds of evidence; and the decisions on its holdout."""
    there = maybe(random, comparison(random))
    candidate, live = ({name: hundredths(random, 8000, 9000) for name in METRICS} for _ in range(2))
    report = Report(
        version=CANDIDATE,
        manifest_digest="sha256:" + "0" * 64,
        model_digest=random.choice(["", *MODELS, MODELS[1]]),
        metrics=candidate,
        training_date="2026-01-02T03:04:05",
        holdout_digest=HOLDOUT,
        holdout_rows=there.rows if there else 300,
        leakage=random.choice([None, Leakage(300, 2, 2), Leakage(300, 9, None)]),
    )
    if there:
        report = replace(report, comparison=there, live_version=LIVE, live_metrics=live, live_evidence=Evidence.PAIRED)
    below = {name: hundredths(random, 0, 300) for name in METRICS}
    baseline = Baseline(LIVE, live, random.choice(["", HOLDOUT, HOLDOUT, "sha256:" + "b" * 64]), MODELS[0], below)
    return report, random.choice([None, baseline, baseline, baseline]), random.choice([None, 1, 1, 60])


def rules(random):
    names = random.sample(METRICS, random.randint(1, 2))
    return tuple(
        MetricRule(
            name,
            hundredths(random, -200, 500),
            maybe(random, hundredths(random, 7500, 8500)),
            maybe(random, hundredths(random, 0, 1000)),
            maybe(random, hundredths(random, 0, 1000)),
        )
        for name in names
    )


def policy(random):
    return Policy(
        rules(random),
        profile=random.choice(list(Profile)),
        gates=tuple(GateMode(gate, random.choice(list(Mode))) for gate in random.sample(FREE, random.randint(0, 8))),
        min_holdout_rows=random.choice([0, 100, 1000]),
        max_decisions=random.choice([0, 50, 100]),
        max_slice_drop=hundredths(random, 0, 500),
        max_leakage=hundredths(random, 0, 500),
        max_negative_flips=maybe(random, hundredths(random, 0, 2000)),
    )


def asked(random):
    return Rules(rules(random), profile=random.choice(list(Profile)))


def drawn(make):
    """Whole values from one number each: a hundred times faster than to draw them part by part."""
    return st.integers(0, 2**64).map(lambda seed: make(Random(seed)))


policies, cases, requests = drawn(policy), drawn(case), drawn(asked)


def outcome(policy, case):
    """The one that decides: of two the worse one promotes no more."""
    return list(Outcome).index(worst(judge(policy, *case).findings))


def promotes(policy, case):
    judgement = judge(policy, *case)
    return judgement.verdict is None and not judgement.needs_approval


@given(policies, cases)
def test_only_what_every_enforced_gate_passes_is_promoted(policy, case):
    enforced = [finding.outcome for finding in judge(policy, *case).findings if finding.mode is Mode.ENFORCE]
    assert promotes(policy, case) is (set(enforced) == {Outcome.PASSED})


def with_mode(policy, gate, mode):
    return replace(policy, gates=(*(each for each in policy.gates if each.name is not gate), GateMode(gate, mode)))


@given(policies, cases, st.sampled_from(FREE))
def test_a_warning_changes_no_verdict(policy, case, gate):
    warned, off = (judge(with_mode(policy, gate, mode), *case) for mode in (Mode.WARN, Mode.OFF))
    assert (warned.verdict, warned.reason, warned.message) == (off.verdict, off.reason, off.message)
    assert [each for each in warned.findings if each.gate != gate] == list(off.findings)


@given(policies, cases, st.sampled_from(FREE))
def test_enforcing_one_more_gate_never_promotes_more(policy, case, gate):
    assert outcome(with_mode(policy, gate, Mode.ENFORCE), case) >= outcome(with_mode(policy, gate, Mode.WARN), case)


@given(policies, cases, requests)
def test_a_requests_own_rules_never_promote_more(policy, case, asked):
    assert outcome(stricter(policy, asked), case) >= outcome(policy, case)


TIGHTER = {
    "min_holdout_rows": lambda value: value + 200,
    "max_decisions": lambda value: value // 2,
    "max_slice_drop": lambda value: value / 2,
    "max_leakage": lambda value: value / 2,
    "max_negative_flips": lambda value: Decimal("0.001") if value is None else value / 2,
}


@given(policies, cases, st.sampled_from(sorted(TIGHTER)))
def test_a_tighter_threshold_never_promotes_more(policy, case, field):
    tighter = replace(policy, **{field: TIGHTER[field](getattr(policy, field))})
    assert outcome(tighter, case) >= outcome(policy, case)


@given(policies, cases)
def test_waiting_for_a_person_instead_of_ending_inconclusive_promotes_no_more(policy, case):
    waits = replace(policy, on_inconclusive=OnInconclusive.AWAIT_APPROVAL)
    assert promotes(waits, case) is promotes(policy, case)


NAN = Decimal("NaN")


def spoilt(policy, case, where):
    """The same with one number that is none."""
    report, baseline, decisions = case
    match where:
        case "candidate":
            report = replace(report, metrics=report.metrics | {"accuracy": NAN})
        case "live" if baseline:
            baseline = replace(baseline, metrics=baseline.metrics | {"accuracy": NAN})
        case "below" if baseline:
            baseline = replace(baseline, below_best={"accuracy": NAN})
        case "delta" | "lower" | "upper" | "standard_error" if report.comparison:
            metric = replace(report.comparison.metrics["accuracy"], **{where: NAN})
            compared = replace(report.comparison, metrics=report.comparison.metrics | {"accuracy": metric})
            report = replace(report, comparison=compared)
        case "p_value" if report.comparison:
            report = replace(report, comparison=replace(report.comparison, p_value=type(report.comparison.p_value)("NaN")))
        case "max_drop" | "min_value" | "max_gain" | "max_total_drop":
            policy = replace(policy, metrics=(replace(policy.metrics[0], **{where: NAN}), *policy.metrics[1:]))
        case "max_slice_drop" | "max_leakage" | "max_negative_flips":
            policy = replace(policy, **{where: NAN})
    return policy, (report, baseline, decisions)


NUMBERS = ["candidate", "live", "below", "delta", "lower", "upper", "standard_error", "p_value"]
THRESHOLDS = ["max_drop", "min_value", "max_gain", "max_total_drop", "max_slice_drop", "max_leakage", "max_negative_flips"]


@given(policies, cases, st.sampled_from([*NUMBERS, *THRESHOLDS]))
def test_more_nan_never_helps(policy, case, where):
    assert promotes(policy, case) or not promotes(*spoilt(policy, case, where))


def mirrored(report, baseline):
    """Live model and candidate change places."""
    there = report.comparison
    metrics = {
        name: replace(each, delta=-each.delta, lower=-each.upper, upper=-each.lower)
        for name, each in (there.metrics.items() if there else ())
    }
    back = there and replace(there, gained=there.lost, lost=there.gained, metrics=metrics, slices=(), classes_lost=Classes())
    swapped = replace(report, metrics=baseline.metrics, live_metrics=report.metrics if there else {}, comparison=back)
    return swapped, replace(baseline, metrics=report.metrics)


@given(policies, cases.filter(lambda case: case[1]))
def test_swapping_the_models_mirrors_the_deltas_and_their_intervals(policy, case):
    report, baseline, decisions = case
    there, back = judge(policy, report, baseline, decisions), judge(policy, *mirrored(report, baseline), decisions)
    assert there.deltas == {name: -delta for name, delta in back.deltas.items()}
    for one, other in zip(intervals(there), intervals(back), strict=True):
        assert one == (-other[1], -other[0])


def intervals(judgement):
    found = [finding.numbers for finding in judgement.findings if finding.gate == GateName.NON_INFERIOR]
    return [(Decimal(numbers["lower"]), Decimal(numbers["upper"])) for numbers in found if "lower" in numbers]
