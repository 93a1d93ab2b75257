"""What the fork server imports for an operator: all of the engine, and with it everything that it uses."""

import importlib
import pkgutil
from typing import Final

_ENGINE: Final = "modelsafeguard.engine"

for _module in pkgutil.walk_packages(importlib.import_module(_ENGINE).__path__, f"{_ENGINE}."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)
