"""``python -m trainer``: the same as ``python -m trainer.train``."""

import os
import sys

from trainer.train import main, prepare_process

if __name__ == "__main__":
    prepare_process()
    sys.exit(main(sys.argv[1:], os.environ))
