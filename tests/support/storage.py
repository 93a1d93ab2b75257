"""A storage path as a claim has it, filled by a trainer that can be told to misbehave."""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from modelsafeguard.api.codec import encode
from modelsafeguard.core.handover import Failure, decode, parse_handover
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.report import Baseline, Report, report_from_payload
from modelsafeguard.core.request import Frozen
from modelsafeguard.measure.__main__ import main

ROWS: Final = [("1", "yes", "yes"), ("2", "yes", "no"), ("3", "no", "no"), ("4", "no", "no")]

# What scikit-learn gives for ROWS: accuracy 3/4, F1 (2/3 + 4/5) / 2 for both means, as the classes are of equal size.
METRICS: Final[Mapping[str, Any]] = {
    "accuracy": 0.75,
    "f1_macro": 0.7333,
    "f1_weighted": 0.7333333333333334,
    "n_classes": 2,
    "n_features": 12,
    "n_samples": 40,
    "training_date": "2025-08-20T14:30:00",
}


def frozen(margins: Mapping[str, str], baseline: Baseline | None = None, **policy: Any) -> Frozen:
    """What a request is judged by: the largest drop of each metric, and the live version's numbers."""
    rules = tuple(MetricRule(name, Decimal(drop)) for name, drop in margins.items())
    return Frozen("uid-of-intents", 1, Policy(rules, **policy), baseline)


def judged_by(what: Frozen) -> dict[str, str]:
    """The variables that say so to ``measure``."""
    return {"SAFEGUARD_FROZEN": json.dumps(encode(what)), "SAFEGUARD_HOLDOUTS": "[]"}


class Storage:
    """One storage path. ``trained`` plays a trainer, ``publish`` and the like run ``measure`` and return what it handed over."""

    def __init__(self, root: Path) -> None:
        self.store = root / "store"
        self.termination_log = root / "termination-log"
        (self.store / "staging").mkdir(parents=True)

    def staging(self, version: str = "v-2", pod: str = "pod-2") -> Path:
        return self.store / "staging" / version / pod

    def version(self, version: str = "v-2") -> Path:
        return self.store / "versions" / version

    def report(self, version: str = "v-2") -> Any:
        return json.loads((self.store / "reports" / f"{version}.json").read_text())

    def trained(
        self,
        version: str = "v-2",
        pod: str = "pod-2",
        *,
        metrics: Mapping[str, Any] | str | None = METRICS,
        rows: Sequence[Sequence[str]] | None = ROWS,
        columns: Sequence[str] = ("id", "label", "predicted"),
    ) -> Path:
        folder = self.staging(version, pod)
        (folder / "model").mkdir(parents=True)
        (folder / "model" / "weights.bin").write_bytes(b"\x00\x01" * 500)
        if metrics is not None:
            (folder / "metrics.json").write_text(metrics if isinstance(metrics, str) else json.dumps(metrics))
        if rows is not None:
            with io.StringIO(newline="") as text:
                csv.writer(text, lineterminator="\n").writerows([columns, *rows])
                (folder / "predictions.csv").write_text(text.getvalue())
        return folder

    def measure(self, command: str, **variables: str) -> str:
        self.termination_log.unlink(missing_ok=True)
        environ = {"SAFEGUARD_STORE": str(self.store), "SAFEGUARD_TERMINATION_LOG": str(self.termination_log), **variables}
        self.status = main([command], environ)
        return self.termination_log.read_text()

    def publish(
        self,
        version: str = "v-2",
        pod: str = "pod-2",
        *,
        live: str = "",
        metrics: Sequence[str] = ("accuracy", "f1_macro"),
        margins: Mapping[str, str] | None = None,
        digest: str | None = None,
    ) -> Report | Failure:
        if digest is None:
            digest = self.manifest_digest(live) if live else ""
        message = self.measure(
            "publish",
            SAFEGUARD_VERSION=version,
            POD_UID=pod,
            SAFEGUARD_MODEL="intents",
            SAFEGUARD_REQUEST="nightly",
            **judged_by(frozen(margins or dict.fromkeys(metrics, "0.01"), self.baseline(live))),
            SAFEGUARD_LIVE_VERSION=live,
            SAFEGUARD_LIVE_DIGEST=digest,
        )
        return parse_handover(message, version=version)

    def baseline(self, live: str) -> Baseline | None:
        """The live version's numbers as they were published."""
        if not live or not (self.store / "reports" / f"{live}.json").exists():
            return None
        known = report_from_payload(self.report(live)["compact"], version=live)
        return Baseline(live, known.metrics, known.holdout_digest, known.model_digest)

    def manifest_digest(self, version: str) -> str:
        return str(self.report(version)["manifestDigest"])

    def read(self, version: str = "v-2") -> Report | Failure:
        return parse_handover(self.measure("read", SAFEGUARD_VERSION=version), version=version)

    def prune(self, *versions: str) -> str:
        return self.measure("prune", SAFEGUARD_VERSIONS=json.dumps(versions))

    def verify(self, version: str = "v-2", digest: str | None = None) -> str:
        message = self.measure("verify", SAFEGUARD_VERSION=version, SAFEGUARD_DIGEST=digest or self.manifest_digest(version))
        return decode(message)["failed"]["message"] if message else ""

    def files(self) -> list[str]:
        """Every path below the storage path that is not an empty folder of the layout, for "nothing published, nothing lost"."""
        return sorted(str(path.relative_to(self.store)) for path in self.store.rglob("*") if path.is_symlink() or not path.is_dir())


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A storage path of the test's own, removed afterwards with all that was published read-only."""
    yield Storage(tmp_path)
    for folder, _, _ in os.walk(tmp_path):
        Path(folder).chmod(0o700)
    shutil.rmtree(tmp_path)
