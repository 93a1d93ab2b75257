"""Other people's objects, as an API server gives them: what is empty or not known yet is not there at all."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from modelsafeguard.core.cluster import Claim, ContainerEnd, JobState
from modelsafeguard.core.model import ModelSpec, Serving, ServingState, Storage, Trainer
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.kube import foreign
from tests.support.objects import claim, merged, serving_deployment

SERVING, STORAGE = Serving("intents", "server", "model"), Storage("models", "intents")
SPEC = ModelSpec(SERVING, STORAGE, Trainer("trainer"), Policy((MetricRule("accuracy", Decimal(0)),)))
NOON, AT_NOON = "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)
METADATA = {"name": "intents", "uid": "u", "resourceVersion": "7", "generation": 3}
OWNERS = [{"uid": "somebody"}, {"uid": "model", "controller": True}]
OUR_LABEL = {"modelsafeguard.io/role": "train"}


def condition(kind, status="True", **more):
    return {"type": kind, "status": status, **more}


# --- Jobs --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param(None, (JobState.ACTIVE, "", ""), id="no conditions"),
        pytest.param([condition("Complete")], (JobState.COMPLETE, "", ""), id="complete"),
        pytest.param(
            [condition("Suspended", "False"), condition("Failed", reason="DeadlineExceeded", message="late")],
            (JobState.FAILED, "DeadlineExceeded", "late"),
            id="failed, with its words",
        ),
        pytest.param([condition("Failed")], (JobState.FAILED, "", ""), id="failed without a word"),
        pytest.param([condition("Failed", "False", reason="X")], (JobState.ACTIVE, "", ""), id="not failed"),
        pytest.param([condition("Complete", "Unknown")], (JobState.ACTIVE, "", ""), id="nobody knows"),
        pytest.param([condition("Suspended", reason="X")], (JobState.ACTIVE, "", ""), id="suspended"),
        pytest.param([condition("FailureTarget", reason="X")], (JobState.ACTIVE, "", ""), id="about to fail"),
        pytest.param([condition("SuccessCriteriaMet")], (JobState.ACTIVE, "", ""), id="about to complete"),
    ],
)
def test_a_jobs_state_is_that_of_the_condition_that_ended_it(conditions, expected):
    job = foreign.job_of({"metadata": METADATA, "status": {"conditions": conditions} if conditions else {}})
    assert (job.state, job.reason, job.message) == expected


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        pytest.param({"ownerReferences": OWNERS, "labels": OUR_LABEL}, "model", id="its controller"),
        pytest.param({"ownerReferences": OWNERS[:1], "labels": OUR_LABEL}, "", id="another owner"),
        pytest.param({"ownerReferences": [{"uid": "x", "controller": False}], "labels": OUR_LABEL}, "", id="an owner that says it is not"),
        pytest.param({"labels": OUR_LABEL}, "", id="no owner"),
        pytest.param({"ownerReferences": OWNERS}, "", id="a Job without our label"),
    ],
)
def test_a_job_is_owned_by_its_controller(metadata, owner):
    assert foreign.job_of({"metadata": METADATA | metadata}).owner_uid == owner


@pytest.mark.parametrize(("uids", "controlled"), [({"model", "x"}, True), ({"somebody"}, False), (set(), False)])
def test_an_object_is_controlled_by_one_owner_only(uids, controlled):
    assert foreign.controlled_by({"metadata": {"ownerReferences": OWNERS}}, uids) == controlled


@pytest.mark.parametrize("read", [foreign.job_of, foreign.pod_of], ids=["Job", "Pod"])
def test_an_object_without_a_status_is_read_and_is_deleting_from_its_deletion_timestamp_on(read):
    assert read({"metadata": METADATA | {"deletionTimestamp": NOON}}).deleting
    assert not read({"metadata": METADATA}).deleting


# --- Pods --------------------------------------------------------------------------------------------------------------------


def pod(*containers, init=(), **status):
    """A pod with these container statuses."""
    return {"metadata": METADATA, "status": {"initContainerStatuses": list(init), "containerStatuses": list(containers), **status}}


def waits(why, words=None, **last):
    waiting = {"reason": why, "message": words} if words else {"reason": why}
    return {"name": "server", "state": {"waiting": waiting}, "lastState": {"terminated": last} if last else {}}


RUNS = {"name": "server", "state": {"running": {"startedAt": NOON}}, "restartCount": 2}
NO_NODE = condition("PodScheduled", "False", reason="Unschedulable", message="0/1 nodes\n are available")
LAST_WORDS = {"exitCode": 1, "reason": "Error", "message": "no\n\n  model"}


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        pytest.param(pod(RUNS), "", id="it runs"),
        pytest.param(pod(waits("ContainerCreating"), init=[waits("PodInitializing")]), "", id="it is on its way"),
        pytest.param(pod(waits("ImagePullBackOff", 'Back-off "x"')), 'ImagePullBackOff: Back-off "x"', id="no image"),
        pytest.param(pod(waits("PodInitializing"), init=[waits("ErrImagePull")]), "ErrImagePull", id="no image of the first container"),
        pytest.param(pod(RUNS, waits("CrashLoopBackOff", "back-off 10s")), "CrashLoopBackOff: back-off 10s", id="the second one crashes"),
        pytest.param(pod(waits("CrashLoopBackOff", **LAST_WORDS)), "CrashLoopBackOff: no model", id="it crashes with last words"),
        pytest.param(pod(waits("CrashLoopBackOff", reason="OOMKilled")), "CrashLoopBackOff: OOMKilled", id="it crashes without"),
        pytest.param(pod(waits("X", "y " * 1000)), ("X: " + "y " * 1000)[:500], id="a long story is cut off"),
        pytest.param(pod(conditions=[NO_NODE]), "Unschedulable: 0/1 nodes are available", id="no node"),
        pytest.param(pod(conditions=[condition("PodScheduled", "False")]), "Unschedulable", id="no node, without a word"),
        pytest.param(pod(waits("ContainerCreating"), conditions=[condition("PodScheduled")]), "", id="it has its node"),
        pytest.param(pod(phase="Failed", reason="Evicted", message="low on disk"), "Evicted: low on disk", id="evicted"),
        pytest.param(pod(phase="Failed"), "", id="it has failed, and its containers say why"),
        pytest.param(pod({"name": "server", "state": {"waiting": {}}}), "", id="it waits without a reason"),
        pytest.param(pod({"name": "server"}), "", id="a container without a state"),
    ],
)
def test_a_pod_says_itself_why_it_does_not_run(body, trouble):
    assert foreign.pod_of(body).trouble == trouble


def test_a_pod_counts_the_restarts_of_all_its_containers_and_knows_since_when_it_is_ready():
    ready = condition("Ready", lastTransitionTime=NOON)
    seen = foreign.pod_of(pod(RUNS, RUNS, init=[{"name": "first", "restartCount": 1}], conditions=[ready]))
    assert (seen.restarts, seen.ready, seen.ready_since, seen.started) == (5, True, AT_NOON, True)
    seen = foreign.pod_of(pod(waits("ContainerCreating"), conditions=[ready | {"status": "False"}]))
    assert (seen.restarts, seen.ready, seen.ready_since, seen.started) == (0, False, None, False)


def test_a_pod_tells_how_each_container_ended_and_which_version_it_was_made_for():
    trained = {"name": "train", "state": {"terminated": {"exitCode": 0, "reason": "Completed", "message": "<b>\x00"}}}
    body = pod(RUNS, {"name": "other", "state": {"terminated": {"signal": 9}}}, init=[trained])
    body["metadata"] = METADATA | {"annotations": {"modelsafeguard.io/version": "v1"}}
    seen = foreign.pod_of(body)
    assert seen.ends == (ContainerEnd("train", 0, "Completed", "<b>\x00"), ContainerEnd("other", -1, "", ""))
    assert (seen.started, seen.version) == (True, "v1")


# --- claims and Deployments --------------------------------------------------------------------------------------------------


def test_a_claim_that_is_not_bound_yet_has_no_phase():
    assert foreign.claim_of(claim()) == Claim("models", "", ("ReadWriteMany",))
    assert foreign.claim_of({"metadata": {"name": "c"}, "spec": {}, "status": {"phase": "Lost"}}) == Claim("c", "Lost", ())


def deployment(body=None, *, pod=None, metadata=None, **container):
    """The user's Deployment; ``pod`` is merged into its template's spec, ``container`` into its container."""
    body = body or serving_deployment()
    template = body["spec"]["template"]
    template["spec"] = merged(template["spec"], pod or {})
    template["spec"]["containers"][0].update(container)
    return body | {"metadata": METADATA | (metadata or {})}


def mount(path="/models", **more):
    return {"name": "model", "mountPath": path, **more}


def seen_by_the_model(body):
    return foreign.deployment_of(body, SPEC)


def test_a_deployment_that_was_just_made_has_no_status_and_serves_what_its_manifest_says():
    seen = seen_by_the_model(deployment())
    assert seen.serving == ServingState()
    assert (seen.mount_path, seen.selector, seen.problem, seen.other_managers) == ("/models", "app=intents", "", ())
    assert (seen.replicas, seen.observed_generation, seen.current_replicas, seen.stalled_at) == (2, 0, 0, None)
    assert seen_by_the_model(deployment(serving_deployment(replicas=None))).replicas == 1


def test_what_a_rollout_set_is_read_back():
    env = [{"name": "MODEL_VERSION", "value": "v1"}, {"name": "MODEL_DIGEST"}, {"name": "X", "valueFrom": {}}]
    body = serving_deployment(version="v1", template={"metadata": {"annotations": {"modelsafeguard.io/version": "v1"}}})
    assert seen_by_the_model(deployment(body, env=env)).serving == ServingState("intents/versions/v1", "v1", "", "v1")


@pytest.mark.parametrize(
    ("status", "more", "stalled"),
    [
        pytest.param("False", {"reason": "ProgressDeadlineExceeded", "lastUpdateTime": NOON}, AT_NOON, id="too late"),
        pytest.param("False", {"reason": "ProgressDeadlineExceeded"}, None, id="too late, nobody knows since when"),
        pytest.param("False", {"reason": "ReplicaSetCreateError", "lastUpdateTime": NOON}, None, id="something else holds it up"),
        pytest.param("True", {"reason": "NewReplicaSetAvailable", "lastUpdateTime": NOON}, None, id="it progresses"),
    ],
)
def test_a_deployment_has_stalled_only_at_its_progress_deadline(status, more, stalled):
    body = deployment() | {"status": {"conditions": [condition("Progressing", status, **more)]}}
    assert seen_by_the_model(body).stalled_at == stalled


NO_VOLUME = "has no volume named model on claim models"
EMPTY, OTHER = {"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": "others"}}
ELSEWHERE = {"valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(deployment(name="web"), "has no container named server", id="no such container"),
        pytest.param(deployment(pod={"volumes": None}), NO_VOLUME, id="no volumes"),
        pytest.param(deployment(pod={"volumes": [{"name": "model", **EMPTY}]}), NO_VOLUME, id="a volume that is no claim"),
        pytest.param(deployment(pod={"volumes": [{"name": "model", **OTHER}]}), NO_VOLUME, id="another claim"),
        pytest.param(deployment(volumeMounts=[{"name": "x", "mountPath": "/models"}]), "mounts volume model 0 times", id="not mounted"),
        pytest.param(deployment(volumeMounts=[mount(), mount("/b")]), "mounts volume model 2 times", id="mounted twice"),
        pytest.param(deployment(volumeMounts=[mount(subPathExpr="$(X)")]), "subPathExpr", id="a subPathExpr, which excludes a subPath"),
        pytest.param(deployment(env=[{"name": "MODEL_DIGEST", **ELSEWHERE}]), "(valueFrom); remove it", id="a variable from elsewhere"),
        pytest.param(deployment(env=[{"name": "X", **ELSEWHERE}]), "", id="somebody's variable from elsewhere"),
    ],
)
def test_a_deployment_that_cannot_be_rolled_out_to_says_why(body, problem):
    found = seen_by_the_model(body).problem
    assert problem in found
    assert bool(problem) == bool(found)


def expression(key, operator, *values):
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        pytest.param({"matchLabels": {"app": "x", "tier": ""}}, "app=x,tier=", id="labels"),
        pytest.param({"matchExpressions": [expression("a", "In", "x", "y")]}, "a in (x,y)", id="In"),
        pytest.param({"matchExpressions": [expression("a/b", "NotIn", "z")]}, "a/b notin (z)", id="NotIn"),
        pytest.param({"matchExpressions": [expression("a", "Exists")]}, "a", id="Exists"),
        pytest.param({"matchExpressions": [expression("a", "DoesNotExist")]}, "!a", id="DoesNotExist"),
        pytest.param({"matchLabels": {"app": "x"}, "matchExpressions": [expression("a", "Exists")]}, "app=x,a", id="both"),
        pytest.param({}, "", id="everything"),
    ],
)
def test_a_selector_is_written_as_the_api_wants_it_in_a_query(selector, text):
    assert foreign._selector(selector) == text


# --- field managers ----------------------------------------------------------------------------------------------------------


def owns(*fields, container="server", annotation=""):
    """Fields of the pod template, as managedFields have them."""
    owned = {"f:containers": {f'k:{{"name":"{container}"}}': {".": {}, "f:name": {}, **dict(fields)}}}
    return {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {f"f:{annotation}": {}}}, "f:spec": owned}}}


def mounts(*fields, path="/srv"):
    return "f:volumeMounts", {f'k:{{"mountPath":"{path}"}}': {".": {}, "f:mountPath": {}, **{f"f:{field}": {} for field in fields}}}


def variable(name):
    return "f:env", {f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:value": {}}}


SUB_PATH = owns(mounts("subPath"))
US = ("modelsafeguard", "Apply", SUB_PATH)
OF_OLD = "kubectl-client-side-apply"


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        pytest.param([US], (), id="only ours"),
        pytest.param([US, ("git", "Apply", SUB_PATH)], ("git",), id="an applied subPath"),
        pytest.param([US, ("git", "Apply", owns(variable("MODEL_VERSION")))], ("git",), id="an applied version"),
        pytest.param([US, ("git", "Apply", owns(variable("MODEL_DIGEST")))], ("git",), id="an applied digest"),
        pytest.param([US, ("git", "Apply", owns(annotation="modelsafeguard.io/version"))], ("git",), id="an applied annotation"),
        pytest.param([US, ("git", "Apply", owns(mounts("name"), variable("X"), annotation="x"))], (), id="other fields"),
        pytest.param([US, ("git", "Apply", owns(mounts("subPath", path="/models")))], (), id="another mount"),
        pytest.param([US, ("git", "Apply", owns(variable("MODEL_VERSION"), container="web"))], (), id="another container"),
        pytest.param([US, (OF_OLD, "Update", SUB_PATH)], (OF_OLD,), id="applied as of old"),
        pytest.param([US, ("kubectl-set", "Update", SUB_PATH)], (), id="changed by hand after us: that is drift"),
        pytest.param([US, ("terraform", "Update", SUB_PATH)], (), id="changed by a program after us: drift as well"),
        pytest.param([("kubectl-create", "Update", SUB_PATH)], (), id="set by hand before us"),
        pytest.param([("terraform", "Update", SUB_PATH)], ("terraform",), id="set by a program before us"),
        pytest.param([(OF_OLD, "Update", SUB_PATH)], (OF_OLD,), id="applied as of old before us"),
        pytest.param([US, *((name, "Apply", SUB_PATH) for name in "bab")], ("a", "b"), id="several"),
        pytest.param([US, (None, "Apply", SUB_PATH)], ("a nameless manager",), id="a client without a User-Agent has no name"),
        pytest.param([(None, "Update", SUB_PATH)], ("a nameless manager",), id="nor has it before us"),
        pytest.param([("x", "Update", None), ("y", "Update", {"f:status": {}})], (), id="no fields of the template"),
        pytest.param([], (), id="no managers"),
    ],
)
def test_whose_manifest_sets_the_fields_of_a_rollout_is_found(entries, names):
    fields = ("manager", "operation", "fieldsV1")
    managed = [{key: value for key, value in zip(fields, entry, strict=True) if value is not None} for entry in entries]
    assert seen_by_the_model(deployment(volumeMounts=[mount("/srv")], metadata={"managedFields": managed})).other_managers == names
