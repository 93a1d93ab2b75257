"""The status subresource on the real API server: what the operator's compare-and-swap and its final verdict rest on."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from modelsafeguard.api import modeldeployment, retrainrequest
from modelsafeguard.core.model import ModelStatus, ServingState
from modelsafeguard.core.verdict import Verdict
from tests.integration.crds.statuses import LIVE, MODEL_STATUS, REQUEST_STATUS, written
from tests.support.client import ApiError
from tests.support.objects import model_deployment, retrain_request


def unset(value: Any, path: str = "status") -> Iterator[str]:
    """The fields that say nothing: a test of what comes back would not see them go."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from unset(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple | Mapping):
        below = value.values() if isinstance(value, Mapping) else value
        yield from (unset_below for inner in below for unset_below in unset(inner, f"{path}[]")) if value else [path]
    elif not value:
        yield path


async def finish(client, body, verdict):
    status = retrainrequest.status_to_json(replace(REQUEST_STATUS, verdict=verdict))
    return await client.replace(written(body, status), subresource="status")


@pytest.mark.parametrize("status", [MODEL_STATUS, REQUEST_STATUS], ids=["a model's", "a request's"])
def test_the_examples_below_leave_no_field_out(status):
    assert list(unset(status)) == []


async def test_a_model_status_comes_back_from_the_api_server_as_it_was_written(client):
    body = await client.create(model_deployment())
    await client.replace(written(body, modeldeployment.status_to_json(MODEL_STATUS)), subresource="status")
    read = modeldeployment.from_body(await client.get("ModelDeployment", "intents"))
    assert read.status == MODEL_STATUS
    assert read.spec == modeldeployment.from_body(body).spec


async def test_a_request_status_comes_back_from_the_api_server_as_it_was_written(client):
    body = await client.create(retrain_request("nightly-8", parameters={"dataset": "full"}))
    await client.replace(written(body, retrainrequest.status_to_json(REQUEST_STATUS)), subresource="status")
    read = retrainrequest.from_body(await client.get("RetrainRequest", "nightly-8"))
    assert read.status == REQUEST_STATUS
    assert read.spec == retrainrequest.from_body(body).spec


async def test_having_found_nothing_is_kept_apart_from_not_having_looked(client):
    body = await client.create(model_deployment())
    assert modeldeployment.from_body(body).status.found is None
    written_status = modeldeployment.status_to_json(ModelStatus(found=ServingState()))
    assert (
        modeldeployment.from_body(await client.replace(written(body, written_status), subresource="status")).status.found == ServingState()
    )


async def test_a_status_is_written_whole_what_is_not_in_it_is_gone(client):
    body = await client.create(model_deployment())
    body = await client.replace(written(body, modeldeployment.status_to_json(MODEL_STATUS)), subresource="status")
    body = await client.replace(written(body, modeldeployment.status_to_json(ModelStatus(live=LIVE))), subresource="status")
    assert modeldeployment.from_body(body).status == ModelStatus(live=LIVE)


async def test_a_status_write_of_nothing_but_a_status_leaves_spec_and_metadata_alone(client):
    body = await client.create(model_deployment(annotations={"a": "b"}, labels={"c": "d"}))
    answer = await client.replace(written(body, {"observedGeneration": 1}), subresource="status")
    assert answer["spec"] == body["spec"]
    assert [answer["metadata"][key] for key in ("annotations", "labels", "generation")] == [{"a": "b"}, {"c": "d"}, 1]


async def test_a_long_record_is_not_kept_a_second_time_as_managed_fields(client):
    body = await client.create(model_deployment())
    [record] = MODEL_STATUS.versions[-1:]
    versions = tuple(replace(record, version=f"nightly-{number}") for number in range(60))
    body = await client.replace(written(body, modeldeployment.status_to_json(ModelStatus(versions=versions))), subresource="status")
    assert len(json.dumps(body["metadata"]["managedFields"])) < len(json.dumps(body["status"])) / 10


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"status": {"observedGeneration": 1}}, id="somebody wrote the status"),
        pytest.param({"metadata": {"annotations": {"a": "b"}}}, id="somebody annotated it"),
        pytest.param({"spec": {"suspend": True}}, id="somebody edited it"),
    ],
)
async def test_a_status_write_that_was_decided_on_an_older_object_is_a_conflict(client, change):
    decided_on = await client.create(model_deployment())
    await client.patch("ModelDeployment", "intents", change, subresource="status" if "status" in change else "")
    with pytest.raises(ApiError, match="the object has been modified") as refused:
        await client.replace(written(decided_on, {"observedGeneration": 1}), subresource="status")
    assert refused.value.code == 409


async def test_a_status_write_to_an_object_that_was_made_again_is_a_conflict(client):
    decided_on = await client.create(retrain_request("nightly-8"))
    await client.delete("RetrainRequest", "nightly-8")
    await client.create(retrain_request("nightly-8"))
    with pytest.raises(ApiError) as refused:
        await client.replace(written(decided_on, {"observedGeneration": 1}), subresource="status")
    assert refused.value.code == 409


async def test_a_status_write_without_a_change_makes_no_new_version(client):
    body = await client.create(model_deployment())
    status = modeldeployment.status_to_json(MODEL_STATUS)
    first = await client.replace(written(body, status), subresource="status")
    second = await client.replace(written(first, status), subresource="status")
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


@pytest.mark.parametrize("verdict", list(Verdict))
async def test_every_verdict_is_final(client, verdict):
    finished = await finish(client, await client.create(retrain_request("nightly-8")), verdict)
    other = next(another for another in Verdict if another is not verdict)
    with pytest.raises(ApiError, match="a verdict is final"):
        await finish(client, finished, other)
    with pytest.raises(ApiError, match="a verdict is final"):
        await client.replace(written(finished, {"observedGeneration": 1}), subresource="status")


async def test_a_verdict_does_not_go_with_the_whole_status(client):
    finished = await finish(client, await client.create(retrain_request("nightly-8")), Verdict.FAILED)
    without = written(finished, {})
    del without["status"]
    with pytest.raises(ApiError, match="a verdict is final"):
        await client.replace(without, subresource="status")
    with pytest.raises(ApiError, match="a verdict is final"):
        await client.patch("RetrainRequest", "nightly-8", {"status": None}, subresource="status")


async def test_what_else_is_known_of_a_finished_request_can_still_be_written(client):
    finished = await finish(client, await client.create(retrain_request("nightly-8")), Verdict.FAILED)
    answer = await client.replace(written(finished, {**finished["status"], "waiting": "something else"}), subresource="status")
    assert answer["status"]["waiting"] == "something else"


async def test_a_status_is_not_set_by_writing_the_object(client):
    created = await client.create({**retrain_request("nightly-8"), "status": {"verdict": "Promoted"}})
    replaced = await client.replace({**created, "status": {"verdict": "Promoted"}})
    assert "status" not in created
    assert "status" not in replaced


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"verdict": "Accepted"}, id="a verdict outside of the closed set"),
        pytest.param({"verdict": ""}, id="an empty verdict"),
        pytest.param({"stage": "Waiting"}, id="a stage there is not"),
        pytest.param({"deltas": {"accuracy": "+NaN"}}, id="a delta that is not a number"),
        pytest.param({"deltas": {"accuracy": 0.01}}, id="a delta that is a binary float"),
        pytest.param({"startedAt": "yesterday"}, id="a time that is none"),
        pytest.param({"job": {"name": "nightly-8-1f0c9a2e"}}, id="a Job without its uid"),
    ],
)
async def test_a_malformed_status_is_not_written(client, status):
    body = await client.create(retrain_request("nightly-8"))
    with pytest.raises(ApiError) as refused:
        await client.replace(written(body, status), subresource="status")
    assert refused.value.code == 422


async def test_requests_are_found_by_their_model_and_by_their_verdict(client):
    for name, model, verdict in (("a", "intents", "Promoted"), ("b", "intents", None), ("c", "other", None), ("d", "other", "Failed")):
        body = await client.create(retrain_request(name, model))
        if verdict:
            await finish(client, body, Verdict(verdict))

    async def found(fields):
        return [body["metadata"]["name"] for body in await client.find_all("RetrainRequest", fields=fields)]

    assert await found("spec.modelDeploymentRef.name=intents") == ["a", "b"]
    assert await found("status.verdict=Promoted") == ["a"]
    assert await found("status.verdict=") == ["b", "c"]
    assert await found("status.verdict!=") == ["a", "d"]
    assert await found("spec.modelDeploymentRef.name=intents,status.verdict=") == ["b"]
