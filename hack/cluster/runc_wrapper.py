"""A docker runtime for machines whose root lacks CAP_SYS_RESOURCE: runc, asked for everything but that capability.

`docker run --privileged` asks for every capability, and runc fails ("unable to apply caps") when one of them cannot be had. This takes the
one that is missing out of the container's configuration, or out of the process's for `exec`, and hands over to runc. It runs by itself,
once for each call of the runtime: the engine copies its text behind a `#!` line.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

MISSING = "CAP_SYS_RESOURCE"
RUNC = "/usr/sbin/runc"


def option(arguments: list[str], *names: str) -> str | None:
    """Value of a command line option, in the forms `--name value` and `--name=value`; None if it is not there."""
    for position, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else arguments[position + 1]
    return None


def without_missing(process: dict[str, Any]) -> bool:
    """Take the capability out of a process's sets, as the OCI runtime specification has them; tells whether it was there."""
    sets = [names for names in (process.get("capabilities") or {}).values() if MISSING in names]
    for names in sets:
        names[:] = [name for name in names if name != MISSING]
    return bool(sets)


def edit(path: Path, key: str | None) -> None:
    """Rewrite a JSON file whose process is its member `key`, or itself if the key is None."""
    document = json.loads(path.read_text())
    if without_missing(document[key] if key else document):
        path.write_text(json.dumps(document))


def main(arguments: list[str]) -> None:
    """Edit what this call of runc is going to read, and become runc."""
    if "create" in arguments or "run" in arguments:
        edit(Path(option(arguments, "--bundle", "-b") or ".") / "config.json", "process")
    elif "exec" in arguments and (path := option(arguments, "--process", "-p")):
        edit(Path(path), None)
    os.execv(RUNC, [RUNC, *arguments])  # noqa: S606  no shell is wanted: the arguments go on as they came


if __name__ == "__main__":
    main(sys.argv[1:])
