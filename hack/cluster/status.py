"""What there is: engine, clusters, disk."""

import json
from pathlib import Path

from hack.cluster.cluster import Cluster
from hack.cluster.disk import disk_use
from hack.cluster.docker import Engine
from hack.cluster.places import Places


def report(places: Places, engine: Engine | None, clusters: list[Cluster]) -> str:
    """Give the lines of `status`."""
    lines = [f"engine    {_engine(engine)}"]
    lines += [f"cluster   {cluster.name}: {_state(cluster)}\n          {cluster.kubeconfig}" for cluster in clusters] or ["cluster   none"]
    lines += [f"disk      {size(disk_use(folder)):>8}  {folder}" for folder in sorted(places.root.glob("*")) if folder.is_dir()]
    lines += [f"finished  {size(disk_use(entry)):>8}  {entry.name}" for entry in sorted(places.entries.glob("[!.]*"))]
    return "\n".join(lines)


def size(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"  # noqa: PLR2004  a billion


def _engine(engine: Engine | None) -> str:
    if engine is None:
        return "none answers"
    return f"started by this tool, DOCKER_HOST={engine.environment['DOCKER_HOST']}" if engine.ours else "the one that was running already"


def _state(cluster: Cluster) -> str:
    if not cluster.exists():
        return "recorded, but not there"
    missing = cluster.missing()
    return f"not ready, missing: {', '.join(missing)}" if missing else "ready"


def names(places: Places) -> list[str]:
    """Name the clusters that this tool has a record of."""
    return sorted(path.stem for path in places.clusters.glob("*.json") if _readable(path))


def _readable(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text()), dict)
    except ValueError:
        return False
