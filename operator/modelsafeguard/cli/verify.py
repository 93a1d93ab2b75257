"""``verify``: hold the stored report on one version against the files, every number and the verdict."""

import argparse
from typing import Any

from modelsafeguard.cli.answer import FAILED, NOT_ACCEPTED, Answer
from modelsafeguard.cli.reader import NotRead, add_arguments, read
from modelsafeguard.core import pod


def add_to(verbs: Any) -> None:
    """Add this verb and its options to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "verify",
        help="compute a report's numbers and verdict again from the files",
        description="Compute every number and the verdict of a stored report again, from the files that it was made from. A pod in the "
        f"model's namespace does it, with your own rights. Exit status {NOT_ACCEPTED}: they do not agree.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


async def run(given: argparse.Namespace) -> Answer:
    """Check it; raises ``UsageError``, ``KubernetesError``, ``ConfigException``."""
    try:
        found = await read(given, pod.RECHECK, log_bytes=0)
    except NotRead as error:
        return Answer(f"The report on {given.version} could not be checked: {error}.", FAILED)
    return told(given.version, [str(place) for place in found.payload.get("differences", ["the pod does not say"])])


def told(version: str, differences: list[str]) -> Answer:
    """What came of it."""
    if not differences:
        return Answer(f"The report on {version} agrees with the files: every number and the verdict came out the same.")
    listed = "\n".join(f"  {place}" for place in differences)
    return Answer(f"The report on {version} does not agree with the files, in these places first:\n{listed}", NOT_ACCEPTED)
