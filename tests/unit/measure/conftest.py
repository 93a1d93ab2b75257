import os

import pytest

from tests.support import storage

world = storage.storage


@pytest.fixture(autouse=True)
def nobody_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fsync is for, a power cut, is not played here, and on a busy machine it takes most of the time. It still wants an open file."""
    monkeypatch.setattr(os, "fsync", os.fstat)
