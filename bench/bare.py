"""The yardstick: ``python -m bench.bare``, a kopf handler that does nothing but create a Job for each new RetrainRequest.

Kopf's settings are its defaults, the client is ours, and the Job is the smallest that the API server takes.
"""

import argparse
import os
from typing import Any

import kopf

from modelsafeguard.api.names import API_VERSION, LABEL_REQUEST, REQUEST_PLURAL
from modelsafeguard.kube.client import Api, connect
from modelsafeguard.kube.paths import collection


@kopf.on.startup()
async def begin(memo: kopf.Memo, **_: Any) -> None:
    """One client for all handlers."""
    memo.api = await connect()


@kopf.on.cleanup()
async def end(memo: kopf.Memo, **_: Any) -> None:
    """Close it."""
    await memo.api.close()


@kopf.on.create(API_VERSION, REQUEST_PLURAL)
async def create(name: str, namespace: str | None, memo: kopf.Memo, **_: Any) -> None:
    """The Job of a request."""
    api: Api = memo.api
    await api.create(collection("jobs", namespace or ""), _job(name))


def _job(request: str) -> dict[str, Any]:
    container = {"name": "train", "image": "modelsafeguard/trainer"}
    pod = {"restartPolicy": "Never", "containers": [container]}
    metadata = {"name": request, "labels": {LABEL_REQUEST: request}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}


def main() -> None:
    """Run it in the namespace (or all of them) and with the probe port that the operator would be given."""
    parser = argparse.ArgumentParser(prog="bench.bare")
    parser.add_argument("--log-level", default="info", choices=["info"])
    parser.parse_args()
    kopf.configure()
    endpoint = f"http://127.0.0.1:{os.environ['SAFEGUARD_PROBE_PORT']}/readyz"
    namespaces = list(filter(None, [os.environ["SAFEGUARD_NAMESPACE"]]))
    kopf.run(standalone=True, clusterwide=not namespaces, namespaces=namespaces, liveness_endpoint=endpoint)


if __name__ == "__main__":
    main()
