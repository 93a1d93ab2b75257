"""What the demo prints: chapters, facts as they become known, a sign of life every fifteen seconds, and the time of each part."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hack.cluster.progress import TICK


class Teller:
    """Prints to standard output, line by line."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []
        self._last = time.monotonic()

    def say(self, text: str = "") -> None:
        """One line."""
        self._last = time.monotonic()
        print(text, flush=True)

    def fact(self, text: str) -> None:
        """One thing that has just become known."""
        self.say(f"    {text}")

    @contextmanager
    def part(self, title: str, *, ticking: bool = True) -> Iterator[None]:
        """A part of the whole, under its title; its time is kept. ``ticking`` is for parts that give no sign of life themselves."""
        self.say(f"\n━━ {title}")
        began, ended = time.monotonic(), threading.Event()

        def tick() -> None:
            while not ended.wait(1):
                if ticking and time.monotonic() - self._last >= TICK:
                    self.fact(f"… {time.monotonic() - began:.0f} s")

        ticker = threading.Thread(target=tick, daemon=True)
        ticker.start()
        try:
            yield
        finally:
            ended.set()
            ticker.join()
        seconds = time.monotonic() - began
        self.times.append((title, seconds))
        self.fact(f"✓ {seconds:.1f} s")

    def summary(self) -> None:
        """The time of each part, and the sum."""
        self.say("\n━━ Where the time went")
        for title, seconds in self.times:
            self.fact(f"{seconds:6.1f} s  {title}")
        self.fact(f"{sum(seconds for _, seconds in self.times):6.1f} s  together")
