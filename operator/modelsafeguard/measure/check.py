"""Before anything is trained: whether what comes of it could be published at all."""

import os
import secrets
from typing import Final

from modelsafeguard.core.contract import REPORTS, VERSIONS
from modelsafeguard.measure.folder import open_folder
from modelsafeguard.measure.store import make_folder, write_file

_PROBE: Final = b"is there room for a file?"


def check(store_path: str) -> None:
    """Write a small file into each folder that publishing adds to, and remove it.

    Raises:
        OSError: from the volume: it cannot be written, or is full. Training is not begun then.
    """
    name = f".check-{secrets.token_hex(8)}"
    with open_folder(store_path) as store:
        for folder in (VERSIONS, REPORTS):
            make_folder(folder, store)
            with open_folder(folder, store) as parent:
                write_file(name, _PROBE, parent)
                os.unlink(name, dir_fd=parent)
