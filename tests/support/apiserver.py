"""A real etcd and kube-apiserver without nodes: what the integration tests run against.

Measured on two cores: ready in about three seconds. ``kube-controller-manager`` runs with the garbage collector and the
namespace controller only (``start_collectors``); the tests themselves play the Job controller, the Deployment controller and
the kubelet, by writing their statuses.
"""

import asyncio
import base64
import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support import binaries
from tests.support.certificates import Authority, Pair, signing_key
from tests.support.processes import Program, free_port

ADDRESS = "127.0.0.1"
READY_SECONDS = 60.0
_GRACE_SECONDS = 3.0
# The API server spends a third of its processor time on collecting garbage (measured with its own profiler): memory is cheaper here.
_LESS_COLLECTING = {"GOGC": "400"}
_AUDIT_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}


@dataclass(frozen=True)
class Audited:
    """One call as the API server saw it."""

    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int


class Kubectl:
    """The built kubectl, as the administrator of one API server."""

    def __init__(self, kubeconfig: Path) -> None:
        self._program = binaries.program("kubectl")
        self._environment = {"KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)}

    def __call__(self, *args: str, stdin: str | None = None) -> str:
        """Run it and return its standard output. AssertionError with its error text when it fails."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr.strip()}"
        return done.stdout

    def refused(self, *args: str, stdin: str | None = None) -> str:
        """Run what must fail, and return its error text."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode != 0, f"kubectl {' '.join(args)} was expected to be refused, and said: {done.stdout.strip()}"
        return done.stderr

    def run(self, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run it, however it ends."""
        return subprocess.run(
            [self._program, *args], input=stdin, env=self._environment, capture_output=True, text=True, check=False, timeout=60
        )


class ApiServer:
    """etcd and kube-apiserver with their data, keys and logs in one folder. ``url``, ``ssl`` and ``kubeconfig`` are the administrator's.

    ``audited`` keeps a record of every call, for ``audit``; it takes the server time, and a kilobyte a call.
    """

    def __init__(self, folder: Path, *, audited: bool = True) -> None:
        self._folder = folder
        self._audited = audited
        self._etcd_data = folder / "etcd"
        self._audit_log = folder / "audit.log"
        self._authority = Authority(folder)
        self._serving = self._authority.server("apiserver", ADDRESS)
        self.administrator = self._authority.client("administrator", "system:masters")
        self._etcd_url, port = f"http://{ADDRESS}:{free_port()}", free_port()
        self.url = f"https://{ADDRESS}:{port}"
        self.ssl = self._ssl_context(self.administrator)
        self.anonymous_ssl = self._ssl_context(None)
        self.kubeconfig = self._write_kubeconfig()
        self._etcd = self._program("etcd", self._etcd_flags(self._etcd_url))
        self._server = self._program("kube-apiserver", self._server_flags(self._etcd_url, port))
        self._collectors = self._program("kube-controller-manager", self._collector_flags())

    def start(self) -> None:
        """Start both and return when the API server says that it is ready.

        Raises:
            RuntimeError: one of them ended, or was not ready in time; with the end of its log.
        """
        self._etcd.start()
        self._server.start()
        self._wait_until_ready()

    async def start_again(self) -> None:
        """Start the API server after ``kill``, at the same address. Raises as ``start``."""
        self._server.start()
        await asyncio.to_thread(self._wait_until_ready)

    async def restart(self) -> None:
        """Stop the API server in an orderly way (watches end), and start it again. Raises as ``start``.

        It would wait for ever for a watch that began in the moment of the signal (seen with 1.36.3): hence the grace.
        """
        await asyncio.to_thread(self._server.stop, _GRACE_SECONDS)
        await self.start_again()

    async def forget(self) -> None:
        """Only the present state is known any more, as it is of all that is older than five minutes: lists begun before have expired.

        etcd is compacted; the API server keeps states of its own, until it is restarted.
        """
        async with httpx.AsyncClient(base_url=self._etcd_url) as etcd:
            now = (await etcd.post("/v3/kv/range", json={"key": "AA=="})).raise_for_status().json()["header"]["revision"]
            (await etcd.post("/v3/kv/compaction", json={"revision": now, "physical": True})).raise_for_status()
        await self.restart()

    def start_collectors(self) -> None:
        """Start the real garbage collector and namespace controller. CRDs should be there first: it looks for new ones every 30 s."""
        if not self._collectors.running:
            self._collectors.start()

    def kill(self) -> None:
        """SIGKILL the API server. etcd keeps what was written."""
        self._server.kill()

    def stop(self) -> None:
        """End everything. The logs stay, etcd's data go."""
        for program in (self._collectors, self._server, self._etcd):
            program.kill()
        shutil.rmtree(self._etcd_data, ignore_errors=True)

    def client(self) -> httpx.Client:
        """A plain HTTP client with the administrator's certificate."""
        return httpx.Client(base_url=self.url, verify=self.ssl, timeout=10)

    def audit(self) -> Iterator[Audited]:
        """Every call that was answered since the start, oldest first."""
        for line in self._audit_log.read_text().splitlines():
            entry = json.loads(line)
            if entry["stage"] == "ResponseComplete":
                yield _audited(entry)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        with self.client() as http:
            while not _is_ready(http):
                for program in (self._etcd, self._server):
                    if not program.running:
                        raise RuntimeError(f"{program.log.stem} ended with status {program.returncode}; its log says:\n{program.tail()}")
                if time.monotonic() > deadline:
                    raise RuntimeError(f"kube-apiserver was not ready within {READY_SECONDS:.0f} s; its log says:\n{self._server.tail()}")
                time.sleep(0.05)

    def _program(self, name: str, flags: dict[str, str]) -> Program:
        argv: list[str | Path] = [binaries.program(name), *(f"--{flag}={value}" for flag, value in flags.items())]
        return Program(argv, self._folder / f"{name}.log", env=_LESS_COLLECTING)

    def _etcd_flags(self, url: str) -> dict[str, str]:
        return {
            "data-dir": str(self._etcd_data),
            "listen-client-urls": url,
            "advertise-client-urls": url,
            "listen-peer-urls": f"http://{ADDRESS}:0",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }

    def _server_flags(self, etcd_url: str, port: int) -> dict[str, str]:
        account_key = str(signing_key(self._folder, "service-accounts"))
        return {
            "etcd-servers": etcd_url,
            "bind-address": ADDRESS,
            "secure-port": str(port),
            "endpoint-reconciler-type": "none",  # it would refuse to advertise a loopback address
            "tls-cert-file": str(self._serving.certificate),
            "tls-private-key-file": str(self._serving.key),
            "client-ca-file": str(self._authority.certificate),
            "authorization-mode": "Node,RBAC",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": account_key,
            "service-account-signing-key-file": account_key,
            "service-cluster-ip-range": "10.96.0.0/16",
            **(self._audit_flags() if self._audited else {}),
        }

    def _audit_flags(self) -> dict[str, str]:
        policy = self._folder / "audit-policy.json"
        policy.write_text(json.dumps(_AUDIT_POLICY))
        return {"audit-policy-file": str(policy), "audit-log-path": str(self._audit_log)}

    def _collector_flags(self) -> dict[str, str]:
        return {
            "kubeconfig": str(self.kubeconfig),
            "controllers": "garbage-collector-controller,namespace-controller",
            "leader-elect": "false",
            "bind-address": ADDRESS,
            "secure-port": "0",
        }

    def _ssl_context(self, client: Pair | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._authority.certificate))
        if client:
            context.load_cert_chain(client.certificate, client.key)
        return context

    def _write_kubeconfig(self) -> Path:
        def encoded(path: Path) -> str:
            return base64.b64encode(path.read_bytes()).decode()

        user = {
            "client-certificate-data": encoded(self.administrator.certificate),
            "client-key-data": encoded(self.administrator.key),
        }
        cluster = {"server": self.url, "certificate-authority-data": encoded(self._authority.certificate)}
        return write_kubeconfig(self._folder / "kubeconfig.json", cluster, user)


def write_kubeconfig(path: Path, cluster: dict[str, str], user: dict[str, str], namespace: str = "default") -> Path:
    """A kubeconfig with one context, as JSON, which is YAML too."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config))
    return path


def _is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _audited(entry: dict[str, Any]) -> Audited:
    target = entry.get("objectRef", {})
    return Audited(
        user=entry["user"]["username"],
        verb=entry["verb"],
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=entry["responseStatus"]["code"],
    )


@contextmanager
def admission(kubectl: Kubectl, *names: str) -> Iterator[None]:
    """These files of manifests/admission in force; taken back afterwards, because other tests share the API server."""
    files = [argument for name in names for argument in ("-f", str(binaries.ROOT / "manifests" / "admission" / f"{name}.yaml"))]
    try:
        kubectl("apply", "--server-side", *files)
        yield
    finally:
        kubectl("delete", "--ignore-not-found", *files)
