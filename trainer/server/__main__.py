"""``python -m trainer.server``: see :mod:`trainer.server.process`."""

import os
import signal
import sys
from types import FrameType


def _end(_: int, __: FrameType | None) -> None:
    os._exit(0)


if __name__ == "__main__":
    # Imports take seconds on a busy node, and until the server listens to SIGTERM itself, process 1 of a container would ignore it:
    # a pod replaced while it starts would stay for its whole grace period. There is nothing to clean up yet.
    signal.signal(signal.SIGTERM, _end)
    from trainer.server.process import main

    sys.exit(main(os.environ))
