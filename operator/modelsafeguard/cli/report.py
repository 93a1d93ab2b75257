"""``report``: fetch the full report on one version, as a page or as JSON, from the claim that it is stored on."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

from modelsafeguard.cli.answer import FAILED, Answer
from modelsafeguard.cli.reader import NotRead, add_arguments, read
from modelsafeguard.core import pod


def add_to(verbs: Any) -> None:
    """Add this verb and its options to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "report",
        help="fetch the full report on one version",
        description="Fetch the report on a version from the model's claim. A pod in the model's namespace reads it, with your own rights.",
    )
    add_arguments(parser)
    parser.add_argument("--format", choices=pod.FORMATS, default="html", help="a page to look at, or JSON (default: html)")
    parser.add_argument("--output", type=Path, help="the file to write it to (default: standard output)")
    parser.set_defaults(run=run)


async def run(given: argparse.Namespace) -> Answer:
    """Fetch it; raises ``UsageError``, ``KubernetesError``, ``ConfigException``."""
    try:
        found = await read(given, pod.SHOW, log_bytes=pod.MAX_SHOWN + 1, **{pod.FORMAT: given.format})
        content = whole(found.log, dict(found.payload))
    except NotRead as error:
        return Answer(f"The report on {given.version} could not be fetched: {error}.", FAILED)
    if given.output is None:
        return Answer(content.decode())
    given.output.write_bytes(content)
    return Answer(f"{given.output} has the report on {given.version}.")


def whole(content: bytes, summary: dict[str, Any]) -> bytes:
    """The content, if it is what was written to the log, and all of it; raises ``NotRead``."""
    if summary != {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}:
        raise NotRead("the pod's log is not what was written to it; try again")
    return content
