"""``python -m bench``: run the benchmarks, show their numbers beside the targets, and keep them in build/bench."""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench import burst, first_job, load, rollout, size
from bench.results import COLUMNS, Result, table

OUTPUT: Final = Path(__file__).parents[1] / "build" / "bench"


@dataclass(frozen=True)
class Scale:
    """How many of everything. The defaults are those of the targets."""

    pairs: int = 500
    rollouts: int = 200
    burst: int = 1000
    burst_models: int = 100
    finished: int = 10_000
    models: int = 1000
    idle_seconds: int = 400
    churn: int = 10_000
    answers: int = 50_000


SMALL: Final = Scale(pairs=20, rollouts=10, burst=100, burst_models=10, finished=100, models=20, idle_seconds=5, churn=60, answers=2000)

Benchmark = Callable[[Path, Scale], Coroutine[Any, Any, list[Result]]]
BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "first-job": lambda folder, scale: first_job.measure(folder, scale.pairs),
    "rollout": lambda folder, scale: rollout.measure(folder, scale.rollouts),
    "burst": lambda folder, scale: burst.measure(folder, scale.burst, scale.burst_models),
    "size": lambda folder, scale: size.measure(folder, scale.finished, scale.models, scale.idle_seconds, scale.churn),
    "load": lambda _, scale: load.measure(scale.answers),
}


def main() -> int:
    """Run what was asked for; 0 if every target is met, 1 if one is missed."""
    given = _arguments()
    scale = replace(SMALL if given.small else Scale(), **({"churn": given.churn} if given.churn else {}))
    asked = given.only or [name for name in BENCHMARKS if name != "load" or load.possible()]
    results: list[Result] = []
    for name in asked:
        results += _run(name, scale)
    _keep(results, scale)
    _say(table([COLUMNS, *(result.row() for result in results)]))
    if "load" not in asked:
        _say("Rollouts under load were not measured: that needs a cluster (`hack/cluster up`, then KUBECONFIG).")
    return 1 if any(result.met is False for result in results) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Speed and size, held against their targets.")
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), help="these alone; load needs KUBECONFIG of our own cluster")
    parser.add_argument("--small", action="store_true", help="few of everything: whether it runs, not how fast")
    parser.add_argument("--churn", type=int, help="this many requests of churn")
    return parser.parse_args()


def _run(name: str, scale: Scale) -> list[Result]:
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    _say(f"▶ {name}, at a load of {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", error=True)
    results = asyncio.run(BENCHMARKS[name](folder, scale))
    _say(f"  {time.monotonic() - began:.0f} s, at the end a load of {os.getloadavg()[0]:.1f}", error=True)
    return results


def _keep(results: list[Result], scale: Scale) -> None:
    machine = {"python": platform.python_version(), "kernel": platform.release(), "cores": os.cpu_count(), "load": os.getloadavg()}
    OUTPUT.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine, "scale": asdict(scale), "results": [result.json() for result in results]}
    (OUTPUT / "results.json").write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _say(text: str, *, error: bool = False) -> None:
    (sys.stderr if error else sys.stdout).write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
