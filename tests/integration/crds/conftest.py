from collections.abc import AsyncIterator

import pytest

from tests.support.apiserver import ApiServer
from tests.support.client import Client


@pytest.fixture
async def client(cluster: ApiServer, namespace: str) -> AsyncIterator[Client]:
    """The API server with our two kinds, in a namespace of the test's own."""
    async with Client(cluster, namespace) as client:
        yield client


@pytest.fixture
async def anywhere(cluster: ApiServer) -> AsyncIterator[Client]:
    """For what is refused anyway: a namespace that was there before, since making one takes longer than being refused."""
    async with Client(cluster, "default") as client:
        yield client
