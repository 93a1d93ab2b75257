"""The CRDs are the reviewed contract, the dataclasses are what the program believes: neither may know what the other does not."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import pytest
import yaml

from modelsafeguard.api import names
from modelsafeguard.api.codec import encode, json_name
from modelsafeguard.api.scalars import DECIMAL_LENGTH, DECIMAL_PATTERN
from modelsafeguard.core.annotations import LONGEST_REASON, LONGEST_SIGNATURE
from modelsafeguard.core.comparison import LONGEST_NAME, NAMED_CLASSES, WORST_SLICES
from modelsafeguard.core.lifecycle.approval import MOST_WAITING
from modelsafeguard.core.lifecycle.holdouts import MOST_HOLDOUTS
from modelsafeguard.core.lifecycle.pruning import BATCH
from modelsafeguard.core.lifecycle.records import MOST_RECORDS
from modelsafeguard.core.model import History, ModelSpec, ModelStatus
from modelsafeguard.core.numbers import P_VALUE_PATTERN, PValue
from modelsafeguard.core.parameters import MAX_VALUE
from modelsafeguard.core.profiles import ALWAYS_ENFORCED, GateName, Mode
from modelsafeguard.core.request import RequestSpec, RequestStatus

CRDS = Path(__file__).parents[3] / "crds"
KINDS = {
    names.MODEL_PLURAL: (names.MODEL_KIND, ModelSpec, ModelStatus),
    names.REQUEST_PLURAL: (names.REQUEST_KIND, RequestSpec, RequestStatus),
}

# Strings to us, since nothing is decided by them; Kubernetes has a closed set of values for them.
KUBERNETES_OWN = {
    "spec.trainer.imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "status.conditions[].status": ("True", "False", "Unknown"),
}

Schema = dict[str, Any]
CRD = {plural: yaml.safe_load((CRDS / f"{plural}.yaml").read_text(encoding="utf-8")) for plural in KINDS}


class Fact(NamedTuple):
    """What is compared of one field."""

    type: str
    format: str | None = None
    enum: tuple[str, ...] | None = None
    required: bool = False
    default: Any = None


SCALARS = {
    str: Fact("string"),
    int: Fact("integer"),
    bool: Fact("boolean"),
    Decimal: Fact("string"),
    PValue: Fact("string"),
    datetime: Fact("string", format="date-time"),
}
PASSED_ON = Fact("object, passed on as it is")


def root(plural: str) -> Schema:
    (version,) = CRD[plural]["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]


def of_schema(schema: Schema, path: str, *, required: bool, opaque: frozenset[str]) -> Iterator[tuple[str, Fact]]:
    """The facts of a schema and of all below it, by path; below what is passed on as it is nothing is compared."""
    if path in opaque:
        yield path, PASSED_ON._replace(required=required)
        return
    enum = tuple(schema["enum"]) if "enum" in schema else None
    form = schema.get("format") if schema["type"] == "string" else None
    yield path, Fact(schema["type"], form, enum, required, schema.get("default"))
    for name, below in schema.get("properties", {}).items():
        yield from of_schema(below, f"{path}.{name}", required=name in schema.get("required", ()), opaque=opaque)
    for key, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from of_schema(schema[key], path + suffix, required=False, opaque=opaque)


def of_type(hint: Any, path: str, *, required: bool, default: Any = None) -> Iterator[tuple[str, Fact]]:
    """The facts of a type and of all below it, by the same paths."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is tuple:
        yield path, Fact("array", required=required)
        yield from of_type(get_args(hint)[0], f"{path}[]", required=False)
    elif get_origin(hint) is Mapping and get_args(hint)[1] is Any:
        yield path, PASSED_ON._replace(required=required)
    elif get_origin(hint) is Mapping:
        yield path, Fact("object", required=required)
        yield from of_type(get_args(hint)[1], f"{path}{{}}", required=False)
    elif dataclasses.is_dataclass(hint):
        yield path, Fact("object", required=required, default=default)
        yield from of_fields(hint, path)
    elif issubclass(hint, StrEnum):
        yield path, Fact("string", enum=tuple(hint), required=required, default=default)
    else:
        yield path, SCALARS[hint]._replace(required=required, default=default, enum=KUBERNETES_OWN.get(path))


def of_fields(type_: type, path: str) -> Iterator[tuple[str, Fact]]:
    for field in dataclasses.fields(type_):
        hint, required = get_type_hints(type_)[field.name], not has_default(field)
        if (type_, field.name) == (RequestSpec, "model"):
            yield f"{path}.modelDeploymentRef", Fact("object", required=True)
            yield from of_type(hint, f"{path}.modelDeploymentRef.name", required=True)
        else:
            # Only a spec has defaults: filled into a status, they would say what the operator never wrote.
            default = shown_default(field) if path.startswith("spec") else None
            yield from of_type(hint, f"{path}.{json_name(field.name)}", required=required, default=default)


def has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def shown_default(field: dataclasses.Field[Any]) -> Any:
    """The default as the CRD has it: an empty one is said by leaving the field out, and that of an object by its fields."""
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    if value in (dataclasses.MISSING, None, "", (), {}):
        return None
    if isinstance(value, Decimal):
        return str(value)
    return {} if dataclasses.is_dataclass(value) else value


@pytest.mark.parametrize("plural", KINDS)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_schema_and_types_know_the_same_fields_types_enums_defaults_and_what_is_required(plural, part):
    _, spec, status = KINDS[plural]
    expected = dict(of_type(spec if part == "spec" else status, part, required=part == "spec"))
    if (part, plural) == ("status", names.MODEL_PLURAL):  # what tools see that look before the operator has
        expected[part] = expected[part]._replace(default={"observedGeneration": -1})
    opaque = frozenset(path for path, fact in expected.items() if fact.type == PASSED_ON.type)
    schema = root(plural)
    assert dict(of_schema(schema["properties"][part], part, required=part in schema["required"], opaque=opaque)) == expected


def test_a_history_that_is_left_out_is_the_one_that_the_program_takes():
    defaults = root(names.MODEL_PLURAL)["properties"]["spec"]["properties"]["history"]["properties"]
    assert {name: field["default"] for name, field in defaults.items()} == encode(History())


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from nodes(below, f"{path}.{name}")
    for key, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from nodes(schema[key], path + suffix)


def unbounded(schema: Schema) -> bool:
    """Whether a value of this schema may be of any size. A free-form object is bounded by its keys, and as a whole by the request."""
    if schema.get("x-kubernetes-int-or-string"):
        return "maxLength" not in schema
    match schema["type"]:
        case "string":
            return "maxLength" not in schema and "enum" not in schema
        case "array":
            return "maxItems" not in schema
        case "object":
            free = "additionalProperties" in schema or "x-kubernetes-preserve-unknown-fields" in schema
            return free and "maxProperties" not in schema
        case _:
            return False


@pytest.mark.parametrize("plural", KINDS)
def test_every_field_has_a_description_that_is_a_sentence(plural):
    wanting = [path for path, schema in nodes(root(plural)) if not schema.get("description", "").endswith((".", '".'))]
    assert wanting == []


@pytest.mark.parametrize("plural", KINDS)
def test_every_string_list_and_map_is_bounded(plural):
    assert [path for path, schema in nodes(root(plural)) if unbounded(schema)] == []


@pytest.mark.parametrize("plural", KINDS)
def test_every_rule_has_a_sentence_and_a_reason(plural):
    rules = [rule for _, schema in nodes(root(plural)) for rule in schema.get("x-kubernetes-validations", [])]
    assert [rule["rule"] for rule in rules if not (rule.get("message") and rule.get("reason"))] == []


def test_the_status_holds_exactly_the_p_values_that_are_written():
    assert P_VALUE_PATTERN in [schema.get("pattern") for _, schema in nodes(root(names.REQUEST_PLURAL))]


def test_the_compact_report_has_no_more_examples_and_no_longer_names_than_the_status_holds():
    comparison = root(names.REQUEST_PLURAL)["properties"]["status"]["properties"]["report"]["properties"]["comparison"]["properties"]
    slices, classes = comparison["slices"], comparison["classesLost"]["properties"]["names"]
    assert (slices["maxItems"], slices["items"]["properties"]["value"]["maxLength"]) == (WORST_SLICES, LONGEST_NAME)
    assert (classes["maxItems"], classes["items"]["maxLength"]) == (NAMED_CLASSES, LONGEST_NAME)


def test_the_status_holds_exactly_the_decimals_that_are_written():
    decimals = [schema for plural in KINDS for _, schema in nodes(root(plural)) if schema.get("pattern") == DECIMAL_PATTERN]
    assert {schema["maxLength"] for schema in decimals} == {DECIMAL_LENGTH}


@pytest.mark.parametrize("plural", KINDS)
def test_the_kind_is_called_what_the_program_calls_it(plural):
    crd = CRD[plural]
    (version,) = crd["spec"]["versions"]
    assert crd["metadata"]["name"] == f"{plural}.{names.GROUP}"
    assert (crd["spec"]["group"], version["name"]) == (names.GROUP, names.VERSION)
    assert (crd["spec"]["names"]["kind"], crd["spec"]["names"]["plural"]) == (KINDS[plural][0], plural)


def test_a_request_may_name_every_model_there_can_be():
    reference = root(names.REQUEST_PLURAL)["properties"]["spec"]["properties"]["modelDeploymentRef"]["properties"]["name"]
    first, second, *_ = root(names.MODEL_PLURAL)["x-kubernetes-validations"]
    assert first["rule"] == f"self.metadata.name.size() <= {reference['maxLength']}"
    assert second["rule"] == f"self.metadata.name.matches('{reference['pattern']}')"


def test_a_request_writes_its_thresholds_as_the_owner_does():
    owner, request = (root(plural)["properties"]["spec"]["properties"]["policy"]["properties"]["metrics"] for plural in KINDS)
    assert without_descriptions(owner) == without_descriptions(request)


def test_the_two_kinds_have_the_same_conditions():
    model, request = (root(plural)["properties"]["status"]["properties"]["conditions"] for plural in KINDS)
    assert without_descriptions(model) == without_descriptions(request)


def test_a_parameter_value_is_as_long_as_the_program_takes():
    parameters = root(names.REQUEST_PLURAL)["properties"]["spec"]["properties"]["parameters"]
    declared = root(names.MODEL_PLURAL)["properties"]["spec"]["properties"]["trainer"]["properties"]["parameters"]["items"]["properties"]
    assert parameters["additionalProperties"]["maxLength"] == declared["default"]["maxLength"] == MAX_VALUE


def test_the_records_hold_as_much_of_a_signature_as_is_read():
    model, request = (root(plural)["properties"]["status"]["properties"] for plural in KINDS)
    held = [model["rebasedBy"], request["approvedBy"], request["uncheckedApproval"]]
    assert {signature["maxLength"] for signature in held} == {LONGEST_SIGNATURE}
    assert request["approvalReason"]["maxLength"] == LONGEST_REASON


def test_the_record_has_room_for_every_version_that_may_be_on_the_volume_at_once():
    """Those that wait may all end at once, beside the longest history and what is about to be pruned."""
    spec, status = (root(names.MODEL_PLURAL)["properties"][part]["properties"] for part in ("spec", "status"))
    assert (status["versions"]["maxItems"], status["awaitingApproval"]["maxItems"]) == (MOST_RECORDS, MOST_WAITING)
    longest = sum(kept["maximum"] for kept in spec["history"]["properties"].values())
    assert MOST_WAITING + longest + BATCH <= MOST_RECORDS


def test_the_record_counts_the_decisions_on_as_many_holdouts_as_the_program_does():
    assert root(names.MODEL_PLURAL)["properties"]["status"]["properties"]["holdouts"]["maxItems"] == MOST_HOLDOUTS


def test_what_is_always_enforced_cannot_be_set_otherwise():
    gates = root(names.MODEL_PLURAL)["properties"]["spec"]["properties"]["policy"]["properties"]["gates"]
    (rule,) = gates["items"]["x-kubernetes-validations"]
    always = [str(gate) for gate in GateName if gate in ALWAYS_ENFORCED]
    assert rule["rule"] == f"self.mode == '{Mode.ENFORCE}' || !(self.name in {always})"
    assert gates["maxItems"] == len(GateName)


def test_the_status_has_room_for_every_finding_on_as_many_metrics_as_owner_and_request_can_name():
    policy = root(names.MODEL_PLURAL)["properties"]["spec"]["properties"]["policy"]["properties"]
    findings = root(names.REQUEST_PLURAL)["properties"]["status"]["properties"]["findings"]
    assert 2 * policy["metrics"]["maxItems"] * len(GateName) <= findings["maxItems"]


def test_a_metric_cannot_have_the_name_of_an_annotation_of_another_meaning():
    facts = [names.ANNOTATION_VERSION, names.ANNOTATION_TRAINING_DATE, names.ANNOTATION_HOLDOUT_DIGEST]
    approval = [names.ANNOTATION_APPROVED_BY, names.ANNOTATION_APPROVAL_REASON]
    orders = [names.ANNOTATION_CANCEL, *approval, names.ANNOTATION_REBASED_BY, names.ANNOTATION_REQUESTED_BY]
    metric = root(names.MODEL_PLURAL)["properties"]["spec"]["properties"]["policy"]["properties"]["metrics"]["items"]["properties"]["name"]
    refused = str([names.annotated_metric(annotation) for annotation in (*facts, *orders)])
    assert f"!(self in {refused})" in [rule["rule"] for rule in metric["x-kubernetes-validations"]]


def without_descriptions(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_descriptions(below) for key, below in value.items() if not (key == "description" and isinstance(below, str))}
    return [without_descriptions(below) for below in value] if isinstance(value, list) else value
