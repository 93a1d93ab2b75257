import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import binaries
from tests.support.apiserver import ApiServer, Kubectl
from tests.support.faults import Proxy
from tests.support.operator_process import Operator, Settings
from tests.support.world import World

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"}


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A real etcd and kube-apiserver; their logs stay in pytest's temporary folder."""
    try:
        server = ApiServer(tmp_path_factory.mktemp("apiserver"))
    except binaries.NoBinaries as error:
        pytest.fail(str(error), pytrace=False)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def kubectl(apiserver: ApiServer) -> Kubectl:
    return Kubectl(apiserver.kubeconfig)


@pytest.fixture(scope="session")
def cluster(apiserver: ApiServer, kubectl: Kubectl) -> ApiServer:
    """The API server with our two kinds, and the real garbage collector that knows them."""
    kubectl("apply", "--server-side", "-f", str(binaries.ROOT / "crds"))
    kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    apiserver.start_collectors()
    return apiserver


@pytest.fixture
def new_namespace(apiserver: ApiServer) -> Iterator[Callable[[], str]]:
    """Makes namespaces, each under the restricted Pod Security Standard and with its default ServiceAccount."""
    names = []
    with apiserver.client() as http:

        def make() -> str:
            name = f"test-{uuid.uuid4().hex[:10]}"
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
            http.post("/api/v1/namespaces", json=body).raise_for_status()
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            http.post(f"/api/v1/namespaces/{name}/serviceaccounts", json=account).raise_for_status()
            names.append(name)
            return name

        yield make
        for name in names:
            gone = http.delete(f"/api/v1/namespaces/{name}")
            assert gone.is_success or gone.status_code == httpx.codes.NOT_FOUND, gone.text


@pytest.fixture
def namespace(new_namespace: Callable[[], str]) -> str:
    """A namespace of the test's own."""
    return new_namespace()


@pytest.fixture
async def world(cluster: ApiServer, namespace: str) -> AsyncIterator[World]:
    """A namespace with our kinds, to tell a story in."""
    async with World(cluster, namespace) as world:
        yield world


@pytest.fixture
async def proxy(apiserver: ApiServer) -> AsyncIterator[Proxy]:
    """Between the operator and the API server: for faults, and for the journal of calls."""
    async with Proxy(apiserver) as proxy:
        yield proxy


@pytest.fixture
async def operator(world: World, proxy: Proxy, tmp_path: Path) -> AsyncIterator[Operator]:
    """The operator, ready, for the world's namespace alone; it must end in good order and with a clean log."""
    operator = Operator(Settings(proxy.kubeconfig(tmp_path / "kubeconfig"), world.namespace), tmp_path / "operator.log")
    await operator.start()
    try:
        yield operator
        if operator.running:
            await operator.stop()
    finally:
        operator.kill()
    operator.assert_log_is_clean()
