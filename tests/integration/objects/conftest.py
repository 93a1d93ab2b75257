from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import yaml

from modelsafeguard.api import modeldeployment, retrainrequest
from modelsafeguard.core.model import Model
from modelsafeguard.core.request import Request
from tests.support.apiserver import ApiServer
from tests.support.binaries import ROOT

GOLDEN: Path = ROOT / "tests" / "unit" / "objects" / "golden"


def golden(name: str) -> dict:
    return yaml.safe_load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def api(apiserver: ApiServer) -> Iterator[httpx.Client]:
    with apiserver.client() as client:
        yield client


@pytest.fixture
def smallest(namespace: str) -> Model:
    model = modeldeployment.from_body(golden("model-smallest"))
    return replace(model, meta=replace(model.meta, namespace=namespace))


@pytest.fixture
def full(namespace: str) -> Model:
    model = modeldeployment.from_body(golden("model-full"))
    return replace(model, meta=replace(model.meta, namespace=namespace))


@pytest.fixture
def request_() -> Request:
    return retrainrequest.from_body(golden("request"))
