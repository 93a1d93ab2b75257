"""Where ``hack.cluster`` keeps what it makes, in a test."""

from pathlib import Path

import pytest

from hack.cluster.places import Places


@pytest.fixture
def home(tmp_path: Path) -> Places:
    return Places(tmp_path / "cache" / "model-safeguard")
