"""``python -m modelsafeguard.cli``."""

import sys

from modelsafeguard.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
