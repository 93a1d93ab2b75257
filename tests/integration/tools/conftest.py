import threading
from collections.abc import Iterator

import pytest

from tests.integration.tools.model_server import Server
from tests.support import home as places
from tests.support import local_kube

home, kube = places.home, local_kube.kube


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.ended.set()
        running.shutdown()
        thread.join()
