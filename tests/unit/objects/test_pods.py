import pytest

from modelsafeguard.objects.pods import on_node

ONLY = {"key": "metadata.name", "operator": "In", "values": ["node-3"]}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("affinity", "expected"),
    [
        pytest.param({}, {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchFields": [ONLY]}]}}}, id="no affinity: the node alone"),
        pytest.param(
            {"nodeAffinity": None, "podAffinity": {"x": 1}},
            {"podAffinity": {"x": 1}, "nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchFields": [ONLY]}]}}},
            id="other kinds of affinity stay",
        ),
        pytest.param(
            {"nodeAffinity": {PREFERRED: [{"weight": 1}]}},
            {"nodeAffinity": {PREFERRED: [{"weight": 1}], REQUIRED: {"nodeSelectorTerms": [{"matchFields": [ONLY]}]}}},
            id="preferences stay",
        ),
        pytest.param(
            {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": ["a"]}, {"matchFields": ["b"]}]}}},
            {
                "nodeAffinity": {
                    REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": ["a"], "matchFields": [ONLY]}, {"matchFields": ["b", ONLY]}]}
                }
            },
            id="every alternative is narrowed to the node",
        ),
    ],
)
def test_a_pod_is_kept_on_the_node_of_its_claim(affinity, expected):
    assert on_node(affinity, "node-3") == expected
