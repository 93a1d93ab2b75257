"""A request's parameters against those that the model's owner declared: all that a request can change of a training run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelsafeguard.core.contract import parameter_variable
from modelsafeguard.core.model import Parameter
from modelsafeguard.core.patterns import PatternError, fullmatch

MAX_VALUE: Final = 256
"""Characters in a value: what an environment variable needs, and a bound on the time that matching takes."""


@dataclass(frozen=True)
class InvalidParameters:
    """Why a request's parameters are refused, as a sentence."""

    message: str


def resolve(declared: Sequence[Parameter], given: Mapping[str, str]) -> Mapping[str, str] | InvalidParameters:
    """The value of every declared parameter: the request's, or the default.

    Refused are a name that is not declared, a value that its pattern does not match as a whole, and a parameter that has neither
    a value nor a default.
    """
    names = [parameter.name for parameter in declared]
    for name in given:
        if name not in names:
            offered = f"it offers {', '.join(names)}" if names else "it offers none"
            return InvalidParameters(f"parameter '{_short(name)}' is not one that the model's trainer offers; {offered}")
    values: dict[str, str] = {}
    for parameter in declared:
        if parameter.name not in given and not parameter.default:
            return InvalidParameters(f"parameter '{parameter.name}' has no default; give a value that matches '{parameter.pattern}'")
        value = given.get(parameter.name, parameter.default)
        if problem := _value_problem(parameter, value):
            return InvalidParameters(f"parameter {problem}")
        values[parameter.name] = value
    return values


def pattern_problem(parameter: Parameter) -> str:
    """Why no request, or none without a value of its own, could use this parameter, as a sentence; empty when all is well."""
    try:
        fullmatch(parameter.pattern, "")
    except PatternError as error:
        return f"the pattern '{parameter.pattern}' of parameter '{parameter.name}' {error}; correct spec.trainer.parameters"
    problem = _value_problem(parameter, parameter.default) if parameter.default else ""
    return problem and f"the default of parameter {problem}; correct spec.trainer.parameters"


def _value_problem(parameter: Parameter, value: str) -> str:
    if len(value) > MAX_VALUE:
        return f"'{parameter.name}' has {len(value)} characters; at most {MAX_VALUE} are allowed"
    try:
        matches = fullmatch(parameter.pattern, value)
    except PatternError as error:
        return f"'{parameter.name}' has a pattern that {error}; correct spec.trainer.parameters of the model"
    return "" if matches else f"'{parameter.name}' is '{_short(value)}', which does not match '{parameter.pattern}'"


def clashing_names(declared: Sequence[Parameter]) -> str:
    """Two parameters that would be the same environment variable, as a sentence; empty when there are none."""
    owners: dict[str, str] = {}
    for parameter in declared:
        variable = parameter_variable(parameter.name)
        if variable in owners:
            return f"parameters '{owners[variable]}' and '{parameter.name}' would both be {variable}; rename one of them"
        owners[variable] = parameter.name
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"  # noqa: PLR2004 - fits a line of `kubectl get`
