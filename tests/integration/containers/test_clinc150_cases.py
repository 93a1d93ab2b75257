"""Retrainings on the real CLINC150 data that a mean judges wrongly, or rightly: trained, measured and judged as a request's Job does it.

The slices are the data set's ten domains, and the labels. What is wrong with a candidate's training data is done to them here.
"""

import csv
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import FeatureUnion, Pipeline

from modelsafeguard.core.judge import judge
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.profiles import Profile
from modelsafeguard.core.report import Report
from modelsafeguard.core.verdict import Judgement, Verdict
from tests.support.storage import Storage
from trainer.dataset import read_rows
from trainer.evaluation import evaluate, metrics, write_contract_files
from trainer.model import Model, build_pipeline
from trainer.rows import Row

Rows = Sequence[Row]
NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)
RULES: Final = tuple(MetricRule(name, Decimal("0.01")) for name in ("accuracy", "f1_macro"))
PROMOTED, REJECTED, INCONCLUSIVE = Verdict.PROMOTED, Verdict.REJECTED, Verdict.INCONCLUSIVE


class Data(NamedTuple):
    """The rows of both sizes of the data set, its test split, and which domain each intent belongs to."""

    small: Rows
    full: Rows
    test: Rows
    domains: dict[str, str]


def relabelled(rows: Rows, share: float, intents: Sequence[str]) -> Rows:
    """The rows, this share of those of these intents with another one of them."""
    rng = random.Random(1)
    wrong = (row.intent in intents and rng.random() < share for row in rows)
    others = {intent: [one for one in intents if one != intent] for intent in intents}
    return [Row(row.text, rng.choice(others[row.intent])) if bad else row for row, bad in zip(rows, wrong, strict=True)]


def swapped(rows: Rows, one: str, other: str) -> Rows:
    """The rows with two intents' names exchanged."""
    names = {one: other, other: one}
    return [Row(row.text, names.get(row.intent, row.intent)) for row in rows]


def few(rows: Rows, most: int) -> Rows:
    """The first so many rows of each intent."""
    seen: Counter[str] = Counter()
    return [row for row in rows if not seen.update([row.intent]) and seen[row.intent] <= most]


def words_only() -> Pipeline:
    """The reference pipeline without its character n-grams."""
    whole = build_pipeline()
    words = [part for part in whole.named_steps["features"].transformer_list if part[0] == "words"]
    return Pipeline([("features", FeatureUnion(words)), ("classifier", whole.named_steps["classifier"])])


def by_descent(seed: int) -> Pipeline:
    """The reference pipeline with a classifier whose result depends on its seed."""
    return Pipeline([build_pipeline().steps[0], ("classifier", SGDClassifier(random_state=seed))])


# What each model is trained on, and how.
MODELS: Final[dict[str, Callable[[Data], tuple[Pipeline, Rows]]]] = {
    "small": lambda data: (build_pipeline(), data.small),
    "full": lambda data: (build_pipeline(), data.full),
    "full, words only": lambda data: (words_only(), data.full),
    "full, seed 1": lambda data: (by_descent(1), data.full),
    "full, seed 2": lambda data: (by_descent(2), data.full),
    **{
        f"{share} % of the labels wrong": lambda data, share=share: (
            build_pipeline(),
            relabelled(data.full, share / 100, sorted(data.domains)),
        )
        for share in (5, 10, 20, 40)
    },
    "one intent's rows lost": lambda data: (build_pipeline(), [row for row in data.full if row.intent != "freeze_account"]),
    "small, words only": lambda data: (words_only(), data.small),
    "banking mislabelled, words only": lambda data: (
        words_only(),
        relabelled(data.full, 0.6, [intent for intent, domain in data.domains.items() if domain == "banking"]),
    ),
    "two labels swapped": lambda data: (build_pipeline(), swapped(data.full, "alarm", "timer")),
    "the holdout leaked": lambda data: (build_pipeline(), [*data.full, *data.test]),
    "25 rows a class": lambda data: (build_pipeline(), few(data.full, 25)),
}


@pytest.fixture(scope="module")
def data(clinc150: Path) -> Data:
    domains = json.loads((clinc150 / "domains.json").read_text())
    files = {name: clinc150 / f"data_{name}.json" for name in ("small", "full")}
    rows = {name: read_rows(path, split="train") for name, path in files.items()}
    test = read_rows(files["full"], split="test")
    return Data(rows["small"], rows["full"], test, {intent: domain for domain, intents in domains.items() for intent in intents})


@pytest.fixture(scope="module")
def trained(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder that a trainer leaves behind, of a model by its name; each is trained once."""

    @cache
    def train(name: str) -> Path:
        folder = tmp_path_factory.mktemp("trained")
        pipeline, rows = MODELS[name](data)
        pipeline.fit([row.text for row in rows], [row.intent for row in rows])
        model = Model.from_pipeline(pipeline)
        evaluation = evaluate(model, None, data.test)
        write_contract_files(folder, evaluation, rows, metrics(model, evaluation, n_samples=len(rows), now=NOW))
        with_domains(folder / "predictions.csv", data.domains)
        return folder

    return train


def with_domains(path: Path, domains: dict[str, str]) -> None:
    """Add the column domain to the predictions."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], "domain"])
        writer.writeheader()
        writer.writerows(row | {"domain": domains[row["label"]]} for row in rows)


def measured(storage: Storage, live: Path, candidate: Path) -> Report:
    """Both are published, the candidate measured against the live one."""
    for version, folder in (("v-1", live), ("v-2", candidate)):
        shutil.copytree(folder, storage.staging(version))
    storage.publish("v-1")
    report = storage.publish("v-2", live="v-1")
    assert isinstance(report, Report), report
    return report


def judged(storage: Storage, report: Report, profile: Profile) -> Judgement:
    return judge(Policy(RULES, profile=profile), report, storage.baseline("v-1"), decisions=1)


@pytest.mark.parametrize(
    ("models", "under_strict", "under_seed"),
    [
        pytest.param(("small", "full"), (PROMOTED, "PerformanceImproved"), PROMOTED, id="A: more data"),
        pytest.param(("full, seed 1", "full, seed 2"), (PROMOTED, "PerformanceImproved"), PROMOTED, id="B: same data, another seed"),
        pytest.param(("full", "5 % of the labels wrong"), (REJECTED, "WorseBeyondChance"), PROMOTED, id="C: 5 % of the labels wrong"),
        pytest.param(("full", "10 % of the labels wrong"), (REJECTED, "PerformanceDegraded"), REJECTED, id="C: 10 % of the labels wrong"),
        pytest.param(("full", "20 % of the labels wrong"), (REJECTED, "PerformanceDegraded"), REJECTED, id="C: 20 % of the labels wrong"),
        pytest.param(("full", "40 % of the labels wrong"), (REJECTED, "PerformanceDegraded"), REJECTED, id="C: 40 % of the labels wrong"),
        pytest.param(("full", "one intent's rows lost"), (REJECTED, "ClassLost"), PROMOTED, id="D: one intent's rows lost"),
        pytest.param(
            ("small, words only", "banking mislabelled, words only"), (REJECTED, "SliceRegressed"), PROMOTED, id="E: one domain mislabelled"
        ),
        pytest.param(("small", "two labels swapped"), (REJECTED, "ClassLost"), PROMOTED, id="F: two labels swapped, more data"),
        pytest.param(("full", "the holdout leaked"), (INCONCLUSIVE, "Leakage"), PROMOTED, id="G: the holdout leaked"),
        pytest.param(("full", "25 rows a class"), (REJECTED, "PerformanceDegraded"), REJECTED, id="H: 25 rows a class"),
        pytest.param(("full, words only", "full"), (PROMOTED, "PerformanceImproved"), PROMOTED, id="I: character n-grams added"),
    ],
)
def test_the_verdict_on_a_real_retraining_is_right_under_strict_and_seed_stands_beside_it(
    storage, trained, models, under_strict, under_seed
):
    report = measured(storage, *map(trained, models))
    strict, seed = (judged(storage, report, profile) for profile in (Profile.STRICT, Profile.SEED))
    assert (strict.verdict or PROMOTED, strict.reason) == under_strict, strict.message
    assert not strict.needs_approval
    assert (seed.verdict or PROMOTED) is under_seed, seed.message
