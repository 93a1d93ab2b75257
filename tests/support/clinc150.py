"""The real CLINC150 files, which are not part of this project: used where they are there."""

import os
from pathlib import Path

import pytest

from tests.support.binaries import ROOT


@pytest.fixture(scope="session")
def clinc150() -> Path:
    """The folder with the CLINC150 files; the tests are skipped where there is none."""
    named = os.environ.get("SAFEGUARD_CLINC150")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "clinc150"
    if not (folder / "data_full.json").is_file():
        pytest.skip(f"There is no CLINC150 data at {folder}: set SAFEGUARD_CLINC150 to the folder that holds data_full.json.")
    return folder
