import threading
from collections.abc import Iterator

import pytest

from tests.unit.demo.local_kube import LocalKube
from tests.unit.demo.model_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.ended.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def kube() -> LocalKube:
    return LocalKube()
