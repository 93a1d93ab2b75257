"""A model whose candidates wait for a person: who may approve, and what becomes of a version that was tampered with while it waited."""

from collections.abc import Iterator, Mapping

import pytest
from kubernetes.client.exceptions import ApiException

from hack.demo.kube import Kube
from hack.demo.story import UNLOADABLE_DEADLINE_SECONDS
from hack.demo.world import MODEL, PREFIX, World, expect_verdict
from tests.e2e.states import in_stage, runs, until_it_says
from tests.e2e.volume import Volume

REVIEWER, INTERN = "reviewer", "intern"
VERBS = {REVIEWER: ["get", "patch", "approve"], INTERN: ["get", "patch"]}


@pytest.fixture(scope="module")
def people(live_world: World) -> Mapping[str, Kube]:
    """Two who may write requests, of whom one may approve them."""
    for name, verbs in VERBS.items():
        rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name}}
        rules = [{"apiGroups": ["modelsafeguard.io"], "resources": ["retrainrequests"], "verbs": verbs}]
        live_world.kube.create(rbac | {"kind": "Role", "rules": rules})
        subject, role = ({"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"} for kind in ("User", "Role"))
        live_world.kube.create(rbac | {"kind": "RoleBinding", "roleRef": role, "subjects": [subject]})
    return {name: live_world.kube.within(live_world.kube.namespace, user=name) for name in VERBS}


@pytest.fixture(autouse=True)
def _manual(live_world: World) -> Iterator[None]:
    """A person decides, while a test of this module runs."""
    live_world.kube.merge("ModelDeployment", MODEL, {"spec": {"policy": {"promotion": "Manual"}}})
    yield
    live_world.kube.merge("ModelDeployment", MODEL, {"spec": {"policy": {"promotion": "Automatic"}}})


def awaiting_approval(world: World, name: str) -> str:
    """The version of a new request, once its candidate waits for a person."""
    request = world.ask(name, dataset="slightly-worse")
    waiting = world.kube.until("RetrainRequest", request, "stage AwaitingApproval", in_stage("AwaitingApproval"), within=120)
    return str(waiting["status"]["version"])


def approve(kube: Kube, request: str, name: str) -> None:
    kube.merge("RetrainRequest", request, {"metadata": {"annotations": {f"{PREFIX}approved-by": name}}})


def test_a_candidate_waits_for_somebody_who_may_approve_and_does_it_in_their_own_name(live_world: World, people) -> None:
    # given an accepted candidate
    before = live_world.served()
    version = awaiting_approval(live_world, "reviewed")
    # when somebody without the verb approves, or somebody with it in another's name, then it is refused and nothing is touched
    for user, name, sentence in (
        (INTERN, INTERN, "intern may not approve RetrainRequest reviewed"),
        (REVIEWER, INTERN, "annotation modelsafeguard.io/approved-by can only be set to reviewer"),
    ):
        with pytest.raises(ApiException) as refused:
            approve(people[user], "reviewed", name)
        assert refused.value.status == 403
        assert sentence in str(refused.value.body)
    assert live_world.served() == before
    # and when somebody with the verb does, it is rolled out
    approve(people[REVIEWER], "reviewed", REVIEWER)
    status = expect_verdict(live_world.verdict("reviewed"), "Promoted")
    assert status["approvedBy"] == REVIEWER
    assert live_world.live() == version


def test_a_version_that_was_changed_on_the_volume_before_its_rollout_is_never_served(live_world: World, people, volume: Volume) -> None:
    # given a candidate that waits for a person
    before, live = live_world.served(), live_world.live()
    version = awaiting_approval(live_world, "tampered")
    # when somebody changes its file, and it is approved
    model = f"/store/{MODEL}/versions/{version}/model.joblib"
    volume.run("sh", "-c", f"chmod u+w {model} && echo changed >> {model}")
    with live_world.serving(progress_deadline_seconds=UNLOADABLE_DEADLINE_SECONDS), live_world.asked_all_the_time() as answers:
        approve(people[REVIEWER], "tampered", REVIEWER)
        pod = live_world.kube.until("Pod", "", f"a pod of {version}", runs("server", version=version), within=60)["metadata"]["name"]
        # then its server refuses to serve it
        changed = f"Version {version} was changed after it was published: model.joblib is not the file of its manifest."
        until_it_says(live_world.kube, pod, "server", changed, within=60)
        status = expect_verdict(live_world.verdict("tampered"), "RolledBack")
    # and the pods of the live version have served all the time
    assert status["reason"] == "ProgressDeadlineExceeded"
    after = live_world.served()
    assert (after.template, after.pods) == (before.template, before.pods)
    assert set(answers.versions) == {live}
    assert live_world.live() == live
