"""The operator's own ServiceAccount in a namespace, with the role of manifests/base or with less."""

from typing import Any, Final

import yaml

from tests.support.binaries import ROOT
from tests.support.world import World

ACCOUNT: Final = "modelsafeguard-operator"
_BASE: Final = ROOT / "manifests" / "base"


def rules() -> list[dict[str, Any]]:
    """The rules of the role."""
    found: list[dict[str, Any]] = _manifest("role")["rules"]
    return found


async def token(world: World) -> str:
    """Make the account, the role and the binding in the world's namespace; returns a bearer token of the account."""
    binding = _manifest("rolebinding")
    binding["subjects"][0]["namespace"] = world.namespace
    for body in (_manifest("serviceaccount"), _manifest("role"), binding):
        await world.create(body)
    return await world.token(ACCOUNT)


async def forbid(world: World, resource: str, *verbs: str) -> None:
    """Take verbs on one resource from the role."""
    left = rules()
    for rule in left:
        if resource in rule["resources"]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb not in verbs]
    await world.patch("Role", ACCOUNT, {"rules": left})


async def allow(world: World) -> None:
    """Give it back all that it had."""
    await world.patch("Role", ACCOUNT, {"rules": rules()})


def _manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((_BASE / f"{name}.yaml").read_text())
    return found
