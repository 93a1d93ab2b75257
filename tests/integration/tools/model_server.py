"""A model server that can be told to misbehave."""

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECONDS = 30.0  # for what takes milliseconds
Answer = Callable[["Handler"], None]


def answers(version: str) -> Answer:
    """As a server does that has a model."""
    return lambda handler: handler.say(200, version)


def unavailable(handler: "Handler") -> None:
    """As a server does that has none."""
    handler.say(503, "")


def resets(handler: "Handler") -> None:
    """As a process does that is killed: the connection is reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def hangs(handler: "Handler") -> None:
    """As a process does that is stopped: nothing comes."""
    handler.server.ended.wait(SECONDS)
    handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.count(self)

    def say(self, status: int, version: str) -> None:
        self.send_response(status)
        self.send_header("Model-Version", version)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def finish(self) -> None:
        if not self.connection._closed:
            super().finish()


class Server(ThreadingHTTPServer):
    """Gives its answers in turn, and counts the requests for each."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.ended, self.counted = threading.Event(), threading.Condition()
        self.answers: Sequence[Answer] = (answers("v-1"),)
        self.asked: list[Answer] = []
        self.connections: Counter[tuple[str, int]] = Counter()

    def count(self, handler: Handler) -> None:
        with self.counted:
            answer = self.answers[len(self.asked) % len(self.answers)]
            self.asked.append(answer)
            self.connections[handler.client_address] += 1
            self.counted.notify_all()
        answer(handler)

    def wait_for(self, requests: int) -> None:
        with self.counted:
            assert self.counted.wait_for(lambda: len(self.asked) >= requests, SECONDS), f"only {len(self.asked)} requests have come"
