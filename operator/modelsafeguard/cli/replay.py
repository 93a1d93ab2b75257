"""``replay``: what another policy would have decided on every past candidate of a model, before it is turned on."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelsafeguard.api.names import MODEL_KIND
from modelsafeguard.api.scalars import time_text
from modelsafeguard.cli.answer import Answer, table
from modelsafeguard.cli.models import read_model
from modelsafeguard.cli.namespace import default_namespace
from modelsafeguard.cli.policy_file import read_policy
from modelsafeguard.core.replay import Replayed, replay
from modelsafeguard.kube.client import connect


def add_to(verbs: Any) -> None:
    """Add this verb and its options to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "replay",
        help="judge a model's past candidates by another policy",
        description="Judge every past candidate of a model once more, by another policy. Nothing is changed.",
    )
    parser.add_argument("model", help="the ModelDeployment")
    parser.add_argument("--policy", type=Path, required=True, help="the other policy, or a ModelDeployment that has it, as YAML")
    parser.add_argument("--namespace", help="where the model is (default: the pod's own namespace, or the kubeconfig's)")
    parser.set_defaults(run=run)


async def run(given: argparse.Namespace) -> Answer:
    """Read the model's record and judge it again; raises ``UsageError``, ``KubernetesError``, ``ConfigException``."""
    policy, namespace = read_policy(given.policy), given.namespace or default_namespace()
    api = await connect()
    try:
        records = (await read_model(api, namespace, given.model)).status.versions
    finally:
        await api.close()
    return (
        Answer(told(list(replay(records, policy)))) if records else Answer(f"{MODEL_KIND} {namespace}/{given.model} has no past candidate.")
    )


def told(candidates: Sequence[Replayed]) -> str:
    """A row for each candidate, and below them what the rows come to."""
    rows = [
        (
            "*" if each.differs else "",
            each.record.version,
            time_text(each.record.finished_at),
            each.record.verdict,
            each.verdict or "unknown",
            each.message,
        )
        for each in candidates
    ]
    known = [each for each in candidates if each.verdict]
    differing = sum(each.differs for each in known)
    return "\n".join(
        [
            table([("", "VERSION", "FINISHED", "VERDICT", "BY THIS POLICY", "WHY"), *rows]),
            "",
            f"Of {len(known)} candidates this policy would have decided otherwise on {differing} (*).",
            "Each is compared with the model that was live then: under another policy it might have been another one.",
        ]
    )
