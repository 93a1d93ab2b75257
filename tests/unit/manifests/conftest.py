import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
Documents = list[dict[str, Any]]


@pytest.fixture(scope="session")
def documents() -> Callable[[str], Documents]:
    """The YAML documents of a file, by its path in the repository."""

    @functools.cache
    def load(path: str) -> Documents:
        return [document for document in yaml.safe_load_all((ROOT / path).read_text(encoding="utf-8")) if document]

    return load


@pytest.fixture(scope="session")
def install(documents: Callable[[str], Documents]) -> Documents:
    return documents("manifests/install.yaml")
