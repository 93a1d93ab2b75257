"""A unit test is pure: it may write to a folder of its own, and starts nothing."""

import atexit
import gc
import subprocess
from collections.abc import Iterator
from typing import NoReturn

import pytest

# Nearly everything stays until the end: to look through all of it for garbage, again and again and at the end, takes a tenth of the time.
gc.set_threshold(100_000)
atexit.register(gc.freeze)


@pytest.fixture(scope="session", autouse=True)
def nothing_is_started() -> Iterator[None]:
    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("A unit test starts no program: a test that has to belongs to tests/integration.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", refuse)
        yield
