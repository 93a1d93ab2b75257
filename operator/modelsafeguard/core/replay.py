"""Past candidates judged once more, by another policy: before it is turned on, what it would have decided."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from modelsafeguard.core.errors import ReportInvalidError
from modelsafeguard.core.fields import Fields
from modelsafeguard.core.judge import judge
from modelsafeguard.core.model import VersionRecord
from modelsafeguard.core.numbers import compact
from modelsafeguard.core.policy import Policy, Promotion
from modelsafeguard.core.report import Baseline, Report, is_digest, is_version, report_from_payload, report_to_payload
from modelsafeguard.core.verdict import Verdict

_MOST_DECISIONS: Final = 10**9
# A candidate that was accepted, whatever became of it.
_ACCEPTED: Final = frozenset({Verdict.PROMOTED, Verdict.ROLLED_BACK})


@dataclass(frozen=True)
class Judged:
    """What a candidate was judged on: its report, the live model's numbers at that time, and the decisions on its holdout with this one."""

    report: Report
    baseline: Baseline | None
    decisions: int | None = None


@dataclass(frozen=True)
class Replayed:
    """A past candidate with the verdict that it got, and the one that another policy would have given it.

    ``accepted`` and ``would_be`` say whether it was, and would have been, let through; ``would_be`` is None where it is not known what
    the candidate was judged on, or a person would have been asked. ``message`` is the other policy's sentence.
    """

    record: VersionRecord
    accepted: bool
    would_be: bool | None
    verdict: str
    message: str

    @property
    def differs(self) -> bool:
        """Whether the other policy would have decided otherwise; to ask a person is otherwise as well."""
        return bool(self.verdict) and self.accepted is not self.would_be


def judged_to_text(judged: Judged) -> str:
    """As a line of JSON, ASCII only: what a version's record keeps."""
    payload = {"report": report_to_payload(judged.report), "decisions": judged.decisions or 0}
    if judged.baseline:
        payload["baseline"] = _baseline_to_payload(judged.baseline)
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def judged_from_text(text: str, *, version: str) -> Judged:
    """Read it again, as untrusted as any report.

    Raises:
        ReportInvalidError: with the sentence that says what is wrong.
    """
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        payload = None
    fields = Fields(payload, f"The record of {version}")
    baseline = fields.below("baseline")
    judged = Judged(
        report=report_from_payload(fields.mapping("report", most=_MOST_DECISIONS), version=version),
        baseline=_baseline_from(baseline) if baseline else None,
        decisions=fields.count("decisions", most=_MOST_DECISIONS) or None,
    )
    fields.refuse_others()
    return judged


def replay(records: Iterable[VersionRecord], policy: Policy) -> Iterator[Replayed]:
    """Each candidate judged by this policy, against the model that was live when it was judged.

    What follows a verdict is left out: the policy's promotion counts as Automatic.
    """
    asked = replace(policy, promotion=Promotion.AUTOMATIC)
    for record in records:
        yield _replayed(record, asked)


def _replayed(record: VersionRecord, policy: Policy) -> Replayed:
    accepted = record.verdict in _ACCEPTED
    if not record.judged:
        return Replayed(record, accepted, None, "", "It is not recorded what it was judged on")
    try:
        judged = judged_from_text(record.judged, version=record.version)
    except ReportInvalidError as error:
        return Replayed(record, accepted, None, "", str(error))
    judgement = judge(policy, judged.report, judged.baseline, judged.decisions)
    would_be = None if judgement.needs_approval else judgement.accepted
    return Replayed(record, accepted, would_be, judgement.in_a_word, judgement.message)


def _baseline_to_payload(baseline: Baseline) -> dict[str, object]:
    payload = {
        "version": baseline.version,
        "metrics": _texts(baseline.metrics),
        "holdout_digest": baseline.holdout_digest,
        "model_digest": baseline.model_digest,
        "below_best": _texts(baseline.below_best),
    }
    return {name: value for name, value in payload.items() if value}


def _baseline_from(fields: Fields) -> Baseline:
    baseline = Baseline(
        version=fields.text("version", is_version, default=""),
        metrics=fields.numbers("metrics"),
        holdout_digest=fields.text("holdout_digest", is_digest, default=""),
        model_digest=fields.text("model_digest", is_digest, default=""),
        below_best=fields.numbers("below_best"),
    )
    fields.refuse_others()
    return baseline


def _texts(numbers: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: compact(number) for name, number in numbers.items()}
