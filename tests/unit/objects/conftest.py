from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelsafeguard.api import modeldeployment, retrainrequest
from modelsafeguard.core.model import Model
from modelsafeguard.core.request import Request

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Any]:
    """What a file in golden/ says."""
    return lambda name: yaml.safe_load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def smallest(golden: Callable[[str], Any]) -> Model:
    return modeldeployment.from_body(golden("model-smallest"))


@pytest.fixture(scope="session")
def full(golden: Callable[[str], Any]) -> Model:
    return modeldeployment.from_body(golden("model-full"))


@pytest.fixture(scope="session")
def request_(golden: Callable[[str], Any]) -> Request:
    return retrainrequest.from_body(golden("request"))
