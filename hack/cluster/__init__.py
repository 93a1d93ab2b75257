"""A real Kubernetes cluster on this machine, made by kind: `python3 -m hack.cluster --help`.

Standard library only: it runs before any virtual environment exists. Where a container registry answers, kind's own node image is
pulled; where none does, the node image is made from Go modules and Debian packages. Everything made is kept below one folder
(`places`), so that it can be taken away again as a whole.
"""

import sys

OLDEST_PYTHON = (3, 11)

# Here, because every way in passes here first, and in the syntax of any Python 3: the other modules' own would be a traceback.
if sys.version_info < OLDEST_PYTHON:
    sys.exit(
        "✗ Python {}.{} or newer is needed, and {} is {}; name another one, as in `make demo PYTHON=python3.12`.".format(
            *OLDEST_PYTHON, sys.executable, sys.version.split()[0]
        )
    )
