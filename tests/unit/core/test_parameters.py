import pytest

from modelsafeguard.core.model import Parameter
from modelsafeguard.core.parameters import InvalidParameters, clashing_names, pattern_problem, resolve

DATASET = Parameter("dataset", "full|small", "full")
SEED = Parameter("seed", "[0-9]+")
NOTE = Parameter("note", ".*", "none")


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        pytest.param([], {}, {}, id="none declared, none given"),
        pytest.param([DATASET], {}, {"dataset": "full"}, id="what is not given has its default"),
        pytest.param([DATASET], {"dataset": "small"}, {"dataset": "small"}, id="what is given counts"),
        pytest.param([SEED, DATASET], {"seed": "7"}, {"seed": "7", "dataset": "full"}, id="all are there, in the owner's order"),
        pytest.param([NOTE], {"note": ""}, {"note": ""}, id="an empty value is a value where the pattern allows it"),
    ],
)
def test_every_declared_parameter_has_a_value(declared, given, expected):
    assert resolve(declared, given) == expected


@pytest.mark.parametrize(
    ("declared", "given", "sentence"),
    [
        pytest.param(
            [DATASET],
            {"image": "x"},
            "parameter 'image' is not one that the model's trainer offers; it offers dataset",
            id="a name not offered",
        ),
        pytest.param(
            [], {"image": "x"}, "parameter 'image' is not one that the model's trainer offers; it offers none", id="nothing is offered"
        ),
        pytest.param(
            [DATASET],
            {"dataset": "small; rm"},
            "parameter 'dataset' is 'small; rm', which does not match 'full|small'",
            id="only part of the value matches",
        ),
        pytest.param([DATASET], {"dataset": ""}, "parameter 'dataset' is '', which does not match 'full|small'", id="empty is not absent"),
        pytest.param(
            [SEED], {}, "parameter 'seed' has no default; give a value that matches '[0-9]+'", id="missing, and without a default"
        ),
        pytest.param([NOTE], {"note": "x" * 257}, "parameter 'note' has 257 characters; at most 256 are allowed", id="too long"),
        pytest.param(
            [Parameter("p", "(")],
            {"p": "x"},
            "parameter 'p' has a pattern that is not a pattern of RE2: missing ): (; correct spec.trainer.parameters of the model",
            id="a pattern that cannot be used",
        ),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(declared, given, sentence):
    assert resolve(declared, given) == InvalidParameters(sentence)


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        pytest.param(DATASET, "", id="a good one"),
        pytest.param(SEED, "", id="a good one without a default"),
        pytest.param(
            Parameter("p", "a(b"),
            "the pattern 'a(b' of parameter 'p' is not a pattern of RE2: missing ): a(b; correct spec.trainer.parameters",
            id="no pattern",
        ),
        pytest.param(
            Parameter("p", "a|b", "c"),
            "the default of parameter 'p' is 'c', which does not match 'a|b'; correct spec.trainer.parameters",
            id="a default that the pattern refuses",
        ),
    ],
)
def test_what_an_owner_declared_wrongly_is_said_before_any_request(parameter, sentence):
    assert pattern_problem(parameter) == sentence


def test_two_parameters_may_not_be_one_environment_variable():
    assert clashing_names([DATASET, SEED]) == ""
    assert clashing_names([Parameter("a-b", "x"), Parameter("a_b", "x")]) == (
        "parameters 'a-b' and 'a_b' would both be SAFEGUARD_PARAM_A_B; rename one of them"
    )
