"""``python -m bench.error_rates``: simulate, and write the tables into docs/error-rates.md."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from bench.error_rates.rates import AT_THE_MARGIN, BETTER, DISAGREEMENTS, EQUAL, ROWS, Rates, rates
from bench.error_rates.retrains import RETRAINS, decline, policies, refused_by_parts
from bench.kept import between
from hack.cluster.progress import say
from modelsafeguard.core.profiles import Profile
from tests.support.binaries import ROOT

DOCUMENT: Final = ROOT / "docs" / "error-rates.md"
BEGIN: Final = "<!-- simulated: begin. Written by `make error-rates`; do not edit. -->"
END: Final = "<!-- simulated: end -->"
_CASES: Final = {AT_THE_MARGIN: "truly 1 point worse", EQUAL: "truly as good", BETTER: "truly 1 point better"}


def main(arguments: list[str] | None = None) -> int:
    """Simulate so many trials of everything; 0 when the document is written."""
    parser = argparse.ArgumentParser(prog="python -m bench.error_rates", description="Simulate how often the gates decide wrongly.")
    parser.add_argument("--trials", type=int, default=2000, help="holdouts for each number (default: 2000)")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="where the tables are written to")
    given = parser.parse_args(arguments)
    text = "\n\n".join(_tables(given.trials))
    document = given.document.read_text(encoding="utf-8")
    given.document.write_text(between(document, BEGIN, END, text), encoding="utf-8")
    say(f"{given.document} is written")
    return 0


def _tables(trials: int) -> Iterator[str]:
    yield f"{trials:,} holdouts for each number."
    say("  single decisions")
    found = list(rates(trials))
    for profile in (Profile.STRICT, Profile.SEED):
        for delta, case in _CASES.items():
            yield f"**{profile}, {case}:** promoted, rejected (the rest is Inconclusive), in per cent"
            yield _by_rows([rate for rate in found if (rate.profile, rate.delta) == (profile, delta)])
    say(f"  {RETRAINS} retrainings in a row")
    yield f"**{RETRAINS} retrainings, each truly 0.2 points worse than the live model of its time:**"
    yield _declines(max(trials // 20, 1))
    say("  slices and classes")
    pairs = max(trials // 2, 1)
    yield f"**Equally good retrainings refused by a slice or a class:** {refused_by_parts(pairs):.1%} of {pairs:,}"


def _by_rows(found: Iterable[Rates]) -> str:
    cells = {(rate.rows, rate.disagreement): f"{rate.promoted:.1%}, {rate.rejected:.1%}".replace("%", "") for rate in found}
    head = ["holdout rows", *(f"{share:.0%} change sides" for share in DISAGREEMENTS)]
    return _markdown([head, *([f"{rows:,}", *(cells[rows, share] for share in DISAGREEMENTS)] for rows in ROWS)])


def _declines(histories: int) -> str:
    head = ["policy", "promoted", "lost on the holdout: mean, most", "truly lost: mean, most"]
    ends = {name: decline(policy, histories) for name, policy in policies().items()}
    rows = [[name, f"{end.promoted:.1f}", _points(end.measured), _points(end.truly)] for name, end in ends.items()]
    return _markdown([head, *rows])


def _points(ends: tuple[float, float]) -> str:
    return ", ".join(f"{end * 100:.2f}" for end in ends)


def _markdown(rows: list[list[str]]) -> str:
    ruled = [rows[0], ["---" for _ in rows[0]], *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


if __name__ == "__main__":
    sys.exit(main())
