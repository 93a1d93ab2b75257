"""``python -m trainer``: see :mod:`trainer.train`."""

import os
import signal
import sys

from trainer.process import exit_at_sigterm

if __name__ == "__main__":
    exit_at_sigterm(128 + signal.SIGTERM)
    from trainer.train import main

    sys.exit(main(sys.argv[1:], os.environ))
