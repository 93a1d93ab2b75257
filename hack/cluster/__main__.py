"""Start the tool as `python3 -m hack.cluster` from the repository's root, or as `python3 hack/cluster` from anywhere."""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from hack.cluster.cli import main  # the line above makes it importable

sys.exit(main())
