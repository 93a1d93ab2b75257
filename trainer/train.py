"""``python -m trainer``: one training as the trainer contract asks for it.

Where things are comes from the contract's environment variables. What may vary has an option, and the variable ``SAFEGUARD_PARAM_…`` of the
same name wins over it, because that is how a request's parameter arrives. Exit code 0: trained. 2: it cannot be done as asked, and one
sentence on standard error says why.
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelsafeguard.core import contract
from trainer.dataset import dataset_file, holdout_file, read_rows
from trainer.errors import ModelError, TrainerError
from trainer.evaluation import evaluate, metrics, write_contract_files
from trainer.holdout import stratified_split
from trainer.model import Model, build_pipeline, load_model, save_model
from trainer.rows import Row, dataset_digest

CANNOT = 2
_LARGEST_SEED = 2**32 - 1

log = logging.getLogger("trainer")


@dataclass(frozen=True)
class Settings:
    """One training as asked for: the contract's variables and the options."""

    output_dir: Path
    data_dir: Path
    live_dir: Path | None
    holdout: str | None
    dataset: str
    seed: int
    holdout_share: float
    include_oos: bool
    origin: dict[str, str]

    @classmethod
    def read(cls, arguments: Sequence[str], environment: Mapping[str, str]) -> "Settings":
        """Parse; raises :class:`TrainerError` for what is missing or malformed (an empty variable counts as unset)."""
        options = _parser().parse_args(arguments)

        def parameter(name: str, option: object) -> str:
            return environment.get(contract.parameter_variable(name)) or str(option)

        def folder(name: str) -> Path:
            if not environment.get(name):
                raise TrainerError(f"{name} is not set: run the trainer in the pod of a RetrainRequest, or set the contract's variables.")
            return Path(environment[name])

        return cls(
            output_dir=folder(contract.OUTPUT_DIR),
            data_dir=folder(contract.DATA_DIR),
            live_dir=Path(environment[contract.LIVE_DIR]) if environment.get(contract.LIVE_DIR) else None,
            holdout=environment.get(contract.HOLDOUT) or None,
            dataset=parameter("dataset", options.dataset),
            seed=_seed(parameter("seed", options.seed)),
            holdout_share=_share(options.holdout_share),
            include_oos=options.include_oos,
            origin={
                key: environment[name]
                for key, name in {"model": contract.MODEL, "version": contract.VERSION, "request": contract.REQUEST}.items()
                if environment.get(name)
            },
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainer", description="Train a classifier of text intents.")
    parser.add_argument("--dataset", default="full", help="data file in the data folder, the suffix may be left out (default: full)")
    parser.add_argument("--seed", default="0", help="seed of the split and of the classifier (default: 0)")
    parser.add_argument(
        "--holdout-share", default="0.2", help="share of each intent kept for measuring, where no holdout file is given (default: 0.2)"
    )
    parser.add_argument("--include-oos", action="store_true", help="CLINC150 files: learn the out-of-scope rows as the intent oos")
    return parser


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_SEED)) and int(text) <= _LARGEST_SEED):
        raise TrainerError(f"The seed {text!r} is not a whole number from 0 to {_LARGEST_SEED}.")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise TrainerError(f"The holdout share {text!r} is not a number between 0 and 1.")
    return share


def gather(settings: Settings) -> tuple[list[Row], list[Row]]:
    """The training rows and the holdout rows: the owner's holdout file, else a CLINC150 file's own test split, else a stratified split.

    Raises :class:`TrainerError` when the data cannot be used or hold fewer than two intents.
    """
    source = dataset_file(settings.data_dir, settings.dataset)
    rows = read_rows(source, split="train", include_oos=settings.include_oos)
    if len({row.intent for row in rows}) < 2:  # noqa: PLR2004 - there is nothing to tell apart
        raise TrainerError(f"{source.name} holds only the intent {rows[0].intent!r}: a classifier needs at least two.")
    if settings.holdout is not None:
        return rows, read_rows(holdout_file(settings.data_dir, settings.holdout), split="test", include_oos=settings.include_oos)
    if source.suffix == ".json":
        return rows, read_rows(source, split="test", include_oos=settings.include_oos)
    return stratified_split(rows, share=settings.holdout_share, seed=settings.seed)


def load_live(folder: Path | None) -> Model | None:
    """The live model, to be measured on the same holdout; None the first time and where it cannot be loaded, which the log then says."""
    if folder is None:
        return None
    try:
        return load_model(folder)
    except ModelError as error:
        log.warning("The live version is not measured on this holdout. %s", error)
        return None


def train(settings: Settings, now: datetime) -> None:
    """Train, measure, and fill the output folder."""
    if not settings.output_dir.is_dir():
        raise TrainerError(f"The output folder {settings.output_dir} does not exist.")
    learn(settings, *gather(settings), now)


def learn(settings: Settings, training: Sequence[Row], holdout: Sequence[Row], now: datetime) -> None:
    """Train on these rows, measure on those, and fill the output folder."""
    pipeline = build_pipeline(random_state=settings.seed)
    try:
        pipeline.fit([row.text for row in training], [row.intent for row in training])
    except ValueError as error:
        raise TrainerError(f"The data set {settings.dataset!r} cannot be learned from: {error}") from None
    model = Model.from_pipeline(pipeline)
    evaluation = evaluate(model, load_live(settings.live_dir), holdout)
    measured = metrics(model, evaluation, n_samples=len(training), now=now)
    provenance = {
        "dataset": {"name": settings.dataset, "digest": dataset_digest(training), "rows": len(training)},
        "holdout": {"digest": evaluation.digest, "rows": len(holdout)},
        "seed": settings.seed,
        "origin": settings.origin,
    }
    save_model(model, settings.output_dir, provenance)
    write_contract_files(settings.output_dir, evaluation, training, measured)
    log.info(
        "Trained on %d rows of %r: accuracy %.4f, F1 macro %.4f on %d held-out rows of %d intents.",
        len(training),
        settings.dataset,
        measured["accuracy"],
        measured["f1_macro"],
        len(holdout),
        len(model.labels),
    )


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one training and return the exit code. The log goes to standard error."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    try:
        train(Settings.read(arguments, environment), datetime.now(UTC))
    except TrainerError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence for the person who asked, not a traceback
        return CANNOT
    except OSError as error:
        log.error("The output folder cannot be written: %s.", error.strerror or error)  # noqa: TRY400 - as above
        return CANNOT
    return 0
