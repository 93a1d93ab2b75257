"""``python -m trainer.known_bad``: a candidate that is known to be bad, on data that are made up here. For ``selftest`` only.

Which one the parameter ``candidate`` says. Each is really trained, on data with which something was done.
"""

import hashlib
import os
import random
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from modelsafeguard.core import contract
from trainer.drill import nan
from trainer.process import exit_at_sigterm
from trainer.rows import Row
from trainer.train import CANNOT, Settings, learn, log

INTENTS = ("cancel", "invoice", "parcel", "password", "refund", "voucher")
OF_EACH = 120  # rows to learn from, of each intent; the holdout has as many
_OWN_WORDS, _OTHER_WORDS, _IN_A_TEXT = 40, 60, 2
_MISLEADING = 0.08  # of the texts speak of another intent: nobody is always right

Change = Callable[[Sequence[Row], Sequence[Row]], Sequence[Row]]


def made_up(seed: int) -> list[Row]:
    """As many texts of each intent, in an order that does not depend on anything but the seed."""
    rng = random.Random(seed)  # noqa: S311 - data to learn from, no secret
    rows = []
    for number in range(OF_EACH):
        for intent in INTENTS:
            about = rng.choice(INTENTS) if rng.random() < _MISLEADING else intent
            words = [_word(INTENTS.index(about) * _OWN_WORDS + rng.randrange(_OWN_WORDS)) for _ in range(_IN_A_TEXT)]
            words += [_word(len(INTENTS) * _OWN_WORDS + rng.randrange(_OTHER_WORDS)) for _ in range(_IN_A_TEXT)]
            rng.shuffle(words)
            rows.append(Row(" ".join([*words, f"number{number}"]), intent))
    return rows


def _word(number: int) -> str:
    """A word that looks like no other one."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:6]


def _shuffled(rows: Sequence[Row], _: Sequence[Row]) -> list[Row]:
    intents = [row.intent for row in rows]
    random.Random(1).shuffle(intents)  # noqa: S311 - as above
    return [Row(row.text, intent) for row, intent in zip(rows, intents, strict=True)]


def _nearly_all_one(rows: Sequence[Row], _: Sequence[Row]) -> list[Row]:
    """So that the model answers the first intent, whatever it is asked: of the others it has seen one text each, that nobody asks."""
    return [*(Row(row.text, INTENTS[0]) for row in rows), *(Row(f"nobody asks of {intent}", intent) for intent in INTENTS[1:])]


def _swapped(rows: Sequence[Row], _: Sequence[Row]) -> list[Row]:
    names = {INTENTS[0]: INTENTS[1], INTENTS[1]: INTENTS[0]}
    return [Row(row.text, names.get(row.intent, row.intent)) for row in rows]


# What each candidate learns from, of the rows to learn from and those of the holdout.
DATA: MappingProxyType[str, Change] = MappingProxyType(
    {
        "first": lambda rows, _: rows[: len(rows) // 4],
        "better": lambda rows, _: rows,
        "shuffled": _shuffled,
        "swapped": _swapped,
        "lost-class": lambda rows, _: [row for row in rows if row.intent != INTENTS[0]],
        "leaked": lambda rows, holdout: [*rows, *holdout],
        "constant": _nearly_all_one,
        "nan": lambda rows, _: rows,
    }
)


def main(environment: Mapping[str, str]) -> int:
    """Train, then break what was made where the candidate asks for it, and return the exit code."""
    candidate = environment.get(contract.parameter_variable("candidate"), "")
    if candidate not in DATA:
        log.error("There is no candidate %r: choose one of %s.", candidate, ", ".join(DATA))
        return CANNOT
    # There is no data folder, and none is looked at.
    settings = Settings.read(["--dataset", candidate], {**environment, contract.DATA_DIR: os.devnull})
    training, holdout = made_up(seed=1), made_up(seed=2)
    learn(settings, DATA[candidate](training, holdout), holdout, datetime.now(UTC))
    return nan(settings.output_dir) if candidate == "nan" else 0


if __name__ == "__main__":
    exit_at_sigterm(128 + signal.SIGTERM)
    sys.exit(main(os.environ))
