"""The command line: results go to standard output, one a line; everything else to standard error."""

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path

from hack.cluster.lock import locked
from hack.cluster.places import places
from hack.cluster.progress import ClusterError, say
from hack.cluster.tool import Tool

DEFAULT_NAME = "safeguard"
INTERRUPTED = 130  # what shells give for a program that was ended by Ctrl-C

Verb = Callable[[Tool, argparse.Namespace], list[str]]


def _preflight(tool: Tool, given: argparse.Namespace) -> list[str]:
    if found := tool.preflight(tests=given.tests):
        raise ClusterError("\n✗ ".join(found))
    say("✓ nothing stands in the way on this machine")
    return []


def _env(tool: Tool, given: argparse.Namespace) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in tool.environment(given.name).items()]


def _down(tool: Tool, given: argparse.Namespace) -> list[str]:
    tool.down(given.name)
    return []


def _clean(tool: Tool, _: argparse.Namespace) -> list[str]:
    tool.clean()
    return []


VERBS: dict[str, tuple[str, Verb]] = {
    "preflight": ("say what cannot work on this machine, before anything is begun", _preflight),
    "binaries": ("build the Kubernetes programs; print their folder", lambda tool, _: [str(tool.binaries())]),
    "kubectl": ("print the path of a kubectl that fits the clusters; build it if there is none", lambda tool, _: [str(tool.kubectl())]),
    "up": ("bring a cluster to Ready; print the path of its kubeconfig", lambda tool, given: [str(tool.up(given.name))]),
    "down": ("delete a cluster, or all, and with the last one stop the engine", _down),
    "clean": ("remove everything that this tool made", _clean),
    "build-image": (
        "build targets of the Dockerfile; print their names",
        lambda tool, given: tool.build_images(given.target, given.build_arg),
    ),
    "load": ("bring images into a cluster; print their references by digest", lambda tool, given: tool.load(given.name, given.image)),
    "wheels": ("download wheels into build/wheels; print the folder", lambda tool, given: [str(tool.wheels(given.requirements))]),
    "storage": ("see to the storage class for pods that are not root; print its name", lambda tool, given: [tool.storage(given.name)]),
    "env": ('print the variables for a shell: eval "$(python3 hack/cluster env)"', _env),
    "status": ("say what runs, where, and how much disk it takes", lambda tool, _: [tool.status()]),
}
UNLOCKED = {"preflight", "status", "env"}  # they only look


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(
        prog="hack/cluster", description="A real Kubernetes cluster on this machine, with or without a container registry."
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {name: verbs.add_parser(name, help=text, description=text) for name, (text, _) in VERBS.items()}
    for name in ("up", "load", "storage", "env"):
        made[name].add_argument("--name", default=DEFAULT_NAME, type=cluster_name, help="the cluster (default: %(default)s)")
    made["preflight"].add_argument("--tests", action="store_true", help="also for `make test`, which starts an API server of its own")
    made["down"].add_argument("--name", type=cluster_name, help="the cluster (default: every one that this tool made)")
    made["build-image"].add_argument("target", nargs="+", help="a target of the Dockerfile; its image is modelsafeguard/TARGET")
    made["build-image"].add_argument("--build-arg", action="append", type=build_argument, default=[], metavar="KEY=VALUE")
    made["load"].add_argument("image", nargs="+", help="a name that build-image printed")
    made["wheels"].add_argument("requirements", nargs="+", type=Path, help="a requirements file with hashes")
    return top


def cluster_name(text: str) -> str:
    """Check a cluster's name, which becomes part of host names and file names."""
    if not (text.isascii() and text.replace("-", "").isalnum() and text == text.lower() and text[0] != "-" and len(text) <= 40):  # noqa: PLR2004  leaves room for "-control-plane" in a label of 63
        raise argparse.ArgumentTypeError("a name has lower-case letters, digits and dashes, at most 40 of them")
    return text


def build_argument(text: str) -> tuple[str, str]:
    """Split KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError("a build argument is KEY=VALUE")
    return key, value


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; gives the exit status."""
    given = parser().parse_args(arguments)
    tool = Tool(places())
    verb = VERBS[given.verb][1]
    try:
        if given.verb in UNLOCKED:
            lines = verb(tool, given)
        else:
            with locked(tool.places.lock):
                lines = verb(tool, given)
    except ClusterError as error:
        say(f"✗ {error}")
        return 1
    except OSError as error:
        say(f"✗ The system refuses: {error.strerror or error} ({error.filename or 'no file named'}). Nothing that was finished is lost.")
        return 1
    except KeyboardInterrupt:
        say("✗ interrupted; the next run takes up what is left")
        return INTERRUPTED
    for line in lines:
        print(line)
    return 0
