"""What becomes of a measurement that fails: a row that says why, and everything else is measured all the same."""

import traceback
from typing import Final

from bench.results import Result
from hack.cluster.progress import ClusterError, say
from hack.demo.errors import NotSo
from tests.support.binaries import NoBinaries

# Their message is a sentence for a person: no traceback is needed.
SENTENCES: Final = (ClusterError, NotSo, NoBinaries)
LONGEST: Final = 500


def not_measured(what: str, error: Exception) -> Result:
    """The row of a target that could not be measured; the error is shown at once, in full if it is a fault."""
    first: BaseException = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if not isinstance(first, SENTENCES):
        traceback.print_exception(error)
    reason = " ".join(str(first).split()) or type(first).__name__
    say(f"  ✗ not measured: {what}: {reason}")
    return Result.missing(what, reason[:LONGEST])
