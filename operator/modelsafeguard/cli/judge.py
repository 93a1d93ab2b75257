"""``judge``: decide on two metrics files, with no cluster and no operator.

The numbers are all that there is: without predictions nothing is known row by row, so what a profile asks of them is NotMeasured.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from modelsafeguard.cli.answer import DONE, NOT_ACCEPTED, Answer, table
from modelsafeguard.cli.errors import UsageError
from modelsafeguard.cli.policy_file import read_bytes, read_policy
from modelsafeguard.core.judge import judge
from modelsafeguard.core.metrics import Metrics, MetricsInvalidError, parse_metrics
from modelsafeguard.core.numbers import brief, label, signed
from modelsafeguard.core.policy import MetricRule, Policy, Promotion
from modelsafeguard.core.report import Baseline, Report
from modelsafeguard.core.verdict import Finding, Judgement, Outcome

# What the quickstart's model has: one percentage point of either may be lost.
DEFAULT_POLICY: Final = Policy(tuple(MetricRule(name, Decimal("0.01")) for name in ("accuracy", "f1_macro")))


def add_to(verbs: Any) -> None:
    """Add this verb and its options to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "judge",
        help="decide on two metrics files, offline",
        description=f"Decide on two metrics.json files. Exit status {DONE}: the candidate would be deployed; {NOT_ACCEPTED}: it would not.",
    )
    parser.add_argument("live", type=Path, metavar="LIVE.json", help="the live model's metrics.json")
    parser.add_argument("candidate", type=Path, metavar="CANDIDATE.json", help="the candidate's metrics.json")
    parser.add_argument(
        "--policy", type=Path, help="a policy, or a ModelDeployment, as YAML (default: accuracy and F1 may each drop by 0.01)"
    )
    parser.set_defaults(run=run)


async def run(given: argparse.Namespace) -> Answer:
    """Judge as the operator would; raises ``UsageError`` for a file that cannot be read."""
    policy = read_policy(given.policy) if given.policy else DEFAULT_POLICY
    names = [rule.name for rule in policy.metrics]
    live, candidate = (_metrics(path, names) for path in (given.live, given.candidate))
    if live.holdout_digest and candidate.holdout_digest and live.holdout_digest != candidate.holdout_digest:
        raise UsageError(f"{given.live} and {given.candidate} name different holdouts: what was measured on them cannot be compared.")
    # What follows a verdict is the operator's business: here it is asked what the verdict is.
    judgement = judge(replace(policy, promotion=Promotion.AUTOMATIC), _report(candidate), Baseline("live", live.numbers))
    return Answer("\n\n".join(_told(judgement, policy, live, candidate)), DONE if judgement.accepted else NOT_ACCEPTED)


def _metrics(path: Path, names: Sequence[str]) -> Metrics:
    try:
        return parse_metrics(read_bytes(path), names)
    except MetricsInvalidError as error:
        raise UsageError(f"{path} {error}.") from error


def _report(candidate: Metrics) -> Report:
    return Report("candidate", "", candidate.model_digest, candidate.numbers, candidate.training_date)


def _told(judgement: Judgement, policy: Policy, live: Metrics, candidate: Metrics) -> Iterator[str]:
    yield f"Deploy: {judgement.accepted}, Reason: {judgement.message}\nVerdict: {judgement.in_a_word} ({judgement.reason})"
    yield table(
        [("METRIC", "LIVE", "CANDIDATE", "CHANGE", "ACCEPTED"), *(_compared(rule, judgement, live, candidate) for rule in policy.metrics)]
    )
    yield table([("GATE", "MODE", "OUTCOME", "FINDING"), *map(_finding, judgement.findings)])


def _compared(rule: MetricRule, judgement: Judgement, live: Metrics, candidate: Metrics) -> tuple[str, ...]:
    delta = judgement.deltas.get(rule.name)
    change = "" if delta is None else signed(delta, rule.max_drop)
    return label(rule.name), brief(live.numbers[rule.name]), brief(candidate.numbers[rule.name]), change, f"{-rule.max_drop:+f} or more"


def _finding(finding: Finding) -> tuple[str, ...]:
    shown = "" if finding.outcome is Outcome.PASSED and finding.message == finding.gate else finding.message
    return finding.gate, finding.mode, finding.outcome, shown
