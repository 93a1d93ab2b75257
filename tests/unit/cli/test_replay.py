"""What the verb ``replay`` shows. What it judges is core's; that it reads a model's record is shown on a cluster (e2e)."""

from datetime import UTC, datetime

from modelsafeguard.cli.replay import told
from modelsafeguard.core.model import VersionRecord
from modelsafeguard.core.replay import Replayed
from modelsafeguard.core.verdict import Verdict

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def past(version, verdict):
    return VersionRecord(version, "nightly", "uid", verdict, "Why", "why", NOW)


def test_each_candidate_has_a_row_and_those_decided_otherwise_are_marked_and_counted():
    text = told(
        [
            Replayed(past("nightly-1", Verdict.PROMOTED), accepted=True, would_be=True, verdict="Promoted", message="Performance improved"),
            Replayed(past("nightly-2", Verdict.PROMOTED), accepted=True, would_be=False, verdict="Rejected", message="accuracy fell"),
            Replayed(past("nightly-3", Verdict.FAILED), accepted=False, would_be=None, verdict="", message="It is not recorded"),
        ]
    )
    lines = [line.split(maxsplit=5) for line in text.splitlines()]
    assert lines[1] == ["nightly-1", "2026-03-01T00:00:00Z", "Promoted", "Promoted", "Performance", "improved"]
    assert lines[2] == ["*", "nightly-2", "2026-03-01T00:00:00Z", "Promoted", "Rejected", "accuracy fell"]
    assert lines[3][3:] == ["unknown", "It", "is not recorded"]
    assert "Of 2 candidates this policy would have decided otherwise on 1 (*)." in text
