"""The live model's numbers on the candidate's own holdout: paired from its stored predictions, or rescored by the trainer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np

from modelsafeguard.core.comparison import Unmeasured
from modelsafeguard.core.contract import VERSIONS
from modelsafeguard.core.report import Evidence
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import open_path
from modelsafeguard.measure.manifest import verify
from modelsafeguard.measure.metrics import read_metrics
from modelsafeguard.measure.predictions import Codes, Predictions, read_predictions
from modelsafeguard.measure.scores import scores

# The share of rows on which the stored and the rescored answers of one live model may differ.
MAX_DISAGREEMENT: Final = 0.001

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveNumbers:
    """What is known of the live model on the candidate's holdout.

    ``answers`` stand in the candidate's row order and codes, and ``labels`` are what its metrics.json names. Where there are no answers
    ``unmeasured`` says why, and ``problem`` in a sentence, where that needs one.
    """

    version: str = ""
    evidence: Evidence = Evidence.NONE
    metrics: Mapping[str, Decimal] = field(default_factory=dict)
    answers: Codes | None = None
    labels: tuple[str, ...] = ()
    disagreement: float | None = None
    unmeasured: Unmeasured | None = None
    problem: str = ""

    @property
    def folder(self) -> str:
        """Where the files of the live version are, below the store; empty where there are none that are known to be its own."""
        known = self.version and self.unmeasured is not Unmeasured.LIVE_DAMAGED
        return f"{VERSIONS}/{self.version}" if known else ""


def measure_live(store: int, version: str, digest: str, candidate: Predictions | None) -> LiveNumbers:
    """Measure the live version (its manifest's digest given) on the candidate's holdout, as well as it can be done.

    A live folder that is not what it was when it was published blocks no candidate, but nothing of it counts as evidence: neither
    its stored predictions nor what the trainer computed with it.

    Raises:
        MeasureError: LiveDisagrees, when stored and rescored answers differ on more than ``MAX_DISAGREEMENT`` of the rows.
    """
    if not version:
        return LiveNumbers(unmeasured=Unmeasured.NO_LIVE_VERSION)
    if not digest:
        problem = f"The live version {version} has no recorded digest, so its files prove nothing"
        return LiveNumbers(version, problem=problem, unmeasured=Unmeasured.LIVE_DAMAGED)
    try:
        verify(store, version, digest)
        with open_path(f"{VERSIONS}/{version}", store) as folder:
            stored, labels = read_predictions(folder, slices=False), read_metrics(folder, ()).labels
    except MeasureError as error:
        log.warning("The live version gives no evidence: %s", error)
        return LiveNumbers(version, problem=str(error), unmeasured=Unmeasured.LIVE_DAMAGED)
    if candidate is None:
        return LiveNumbers(version, labels=labels, unmeasured=Unmeasured.NO_PREDICTIONS)
    paired, rescored = _answers_on(candidate, stored) if stored else None, candidate.live_predicted
    disagreement = None if paired is None or rescored is None else _disagreement(paired, rescored, version)
    answers = rescored if paired is None else paired
    if answers is None:
        return LiveNumbers(version, labels=labels, unmeasured=Unmeasured.NO_LIVE_ANSWERS)
    evidence = Evidence.RESCORED if paired is None else Evidence.PAIRED
    return LiveNumbers(version, evidence, scores(candidate.label, answers), answers, labels, disagreement)


def _answers_on(candidate: Predictions, stored: Predictions) -> Codes | None:
    """The stored answers in the candidate's row order and codes; None when they are about other rows.

    Equal digests mean equal lines ``id,label``, which stand at equal places; with equal ids they are cut in the same place, so that
    labels are equal as well, row by row. A label that the candidate does not know gets a code of its own.
    """
    if stored.digest != candidate.digest or not np.array_equal(stored.ids, candidate.ids):
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
