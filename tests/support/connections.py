"""Connections that are gone when their session is."""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Final

import aiohttp
from aiohttp.connector import AddrInfoType

_CLOSE_SECONDS: Final = 10.0


class Connector(aiohttp.TCPConnector):
    """aiohttp's, but when it is closed so is every socket that it ever opened.

    The connection of a call that was broken off is closed in the polite way of TLS, and forgotten. The other side's goodbye may
    come later than a test's event loop lives, and what is then left is a warning in whichever test comes next.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(socket_factory=self._open, **options)
        self._sockets: list[socket.socket] = []

    async def close(self, *, abort_ssl: bool = True) -> None:
        await super().close(abort_ssl=abort_ssl)
        for left in self._left():
            with suppress(OSError):  # closed by the other side meanwhile
                left.shutdown(socket.SHUT_RDWR)
        async with asyncio.timeout(_CLOSE_SECONDS):
            while self._left():  # noqa: ASYNC110 -- the loop closes them at its turns, and tells nobody
                await asyncio.sleep(0)

    def _open(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        self._sockets = [*self._left(), socket.socket(family, kind, protocol)]
        return self._sockets[-1]

    def _left(self) -> list[socket.socket]:
        return [each for each in self._sockets if each.fileno() >= 0]
