import re
from dataclasses import replace
from decimal import Decimal

import pytest

from modelsafeguard.core.comparison import Part, Unmeasured
from modelsafeguard.core.gates import GATES, Case
from modelsafeguard.core.gates.tolerance import metric_within_tolerance
from modelsafeguard.core.gates.validity import policy_complete
from modelsafeguard.core.judge import judge
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import GateName, Mode
from modelsafeguard.core.report import Baseline, Evidence, Report
from modelsafeguard.core.verdict import Finding, Outcome, Reason, Verdict, worst
from tests.unit.core.gates import evidence

POLICY = Policy((MetricRule("accuracy", Decimal("0.01")), MetricRule("f1_macro", Decimal("0.01"))))


def report(**values):
    return Report("v-2", "sha256:" + "0" * 64, "", {name: Decimal(value) for name, value in values.items()}, "2025-08-20T14:30:00")


def baseline(**values):
    return Baseline("v-1", {name: Decimal(value) for name, value in values.items()})


def case(candidate, live):
    return Case(report(**candidate), baseline(**live), Evidence.ANNOTATED, baseline(**live).metrics)


def test_the_gates_and_their_order():
    assert list(GATES) == list(GateName)
    assert [gate.__name__ for gate in GATES.values()] == [re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in GateName]


def test_all_findings_are_kept_in_order_whatever_decides():
    judgement = judge(POLICY, report(accuracy="NaN", f1_macro="0.5"), baseline(accuracy="0.9", f1_macro="0.9"))

    order = [list(GateName).index(finding.gate) for finding in judgement.findings]
    assert order == sorted(order)
    assert [(finding.gate, finding.outcome) for finding in judgement.findings if finding.mode is Mode.ENFORCE] == [
        ("PolicyComplete", Outcome.PASSED),
        ("MetricsValid", Outcome.FAILED),
        ("MetricsValid", Outcome.PASSED),
        ("MetricWithinTolerance", Outcome.NOT_MEASURED),
        ("MetricWithinTolerance", Outcome.REJECTED),
    ]
    assert judgement.verdict is Verdict.FAILED


def test_a_finding_carries_the_numbers_behind_its_sentence():
    (finding,) = metric_within_tolerance(
        case({"accuracy": "0.8542"}, {"accuracy": "0.8042"}), Policy((MetricRule("accuracy", Decimal("0.01")),))
    )

    assert finding == Finding(
        gate="MetricWithinTolerance",
        outcome=Outcome.PASSED,
        reason=Reason.WITHIN_TOLERANCE,
        message="accuracy +0.0500 is within the tolerance 0.01",
        numbers={
            "metric": "accuracy",
            "maxDrop": "0.01",
            "evidence": "Annotated",
            "baseline": "v-1",
            "candidate": "0.8542",
            "live": "0.8042",
            "delta": "0.05",
        },
    )


@pytest.mark.parametrize(
    ("candidate", "live"),
    [
        pytest.param({}, {"accuracy": "0.1"}, id="a candidate without the metric"),
        pytest.param({"accuracy": "NaN"}, {"accuracy": "0.1"}, id="a candidate with NaN"),
        pytest.param({"accuracy": "Infinity"}, {"accuracy": "0.1"}, id="a candidate with infinity"),
        pytest.param({"accuracy": "0.9"}, {}, id="a baseline without the metric"),
        pytest.param({"accuracy": "0.9"}, {"accuracy": "NaN"}, id="a baseline with NaN"),
        pytest.param({"accuracy": "0.9"}, {"accuracy": "-Infinity"}, id="a baseline of minus infinity"),
    ],
)
def test_the_tolerance_gate_is_closed_on_its_own(candidate, live):
    """Whatever the other gates say, or however they are set: nothing passes here that is not two numbers."""
    (finding,) = metric_within_tolerance(case(candidate, live), Policy((MetricRule("accuracy", Decimal("0.01")),)))

    assert finding.outcome is not Outcome.PASSED


@pytest.mark.parametrize("broken", ["NaN", "sNaN", "Infinity"])
def test_the_tolerance_gate_is_closed_for_a_rule_that_is_no_number(broken):
    (finding,) = metric_within_tolerance(case({"accuracy": "0.9"}, {"accuracy": "0.1"}), Policy((MetricRule("accuracy", Decimal(broken)),)))

    assert finding.outcome is Outcome.NOT_MEASURED


def test_every_fault_of_a_policy_is_named():
    policy = Policy((MetricRule("accuracy", Decimal("NaN")), MetricRule("accuracy", Decimal(0)), MetricRule("f1_macro", Decimal(5))))

    assert [finding.message for finding in policy_complete(case({}, {}), policy)] == [
        "The policy names accuracy more than once: keep one rule for each metric",
        "The policy's maxDrop of accuracy is NaN: it must be a finite decimal such as 0.01",
        "The policy's maxDrop of f1_macro is 5: it is a fraction between -1 and 1 (one percentage point is 0.01)",
    ]


@pytest.mark.parametrize("deciding", list(Outcome))
def test_the_worst_outcome_decides(deciding):
    severity = list(Outcome)
    milder = severity[: severity.index(deciding) + 1]

    assert worst(Finding("gate", outcome, "Reason", "sentence") for outcome in milder) is deciding


def test_no_finding_at_all_is_failed():
    assert worst([]) is Outcome.FAILED


def test_what_only_warns_decides_nothing():
    warning = Finding("gate", Outcome.FAILED, "Reason", "sentence", mode=Mode.WARN)
    assert worst([warning, Finding("gate", Outcome.PASSED, "Reason", "sentence")]) is Outcome.PASSED
    assert worst([warning]) is Outcome.FAILED, "nothing was shown"


@pytest.mark.parametrize("why", Unmeasured)
def test_there_are_words_for_every_reason_why_something_was_not_measured(why):
    measured = replace(evidence.report(), not_measured={Part.COMPARISON: why})
    assert evidence.case(measured).not_compared.startswith(f"{evidence.NOT_COMPARED}: ")
