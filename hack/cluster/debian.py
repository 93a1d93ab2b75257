"""What comes from Debian: packages for this machine by apt, and root file systems by mmdebstrap.

The mirror is the one that this machine's apt already uses; only the release is ours to choose.
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from hack.cluster.cache import Cache
from hack.cluster.places import RECIPES, Places
from hack.cluster.progress import ClusterError, ask, run, step

SUITE = "bookworm"  # its containerd, runc and Python 3.11 are what was tried
SLIM = ["doc", "man", "locale", "info", "lintian"]  # folders below /usr/share that no container reads

NODE_PACKAGES = (RECIPES / "node" / "packages").read_text().split()
SMALL_PACKAGES = ["iptables", "nftables", "conntrack", "kmod"]
PYTHON_PACKAGES = ["python3", "python3-venv", "ca-certificates"]

APT = "env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o APT::Keep-Downloaded-Packages=false".split()  # noqa: SIM905  a command
INDEX_LINE = re.compile(r"^(?P<uri>\S+) (?P<release>\S+) (?P<codename>\S+) (?P<origin>\S+) main$")


def mirror_lines(index: str, suite: str = SUITE) -> list[str]:
    """Turn apt's list of indexes into sources for another release on the same mirrors.

    `index` has lines of "URI release codename origin component"; what is not Debian's own is left out.
    """
    lines: dict[str, None] = {}
    for line in index.splitlines():
        found = INDEX_LINE.match(line)
        if found and found["origin"] == "Debian":
            base = found["codename"].partition("-")[0]
            lines[f"deb {found['uri']} {found['release'].replace(base, suite, 1)} main"] = None
    return list(lines)


class Debian:
    """Packages and root file systems."""

    def __init__(self, places: Places, cache: Cache) -> None:
        self.places = places
        self.cache = cache
        self.log = places.logs / "debian.log"
        self.record = places.state / "packages"

    def need(self, *packages: str) -> None:
        """Install packages that are missing, start none of their services, and record what came new, for `clean`."""
        if all(is_installed(package) for package in packages):
            return
        policy = Path("/usr/sbin/policy-rc.d")  # Debian's own way to say "install, but start nothing"
        ours = not policy.exists()
        with step(f"installing {', '.join(packages)} by apt", 20):
            try:
                if ours:
                    policy.write_text("#!/bin/sh\nexit 101\n")
                    policy.chmod(0o755)
                run([*APT, "update"], log=self.log)
                install = ["install", "--yes", "--no-install-recommends", *packages]
                self._remember(re.findall(r"^Inst (\S+)", ask([*APT, "--simulate", *install]) or "", re.MULTILINE))
                run([*APT, *install], log=self.log)
            finally:
                if ours:
                    policy.unlink(missing_ok=True)

    def _remember(self, packages: Iterable[str]) -> None:
        """Write down what an installation is about to bring, before it does; what was there already is not ours."""
        known = set(self.record.read_text().split()) if self.record.exists() else set()
        self.record.parent.mkdir(parents=True, exist_ok=True)
        self.record.write_text("\n".join(sorted(known | (set(packages) - installed_packages()))))

    def forget(self) -> str | None:
        """Remove the packages that `need` brought, unless something else has come to rely on them; gives the reason if so."""
        if not self.record.exists():
            return None
        ours = set(self.record.read_text().split()) & installed_packages()
        plan = ask(["apt-get", "--simulate", "purge", *sorted(ours)]) if ours else ""
        doomed = set(re.findall(r"^Purg (\S+)", plan or "", re.MULTILINE))
        if ours and (plan is None or doomed != ours):
            return f"packages installed by this tool stay, because others rely on them: {' '.join(sorted(ours))}"
        if ours:
            with step("removing the packages that this tool installed", 10):
                run([*APT, "purge", "--yes", *sorted(ours)], log=self.log)
        self.record.unlink()
        return None

    def root(self, name: str, packages: Sequence[str], expected: float) -> Path:
        """Give a tar of a small Debian root file system with these packages."""
        inputs = {"packages": " ".join(packages), "suite": SUITE, "slim": " ".join(SLIM)}

        def make(content: Path) -> None:
            self.need("mmdebstrap")
            index = ask(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(CODENAME) $(ORIGIN) $(COMPONENT)"]) or ""
            sources = content.parent / "sources.list"
            sources.write_text("\n".join(mirror_lines(index)) + "\n")
            with step(f"making the Debian root file system for {name}", expected):
                run(
                    ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}", *apt_proxy()]
                    + [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in SLIM]
                    + [SUITE, content / "root.tar", sources],
                    log=self.log,
                )

        return self.cache.entry(f"root-{name}", inputs, make) / "root.tar"


def apt_proxy() -> list[str]:
    """Hand this machine's apt proxy, if it has one, on to mmdebstrap."""
    settings = ask(["apt-config", "dump", "--format", '%f "%v";%n', "Acquire::http::Proxy", "Acquire::https::Proxy"]) or ""
    return [f"--aptopt={line}" for line in settings.splitlines() if '""' not in line]


def is_installed(package: str) -> bool:
    """Tell whether dpkg has the package configured."""
    return "install ok installed" in (ask(["dpkg-query", "-W", "-f", "${Status}", package]) or "")


def installed_packages() -> set[str]:
    """Name every package that dpkg knows as installed."""
    lines = (ask(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n"]) or "").splitlines()
    return {line.removeprefix("ii ") for line in lines if line.startswith("ii ")}


def architecture() -> str:
    """Debian's name for this machine's architecture, which is also Go's and the image specification's for amd64 and arm64.

    Raises:
        ClusterError: dpkg is not there.
    """
    if shutil.which("dpkg") is None or not (found := ask(["dpkg", "--print-architecture"])):
        raise ClusterError("dpkg is not there: an offline node image can be made on Debian only.")
    return found
