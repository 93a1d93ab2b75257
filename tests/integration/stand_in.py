"""A very small operator that the harness is proved with: for each ConfigMap labelled ``ask`` it makes one Job, then labels it ``done``.

With STAND_IN=careless it does what must not be done: it lets the API server choose the Job's name.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx

NAMESPACE = os.environ["SAFEGUARD_NAMESPACE"]
SERVER = json.loads(Path(os.environ["KUBECONFIG"]).read_text())["clusters"][0]["cluster"]["server"]
CARELESS = os.environ.get("STAND_IN") == "careless"
SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD = {
    "restartPolicy": "Never",
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [{"name": "measure", "image": "modelsafeguard/test", "securityContext": SECURITY}],
}


def job(request: str) -> dict[str, Any]:
    labels = {"modelsafeguard.io/request": request, "modelsafeguard.io/role": "train"}
    name = {"generateName": f"{request}-"} if CARELESS else {"name": request}
    return {"metadata": {**name, "labels": labels}, "spec": {"backoffLimit": 0, "template": {"spec": POD}}}


async def reconcile(http: httpx.AsyncClient) -> None:
    asked = await http.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps", params={"labelSelector": "ask=yes"})
    for item in asked.raise_for_status().json()["items"]:
        name = item["metadata"]["name"]
        made = await http.post(f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs", json=job(name))
        if made.status_code != httpx.codes.CONFLICT:
            made.raise_for_status()
        patch = {"metadata": {"labels": {"ask": "done"}}}
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}"
        done = await http.patch(path, content=json.dumps(patch), headers={"Content-Type": "application/merge-patch+json"})
        done.raise_for_status()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def main() -> None:
    probes = await asyncio.start_server(answer, "127.0.0.1", int(os.environ["SAFEGUARD_PROBE_PORT"]))
    async with probes, httpx.AsyncClient(base_url=SERVER) as http:
        while True:
            await reconcile(http)
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main())
