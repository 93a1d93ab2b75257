"""What tools that wait for a ModelDeployment make of each of its states: kstatus itself reads what the operator writes."""

import ast
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from modelsafeguard.api import modeldeployment
from modelsafeguard.api.names import API_VERSION, MODEL_KIND
from modelsafeguard.core.lifecycle.pinning import VERIFY_SECONDS
from modelsafeguard.core.model import ModelSpec, Serving, ServingState, Storage, Trainer
from modelsafeguard.core.policy import MetricRule, Policy, Promotion, Rules
from tests.support.binaries import ROOT
from tests.support.client import Json
from tests.support.kstatus import kstatus
from tests.unit.core.lifecycle.operators import Story

SPEC: Final = ModelSpec(
    serving=Serving("intents", "server", "model", progress_deadline_seconds=300, bake_seconds=60),
    storage=Storage("models", "intents"),
    trainer=Trainer("trainer", active_deadline_seconds=3600),
    policy=Policy((MetricRule("accuracy", Decimal("0.01")), MetricRule("f1_macro", Decimal("0.01")))),
)
LIFECYCLE: Final = ROOT / "operator" / "modelsafeguard" / "core" / "lifecycle"


def body(world: Story) -> Json:
    """The ModelDeployment, as the API server has it."""
    model = world.model
    assert model
    metadata = {"name": model.meta.name, "namespace": model.meta.namespace, "generation": model.meta.generation}
    return {"apiVersion": API_VERSION, "kind": MODEL_KIND, "metadata": metadata, "status": modeldeployment.status_to_json(model.status)}


def unseen(world: Story) -> None:
    world.attended = False
    world.suspend()


def undoing(world: Story) -> None:
    world.train("next")
    world.cancel("next")


def baking(world: Story) -> None:
    world.train("next")
    world.pods_become_ready()


def made_anew(world: Story) -> None:
    world.delete_model()
    world.make_model(SPEC)


def pinned_back(world: Story) -> None:
    world.promote("next")
    world.pin(world.version("live"))


def pin_failed(world: Story) -> None:
    pinned_back(world)
    world.clock_passes(VERIFY_SECONDS)


def pinned_before_its_approval(world: Story) -> None:
    world.ask("next", policy=Rules(promotion=Promotion.MANUAL))
    world.trained("next")
    world.pin(world.version("next"))


def pinned_while_paused(world: Story) -> None:
    world.promote("next")
    world.edit_deployment(paused=True)
    world.pin(world.version("live"))


def pinned_while_scaled_to_0(world: Story) -> None:
    world.promote("next")
    world.edit_deployment(replicas=0)
    world.pin(world.version("live"))


# What happens to a model that serves; what kstatus says then; and the reason of the condition Ready.
STATES: Final = [
    pytest.param(lambda _: None, "Current", "Serving", id="nothing"),
    pytest.param(lambda world: world.ask("next"), "Current", "Serving", id="a request trains"),
    pytest.param(lambda world: world.suspend(), "Current", "Serving", id="it is suspended"),
    pytest.param(unseen, "InProgress", "Serving", id="it is edited, and nobody has looked yet"),
    pytest.param(lambda world: world.train("next"), "InProgress", "Serving", id="a version is rolled out"),
    pytest.param(baking, "InProgress", "Serving", id="a version must hold"),
    pytest.param(undoing, "InProgress", "Serving", id="a rollout is undone"),
    pytest.param(lambda world: world.delete_claim(), "InProgress", "ClaimNotFound", id="the claim is deleted"),
    pytest.param(lambda world: world.set_claim("Lost"), "Failed", "ClaimLost", id="the claim is lost"),
    pytest.param(lambda world: world.set_claim("Bound", "ReadWriteOncePod"), "Failed", "ClaimUnsuitable", id="the claim is for one pod"),
    pytest.param(lambda world: world.set_claim("Bound", "ReadOnlyMany"), "Failed", "ClaimUnsuitable", id="the claim can only be read"),
    pytest.param(lambda world: world.delete_deployment(), "InProgress", "DeploymentNotFound", id="the Deployment is deleted"),
    pytest.param(lambda world: world.edit_deployment(problem="x"), "Failed", "DeploymentUnsuitable", id="the container is gone"),
    pytest.param(lambda world: world.edit_deployment(other_managers=("x",)), "Failed", "FieldConflict", id="a manifest sets our fields"),
    pytest.param(lambda world: world.serve_by_hand(ServingState("x")), "Failed", "ServingDrifted", id="somebody serves another version"),
    pytest.param(lambda world: world.annotate_model(accuracy="NaN"), "Failed", "BaselineInvalid", id="its numbers are none any more"),
    pytest.param(lambda world: world.annotate_model(accuracy="0.1"), "Failed", "BaselineChanged", id="its numbers are edited"),
    pytest.param(made_anew, "Failed", "BaselineMissing", id="it is made anew"),
    pytest.param(lambda world: world.conflict_with("older"), "Failed", "Conflict", id="an older model is in its place"),
    pytest.param(
        lambda world: world.edit_model(replace(SPEC, trainer=Trainer("x", env=({"name": "SAFEGUARD_MODEL"},)))),
        "Failed",
        "InvalidSpec",
        id="its trainer asks for what is ours",
    ),
    pytest.param(pinned_back, "InProgress", "Serving", id="a version before is pinned, and verified"),
    pytest.param(pin_failed, "Failed", "PinFailed", id="the pinned version does not verify"),
    pytest.param(pinned_before_its_approval, "Failed", "PinNotApproved", id="a version that nobody has approved is pinned"),
    pytest.param(lambda world: world.pin("gone"), "Failed", "PinUnknown", id="the pinned version is not on the volume"),
    pytest.param(pinned_while_paused, "InProgress", "DeploymentPaused", id="a version is pinned, and the Deployment is paused"),
    pytest.param(
        pinned_while_scaled_to_0, "InProgress", "DeploymentScaledToZero", id="a version is pinned, and the Deployment is scaled to 0"
    ),
]


@pytest.mark.parametrize(("happens", "expected", "reason"), STATES)
def test_kstatus_reads_a_serving_model_rightly_whatever_happens_to_it(
    happens: Callable[[Story], object], expected: str, reason: str
) -> None:
    world = Story(SPEC)
    world.promote("live")
    happens(world)
    status = world.condition("Ready")

    assert status == ("True" if reason == "Serving" else "False", reason)
    assert kstatus(body(world)) == [expected]


def test_kstatus_reads_a_model_without_any_version_as_current() -> None:
    world = Story(SPEC)
    assert world.condition("Ready") == ("True", "NoModelYet")
    assert kstatus(body(world)) == ["Current"]


def test_no_problem_of_a_model_is_missing_here() -> None:
    """By their source: each is a ``Problem("Reason", …)``."""
    trees = [ast.parse((LIFECYCLE / f"{module}.py").read_text()) for module in ("readiness", "pinning")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem"]
    named = {node.args[0].value for node in calls if isinstance(node.args[0], ast.Constant)}
    assert named == {state.values[2] for state in STATES} - {"Serving"}
