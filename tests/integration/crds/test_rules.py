"""What the API server refuses by the schema alone, with which sentence, and what it takes."""

import pytest

from tests.support.client import ApiError
from tests.support.objects import merged, model_deployment, retrain_request


def metric(name="accuracy", drop="0.01", **others):
    return {"name": name, "maxDrop": drop, **others}


def policy(*metrics, **others):
    return {"policy": {"metrics": list(metrics), **others}}


def trainer(**fields):
    return {"trainer": fields}


def parameters(*parameters):
    return trainer(parameters=list(parameters))


def parameter(name="dataset", pattern="full|small", **default):
    return {"name": name, "pattern": pattern, **default}


def volumes(volumes, mounts):
    return trainer(volumes=volumes, volumeMounts=mounts)


SCRATCH = {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}}
FRACTION = 'maxDrop of a metric that lies between 0 and 1 is itself between -1 and 1: one percentage point is "0.01"'
DECIMAL = 'maxDrop is a decimal number in quotes, with at most ten digits after the point: "0.01" is one percentage point'
PATH = "a path is relative to the claim's root: names of letters, digits and . _ -, with one / between them and none at its ends"
NO_DOTS = "a path has no segment . or .."
METRIC_NAME = "a metric's name consists of letters, digits and _, as in metrics.json"
NOT_NEGATIVE = "is a decimal number in quotes that is not negative"
SHARE = 'is a decimal number in quotes between 0 and 1: "0.01" is one percentage point'
ALWAYS = "PolicyComplete and MetricsValid are always enforced"
MOUNT = "a trainer mounts its volumes at an absolute path, and neither at / nor at or below /safeguard"

# What both kinds say of a policy.
POLICIES = [
    pytest.param(policy(metric(drop="0,01")), DECIMAL, id="a threshold with a decimal comma"),
    pytest.param(policy(metric(drop="1%")), DECIMAL, id="a threshold in per cent"),
    pytest.param(policy(metric(drop="NaN")), DECIMAL, id="a threshold that is not a number"),
    pytest.param(policy(metric(drop="Infinity")), DECIMAL, id="an infinite threshold"),
    pytest.param(policy(metric(drop="1e-2")), DECIMAL, id="a threshold with an exponent"),
    pytest.param(policy(metric(drop="+0.01")), DECIMAL, id="a threshold with a plus"),
    pytest.param(policy(metric(drop="00.1")), DECIMAL, id="a threshold with a leading zero"),
    pytest.param(policy(metric(drop=" 0.01")), DECIMAL, id="a threshold with a blank"),
    pytest.param(policy(metric(drop="0.00000000001")), DECIMAL, id="a threshold finer than a report is"),
    pytest.param(policy(metric(drop="")), "should be at least 1 chars long", id="an empty threshold"),
    pytest.param(policy(metric(drop=0.01)), 'must be of type string: "number"', id="a threshold that is a binary float"),
    pytest.param(policy(metric(drop="1.01")), FRACTION, id="a drop of more than everything"),
    pytest.param(policy(metric(drop="5")), FRACTION, id="percentage points where a fraction is meant"),
    pytest.param(policy(metric("f1_macro", "-1.5")), FRACTION, id="a gain that nobody can reach"),
    pytest.param(policy({"name": "accuracy"}), "maxDrop: Required value", id="a metric without a threshold"),
    pytest.param(policy(metric(), metric(drop="0")), "Duplicate value", id="one metric twice"),
    pytest.param(policy(metric("f1_macro"), metric("f1-macro")), METRIC_NAME, id="two metrics that would be one annotation"),
    pytest.param(policy(metric("f1 macro")), METRIC_NAME, id="a metric with a blank in its name"),
    pytest.param(policy(metric("f1_")), METRIC_NAME, id="a metric whose annotation would end with a dash"),
    pytest.param(policy(metric("9th")), METRIC_NAME, id="a metric that begins with a digit"),
    pytest.param(policy(metric("training_date")), "as an annotation this name has another meaning", id="a metric called training_date"),
    pytest.param(policy(metric("version")), "as an annotation this name has another meaning", id="a metric called version"),
    pytest.param(policy(*(metric(f"m{number}") for number in range(9))), "must have at most 8 items", id="nine metrics"),
    pytest.param(policy(metric(minValue="high")), "minValue is a decimal number in quotes", id="a floor that is no number"),
    pytest.param(policy(metric(minValue="80")), "minValue of a metric that lies between 0 and 1 does so too", id="a floor in per cent"),
    pytest.param(policy(metric(maxGain="-0.01")), f"maxGain {NOT_NEGATIVE}", id="a negative largest gain"),
    pytest.param(policy(metric(maxTotalDrop="NaN")), f"maxTotalDrop {NOT_NEGATIVE}", id="a budget that is no number"),
    pytest.param(policy(metric("approval_reason")), "as an annotation this name has another meaning", id="a metric called approval_reason"),
    pytest.param(policy(metric(), profile="Lax"), 'supported values: "Seed", "Strict"', id="a profile there is not"),
    pytest.param(
        policy(metric(), promotion="Sometimes"), 'supported values: "Automatic", "Manual", "DryRun"', id="a promotion there is not"
    ),
]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        *POLICIES,
        pytest.param({"policy": {"metrics": []}}, "policy.metrics names at least one metric", id="no threshold at all"),
        pytest.param({"policy": {"metrics": None}}, "policy.metrics names at least one metric", id="a policy without metrics"),
        pytest.param({"policy": None}, "spec.policy: Required value", id="no policy"),
        pytest.param({"policy": {"approvalDeadlineSeconds": 59}}, "should be greater than or equal to 60", id="no time to approve"),
        pytest.param({"policy": {"approvalDeadlineSeconds": 2_592_001}}, "should be less than or equal to 2592000", id="for ever"),
        *(
            pytest.param(policy(metric(), gates=[{"name": gate, "mode": mode}]), ALWAYS, id=f"{gate} set to {mode}")
            for gate in ("PolicyComplete", "MetricsValid")
            for mode in ("Warn", "Off")
        ),
        pytest.param(policy(metric(), gates=[{"name": "NoBug", "mode": "Warn"}]), "Unsupported value", id="a gate there is not"),
        pytest.param(policy(metric(), gates=[{"name": "NoLeakage", "mode": False}]), "must be of type string", id="Off without its quotes"),
        pytest.param(policy(metric(), gates=[{"name": "NoLeakage", "mode": "Off"}] * 2), "Duplicate value", id="one gate twice"),
        pytest.param(policy(metric(), maxLeakage="5"), f"maxLeakage {SHARE}", id="a leak in per cent"),
        pytest.param(policy(metric(), maxSliceDrop="-0.1"), f"maxSliceDrop {SHARE}", id="a slice that has to gain"),
        pytest.param(policy(metric(), maxNegativeFlips="1.5"), f"maxNegativeFlips {SHARE}", id="more flips than rows"),
        pytest.param(policy(metric(), minHoldoutRows=0), "should be greater than or equal to 1", id="a holdout without rows"),
        pytest.param(
            policy(metric(), onInconclusive="Promote"), 'supported values: "Finish", "AwaitApproval"', id="to promote on no evidence"
        ),
        pytest.param({"storage": {"path": "../other"}}, NO_DOTS, id="a path that leaves the folder"),
        pytest.param({"storage": {"path": "a/../../b"}}, NO_DOTS, id="a path that leaves the folder on its way"),
        pytest.param({"storage": {"path": "./a"}}, NO_DOTS, id="a path with two spellings"),
        pytest.param({"storage": {"path": "/a"}}, PATH, id="an absolute path"),
        pytest.param({"storage": {"path": "a//b"}}, PATH, id="a path with an empty segment"),
        pytest.param({"storage": {"path": "a/"}}, PATH, id="a path that ends with a slash"),
        pytest.param({"storage": {"path": "$(POD_UID)"}}, PATH, id="a path that would be expanded"),
        pytest.param({"storage": {"path": "a\\b"}}, PATH, id="a path with a backslash"),
        pytest.param({"storage": {"path": "a\nb"}}, PATH, id="a path of two lines"),
        pytest.param({"storage": {"path": ""}}, "should be at least 1 chars long", id="no path of its own on the claim"),
        pytest.param({"data": {"claimName": "data", "path": "../other"}}, NO_DOTS, id="a data path that leaves the folder"),
        pytest.param({"data": {"claimName": "data", "holdout": "/etc/passwd"}}, PATH, id="a holdout outside of the data"),
        pytest.param({"serving": {"deploymentName": "Intents"}}, "should match", id="a Deployment that cannot exist"),
        pytest.param({"serving": {"bakeSeconds": -1}}, "should be greater than or equal to 0", id="a negative bake"),
        pytest.param({"serving": {"onDrift": "Fight"}}, 'supported values: "Report", "Restore"', id="an unknown answer to drift"),
        pytest.param(
            parameters(parameter(pattern="(")), "the pattern is not a regular expression (RE2)", id="a pattern that does not compile"
        ),
        pytest.param(
            parameters(parameter(pattern="a)|(b")), "the pattern is not a regular expression (RE2)", id="a pattern that ends another"
        ),
        pytest.param(
            parameters(parameter(default="huge")),
            "the default is not matched by the pattern as a whole",
            id="a default that is not allowed",
        ),
        pytest.param(
            parameters(parameter(default="small; rm")),
            "the default is not matched by the pattern as a whole",
            id="a default allowed in part",
        ),
        pytest.param(parameters(parameter(), parameter()), "Duplicate value", id="one parameter twice"),
        pytest.param(
            parameters(parameter("batch-size"), parameter("batch_size")),
            "two parameters would be the same variable",
            id="two parameters that would be one variable",
        ),
        pytest.param(
            parameters(parameter("seed"), parameter("SEED")), "two parameters would be the same variable", id="two that differ in case only"
        ),
        pytest.param(
            parameters(parameter("a b")), "a parameter's name consists of letters, digits, - and _", id="a parameter with a blank"
        ),
        pytest.param(
            trainer(env=[{"name": "SAFEGUARD_OUTPUT_DIR", "value": "/"}]), "belong to the trainer contract", id="a variable of the contract"
        ),
        pytest.param(
            trainer(env=[{"name": "POD_UID", "value": "x"}]), "belong to the trainer contract", id="the variable of the pod's uid"
        ),
        pytest.param(
            trainer(labels={"modelsafeguard.io/model": "other"}), "are set by the operator", id="a label that would name another model"
        ),
        pytest.param(
            trainer(labels={"app.kubernetes.io/managed-by": "me"}), "are set by the operator", id="a label that says who manages the Job"
        ),
        pytest.param(
            volumes([{"name": "sly", "persistentVolumeClaim": {"claimName": "models"}}], []),
            "a trainer does not mount the claim that holds the published versions",
            id="a volume of the published versions",
        ),
        pytest.param(volumes([{"name": "safeguard-store", "emptyDir": {}}], []), "are the operator's", id="a volume named as ours"),
        pytest.param(
            volumes([SCRATCH], [{"name": "safeguard-store", "mountPath": "/x"}]),
            "a trainer mounts only the volumes that stand in trainer.volumes",
            id="a mount of the operator's volume",
        ),
        pytest.param(volumes([SCRATCH], [{"name": "scratch", "mountPath": "/safeguard"}]), MOUNT, id="a mount over all that is ours"),
        pytest.param(volumes([SCRATCH], [{"name": "scratch", "mountPath": "//safeguard/data"}]), MOUNT, id="a mount over the data"),
        pytest.param(volumes([SCRATCH], [{"name": "scratch", "mountPath": "/"}]), MOUNT, id="a mount over everything"),
        pytest.param(volumes([SCRATCH], [{"name": "scratch", "mountPath": "safeguard"}]), MOUNT, id="a mount at a relative path"),
        pytest.param({"pin": {"version": "../live"}}, "should match", id="a pinned version that is a path"),
        pytest.param({"history": {"promoted": 1}}, "should be greater than or equal to 2", id="no version to go back to"),
    ],
)
async def test_a_model_is_refused_with_a_sentence(anywhere, changes, sentence):
    with pytest.raises(ApiError) as refused:
        await anywhere.create(model_deployment(**changes))
    assert refused.value.code == 422
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        *(
            pytest.param(policy(metric(drop=drop)), id=f"a threshold of {drop}")
            for drop in ("0", "-0", "0.010", "-0.005", "1", "-1", "1.0000000000", "0.0000000001")
        ),
        pytest.param(policy(metric("n_samples", "100", minValue="1000", maxGain="5000")), id="a threshold of a count"),
        pytest.param(
            policy(
                metric(minValue="0.8", maxGain="0.02", maxTotalDrop="0.015"),
                metric("reward", "3", minValue="-10"),
                profile="Strict",
                gates=[{"name": "NoLeakage", "mode": "Off"}, {"name": "MetricsValid", "mode": "Enforce"}],
                minHoldoutRows=1000,
                maxDecisions=20,
                maxSliceDrop="0.02",
                maxLeakage="0",
                maxNegativeFlips="1.0",
                onInconclusive="AwaitApproval",
                approvals={"forbidOwn": True},
            ),
            id="a policy with all that it can say",
        ),
        pytest.param(policy(*(metric(f"m{number}") for number in range(8))), id="eight metrics"),
        pytest.param(policy(metric("AUC_pr2")), id="a metric with capitals and digits"),
        *(pytest.param({"storage": {"path": path}}, id=f"the path {path}") for path in ("a", "a/b-c/d.e_f", "a..b", "...", ".hidden/x")),
        pytest.param({"data": {"claimName": "data", "path": "", "holdout": ""}}, id="the whole data claim and no holdout"),
        pytest.param({"data": {"claimName": "models", "path": "data", "holdout": "test/a.csv"}}, id="data on the claim of the versions"),
        pytest.param(parameters(parameter(), parameter("seed", "[0-9]{1,4}", default="7")), id="two parameters, one with a default"),
        pytest.param(parameters(parameter(default="")), id="an empty default is none"),
        pytest.param(volumes([SCRATCH], [{"name": "scratch", "mountPath": "/safeguarded", "subPath": "a"}]), id="a volume beside ours"),
        pytest.param(volumes([{"name": "d", "persistentVolumeClaim": {"claimName": "other", "readOnly": True}}], []), id="another claim"),
        pytest.param(
            trainer(
                env=[{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                envFrom=[{"prefix": "A_", "configMapRef": {"name": "c"}}, {"secretRef": {"name": "s", "optional": True}}],
                resources={"requests": {"cpu": 1, "memory": "2Gi"}, "limits": {"nvidia.com/gpu": 1}},
                securityContext={"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                nodeSelector={"kubernetes.io/arch": "amd64"},
                tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
                affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{}]}}},
                imagePullSecrets=[{"name": "pull"}],
                labels={"kueue.x-k8s.io/queue-name": "training"},
                serviceAccountName="trainer",
                imagePullPolicy="Always",
            ),
            id="a trainer with all that a pod may have",
        ),
        pytest.param({"pin": {"version": "nightly-5-1f0c9a2e", "reason": "numbers look wrong"}, "suspend": True}, id="a pin, suspended"),
    ],
)
async def test_a_model_is_taken_and_nothing_of_it_is_lost(client, changes):
    body = model_deployment(**changes)
    created = await client.create(body)
    assert merged(created["spec"], body["spec"]) == created["spec"]


async def test_a_smallest_model_gets_the_defaults(client):
    created = await client.create(model_deployment(serving={"bakeSeconds": None, "progressDeadlineSeconds": None}))
    serving = {"deploymentName": "intents", "container": "server", "modelVolume": "model"}
    assert created["spec"]["serving"] == {**serving, "progressDeadlineSeconds": 300, "bakeSeconds": 60, "onDrift": "Report"}
    assert created["spec"]["history"] == {"promoted": 10, "rejected": 3}
    assert {name: value for name, value in created["spec"]["policy"].items() if name != "metrics"} == {
        "promotion": "Automatic",
        "profile": "Seed",
        "minHoldoutRows": 100,
        "maxDecisions": 50,
        "maxSliceDrop": "0",
        "maxLeakage": "0.01",
        "onInconclusive": "Finish",
        "approvals": {"forbidOwn": False},
        "approvalDeadlineSeconds": 604_800,
    }
    assert created["spec"]["suspend"] is False


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        *POLICIES,
        pytest.param({"modelDeploymentRef": None}, "spec.modelDeploymentRef: Required value", id="no model"),
        pytest.param({"modelDeploymentRef": {"name": "../other"}}, "should match", id="a model that is a path"),
        pytest.param({"trigger": "boss"}, 'supported values: "api", "cron", "policy", "manual"', id="a trigger there is not"),
        pytest.param({"ttlSecondsAfterFinished": -1}, "should be greater than or equal to 0", id="a negative lifetime"),
        pytest.param({"parameters": {"a": 1}}, "must be of type string", id="a parameter that is a number"),
        pytest.param({"parameters": {"a": "x" * 257}}, "may not be more than 256", id="a parameter that is too long"),
        pytest.param(
            {"parameters": {"a" * 64: "x"}}, "a parameter's name has at most 63 characters", id="a parameter's name that is too long"
        ),
        pytest.param({"parameters": {f"p{n}": "x" for n in range(17)}}, "must have at most 16 items", id="seventeen parameters"),
    ],
)
async def test_a_request_is_refused_with_a_sentence(anywhere, changes, sentence):
    with pytest.raises(ApiError) as refused:
        await anywhere.create(retrain_request("nightly-8", **changes))
    assert refused.value.code == 422
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="a model's name is enough"),
        pytest.param(policy(metric(drop="-0.005"), metric("auc_pr", "0")), id="stricter thresholds and another metric"),
        pytest.param({"policy": {"promotion": "DryRun"}}, id="a dry run by the owner's thresholds"),
        pytest.param(policy(metric(minValue="0.9", maxTotalDrop="0"), profile="Strict"), id="all gates, a floor and no budget"),
        pytest.param({"parameters": {"dataset": "full", "note": ""}, "ttlSecondsAfterFinished": 0}, id="parameters and a lifetime"),
    ],
)
async def test_a_request_is_taken_and_nothing_of_it_is_lost(client, changes):
    body = retrain_request("nightly-8", **changes)
    created = await client.create(body)
    assert merged(created["spec"], body["spec"]) == created["spec"]


@pytest.mark.parametrize(
    ("body", "longest"),
    [pytest.param(model_deployment, 45, id="a model"), pytest.param(retrain_request, 52, id="a request")],
)
async def test_a_name_is_as_long_as_the_names_made_from_it_allow(client, body, longest):
    await client.create(body("x" * longest))
    with pytest.raises(ApiError, match=f"has at most {longest} characters"):
        await client.create(body("x" * (longest + 1)))


@pytest.mark.parametrize("body", [model_deployment, retrain_request], ids=["a model", "a request"])
async def test_a_name_has_no_dots_because_the_names_made_from_it_have_none(anywhere, body):
    with pytest.raises(ApiError, match="consists of a-z, 0-9 and -"):
        await anywhere.create(body("intents.v2"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"modelDeploymentRef": {"name": "other"}}, id="its model"),
        pytest.param({"parameters": {"dataset": "noisy"}}, id="its parameters"),
        pytest.param({"policy": {"metrics": [metric(drop="1")]}}, id="its policy"),
        pytest.param({"ttlSecondsAfterFinished": 1}, id="a field that it did not have"),
        pytest.param({"trigger": "cron"}, id="even what is only recorded"),
    ],
)
async def test_a_request_cannot_be_changed(client, change):
    await client.create(retrain_request("nightly-8"))
    with pytest.raises(ApiError, match="the spec of a RetrainRequest cannot be changed; create a new RetrainRequest"):
        await client.patch("RetrainRequest", "nightly-8", {"spec": change})


async def test_a_request_can_still_be_annotated_and_a_model_edited(client):
    await client.create(retrain_request("nightly-8"))
    await client.create(model_deployment())
    cancelled = await client.patch("RetrainRequest", "nightly-8", {"metadata": {"annotations": {"modelsafeguard.io/cancel": "please"}}})
    edited = await client.patch("ModelDeployment", "intents", {"spec": {"suspend": True}})
    assert (cancelled["metadata"]["generation"], edited["metadata"]["generation"]) == (1, 2)
