"""``python -m trainer.server``: see :mod:`trainer.server.process`."""

import os
import sys

from trainer.process import exit_at_sigterm

if __name__ == "__main__":
    exit_at_sigterm(0)
    from trainer.server.process import main

    sys.exit(main(os.environ))
