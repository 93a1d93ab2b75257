"""A client that keeps asking: ``python client.py HOST PORT MODEL [TIMEOUT]``, inside the cluster. Standard library only, in one file.

It writes ``{"began": true}`` after its first answer, asks until its standard input ends, and then writes one line of JSON about all of
it. Nothing is ever asked a second time: an answer that does not come, or is not 200, is a failed request.
"""

import json
import sys
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException

# Two that open a connection for each request, so that every request finds a pod anew, and one that keeps its connection.
CLIENTS = (False, False, True)
PAUSE = 0.02  # seconds between two requests of one client
TIMEOUT = 10.0  # seconds without a sign of an answer
KEPT_FAILURES = 5


class Tally:
    """What all clients together have seen."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.began = threading.Event()
        self.versions: Counter[str] = Counter()
        self.failures: list[str] = []
        self.failed = 0
        self.slowest = 0.0

    def add(self, version: str, failure: str, seconds: float) -> None:
        """Count one request."""
        with self.lock:
            self.slowest = max(self.slowest, seconds)
            if failure:
                self.failed += 1
                self.failures = [*self.failures, failure][:KEPT_FAILURES]
            else:
                self.versions[version] += 1
        self.began.set()


def ask(connection: HTTPConnection, model: str) -> tuple[str, str]:
    """Ask once; the version that answered and '', or '' and what went wrong."""
    question = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["where is my parcel"]}]}
    try:
        connection.request("POST", f"/v2/models/{model}/infer", json.dumps(question), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        connection.close()
        return "", f"{type(error).__name__}: {error}"
    return (answer.headers.get("Model-Version", ""), "") if answer.status == 200 else ("", f"{answer.status}: {content[:200]}")  # noqa: PLR2004 - HTTP's own number


def client(connection: HTTPConnection, model: str, tally: Tally, stop: threading.Event, *, keep: bool) -> None:
    """Ask until told to stop."""
    while not stop.wait(PAUSE):
        began = time.monotonic()
        version, failure = ask(connection, model)
        tally.add(version, failure, time.monotonic() - began)
        if not keep:
            connection.close()


def main(host: str, port: int, model: str, timeout: float = TIMEOUT) -> None:
    """Run all clients until standard input ends."""
    tally, stop = Tally(), threading.Event()
    threads = [
        threading.Thread(target=client, args=(HTTPConnection(host, port, timeout=timeout), model, tally, stop), kwargs={"keep": keep})
        for keep in CLIENTS
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    tally.began.wait()
    print(json.dumps({"began": True}), flush=True)
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    report = {
        "requests": tally.failed + tally.versions.total(),
        "failed": tally.failed,
        "failures": tally.failures,
        "versions": dict(tally.versions),
        "slowest": round(tally.slowest, 3),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], *map(float, sys.argv[4:]))
