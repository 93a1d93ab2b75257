"""``python -m bench``: run the benchmarks, show their numbers beside the targets, keep them, and write them into the documentation."""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench import burst, evidence, first_job, load, rollout, size
from bench.attempt import not_measured
from bench.kept import DOCUMENT, OUTPUT, Run, keep, kept, now, shown, this_machine, written_into
from bench.results import Result, table
from hack.cluster.progress import say


@dataclass(frozen=True)
class Scale:
    """How many of everything. The defaults are those of the targets."""

    pairs: int = 500
    rollouts: int = 200
    burst: int = 1000
    burst_models: int = 100
    finished: int = 10_000
    models: int = 1000
    idle_seconds: int = 400  # longer than the operator's period of 300 s with its jitter: one full list falls into it
    churn: int = 10_000
    answers: int = 50_000
    rows: int = 1_000_000


SMALL: Final = Scale(
    pairs=20, rollouts=10, burst=100, burst_models=10, finished=100, models=20, idle_seconds=5, churn=60, answers=2000, rows=20_000
)


@dataclass(frozen=True)
class Benchmark:
    """What is said where it cannot be run, and how it is: in a folder for logs, at a scale."""

    target: str
    measure: Callable[[Path, Scale], list[Result]]


BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "first-job": Benchmark("request created → its Job created", lambda folder, scale: asyncio.run(first_job.measure(folder, scale.pairs))),
    "rollout": Benchmark("Job complete → Deployment patched", lambda folder, scale: asyncio.run(rollout.measure(folder, scale.rollouts))),
    "burst": Benchmark(
        "many requests at once → first Job of every model",
        lambda folder, scale: asyncio.run(burst.measure(folder, scale.burst, scale.burst_models)),
    ),
    "size": Benchmark(
        "memory, start, rest and churn of a cluster in use for long",
        lambda folder, scale: asyncio.run(size.measure(folder, scale.finished, scale.models, scale.idle_seconds, scale.churn)),
    ),
    "evidence": Benchmark("comparison of two models on 1,000,000 rows", lambda _, scale: evidence.measure(scale.rows)),
    "load": Benchmark("failed requests during rollouts under load", lambda _, scale: load.measure(scale.answers)),
}
RESULTS: Final = OUTPUT / "results.json"
TRIAL: Final = OUTPUT / "trial.json"  # of any other scale than that of the targets


def main() -> int:
    """Run what was asked for; 0 if every target is met, 1 if one is missed or could not be measured."""
    given = _arguments()
    if given.write:
        return _write()
    scale = replace(SMALL if given.small else Scale(), **({"churn": given.churn} if given.churn else {}))
    path = RESULTS if scale == Scale() else TRIAL
    if path == TRIAL:
        path.unlink(missing_ok=True)  # what was kept may have been of another scale
    runs = []
    for name in given.only or BENCHMARKS:
        runs.append(_run(name, scale))
        keep(path, this_machine(), runs)  # after each: what has been measured is not lost with what comes after it
    results = [result for run in runs for result in run.results]
    sys.stdout.write(f"{table(results)}\n")
    return exit_status(results)


def exit_status(results: Sequence[Result]) -> int:
    """1 if a target is missed or was not measured, else 0."""
    return int(any(result.met is False for result in results))


def attempted(benchmark: Benchmark, folder: Path, scale: Scale) -> list[Result]:
    """The results of a benchmark. Where it cannot be run, its target with the reason: the other benchmarks are run all the same."""
    try:
        return benchmark.measure(folder, scale)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is one benchmark's
        return [not_measured(benchmark.target, error)]


def _run(name: str, scale: Scale) -> Run:
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    began, clock, before = now(), time.monotonic(), os.getloadavg()[0]
    say(f"▶ {name}, at a load of {before:.1f} on {os.cpu_count()} cores")
    results = attempted(BENCHMARKS[name], folder, scale)
    run = Run(name, began, time.monotonic() - clock, (before, os.getloadavg()[0]), tuple(results))
    say(f"  {run.seconds:.0f} s, at the end a load of {run.load[1]:.1f}")
    return run


def _write() -> int:
    if not RESULTS.exists():
        say(f"✗ There is no {RESULTS}: run `make bench` first.")
        return 1
    machine, runs = kept(RESULTS)
    order = list(BENCHMARKS)
    text = shown(machine, sorted(runs, key=lambda run: order.index(run.name)))
    DOCUMENT.write_text(written_into(DOCUMENT.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Speed and size, held against their targets.")
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), help="these alone; what was kept of the others stays")
    parser.add_argument("--small", action="store_true", help="few of everything: whether it runs, not how fast")
    parser.add_argument("--churn", type=int, help="this many requests of churn")
    parser.add_argument("--write", action="store_true", help="run nothing: write what was kept into docs/performance.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
