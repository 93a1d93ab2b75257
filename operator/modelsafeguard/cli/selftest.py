"""``selftest``: feed an installation candidates that are known to be bad, and require that each is refused.

In a namespace of its own, which goes afterwards: a real model server, real trainings, real verdicts.
"""

import argparse
import asyncio
import secrets
import sys
from dataclasses import dataclass
from typing import Any, Final

from modelsafeguard.api import retrainrequest
from modelsafeguard.api.names import MODEL_PLURAL, REQUEST_PLURAL
from modelsafeguard.cli.answer import DONE, FAILED, Answer
from modelsafeguard.core.numbers import label
from modelsafeguard.core.request import RequestStatus, Stage
from modelsafeguard.core.verdict import Verdict
from modelsafeguard.kube.client import Api, connect
from modelsafeguard.kube.paths import NAMESPACES, collection, item
from modelsafeguard.objects import selftest

_POLL_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 900  # for one request: images are pulled in it


@dataclass(frozen=True)
class Case:
    """A candidate, what it is, and the verdicts that are right."""

    candidate: str
    what: str
    right: frozenset[Verdict]


_GOOD, _BAD = frozenset({Verdict.PROMOTED}), frozenset({Verdict.REJECTED, Verdict.INCONCLUSIVE, Verdict.FAILED})

# In this order: the second is live while the others are judged.
CASES: Final = (
    Case("first", "a first model, with nothing to compare it with", _GOOD),
    Case("better", "a better model, trained on four times the data", _GOOD),
    Case("shuffled", "shuffled labels", _BAD),
    Case("constant", "one answer to everything", _BAD),
    Case("nan", "an accuracy that is not a number", _BAD),
    Case("swapped", "two classes swapped", _BAD),
    Case("lost-class", "a class that is gone", _BAD),
    Case("leaked", "a holdout that was trained on", _BAD),
)


def add_to(verbs: Any) -> None:
    """Add this verb and its options to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "selftest",
        help="feed the installation known-bad candidates, and require that each is refused",
        description="Feed the installation known-bad candidates, in a namespace of their own, and require that each is refused.",
    )
    parser.add_argument("--trainer", required=True, help="the reference trainer's image, by digest where there is one")
    parser.add_argument("--storage-class", help="of the claim that is made for it (default: the cluster's default class)")
    parser.add_argument("--keep", action="store_true", help="leave the namespace for a look")
    parser.set_defaults(run=run)


async def run(given: argparse.Namespace) -> Answer:
    """Set up, ask for every candidate, and tear down; raises ``KubernetesError``, ``ConfigException``."""
    namespace = f"modelsafeguard-selftest-{secrets.token_hex(4)}"
    _say(f"🧪 Testing Model Safeguard in namespace {namespace}", "=" * 64)
    api = await connect()
    try:
        made = await api.create(NAMESPACES, selftest.namespace(namespace))
        try:
            await _set_up(api, namespace, given)
            right = [await _case(api, namespace, number, case) for number, case in enumerate(CASES, start=1)]
        finally:
            if not given.keep:
                await api.delete(f"{NAMESPACES}/{namespace}", {"uid": made["metadata"]["uid"]})
    finally:
        await api.close()
    good = sum(right)
    if good == len(CASES):
        return Answer(f"\n🎯 All {good} verdicts are right. Model Safeguard is working correctly.", DONE)
    return Answer(
        f"\n❌ {len(CASES) - good} of {len(CASES)} verdicts are wrong: do not trust this installation before that is understood.", FAILED
    )


async def _set_up(api: Api, namespace: str, given: argparse.Namespace) -> None:
    await api.create(collection("persistentvolumeclaims", namespace), selftest.claim(given.storage_class))
    await api.create(collection("deployments", namespace), selftest.deployment(given.trainer))
    await api.create(collection(MODEL_PLURAL, namespace), selftest.model(given.trainer))


async def _case(api: Api, namespace: str, number: int, case: Case) -> bool:
    _say("", f"{number}️⃣ {case.what[0].upper()}{case.what[1:]}...")
    await api.create(collection(REQUEST_PLURAL, namespace), selftest.request(case.candidate))
    status = await _ended(api, item(REQUEST_PLURAL, namespace, case.candidate))
    right = status.verdict in case.right
    _say(f"{'✅' if right else '❌'} {status.verdict or f'no verdict, in stage {status.stage}'}")
    for name, delta in status.deltas.items():
        _say(f"   {label(name)} change: {delta}")
    _say(f"   Reason: {status.message or status.waiting}")
    return right


async def _ended(api: Api, path: str) -> RequestStatus:
    """The request's status once it has its verdict, or waits for a person, which is none of the verdicts that are right."""
    status = RequestStatus()
    for _ in range(int(_PATIENCE_SECONDS / _POLL_SECONDS)):
        body = await api.get(path)
        if body is None:
            break
        status = retrainrequest.from_body(body).status
        if status.verdict or status.stage is Stage.AWAITING_APPROVAL:
            break
        await asyncio.sleep(_POLL_SECONDS)
    return status


def _say(*lines: str) -> None:
    """At once: a training takes a while."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
