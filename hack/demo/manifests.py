"""The repository's own manifests, made ready for one cluster: its images' names, and the namespace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.places import REPOSITORY
from hack.demo.kube import Json, Kube

QUICKSTART = REPOSITORY / "examples" / "quickstart"
DEMO = REPOSITORY / "hack" / "demo"
INSTALL = REPOSITORY / "manifests" / "cluster"
NAMESPACE = "safeguard-demo"  # as the quickstart's manifests have it
STANDING_IN = "@sha256:" + "0" * 64  # the digest of images that stand for a user's own: no content has it


def rendered(kube: Kube, folder: Path, replacements: Mapping[str, str]) -> list[Json]:
    """The objects that kustomize makes of a folder, with words replaced."""
    return [substituted(each, replacements) for each in yaml.safe_load_all(kube.kubectl("kustomize", str(folder)))]


def read(path: Path, replacements: Mapping[str, str] = {}) -> Json:
    """The one object in a file, with words replaced."""
    body: Json = substituted(yaml.safe_load(path.read_text(encoding="utf-8")), replacements)
    return body


def substituted(value: Any, replacements: Mapping[str, str]) -> Any:
    """The same tree, with each string that is one of these words as a whole replaced, also where it is an image that stands in."""
    if isinstance(value, dict):
        return {key: substituted(each, replacements) for key, each in value.items()}
    if isinstance(value, list):
        return [substituted(each, replacements) for each in value]
    return replacements.get(value.removesuffix(STANDING_IN), value) if isinstance(value, str) else value
