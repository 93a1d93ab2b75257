"""One converter between the JSON of our kinds and the frozen dataclasses of ``core``, in both directions.

The rules stand in docs/architecture.md: ``snake_case`` becomes ``camelCase``, empty values are left out, unknown fields are
ignored (a newer version may have written them), and nothing is coerced: a value of another type is an error.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin

from cattrs import BaseConverter, Converter
from cattrs.cols import homogenous_tuple_structure_factory, mapping_structure_factory
from cattrs.errors import BaseValidationError, ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.api.scalars import decimal_from, decimal_text, shown, time_from, time_text
from modelsafeguard.core.model import Meta, Model
from modelsafeguard.core.numbers import PValue, p_text, p_value_from
from modelsafeguard.core.request import Request, RequestSpec

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

_EMPTY: tuple[Any, ...] = (None, "", (), {})
_MOST_PROBLEMS = 3


def json_name(name: str) -> str:
    """The JSON key of a dataclass' field: ``claim_name`` → ``claimName``, ``model_uid`` → ``modelUID``, ``from_`` → ``from``."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join("UID" if part == "uid" else part.capitalize() for part in rest)


def encode(value: Any) -> dict[str, Any]:
    """The JSON object of a spec or a status.

    Raises:
        ValueError: for a number that is not finite, or a time without a zone: neither may ever reach the cluster.
    """
    encoded: dict[str, Any] = _converter.unstructure(value)
    return encoded


def decode(type_: type[T], kind: str, body: Mapping[str, Any]) -> T:
    """The value of a whole object as the API server gives it. One that has no status yet has an empty one.

    Raises:
        MalformedObject: naming the object, and the path of each field that is missing or wrong.
    """
    return _structured(_converter, type_, f"{kind} {_full_name(body)}", {"status": {}, **body})


def decode_written(type_: type[T], name: str, value: object) -> T:
    """A value that a person wrote into a file, which no API server has looked at: a field that is not known is refused, as a misspelt one.

    Raises:
        MalformedObject: naming the file, and the path of each field that is missing, wrong or not known.
    """
    return _structured(_exact_converter, type_, name, value)


def _structured(converter: Converter, type_: type[T], name: str, value: object) -> T:
    try:
        return converter.structure(value, type_)
    except (BaseValidationError, ValueError) as error:
        problems = list(_problems(error, ""))
        more = f" (and {len(problems) - _MOST_PROBLEMS} more)" if len(problems) > _MOST_PROBLEMS else ""
        raise MalformedObject(f"{name} cannot be read: {'; '.join(problems[:_MOST_PROBLEMS])}{more}") from error


def _full_name(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    return f"{metadata.get('namespace', '?')}/{metadata.get('name', '?')}"


def _problems(error: BaseException, path: str) -> Iterator[str]:
    """A "path what is wrong" for each leaf of cattrs' nested groups, which name fields as Python does."""
    if isinstance(error, ClassValidationError):
        fields, others = error.group_exceptions()
        for problem, note in fields:
            yield from _problems(problem, f"{path}.{_overrides(error.cl)[note.name].rename}".lstrip("."))
        for problem in others:
            yield from _problems(problem, path)
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield f"{path}.{key}".lstrip(".") + " is not a field of it"
    elif isinstance(error, IterableValidationError):
        for problem, place in error.group_exceptions()[0]:
            yield from _problems(problem, f"{path}[{place.index}]")
    elif isinstance(error, KeyError):
        yield f"{path} is missing"
    else:
        yield f"{path} {error}".lstrip()


# Where the JSON is not just the field's name in camelCase: Kubernetes' own metadata, and the reference to the model.
_metadata = override(rename="metadata")
_EXCEPTIONS: dict[type, dict[str, Any]] = {
    Meta: {
        "created": override(rename="creationTimestamp"),
        "deleting": override(rename="deletionTimestamp", struct_hook=lambda time, _: time is not None),
    },
    Model: {"meta": _metadata},
    Request: {"meta": _metadata},
    RequestSpec: {
        "model": override(
            rename="modelDeploymentRef",
            struct_hook=lambda reference, _: _reference(reference),
            unstruct_hook=lambda name: {"name": name},
        ),
    },
}


def _reference(value: object) -> str:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError(f'must be an object such as {{"name": "intents"}}, not {shown(value)}')  # noqa: TRY004 - bad JSON
    name: str = value["name"]
    return name


def _overrides(type_: Any) -> dict[str, Any]:
    """A field's JSON key; and it is left out when it has an empty value that reading it back would give anyway."""
    special = _EXCEPTIONS.get(type_, {})
    return {
        field.name: special.get(field.name) or override(rename=json_name(field.name), omit_if_default=_may_be_left_out(field))
        for field in dataclasses.fields(type_)
    }


def _may_be_left_out(field: "dataclasses.Field[Any]") -> bool:
    default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    return any(default is empty or default == empty for empty in _EMPTY)


def _only(json_type: type, noun: str, hook: Hook) -> Hook:
    """Nothing is coerced: cattrs alone would make a list of a string's letters, and a string of any number."""

    def structure(value: Any, type_: Any) -> Any:
        # By type and not isinstance: JSON has no subclasses, and Python's True is an int.
        if type(value) is not json_type:
            raise ValueError(f"must be {noun}, not {shown(value)}")
        return hook(value, type_)

    return structure


def _as_it_is(value: Any, _: Any) -> Any:
    return value


def _is_a(generic: type) -> Callable[[Any], bool]:
    return lambda type_: get_origin(type_) is generic


def _structure_mapping(type_: Any, converter: BaseConverter) -> Hook:
    free_form = get_args(type_)[1] is Any  # a piece of a pod's spec, passed on as it came
    return _only(dict, "an object", _as_it_is if free_form else mapping_structure_factory(type_, converter))


def _structure_tuple(type_: Any, converter: BaseConverter) -> Hook:
    return _only(list, "a list", homogenous_tuple_structure_factory(type_, converter))


def _structure_enum(value: Any, type_: type[StrEnum]) -> StrEnum:
    try:
        return type_(value)
    except ValueError:
        raise ValueError(f"must be one of {', '.join(type_)}, not {shown(value)}") from None


def _structure_dataclass(type_: Any, converter: BaseConverter) -> Hook:
    return _only(dict, "an object", make_dict_structure_fn(type_, converter, **_overrides(type_)))


def _unstructure_dataclass(type_: Any, converter: BaseConverter) -> Callable[[Any], Any]:
    return make_dict_unstructure_fn(type_, converter, **_overrides(type_))


def _structure_scalars(converter: Converter) -> None:
    for scalar, noun in ((str, "a string"), (int, "a whole number"), (bool, "true or false")):
        converter.register_structure_hook(scalar, _only(scalar, noun, _as_it_is))
    converter.register_structure_hook(Decimal, lambda value, _: decimal_from(value))
    converter.register_structure_hook(PValue, lambda value, _: p_value_from(value))
    converter.register_structure_hook(datetime, lambda value, _: time_from(value))


def _make_converter(*, forbid_extra_keys: bool) -> Converter:
    converter = Converter(forbid_extra_keys=forbid_extra_keys, unstruct_collection_overrides={tuple: list, Mapping: dict})
    _structure_scalars(converter)
    converter.register_structure_hook_factory(_is_a(Mapping), _structure_mapping)
    converter.register_structure_hook_factory(_is_a(tuple), _structure_tuple)
    converter.register_structure_hook_factory(dataclasses.is_dataclass, _structure_dataclass)
    converter.register_structure_hook(StrEnum, _structure_enum)
    converter.register_unstructure_hook(Decimal, decimal_text)
    converter.register_unstructure_hook(PValue, p_text)
    converter.register_unstructure_hook(datetime, time_text)
    converter.register_unstructure_hook(StrEnum, lambda member: member.value)
    converter.register_unstructure_hook_factory(dataclasses.is_dataclass, _unstructure_dataclass)
    return converter


_converter = _make_converter(forbid_extra_keys=False)
_exact_converter = _make_converter(forbid_extra_keys=True)
