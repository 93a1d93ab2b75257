"""Read the arguments, run one verb, and turn what went wrong into one sentence and an exit status."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from modelsafeguard.cli import judge, replay, report, request, selftest, verify
from modelsafeguard.cli.answer import FAILED, MISUSED, Answer
from modelsafeguard.cli.errors import UsageError
from modelsafeguard.kube.errors import KubernetesError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb that is asked for, and return the exit status (``cli.answer``)."""
    parser = argparse.ArgumentParser(prog="modelsafeguard", description="Ask Model Safeguard for something.")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for verb in (request, judge, replay, report, verify, selftest):
        verb.add_to(verbs)
    given = parser.parse_args(arguments)
    try:
        answer: Answer = asyncio.run(given.run(given))
    except UsageError as error:
        return _refused(str(error), MISUSED)
    except KubernetesError as error:
        return _refused(str(error), FAILED)
    sys.stdout.write(f"{answer.text}\n")
    return answer.status


def _refused(sentence: str, status: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status
