"""Make .venv from requirements/dev.txt, unless it is made of exactly that already: `python3 -m hack.venv`.

Standard library only. Every package is checked against its hash. A stamp with the digest of the requirements is written last, so a run
that was killed half-way leaves nothing that looks finished.
"""

import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from hack.cluster.cache import Cache
from hack.cluster.debian import Debian
from hack.cluster.places import REPOSITORY, places
from hack.cluster.progress import ClusterError, run, say, step
from hack.cluster.wheels import pip_environment

VENV = REPOSITORY / ".venv"
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


def make() -> None:
    """Make the environment, if it is not there as it should be."""
    mark = VENV / "made-of"
    if mark.exists() and mark.read_text() == stamp():
        return
    need_venv_module()
    log = places().logs / "venv.log"
    mark.unlink(missing_ok=True)
    with step("making .venv from requirements/dev.txt", 60):
        run([sys.executable, "-m", "venv", "--clear", VENV], log=log)
        install = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--require-hashes", "--requirement"]
        run([VENV / "bin" / "python", *install, REQUIREMENTS], log=log, env=pip_environment(places()))
    mark.write_text(stamp())


if __name__ == "__main__":
    try:
        make()
    except ClusterError as error:
        say(f"✗ {error}")
        sys.exit(1)
