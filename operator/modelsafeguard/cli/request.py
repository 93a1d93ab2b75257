"""``request``: ask for a retraining.

Whoever asks twice by one name gets one request: a CronJob names it after its Job, so that a second run of the same tick does nothing.
"""

import argparse
from collections.abc import Iterable
from typing import Any, Final

from modelsafeguard.api import retrainrequest
from modelsafeguard.api.names import API_VERSION, REQUEST_KIND, REQUEST_PLURAL
from modelsafeguard.cli.answer import Answer
from modelsafeguard.cli.errors import UsageError
from modelsafeguard.cli.namespace import default_namespace
from modelsafeguard.core.request import RequestSpec, Trigger
from modelsafeguard.kube.client import connect
from modelsafeguard.kube.errors import AlreadyExists
from modelsafeguard.kube.paths import collection

_PARAMETER: Final = "NAME=VALUE"


def add_to(verbs: Any) -> None:
    """Add this verb and its options to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "request",
        help="create a RetrainRequest",
        description="Create a RetrainRequest. One of the same name that is there already is success.",
    )
    parser.add_argument("--model", required=True, help="the ModelDeployment to retrain")
    parser.add_argument("--name", required=True, help="the request's name, at most 52 characters")
    parser.add_argument("--namespace", help="where the model is (default: the pod's own namespace, or the kubeconfig's)")
    parser.add_argument(
        "--trigger", choices=[str(trigger) for trigger in Trigger], default=str(Trigger.MANUAL), help="recorded, never trusted"
    )
    parser.add_argument(
        "--parameter", action="append", default=[], metavar=_PARAMETER, help="a value that the model's owner lets vary; repeatable"
    )
    parser.add_argument("--ttl-seconds", type=_seconds, help="delete the request so long after its end (default: never)")
    parser.set_defaults(run=run)


async def run(given: argparse.Namespace) -> Answer:
    """Create the request, and say in one line what is there now; raises ``UsageError``, ``KubernetesError``, ``ConfigException``."""
    body = manifest(given)
    namespace = given.namespace or default_namespace()
    api = await connect()
    try:
        await api.create(collection(REQUEST_PLURAL, namespace), body)
    except AlreadyExists:
        return Answer(f"RetrainRequest {namespace}/{given.name} is there already: nothing to do.")
    finally:
        await api.close()
    return Answer(f"RetrainRequest {namespace}/{given.name} created.")


def manifest(given: argparse.Namespace) -> dict[str, Any]:
    """The RetrainRequest that the options describe; raises ``UsageError``."""
    spec = RequestSpec(
        model=given.model,
        trigger=Trigger(given.trigger),
        parameters=parameters(given.parameter),
        ttl_seconds_after_finished=given.ttl_seconds,
    )
    return {
        "apiVersion": API_VERSION,
        "kind": REQUEST_KIND,
        "metadata": {"name": given.name},
        "spec": retrainrequest.spec_to_json(spec),
    }


def parameters(pairs: Iterable[str]) -> dict[str, str]:
    """``["dataset=full"]`` as a dictionary; a value may hold ``=``, and may be empty. Raises ``UsageError`` for what says nothing clear."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise UsageError(f"--parameter {pair!r} is not of the form {_PARAMETER}.")
        if name in found:
            raise UsageError(f"--parameter {name} is given twice.")
        found[name] = value
    return found


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of seconds")
    return int(text)
