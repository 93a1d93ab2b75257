"""docs/policy.md is what an owner has: its table is that of the code."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from modelsafeguard.core.policy import BELIEVABLE_GAIN, Policy
from modelsafeguard.core.profiles import PROFILES, GateName, Mode, Profile
from modelsafeguard.core.verdict import Outcome, Verdict

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows():
    """The table's rows by gate, each by its headings."""
    lines = PAGE.split("\n## Gates and profiles\n")[1].split("\n## ")[0].splitlines()
    headings, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: dict(zip(headings, row, strict=True)) for row in body}


def test_the_table_of_gates_and_profiles_is_the_codes_and_in_its_order(rows):
    assert list(rows) == list(GateName)
    for profile in Profile:
        assert {gate: Mode(row[profile]) for gate, row in rows.items()} == PROFILES[profile]


@pytest.mark.parametrize(
    ("gate", "field", "default"),
    [
        (GateName.HOLDOUT_LARGE_ENOUGH, "minHoldoutRows", Policy().min_holdout_rows),
        (GateName.NO_SLICE_REGRESSED, "maxSliceDrop", Policy().max_slice_drop),
        (GateName.NO_LEAKAGE, "maxLeakage", Policy().max_leakage),
        (GateName.HOLDOUT_NOT_WORN_OUT, "maxDecisions", Policy().max_decisions),
        (GateName.GAIN_BELIEVABLE, "maxGain", BELIEVABLE_GAIN),
    ],
)
def test_a_default_in_the_table_is_the_codes(rows, gate, field, default):
    name, number = re.match(r"`(\w+)` \(([0-9.]+)", rows[gate]["threshold"]).groups()
    assert (name, Decimal(number)) == (field, default)


def test_what_follows_is_said_in_the_words_of_verdicts(rows):
    words = {word for row in rows.values() for word in re.findall(r"\b[A-Z]\w+", row["if not"])}
    assert words <= {*Verdict} & {*Outcome}
