"""The story that the demonstration tells with the sample data."""

import json

from tests.support.binaries import ROOT
from trainer.train import main

DATA = ROOT / "examples" / "intents" / "data"
VARIANTS = ("small", "full", "noisy", "slightly-worse")


def test_the_story_of_the_demonstration_holds_with_the_trainers_defaults(tmp_path):
    scores = {}
    for variant in VARIANTS:
        output = tmp_path / variant
        output.mkdir()
        variables = {"OUTPUT_DIR": str(output), "DATA_DIR": str(DATA), "HOLDOUT": "holdout.csv", "PARAM_DATASET": variant}
        assert main([], {f"SAFEGUARD_{name}": value for name, value in variables.items()}) == 0
        measured = json.loads((output / "metrics.json").read_text())
        scores[variant] = (measured["accuracy"], measured["f1_macro"])
    for metric in (0, 1):
        small, full, noisy, slightly_worse = (scores[variant][metric] for variant in VARIANTS)
        assert full > small
        assert full - noisy > 0.01
        assert 0 < full - slightly_worse < 0.01
