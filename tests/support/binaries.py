"""Where the Kubernetes programs are: the one place that knows."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
VARIABLE = "SAFEGUARD_BINARIES"


class NoBinaries(Exception):  # noqa: N818 -- reads as the sentence it carries, as pytest.Failed does
    """The programs are not there and could not be made. The message is one sentence for a person."""


@cache
def folder() -> Path:
    """The folder with etcd, kube-apiserver, kube-controller-manager and kubectl; made by ``hack/cluster binaries`` if need be.

    Raises:
        NoBinaries: with the reason.
    """
    given = os.environ.get(VARIABLE)
    if given:
        found = Path(given)
    else:
        made = subprocess.run([sys.executable, ROOT / "hack" / "cluster", "binaries"], stdout=subprocess.PIPE, text=True, check=False)
        if made.returncode or not made.stdout.strip():
            raise NoBinaries(
                f"The Kubernetes programs could not be made: hack/cluster binaries ended with status {made.returncode} and said why above. "
                f"Install what it asks for, or set {VARIABLE} to a folder that holds them."
            )
        found = Path(made.stdout.strip().splitlines()[-1])
    missing = [name for name in ("kube-apiserver", "kubectl") if not (found / name).is_file()]
    if missing:
        raise NoBinaries(f"{found} holds no {' and no '.join(missing)}: run hack/cluster binaries, or set {VARIABLE} to the right folder.")
    return found


def program(name: str) -> Path:
    """The path of one program. etcd's may be called ``server``, the name of its Go package.

    Raises:
        NoBinaries: it is not in the folder.
    """
    for candidate in (name, *(["server"] if name == "etcd" else [])):
        if (folder() / candidate).is_file():
            return folder() / candidate
    raise NoBinaries(f"{folder()} holds no {name}: run hack/cluster binaries, or set {VARIABLE} to the right folder.")
