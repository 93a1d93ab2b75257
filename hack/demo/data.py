"""The story's data sets: written for this project, or made from the CLINC150 files."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from hack.cluster.places import REPOSITORY
from hack.demo.errors import NotSo

EXAMPLE: Final = REPOSITORY / "examples" / "intents"
SAMPLE: Final = EXAMPLE / "data"


def from_clinc150(source: Path, out: Path) -> Path:
    """Make the same five files from the CLINC150 files in a folder; raises ``NotSo`` if they are not there."""
    command = [sys.executable, str(EXAMPLE / "make_variants.py"), "--clinc", str(source), "--out", str(out)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NotSo(done.stderr.strip())
    return out
