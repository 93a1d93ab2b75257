"""What the README and the other pages say is there, is there."""

import re

import pytest

from hack.cluster import kubernetes
from hack.cluster.docker import REGISTRY_IMAGE
from modelsafeguard.core.verdict import Verdict
from tests.unit.manifests.conftest import ROOT

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def pages():
    """The Markdown files of this repository."""
    ours = [path for path in ROOT.iterdir() if path.is_dir() and path.name != "build" and not path.name.startswith(".")]
    return sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *(page for top in ours for page in top.rglob("*.md"))))


def links(text):
    """The targets in a page that are paths, without the place in the page."""
    targets = (found["target"].partition("#")[0] for found in LINK.finditer(CODE.sub("", text)))
    return {target for target in targets if target and not re.match(r"[a-z]+:", target)}


@pytest.mark.parametrize("page", pages())
def test_every_link_in_a_page_leads_to_a_file(page):
    path = ROOT / page
    missing = [target for target in sorted(links(path.read_text(encoding="utf-8"))) if not (path.parent / target).resolve().exists()]
    assert missing == []


def test_links_are_found_where_they_are_and_not_in_code():
    text = "[a](x.md#here) and [b](https://else.test/y) `[c](z)`\n```\n[d](w)\n```\n![e](img.png)\n[f](#below)"
    assert links(text) == {"x.md", "img.png"}


def test_pages_are_found():
    assert {"README.md", "docs/architecture.md", "hack/cluster/README.md"} <= set(pages())


@pytest.fixture
def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_quotes_the_overlay_for_a_cluster_as_it_is(readme):
    overlay = (ROOT / "examples" / "install" / "cluster" / "kustomization.yaml").read_text(encoding="utf-8")
    assert overlay[overlay.index("apiVersion") :] in readme


def test_the_overlay_for_one_namespace_differs_as_the_readme_says(documents):
    cluster, namespaced = (documents(f"examples/install/{name}/kustomization.yaml")[0] for name in ("cluster", "namespaced"))
    assert namespaced == cluster | {"namespace": "your-namespace", "resources": ["../../../manifests/namespaced"]}


def test_every_folder_that_the_readme_applies_is_there(readme):
    folders = re.findall(r"^kubectl apply .*-k (\S+)", readme, re.MULTILINE)
    assert folders
    for folder in folders:
        assert any((ROOT / folder / name).is_file() for name in ("kustomization.yaml", "Kustomization")), folder


@pytest.mark.parametrize("annotation", ["approved-by", "approval-reason", "rebased-by", "cancel"])
def test_the_readme_says_how_a_person_decides(readme, annotation):
    assert f"modelsafeguard.io/{annotation}=" in readme


def test_every_request_that_the_readme_names_is_one_of_the_storys(readme, documents):
    story = [*ROOT.glob("examples/quickstart/requests/*.yaml"), *ROOT.glob("hack/demo/requests/*.yaml")]
    names = {documents(str(path.relative_to(ROOT)))[0]["metadata"]["name"] for path in story}
    shown = set(re.findall(r"^(\S+) +intents +\w+ +Finished", readme, re.MULTILINE)) | set(re.findall(r"\brr/([a-z][-a-z0-9]*)", readme))
    assert {name for name in shown if not name.startswith("intents-nightly-")} == names


def test_every_verdict_is_in_the_readme(readme):
    assert [verdict for verdict in Verdict if f"`{verdict}`" not in readme] == []


def test_the_readme_names_the_kubernetes_that_is_run(readme):
    built, pulled = kubernetes.version(), REGISTRY_IMAGE.partition(":")[2]
    for version in (built, pulled):
        assert ".".join(version.removeprefix("v").split(".")[:2]) in readme
