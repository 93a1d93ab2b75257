import pytest

from modelsafeguard.core.model import ModelSpec, Parameter, Serving, Storage, Trainer
from modelsafeguard.core.policy import Policy
from modelsafeguard.core.trainer import trainer_problem


def problem_with(**fields):
    serving, storage = Serving("intents", "server", "model"), Storage("models", "intents")
    return trainer_problem(ModelSpec(serving=serving, storage=storage, trainer=Trainer(image="trainer", **fields), policy=Policy()))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"env": ({"name": "POD_IP"}, {"name": "MY_SAFEGUARD_X"})}, id="variables of the owner's"),
        pytest.param({"volumes": ({"name": "shm", "emptyDir": {}},)}, id="a volume of the owner's"),
        pytest.param({"volumes": ({"name": "x", "persistentVolumeClaim": {"claimName": "cache"}},)}, id="another claim"),
        pytest.param({"volume_mounts": ({"name": "shm", "mountPath": "/safeguards"},)}, id="a path that only begins alike"),
        pytest.param({"parameters": (Parameter("dataset", "a|b"),)}, id="a parameter"),
    ],
)
def test_an_owner_may_ask_for(fields):
    assert problem_with(**fields) == ""


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        pytest.param({"env": ({"name": "SAFEGUARD_MODEL", "value": "x"},)}, "sets SAFEGUARD_MODEL", id="a variable of the contract"),
        pytest.param(
            {"env": ({"name": "POD_UID", "value": "../.."},)}, "sets POD_UID", id="the variable that the output folder is made of"
        ),
        pytest.param({"volumes": ({"name": "safeguard-store"},)}, "named safeguard-store", id="a volume with one of our names"),
        pytest.param(
            {"volumes": ({"name": "m", "persistentVolumeClaim": {"claimName": "models"}},)},
            "mounts claim models",
            id="the claim that holds the versions",
        ),
        pytest.param(
            {"volume_mounts": ({"name": "safeguard-store", "mountPath": "/x"},)}, "mounts safeguard-store", id="a volume of ours, elsewhere"
        ),
        pytest.param(
            {"volume_mounts": ({"name": "x", "mountPath": "/x/../safeguard/output/"},)},
            "mounts /safeguard/output",
            id="a path of ours, in disguise",
        ),
        pytest.param({"volume_mounts": ({"name": "x", "mountPath": "/"},)}, "mounts /;", id="everything"),
        pytest.param({"parameters": (Parameter("p", "("),)}, "is not a pattern of RE2", id="a pattern that cannot be used"),
        pytest.param({"parameters": (Parameter("a-b", "x"), Parameter("a_b", "x"))}, "would both be", id="two parameters of one variable"),
    ],
)
def test_an_owner_may_not_ask_for(fields, word):
    assert word in problem_with(**fields)
