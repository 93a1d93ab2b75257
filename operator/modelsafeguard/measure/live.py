"""The live model's numbers on the candidate's own holdout: paired from its stored predictions, or rescored by the trainer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np

from modelsafeguard.core.contract import VERSIONS
from modelsafeguard.core.report import Evidence
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import open_path
from modelsafeguard.measure.manifest import verify
from modelsafeguard.measure.predictions import Codes, Predictions, read_predictions
from modelsafeguard.measure.scores import scores

# The share of rows on which the stored and the rescored answers of one live model may differ.
MAX_DISAGREEMENT: Final = 0.001

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveNumbers:
    """What is known of the live model on the candidate's holdout. ``problem`` says why nothing is, where that needs saying."""

    version: str = ""
    evidence: Evidence = Evidence.NONE
    metrics: Mapping[str, Decimal] = field(default_factory=dict)
    disagreement: float | None = None
    problem: str = ""


def measure_live(store: int, version: str, digest: str, candidate: Predictions | None) -> LiveNumbers:
    """Measure the live version (its manifest's digest given) on the candidate's holdout, as well as it can be done.

    A live folder that is not what it was when it was published blocks no candidate, but nothing of it counts as evidence: neither
    its stored predictions nor what the trainer computed with it.

    Raises:
        MeasureError: LiveDisagrees, when stored and rescored answers differ on more than ``MAX_DISAGREEMENT`` of the rows.
    """
    if not version:
        return LiveNumbers()
    if not digest:
        return LiveNumbers(version, problem=f"The live version {version} has no recorded digest, so its files prove nothing")
    try:
        verify(store, version, digest)
        with open_path(f"{VERSIONS}/{version}", store) as folder:
            stored = read_predictions(folder)
    except MeasureError as error:
        log.warning("The live version gives no evidence: %s", error)
        return LiveNumbers(version, problem=str(error))
    if candidate is None:
        return LiveNumbers(version)
    paired = _answers_on(candidate, stored) if stored else None
    disagreement = None
    if paired is not None and candidate.live_predicted is not None:
        disagreement = _disagreement(paired, candidate.live_predicted, version)
    if paired is not None:
        return LiveNumbers(version, Evidence.PAIRED, scores(candidate.label, paired), disagreement)
    if candidate.live_predicted is not None:
        return LiveNumbers(version, Evidence.RESCORED, scores(candidate.label, candidate.live_predicted))
    return LiveNumbers(version)


def _answers_on(candidate: Predictions, stored: Predictions) -> Codes | None:
    """The stored answers in the candidate's row order and codes; None when they are about other rows.

    Equal digests mean equal lines ``id,label``, which stand at equal places, and equal lengths of the ids that they are cut in the same
    place: ids and labels are then equal, row by row. A label that the candidate does not know gets a code of its own.
    """
    if stored.digest != candidate.digest or not np.array_equal(stored.id_lengths, candidate.id_lengths):
        return None
    codes = {label: code for code, label in enumerate(candidate.labels)}
    translated = np.array([codes.setdefault(label, len(codes)) for label in stored.labels], dtype=np.int32)
    answers: Codes = translated[stored.predicted]
    return answers


def _disagreement(paired: Codes, rescored: Codes, version: str) -> float:
    differing = int(np.count_nonzero(paired != rescored))
    if differing > MAX_DISAGREEMENT * len(paired):
        raise MeasureError(
            Reason.LIVE_DISAGREES,
            f"The trainer's live_predicted differs from the stored predictions of the live version {version} on {differing} of "
            f"{len(paired)} rows: one of them is not by that model; correct how the trainer loads SAFEGUARD_LIVE_DIR",
        )
    return differing / len(paired)
