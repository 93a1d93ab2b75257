from decimal import Decimal

import pytest

from modelsafeguard.core.model import ModelSpec, Serving, Storage, Trainer
from modelsafeguard.core.policy import MetricRule, Policy
from tests.unit.core.lifecycle.operators import Story


@pytest.fixture(scope="session")
def spec() -> ModelSpec:
    return ModelSpec(
        serving=Serving("intents", "server", "model", progress_deadline_seconds=300, bake_seconds=60),
        storage=Storage("models", "intents"),
        trainer=Trainer("trainer", active_deadline_seconds=3600),
        policy=Policy((MetricRule("accuracy", Decimal("0.01")), MetricRule("f1_macro", Decimal("0.01")))),
    )


@pytest.fixture
def world(spec) -> Story:
    return Story(spec)
