"""What predictions are worth: scikit-learn's scores, and the counts that stand behind them."""

from decimal import Decimal

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from modelsafeguard.measure.predictions import Codes, Predictions


def scores(label: Codes, predicted: Codes) -> dict[str, Decimal]:
    """Accuracy and the F1 means by scikit-learn: classes are the union of label and predicted, ``zero_division=0``."""
    values = {
        "accuracy": accuracy_score(label, predicted),
        "f1_macro": f1_score(label, predicted, average="macro", zero_division=0),
        "f1_weighted": f1_score(label, predicted, average="weighted", zero_division=0),
    }
    return {name: Decimal(repr(float(value))) for name, value in values.items()}


def class_counts(predictions: Predictions) -> dict[str, dict[str, int]]:
    """For each label: how many holdout rows have it, how many were predicted as it, and how many of those rightly."""
    size = len(predictions.labels)
    right = predictions.label == predictions.predicted
    columns = (
        np.bincount(predictions.label, minlength=size),
        np.bincount(predictions.predicted, minlength=size),
        np.bincount(predictions.label[right], minlength=size),
    )
    return {
        label: {"rows": int(rows), "predicted": int(predicted), "right": int(hits)}
        for label, rows, predicted, hits in zip(predictions.labels, *columns, strict=True)
        if rows or predicted
    }
