"""What a model is worth on the holdout, and the files of the trainer contract that say so."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sklearn.metrics import accuracy_score, f1_score

from modelsafeguard.core import contract
from modelsafeguard.core.report import holdout_digest
from trainer.holdout import row_ids
from trainer.model import Model
from trainer.rows import Row, text_digest


@dataclass(frozen=True)
class Evaluation:
    """Predictions on the holdout, row by row: the candidate's, and the live model's where there is one that can be loaded."""

    ids: list[str]
    holdout: Sequence[Row]
    predicted: list[str]
    live_predicted: list[str] | None

    @property
    def digest(self) -> str:
        """The holdout digest, as ``measure`` computes it again from ``predictions.csv``."""
        return holdout_digest(zip(self.ids, (row.intent for row in self.holdout), strict=True))


def evaluate(model: Model, live: Model | None, holdout: Sequence[Row]) -> Evaluation:
    """Ask both models about every row of the holdout."""
    texts = [row.text for row in holdout]
    return Evaluation(row_ids(holdout), holdout, model.predict(texts), live.predict(texts) if live else None)


def metrics(model: Model, evaluation: Evaluation, *, n_samples: int, now: datetime) -> dict[str, Any]:
    """The content of ``metrics.json``.

    Scores are fractions of 1 as scikit-learn computes them, in full precision. F1 is averaged over the union of the holdout's intents and
    the predicted ones; an intent that is never predicted rightly counts 0. ``n_samples`` is the number of training rows. ``now`` is
    written in UTC to the second. ``labels`` are the intents that the model can answer with.
    """
    true = [row.intent for row in evaluation.holdout]
    return {
        "accuracy": float(accuracy_score(true, evaluation.predicted)),
        "f1_macro": float(f1_score(true, evaluation.predicted, average="macro", zero_division=0)),
        "f1_weighted": float(f1_score(true, evaluation.predicted, average="weighted", zero_division=0)),
        "n_classes": len(model.labels),
        "n_features": model.n_features,
        "n_samples": n_samples,
        "training_date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "labels": list(model.labels),
        "modelDigest": model.digest,
        "holdoutDigest": evaluation.digest,
    }


def write_contract_files(folder: Path, evaluation: Evaluation, training: Sequence[Row], measured: dict[str, Any]) -> None:
    """Write the contract's four files; ``metrics.json`` last, so that its being there means that the others are whole."""
    true = [row.intent for row in evaluation.holdout]
    columns = {"id": evaluation.ids, "label": true, "predicted": evaluation.predicted}
    if evaluation.live_predicted is not None:
        columns["live_predicted"] = evaluation.live_predicted
    _write_csv(folder / contract.PREDICTIONS_FILE, columns)
    _write_csv(folder / contract.HOLDOUT_FILE, {"id": evaluation.ids, "text": [row.text for row in evaluation.holdout]})
    digests = "".join(f"{text_digest(row.text)}\n" for row in training)
    (folder / contract.TRAIN_DIGESTS_FILE).write_text(digests, encoding="utf-8")
    (folder / contract.METRICS_FILE).write_text(json.dumps(measured, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _write_csv(path: Path, columns: Mapping[str, Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
