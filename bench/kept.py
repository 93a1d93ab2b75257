"""What was measured, kept as JSON in build/bench, and shown in docs/performance.md."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench.results import Result, table
from tests.support import binaries

Json = dict[str, Any]

OUTPUT: Final = binaries.ROOT / "build" / "bench"
DOCUMENT: Final = binaries.ROOT / "docs" / "performance.md"
# Between these two lines of the document stands what a run measured, and nothing else.
BEGIN: Final = "<!-- measured: begin. Written by `make bench BENCH=--write`; do not edit. -->"
END: Final = "<!-- measured: end -->"
_GB: Final = 1e9


@dataclass(frozen=True)
class Run:
    """One benchmark's run: its results, when it began, how long it took, and what else the machine had to do before and after it."""

    name: str
    began: datetime
    seconds: float
    load: tuple[float, float]
    results: tuple[Result, ...]

    def json(self) -> Json:
        """As it is kept."""
        about = {"name": self.name, "began": self.began.isoformat(), "seconds": round(self.seconds, 1), "load": self.load}
        return {**about, "results": [result.json() for result in self.results]}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Run":
        """What ``json`` gave."""
        results = tuple(map(Result.from_json, body["results"]))
        before, after = body["load"]
        return cls(body["name"], datetime.fromisoformat(body["began"]), body["seconds"], (before, after), results)


def keep(path: Path, machine: Mapping[str, str], runs: Sequence[Run]) -> None:
    """Keep these runs, and of earlier ones on the very same machine and versions those of other benchmarks."""
    earlier, known = kept(path) if path.exists() else ({}, [])
    new = {run.name for run in runs}
    stays = [run for run in known if run.name not in new] if earlier == machine else []
    content = {"machine": machine, "runs": [run.json() for run in [*stays, *runs]]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def kept(path: Path) -> tuple[dict[str, str], list[Run]]:
    """The machine and the runs that ``keep`` wrote."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return content["machine"], [Run.from_json(body) for body in content["runs"]]


def this_machine() -> dict[str, str]:
    """What a number depends on, beside the code: the hardware, and what is installed on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
    return {
        "hardware": f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB of memory",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Kubernetes": _says_of_itself("kube-apiserver"),
        "etcd": _says_of_itself("etcd"),
        "kopf": version("kopf"),
        "kubernetes client": version("kubernetes"),
        "numpy": version("numpy"),
    }


def shown(machine: Mapping[str, str], runs: Sequence[Run]) -> str:
    """All that is known of some runs, as Markdown."""
    about = [f"- {name}: {value}" for name, value in machine.items()]
    about += [f"- {run.name}: {run.began:%Y-%m-%d %H:%M} UTC, took {_minutes(run.seconds)}, {_load(run.load)}" for run in runs]
    return "\n".join([*about, "", table([result for run in runs for result in run.results])])


def written_into(document: str, text: str) -> str:
    """The document with the text between its two lines."""
    return between(document, BEGIN, END, text)


def between(document: str, begin: str, end: str, text: str) -> str:
    """A document with the text between these two lines. ``ValueError`` if it has not each of them once."""
    if document.count(begin) != 1 or document.count(end) != 1:
        raise ValueError(f"The document must hold each of these lines once:\n{begin}\n{end}")
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def now() -> datetime:
    """The present time, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def _processor() -> str:
    """The processor's name, where the kernel tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _says_of_itself(program: str) -> str:
    """The version of one of the Kubernetes programs: the last word of its first line."""
    try:
        path = binaries.program(program)
    except binaries.NoBinaries:
        return "not there"
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - a program of ours
    return said.split("\n")[0].split()[-1]


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"  # noqa: PLR2004 - below two minutes, seconds say more


def _load(load: tuple[float, float]) -> str:
    before, after = load
    return f"load average {before:.1f} before and {after:.1f} after"
