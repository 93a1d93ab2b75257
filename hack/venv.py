"""Make .venv from requirements/dev.txt, unless it is made of exactly that already: `python3 -m hack.venv`.

Standard library only. Every package is checked against its hash. The file `made-of` in it says that it is ours: it is there before
anything else, and gets the digest of the requirements at the end. So a run that was killed half-way leaves nothing that looks finished,
or like somebody else's.
"""

import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from hack.cluster.cache import Cache, remove_tree
from hack.cluster.debian import Debian
from hack.cluster.places import REPOSITORY, places
from hack.cluster.progress import ClusterError, run, say, step
from hack.cluster.wheels import pip_environment

VENV = REPOSITORY / ".venv"
MARK = "made-of"  # `make clean` knows it too
REQUIREMENTS = REPOSITORY / "requirements" / "dev.txt"


def stamp() -> str:
    """What the environment is made of: the requirements, and the Python that it belongs to."""
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest() + f" {sys.version}"


def need_venv_module() -> None:
    """Debian's python3 comes without the modules that make environments; root can install them.

    Raises:
        ClusterError: they are missing and cannot be installed.
    """
    usable = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0
    if usable:
        return
    python = f"python3.{sys.version_info.minor}"
    package = f"{python}-venv"
    of_debian = sysconfig.get_path("stdlib") == f"/usr/lib/{python}" and Path("/usr/bin/apt-get").exists()
    if os.geteuid() != 0 or not of_debian:
        remedy = f"install its venv module (on Debian: apt-get install {package})" + (", or run this as root" if of_debian else "")
        raise ClusterError(f"{sys.executable} cannot make virtual environments: {remedy}.")
    say(f"  · Debian's python3 cannot make virtual environments yet: {package} is installed by apt")
    home = places()
    Debian(home, Cache(home.entries)).need(package)


def begin(mark: Path) -> None:
    """An empty folder of ours, known as such by its mark from the first moment on.

    Raises:
        ClusterError: there is an environment that somebody else has made.
    """
    if VENV.exists() and not mark.exists() and any(VENV.iterdir()):
        raise ClusterError(f"{VENV} was not made by this command, which would replace it: move it away, or delete it, and try again.")
    VENV.mkdir(exist_ok=True)
    mark.write_text("")
    for path in VENV.iterdir():
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        elif path != mark:
            path.unlink()


def make() -> None:
    """Make the environment, if it is not there as it should be."""
    mark = VENV / MARK
    if mark.exists() and mark.read_text() == stamp():
        return
    need_venv_module()
    log = places().logs / "venv.log"
    begin(mark)
    with step("making .venv from requirements/dev.txt", 60):
        run([sys.executable, "-m", "venv", VENV], log=log)
        install = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--require-hashes", "--requirement"]
        run([VENV / "bin" / "python", *install, REQUIREMENTS], log=log, env=pip_environment(places()))
    mark.write_text(stamp())


if __name__ == "__main__":
    try:
        make()
    except ClusterError as error:
        say(f"✗ {error}")
        sys.exit(1)
