"""``python -m modelsafeguard.engine``: the operator."""

import sys

from modelsafeguard.engine.main import main

if __name__ == "__main__":
    sys.exit(main())
