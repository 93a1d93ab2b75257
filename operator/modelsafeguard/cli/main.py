"""Read the arguments, run one verb, and turn what went wrong into one sentence and an exit status."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from modelsafeguard.cli import request
from modelsafeguard.cli.errors import UsageError
from modelsafeguard.kube.errors import KubernetesError

FAILED = 1
MISUSED = 2  # argparse's own


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb that is asked for; 0 when it is done, 1 when the cluster did not let it, 2 when it was asked wrongly."""
    parser = argparse.ArgumentParser(prog="modelsafeguard", description="Ask Model Safeguard for something.")
    request.add_to(parser.add_subparsers(title="verbs", required=True, metavar="VERB"))
    given = parser.parse_args(arguments)
    try:
        said = asyncio.run(given.run(given))
    except UsageError as error:
        return _refused(str(error), MISUSED)
    except KubernetesError as error:
        return _refused(str(error), FAILED)
    sys.stdout.write(f"{said}\n")
    return 0


def _refused(sentence: str, status: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status
