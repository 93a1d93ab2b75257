"""What is mounted where."""

from pathlib import Path

TABLE = Path("/proc/self/mountinfo")


def mounts_below(*folders: Path) -> list[Path]:
    """List the mount points in these folders, in the order in which they were mounted; none on systems without /proc."""
    lines = TABLE.read_text().splitlines() if TABLE.exists() else []
    points = [Path(line.split()[4]) for line in lines]
    return [point for point in points if any(point.is_relative_to(folder.resolve()) for folder in folders)]
