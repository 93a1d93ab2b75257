import dataclasses
import json
import types
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.api import modeldeployment, retrainrequest
from modelsafeguard.api.codec import json_name
from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.core.model import Live, ModelSpec, ModelStatus, OnDrift, ServingState
from modelsafeguard.core.numbers import PValue, p_value
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.request import RequestSpec, RequestStatus, Stage, Trigger
from modelsafeguard.core.verdict import Verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
METADATA = {
    "namespace": "shop",
    "name": "intents",
    "uid": "1f0c9a2e-0000",
    "resourceVersion": "42",
    "generation": 3,
    "creationTimestamp": "2026-01-31T12:00:00Z",
}
MODEL_SPEC = {
    "serving": {"deploymentName": "intents", "container": "server", "modelVolume": "model"},
    "storage": {"claimName": "models", "path": "intents"},
    "trainer": {"image": "trainer", "env": [{"name": "SEED", "value": "7"}], "parameters": [{"name": "dataset", "pattern": "a|b"}]},
    "policy": {"metrics": [{"name": "accuracy", "maxDrop": "0.010"}]},
}
REQUEST_SPEC = {"modelDeploymentRef": {"name": "intents"}, "parameters": {"dataset": "full"}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that a spec or a status is made of."""
    if get_origin(hint) in (Union, types.UnionType):
        return st.one_of(*(st.none() if part is type(None) else values(part) for part in get_args(hint)))
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is Mapping:
        key, below = get_args(hint)
        return st.dictionaries(values(key), json_values if below is Any else values(below), max_size=2)
    if dataclasses.is_dataclass(hint):
        return st.builds(hint, **{name: values(below) for name, below in get_type_hints(hint).items()})
    return st.sampled_from(list(hint)) if issubclass(hint, StrEnum) else SCALARS[hint]


SCALARS: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=10),
    PValue: st.floats(0, 1).map(p_value),
    datetime: st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
}


def model(**parts: Any) -> dict[str, Any]:
    return {"apiVersion": "modelsafeguard.io/v1alpha1", "kind": "ModelDeployment", "metadata": METADATA, "spec": MODEL_SPEC, **parts}


def request(**parts: Any) -> dict[str, Any]:
    return {"apiVersion": "modelsafeguard.io/v1alpha1", "kind": "RetrainRequest", "metadata": METADATA, "spec": REQUEST_SPEC, **parts}


@pytest.mark.parametrize(
    ("attribute", "key"),
    [("name", "name"), ("claim_name", "claimName"), ("model_uid", "modelUID"), ("uid", "uid"), ("from_", "from"), ("sub_path", "subPath")],
)
def test_a_field_has_the_key_that_the_api_conventions_ask_for(attribute, key):
    assert json_name(attribute) == key


@given(values(ModelSpec), values(ModelStatus))
def test_a_model_comes_back_from_json_as_it_was(spec, status):
    written = json.loads(json.dumps(model(spec=modeldeployment.spec_to_json(spec), status=modeldeployment.status_to_json(status))))
    read = modeldeployment.from_body(written)
    assert (read.spec, read.status) == (spec, status)


@given(values(RequestSpec), values(RequestStatus))
def test_a_request_comes_back_from_json_as_it_was(spec, status):
    written = json.loads(json.dumps(request(spec=retrainrequest.spec_to_json(spec), status=retrainrequest.status_to_json(status))))
    read = retrainrequest.from_body(written)
    assert (read.spec, read.status) == (spec, status)


def test_a_new_request_has_an_empty_status_and_the_defaults():
    read = retrainrequest.from_body(request(metadata={**METADATA, "labels": {"a": "b"}, "deletionTimestamp": "2026-01-31T13:00:00Z"}))
    assert read.spec == RequestSpec(model="intents", trigger=Trigger.MANUAL, parameters={"dataset": "full"})
    assert read.status == RequestStatus()
    assert (read.meta.namespace, read.meta.name, read.meta.resource_version, read.meta.created) == ("shop", "intents", "42", NOW)
    assert (read.meta.labels, read.meta.annotations, read.meta.deleting) == ({"a": "b"}, {}, True)


def test_a_model_is_read_with_exact_decimals_the_defaults_and_its_pod_pieces_as_they_are():
    read = modeldeployment.from_body(model())
    assert read.spec.policy == Policy((MetricRule("accuracy", Decimal("0.010")),))
    assert read.spec.policy.metrics[0].max_drop.as_tuple() == Decimal("0.010").as_tuple()
    assert (read.spec.serving.on_drift, read.spec.serving.bake_seconds, read.spec.history.promoted) == (OnDrift.REPORT, 60, 10)
    assert read.spec.policy.approval_deadline_seconds == 604_800
    assert read.spec.trainer.env == ({"name": "SEED", "value": "7"},)
    assert read.meta.deleting is False


@pytest.mark.parametrize(
    ("status", "written"),
    [
        pytest.param(RequestStatus(), {"observedGeneration": 0}, id="empty values are left out"),
        pytest.param(
            RequestStatus(stage=Stage.FINISHED, verdict=Verdict.DRY_RUN, model_uid="u", finished_at=NOW, deltas={"f1_macro": "-0.0300"}),
            {
                "observedGeneration": 0,
                "stage": "Finished",
                "verdict": "DryRun",
                "modelUID": "u",
                "finishedAt": "2026-01-31T12:00:00Z",
                "deltas": {"f1_macro": "-0.0300"},
            },
            id="enums, times and decimals are strings",
        ),
    ],
)
def test_a_request_status_is_written_as_plain_json(status, written):
    assert retrainrequest.status_to_json(status) == written
    assert all(type(value) in (str, int, dict) for value in written.values())


def test_having_looked_and_found_nothing_is_written_down():
    assert modeldeployment.status_to_json(ModelStatus(found=ServingState())) == {"observedGeneration": 0, "found": {}}
    assert modeldeployment.from_body(model(status={"found": {}})).status.found == ServingState()
    assert modeldeployment.from_body(model(status={})).status.found is None


def test_what_must_be_there_is_written_even_if_it_is_empty():
    live = Live(version="", metrics={}, since=NOW, serving=ServingState())
    assert modeldeployment.status_to_json(ModelStatus(live=live))["live"] == {
        "version": "",
        "metrics": {},
        "since": "2026-01-31T12:00:00Z",
        "serving": {},
        "adopted": False,
        "published": False,
        "evidence": "None",
    }


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(Live("v", {"accuracy": Decimal("NaN")}, NOW, ServingState()), id="a number that is none"),
        pytest.param(Live("v", {"accuracy": Decimal("Infinity")}, NOW, ServingState()), id="an infinite number"),
        pytest.param(Live("v", {}, datetime(2026, 1, 31), ServingState()), id="a time without a zone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_what_nobody_could_read_rightly_is_never_written(live):
    with pytest.raises(ValueError, match=r"cannot be written|has no time zone"):
        modeldeployment.status_to_json(ModelStatus(live=live))


def test_fields_of_a_newer_version_are_ignored():
    newer = {**REQUEST_SPEC, "priority": 5, "modelDeploymentRef": {"name": "intents", "kind": "Other"}}
    assert retrainrequest.from_body(request(spec=newer)).spec == retrainrequest.from_body(request()).spec


def changed(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The body with another value at one place; MISSING takes it away."""
    body = deepcopy(body)
    inner: Any = body
    for step in path[:-1]:
        inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
    if value is MISSING:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return body


MISSING = object()


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        pytest.param(("spec",), MISSING, "spec is missing", id="no spec"),
        pytest.param(("spec", "storage", "path"), MISSING, "spec.storage.path is missing", id="a required field is missing"),
        pytest.param(
            ("spec", "policy", "metrics"), "accuracy", "spec.policy.metrics must be a list, not 'accuracy'", id="a string is no list"
        ),
        pytest.param(
            ("spec", "policy", "metrics", 0, "maxDrop"),
            0.01,
            'spec.policy.metrics[0].maxDrop must be a decimal string such as "0.01", not 0.01',
            id="a binary float is no decimal",
        ),
        pytest.param(
            ("spec", "policy", "metrics", 0, "maxDrop"),
            "NaN",
            "spec.policy.metrics[0].maxDrop must be a decimal string such as \"0.01\", not 'NaN'",
            id="NaN is no decimal",
        ),
        pytest.param(("spec", "serving"), ["intents"], "spec.serving must be an object, not ['intents']", id="a list is no object"),
        pytest.param(
            ("spec", "serving", "bakeSeconds"), 1.5, "spec.serving.bakeSeconds must be a whole number, not 1.5", id="half a second"
        ),
        pytest.param(
            ("spec", "serving", "bakeSeconds"), True, "spec.serving.bakeSeconds must be a whole number, not True", id="true is no 1"
        ),
        pytest.param(("spec", "suspend"), "yes", "spec.suspend must be true or false, not 'yes'", id="yes is not true"),
        pytest.param(("spec", "trainer", "image"), 7, "spec.trainer.image must be a string, not 7", id="a number is no string"),
        pytest.param(("spec", "trainer", "image"), None, "spec.trainer.image must be a string, not None", id="null is no string"),
        pytest.param(("spec", "trainer", "env", 0), "SEED=7", "spec.trainer.env[0] must be an object, not 'SEED=7'", id="a pod piece"),
        pytest.param(("spec", "trainer", "labels"), {"a": 1}, "spec.trainer.labels[a] must be a string, not 1", id="a value in a map"),
        pytest.param(
            ("spec", "serving", "onDrift"),
            "Fight",
            "spec.serving.onDrift must be one of Report, Restore, not 'Fight'",
            id="outside of the closed set",
        ),
        pytest.param(
            ("status", "live"),
            {"version": "v", "metrics": {"accuracy": "high"}, "since": "yesterday", "serving": {}},
            "status.live.metrics[accuracy] must be a decimal string such as \"0.01\", not 'high'; "
            "status.live.since must be a time such as \"2026-01-31T12:00:00Z\", not 'yesterday'",
            id="two problems at once",
        ),
        pytest.param(("metadata", "uid"), MISSING, "metadata.uid is missing", id="no uid"),
        pytest.param(
            ("metadata", "creationTimestamp"),
            None,
            'metadata.creationTimestamp must be a time such as "2026-01-31T12:00:00Z", not None',
            id="no creation time",
        ),
    ],
)
def test_a_malformed_model_is_named_with_the_field_and_what_is_wrong(path, value, problem):
    with pytest.raises(MalformedObject) as refused:
        modeldeployment.from_body(changed(model(), path, value))
    assert str(refused.value) == f"ModelDeployment shop/intents cannot be read: {problem}"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        pytest.param(
            ("spec", "modelDeploymentRef"),
            "intents",
            'spec.modelDeploymentRef must be an object such as {"name": "intents"}, not \'intents\'',
            id="a name is no reference",
        ),
        pytest.param(
            ("spec", "modelDeploymentRef"),
            {"name": 7},
            'spec.modelDeploymentRef must be an object such as {"name": "intents"}, not {\'name\': 7}',
            id="a reference to a number",
        ),
        pytest.param(("spec", "modelDeploymentRef"), MISSING, "spec.modelDeploymentRef is missing", id="no reference"),
        pytest.param(
            ("status", "verdict"),
            "Accepted",
            "status.verdict must be one of Promoted, Rejected, Inconclusive, Failed, RolledBack, Unchanged, DryRun, Cancelled, Superseded,"
            " Expired, not 'Accepted'",
            id="a verdict outside of the closed set",
        ),
        pytest.param(
            ("status", "stage"),
            [],
            "status.stage must be one of Queued, Training, Judging, AwaitingApproval, RollingOut, Finished, not []",
            id="a list as a stage",
        ),
    ],
)
def test_a_malformed_request_is_named_with_the_field_and_what_is_wrong(path, value, problem):
    with pytest.raises(MalformedObject) as refused:
        retrainrequest.from_body(changed(request(), path, value))
    assert str(refused.value) == f"RetrainRequest shop/intents cannot be read: {problem}"


def test_many_problems_are_counted_and_not_all_told():
    spec = {**MODEL_SPEC, "trainer": {"image": 1, "command": 2, "args": 3, "parameters": 4, "env": 5}}
    with pytest.raises(MalformedObject, match=r"spec.trainer.image .*; spec.trainer.command .*; spec.trainer.args .* \(and 2 more\)$"):
        modeldeployment.from_body(model(spec=spec))


def test_an_object_without_a_name_is_still_refused_with_a_sentence():
    with pytest.raises(MalformedObject, match=r"^RetrainRequest \?/\? cannot be read: metadata must be an object, not 3$"):
        retrainrequest.from_body(request(metadata=3))


@given(json_values, json_values)
def test_no_json_whatever_breaks_the_reader_in_another_way(spec, status):
    for read, body in ((modeldeployment.from_body, model), (retrainrequest.from_body, request)):
        with suppress(MalformedObject):
            read(body(spec=spec, status=status))


def test_decimals_are_compared_by_their_value():
    live = {"version": "v", "metrics": {"accuracy": "0.1"}, "since": "2026-01-31T12:00:00Z", "serving": {}}
    assert modeldeployment.from_body(model(status={"live": live})).status.live == Live(
        "v", {"accuracy": Decimal("0.10")}, NOW, ServingState()
    )
