"""docs/trainer-contract.md is all that a trainer's author has: every number and reason on it is the code's."""

import hashlib
import re
import unicodedata
from pathlib import Path

import pytest

from modelsafeguard.core import handover, numbers
from modelsafeguard.core import metrics as core_metrics
from modelsafeguard.core import report as core_report
from modelsafeguard.core.contract import METRICS_KEYS
from modelsafeguard.core.text import text_digest
from modelsafeguard.measure import folder, leakage, live, manifest, measured, metrics, predictions, slices, table
from modelsafeguard.measure.errors import Reason

PAGE = Path(__file__).resolve().parents[3] / "docs" / "trainer-contract.md"


@pytest.fixture(scope="module")
def section():
    """The section as one line."""
    text = PAGE.read_text(encoding="utf-8").split("\n## What measure checks\n")[1].split("\n## ")[0]
    return " ".join(text.split())


@pytest.mark.parametrize(
    "phrase",
    [
        f"At most {folder.MAX_ENTRIES:,} files and folders, no path of more than {folder.MAX_DEPTH} names",
        f"UTF-8 of at most {folder.MAX_NAME_BYTES} bytes",
        f"may have at most {manifest.MAX_BYTES >> 20} MiB as the JSON of the manifest",
        f"`{manifest.MANIFEST_FILE}` is `measure`'s own name",
        f"At most {metrics.MAX_BYTES >> 20} MiB of JSON in UTF-8, nested at most {core_metrics.MAX_DEPTH} levels deep",
        f"a whole number from 0 to 10^{len(str(numbers.LARGEST)) - 1}",
        f"a number of at most 10^{len(str(numbers.LARGEST)) - 1} either way",
        f"at most {core_report._LONGEST_DATE} characters, a `T` or a space before the time",
        f"At most {predictions.MAX_BYTES >> 20} MiB and {predictions.MAX_ROWS:,} rows",
        f"in any order, at most {table.MAX_COLUMNS} of them",
        f"A row has at most {predictions.MAX_ROW - 1:,} characters",
        f"have at most {table.MAX_VALUE} characters and no control characters",
        f"at most {predictions.MAX_LABELS:,} distinct labels",
        f"more than {slices.MAX_VALUES:,} distinct values",
        f"At most {leakage.TEXTS.max_bytes >> 20:,} MiB and {predictions.MAX_ROWS:,} rows of less than",
        f"rows of less than {leakage.TEXTS.max_row:,} characters",
        f"At most {leakage.MAX_DIGESTS >> 20:,} MiB",
        f"at least {measured._DIGITS[0]} digits after the point count",
        f"and at most {measured._DIGITS[1]}.",
        f"more than {live.MAX_DISAGREEMENT:.1%} of the rows".replace("%", " %"),
        f"room for {handover.LIMIT:,} bytes",
    ],
)
def test_a_limit_on_the_page_is_the_limit_that_is_checked(section, phrase):
    assert phrase in section


# What nobody who writes a trainer can cause or mend: see docs/architecture.md.
OURS = {
    Reason.SETTINGS_INVALID,
    Reason.VERSION_EXISTS,
    Reason.VERSION_DAMAGED,
    Reason.PUBLISH_INTERRUPTED,
    Reason.REPORT_MISSING,
    Reason.REPORT_TOO_LARGE,
    Reason.VOLUME_FULL,
    Reason.VOLUME_ERROR,
    Reason.INTERNAL_ERROR,
}


def test_every_reason_that_a_trainer_can_cause_is_on_the_page_and_no_other(section):
    named = {reason for reason in re.findall(r"`([A-Z][A-Za-z]+)`", section) if reason != "HandoverTooLarge"}
    assert named == {str(reason) for reason in Reason} - OURS


def test_every_required_key_is_on_the_page(section):
    assert all(f"`{key}`" in section for key in METRICS_KEYS)


@pytest.mark.parametrize("text", ["  Where\tIS\n my  Straße? ", "ﬁne ①", "İstanbul ΣΑΣ", "\u3000full\u00a0width \uff21\uff22"])
def test_the_normalisation_on_the_page_is_the_reference_trainers(text):
    (expression,) = re.findall(r"`(hashlib\.sha256\(.*)`", PAGE.read_text(encoding="utf-8"))

    assert eval(expression, {"hashlib": hashlib, "unicodedata": unicodedata, "text": text}) == text_digest(text)
