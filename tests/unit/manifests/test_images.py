"""The images that are named here stand for a user's own: as they are named nothing can be pulled, whoever owns that name in a registry."""

import re

import pytest

from hack.demo.manifests import STANDING_IN, substituted
from hack.demo.setup import IMAGES

NAMED = re.compile(r"^modelsafeguard/[a-z]+")
BUILT = {f"modelsafeguard/{name}": f"modelsafeguard/{name}@sha256:{name}" for name in IMAGES}


def strings(value):
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    ("path", "names"),
    [
        pytest.param("manifests/install.yaml", {"operator", "measure"}, id="the rendered install"),
        pytest.param("manifests/base/deployment.yaml", {"operator", "measure"}, id="the operator"),
        pytest.param("manifests/cronjob/cronjob.yaml", {"operator"}, id="the nightly request"),
    ],
)
def test_a_manifest_names_images_by_a_digest_that_no_content_has(documents, path, names):
    found = {text for text in strings(documents(path)) if NAMED.match(text)}
    assert found == {f"modelsafeguard/{name}{STANDING_IN}" for name in names}


def test_the_quickstart_gives_its_images_that_digest(documents):
    (quickstart,) = documents("examples/quickstart/kustomization.yaml")
    assert {f"{image['name']}@{image['digest']}" for image in quickstart["images"]} == {
        f"modelsafeguard/{name}{STANDING_IN}" for name in ("trainer", "operator")
    }


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        pytest.param("modelsafeguard/measure", "modelsafeguard/measure@sha256:measure", id="a bare name"),
        pytest.param(f"modelsafeguard/measure{STANDING_IN}", "modelsafeguard/measure@sha256:measure", id="a name that stands in"),
        pytest.param("modelsafeguard/measure:1", "modelsafeguard/measure:1", id="another tag is another image"),
        pytest.param(f"other/measure{STANDING_IN}", f"other/measure{STANDING_IN}", id="another owner's"),
    ],
)
def test_the_demo_puts_the_built_ones_in_their_place(text, becomes):
    assert substituted({"env": [{"value": text}]}, BUILT) == {"env": [{"value": becomes}]}
