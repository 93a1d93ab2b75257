"""How tools that wait for an object read it: by kstatus itself (sigs.k8s.io/cli-utils), in a small program that is built once."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from hack.cluster.cache import Cache
from hack.cluster.golang import Go, Recipe
from hack.cluster.lock import locked
from hack.cluster.places import REPOSITORY, places
from tests.support.client import Json

_RECIPE: Final = Recipe("kstatus", ((".",),), expected=35, home=REPOSITORY / "tests" / "support" / "go")


def kstatus(*objects: Json) -> list[str]:
    """Its word for each: Current, InProgress, Failed, Terminating."""
    text = "\n".join(map(json.dumps, objects))
    read = subprocess.run([_program()], input=text, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    return read.stdout.split()


@cache
def _program() -> Path:
    here = places()
    with locked(here.lock):
        return Go(here, Cache(here.entries)).programs(_RECIPE) / "kstatus"
