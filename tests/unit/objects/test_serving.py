import pytest

from modelsafeguard.core.model import ServingState
from modelsafeguard.objects.serving import metadata_patch, serving_patch

TARGET = ServingState(
    sub_path="intents/versions/nightly-8-bbbbbbbb", version="nightly-8-bbbbbbbb", digest="sha256:9999", annotation="nightly-8-bbbbbbbb"
)


@pytest.mark.parametrize(
    ("target", "case"),
    [
        pytest.param(TARGET, "promote", id="a rollout sets the folder, the two variables and the annotation, and nothing else"),
        pytest.param(ServingState(), "release", id="with nothing to own the template is not mentioned: all is given up"),
        pytest.param(ServingState(sub_path="by-hand"), "only-sub-path", id="what was found before is put back: a folder alone"),
        pytest.param(ServingState(annotation="v1"), "only-annotation", id="what was found before is put back: an annotation alone"),
    ],
)
def test_the_serving_deployment(smallest, golden, target, case):
    assert serving_patch(smallest, "/models/current", target, "4711") == golden("serving-patches")[case]


def test_the_public_copy_goes_to_this_very_object(smallest, golden):
    assert metadata_patch(smallest, {"modelsafeguard.io/accuracy": "0.8042"}) == golden("metadata-patch")
