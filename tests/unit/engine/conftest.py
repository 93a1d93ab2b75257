"""The loop's own time: it stands still while anything can be done, and jumps to the next timer when nothing can."""

import asyncio

import pytest


class Clock:
    """Stands in for the loop's clock and for its waiting."""

    def __init__(self, loop):
        self.now = 0.0
        self._select = loop._selector.select

    def time(self):
        return self.now

    def select(self, timeout):
        events = self._select(0)
        if not events:
            assert timeout is not None, "there is nothing left to wait for"
            self.now += timeout
        return events


@pytest.fixture
async def clock(monkeypatch):
    loop = asyncio.get_running_loop()
    clock = Clock(loop)
    monkeypatch.setattr(loop, "time", clock.time)
    monkeypatch.setattr(loop._selector, "select", clock.select)
    return clock
