"""Who may do what, asked of a real API server with the policies of manifests/admission."""

from typing import Any

import pytest
import yaml

from tests.integration.admission.conftest import (
    CREATE_JOBS,
    EVERYTHING_OF_OURS,
    GROUP,
    OWNER,
    PATCH_DEPLOYMENT,
    Person,
    annotated,
    labelled,
    model,
    retrain,
    stamp,
)
from tests.support.binaries import ROOT

pytestmark = pytest.mark.usefixtures("policies")

PATCH_ANY_DEPLOYMENT = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}
IMPERSONATE = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"], "resourceNames": ["trainer"]}
WITH_ACCOUNT = {"trainer": {"image": "trainer", "serviceAccountName": "trainer"}}


def may(verb: str, plural: str) -> dict[str, Any]:
    return {"apiGroups": [GROUP], "resources": [plural], "verbs": [verb]}


def named(rule: dict[str, Any], name: str) -> dict[str, Any]:
    return rule | {"resourceNames": [name]}


def allowed(response) -> None:
    assert response.is_success, response.text


def refused(response, sentence: str) -> None:
    assert response.status_code in {403, 422}, response.text
    assert sentence in response.json()["message"]


class TestNobodyBorrowsTheOperatorsRights:
    @pytest.mark.parametrize(
        ("rights", "spec", "sentence"),
        [
            pytest.param(
                [PATCH_DEPLOYMENT],
                {},
                "alice may not create Jobs in namespace",
                id="by another's path: a claim is reached by Jobs",
            ),
            pytest.param(
                [CREATE_JOBS], {}, "would patch Deployment intents for this model, and alice may not", id="by another's Deployment"
            ),
            pytest.param(
                [CREATE_JOBS, named(PATCH_DEPLOYMENT, "other")],
                {},
                "would patch Deployment intents",
                id="by another's Deployment, beside one of their own",
            ),
            pytest.param(
                [CREATE_JOBS, PATCH_DEPLOYMENT],
                WITH_ACCOUNT,
                "would run as ServiceAccount trainer, and alice may not impersonate it",
                id="by another's ServiceAccount",
            ),
            pytest.param(
                [CREATE_JOBS, PATCH_DEPLOYMENT, named(IMPERSONATE, "other")],
                WITH_ACCOUNT,
                "would run as ServiceAccount trainer",
                id="by another's ServiceAccount, beside one of their own",
            ),
        ],
    )
    def test_by_creating_a_model(self, person, rights, spec, sentence):
        refused(person("alice", EVERYTHING_OF_OURS, *rights).create(model(**spec)), sentence)

    @pytest.mark.parametrize(
        ("rights", "spec"),
        [
            pytest.param([CREATE_JOBS, PATCH_DEPLOYMENT], {}, id="without a ServiceAccount"),
            pytest.param([CREATE_JOBS, PATCH_DEPLOYMENT, IMPERSONATE], WITH_ACCOUNT, id="with a ServiceAccount that is theirs to use"),
        ],
    )
    def test_who_may_do_it_all_may_create_a_model(self, person, rights, spec):
        allowed(person("alice", EVERYTHING_OF_OURS, *rights).create(model(**spec)))

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            pytest.param({"trainer": {"image": "mine"}}, "bob may not create Jobs", id="another image"),
            pytest.param({"trainer": {"env": [{"name": "X", "value": "y"}]}}, "bob may not create Jobs", id="another variable"),
            pytest.param({"data": {"claimName": "theirs"}}, "bob may not create Jobs", id="another data set"),
            pytest.param({"serving": {"container": "sidecar"}}, "bob may not create Jobs", id="another container"),
        ],
    )
    def test_by_changing_a_model(self, person, change, sentence):
        allowed(person("alice", *OWNER).create(model()))
        refused(person("bob", EVERYTHING_OF_OURS).patch("modeldeployments", {"spec": change}), sentence)

    def test_changing_the_account_takes_the_right_to_it(self, person):
        alice = person("alice", *OWNER)
        allowed(alice.create(model()))
        refused(alice.patch("modeldeployments", {"spec": WITH_ACCOUNT}), "alice may not impersonate it")

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"spec": {"suspend": True}}, id="suspending it"),
            pytest.param({"spec": {"policy": {"metrics": [{"name": "accuracy", "maxDrop": "0"}]}}}, id="its policy"),
            pytest.param({"metadata": {"labels": {"team": "b"}}}, id="its labels"),
        ],
    )
    def test_what_borrows_nothing_takes_no_more_than_the_right_to_the_model(self, person, change):
        allowed(person("alice", *OWNER).create(model()))
        allowed(person("bob", EVERYTHING_OF_OURS).patch("modeldeployments", change))

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"storage": {"path": "another/model"}}, id="to another folder"),
            pytest.param({"storage": {"claimName": "other"}}, id="to another claim"),
            pytest.param({"serving": {"deploymentName": "other"}}, id="to another Deployment"),
        ],
    )
    def test_an_older_model_is_not_moved_onto_a_younger_ones_place(self, person, change):
        alice = person("alice", EVERYTHING_OF_OURS, CREATE_JOBS, PATCH_ANY_DEPLOYMENT)
        allowed(alice.create(model()))
        refused(alice.patch("modeldeployments", {"spec": change}), "stay as they were made")


class TestTheOperatorIsNotHindered:
    @pytest.fixture
    def operator(self, person) -> Person:
        (role,) = yaml.safe_load_all((ROOT / "manifests" / "base" / "role.yaml").read_text())
        return person("system:serviceaccount:modelsafeguard:modelsafeguard-operator", *role["rules"])

    def test_in_writing_the_public_copy_of_a_model(self, person, operator):
        allowed(person("alice", *OWNER).create(model()))
        allowed(operator.patch("modeldeployments", annotated(accuracy="0.8", version="nightly-8-bbbbbbbb")))

    def test_in_writing_a_status(self, person, operator):
        allowed(person("alice", *OWNER).create(model()))
        stored = operator.get("modeldeployments").json()
        allowed(operator.replace_status("modeldeployments", stored | {"status": {"observedGeneration": 1}}))

    def test_but_cannot_sign_for_a_person(self, person, operator):
        allowed(person("alice", *OWNER).create(model()))
        refused(operator.patch("modeldeployments", annotated(rebased_by=operator.name)), "may not accept another baseline")
        refused(operator.patch("modeldeployments", {"spec": {"pin": {"version": "nightly-5-00000005"}}}), "may not pin or unpin")


class TestTheRequesterIsWrittenDown:
    def requester(self, response) -> str:
        allowed(response)
        return response.json()["metadata"]["annotations"][f"{GROUP}/requested-by"]

    def test_by_the_api_server(self, person):
        assert self.requester(person("alice", *OWNER).create(retrain())) == "alice"

    def test_whatever_the_request_says(self, person):
        assert self.requester(person("alice", *OWNER).create(retrain(requested_by="bob"))) == "alice"

    @pytest.mark.parametrize("value", ["bob", "alice2", "", None], ids=["another's name", "a longer one", "no name", "removed"])
    def test_and_stays(self, person, value):
        alice = person("alice", *OWNER)
        allowed(alice.create(retrain()))
        refused(alice.patch("retrainrequests", annotated(requested_by=value)), "it cannot be changed or removed")

    def test_and_other_annotations_are_free(self, person):
        alice = person("alice", *OWNER)
        allowed(alice.create(retrain()))
        allowed(alice.patch("retrainrequests", annotated(cancel="please")))

    def test_by_themselves_where_the_api_server_cannot(self, person, kubectl):
        alice = person("alice", *OWNER)
        stamp(kubectl, alice, present=False)
        try:
            refused(alice.create(retrain()), "names who creates it; set it to alice")
            refused(alice.create(retrain(requested_by="bob")), "names who creates it; set it to alice")
            allowed(alice.create(retrain(requested_by="alice")))
        finally:
            stamp(kubectl, alice, present=True)


APPROVE = may("approve", "retrainrequests")


class TestApprovingIsSigning:
    @pytest.fixture(autouse=True)
    def candidate(self, person) -> Person:
        """A request that awaits approval, by somebody who plays its requester and the operator."""
        administrator = person("administrator", EVERYTHING_OF_OURS, APPROVE, may("patch", "retrainrequests/status"))
        allowed(administrator.create(retrain()))
        allowed(administrator.patch("retrainrequests", {"status": {"stage": "AwaitingApproval"}}, "/status"))
        return administrator

    def test_who_holds_the_verb_approves_in_their_own_name(self, person):
        allowed(person("alice", EVERYTHING_OF_OURS, APPROVE).patch("retrainrequests", annotated(approved_by="alice")))

    def test_the_verb_can_be_given_for_one_request(self, person):
        allowed(person("alice", EVERYTHING_OF_OURS, named(APPROVE, "nightly-8")).patch("retrainrequests", annotated(approved_by="alice")))

    @pytest.mark.parametrize(
        ("rights", "signature", "sentence"),
        [
            pytest.param([], "alice", "alice may not approve RetrainRequest nightly-8", id="who does not hold the verb"),
            pytest.param([named(APPROVE, "nightly-9")], "alice", "alice may not approve", id="who holds it for another request"),
            pytest.param([APPROVE], "bob", "can only be set to alice", id="in another's name"),
        ],
    )
    def test_nobody_else_approves(self, person, rights, signature, sentence):
        refused(person("alice", EVERYTHING_OF_OURS, *rights).patch("retrainrequests", annotated(approved_by=signature)), sentence)

    def test_nobody_has_no_name(self, person):
        alice = person("alice", *OWNER, APPROVE)
        refused(alice.patch("retrainrequests", annotated(approved_by="")), "nobody has no name")
        another = retrain(approved_by="")
        another["metadata"]["name"] = "nightly-9"
        refused(alice.create(another), "nobody has no name")

    @pytest.mark.parametrize("value", ["bob", None], ids=["replaced by another's", "taken back"])
    def test_a_signature_stays(self, person, value):
        allowed(person("alice", EVERYTHING_OF_OURS, APPROVE).patch("retrainrequests", annotated(approved_by="alice")))
        refused(
            person("bob", EVERYTHING_OF_OURS, APPROVE).patch("retrainrequests", annotated(approved_by=value)),
            "The approval by alice cannot be changed or taken back",
        )

    @pytest.mark.parametrize("stage", ["Training", "RollingOut"], ids=["before its report is there", "after it was decided"])
    def test_what_does_not_await_approval_cannot_be_approved(self, person, candidate, stage):
        allowed(candidate.patch("retrainrequests", {"status": {"stage": stage}}, "/status"))
        refused(
            person("alice", EVERYTHING_OF_OURS, APPROVE).patch("retrainrequests", annotated(approved_by="alice")),
            "Only a RetrainRequest in stage AwaitingApproval",
        )

    def test_a_request_does_not_come_approved(self, person):
        another = retrain(approved_by="alice")
        another["metadata"]["name"] = "nightly-9"
        refused(person("alice", *OWNER, APPROVE).create(another), "Only a RetrainRequest in stage AwaitingApproval")

    def test_why_is_said_with_the_approval_and_stays(self, person):
        alice = person("alice", EVERYTHING_OF_OURS, APPROVE)
        refused(alice.patch("retrainrequests", annotated(approval_reason="looks good")), "is set together with")
        allowed(alice.patch("retrainrequests", annotated(approved_by="alice", approval_reason="looked at the flips")))
        for other in ("because", None):
            refused(alice.patch("retrainrequests", annotated(approval_reason=other)), "is set together with")

    def test_ones_own_request_too(self, candidate):
        allowed(candidate.patch("retrainrequests", annotated(approved_by=candidate.name)))

    def test_but_not_ones_own_where_the_models_policy_forbids_that(self, person, candidate):
        forbidding = {"modelUID": "uid", "modelGeneration": 1, "policy": {"approvals": {"forbidOwn": True}}}
        allowed(candidate.patch("retrainrequests", {"status": {"frozen": forbidding}}, "/status"))
        refused(
            candidate.patch("retrainrequests", annotated(approved_by=candidate.name)),
            "was made by administrator, and its model's policy (approvals.forbidOwn) asks for another person's approval",
        )
        allowed(person("alice", EVERYTHING_OF_OURS, APPROVE).patch("retrainrequests", annotated(approved_by="alice")))


class TestAcceptingAnotherBaselineIsSigning:
    @pytest.fixture(autouse=True)
    def _model(self, person):
        allowed(person("owner", *OWNER).create(model()))

    def test_who_holds_the_verb_signs_and_may_sign_again(self, person):
        alice = person("alice", EVERYTHING_OF_OURS, may("rebase", "modeldeployments"))
        for signature in ("alice", None, "alice"):
            allowed(alice.patch("modeldeployments", annotated(rebased_by=signature)))

    @pytest.mark.parametrize(
        ("rights", "signature", "sentence"),
        [
            pytest.param([], "alice", "alice may not accept another baseline", id="who does not hold the verb"),
            pytest.param([may("rebase", "modeldeployments")], "bob", "can only be set to alice", id="in another's name"),
        ],
    )
    def test_nobody_else_signs(self, person, rights, signature, sentence):
        refused(person("alice", EVERYTHING_OF_OURS, *rights).patch("modeldeployments", annotated(rebased_by=signature)), sentence)

    def test_a_signature_is_not_removed_by_who_could_not_give_it(self, person):
        allowed(
            person("alice", EVERYTHING_OF_OURS, may("rebase", "modeldeployments")).patch("modeldeployments", annotated(rebased_by="alice"))
        )
        refused(person("bob", EVERYTHING_OF_OURS).patch("modeldeployments", annotated(rebased_by=None)), "bob may not accept")

    @pytest.mark.parametrize("edit", [{"accuracy": "0.01"}, {"accuracy": None}, {"f1_macro": "0.99"}], ids=["changed", "removed", "added"])
    def test_under_a_signature_nobody_puts_other_numbers_who_could_not_sign_for_them(self, person, edit):
        alice = person("alice", EVERYTHING_OF_OURS, may("rebase", "modeldeployments"))
        allowed(alice.patch("modeldeployments", annotated(accuracy="0.8", rebased_by="alice")))
        refused(person("bob", EVERYTHING_OF_OURS).patch("modeldeployments", annotated(**edit)), "bob may not accept another baseline")
        allowed(alice.patch("modeldeployments", annotated(accuracy="0.7")))

    def test_and_the_operator_goes_on_writing_its_public_copy(self, person):
        alice = person("alice", EVERYTHING_OF_OURS, may("rebase", "modeldeployments"))
        allowed(alice.patch("modeldeployments", annotated(accuracy="0.8", rebased_by="alice")))
        operator = person("operator", EVERYTHING_OF_OURS, may("update", "modeldeployments/status"))
        allowed(operator.patch("modeldeployments", annotated(accuracy="0.9", version="nightly-8-bbbbbbbb")))
        refused(operator.patch("modeldeployments", annotated(rebased_by=None)), "operator may not accept another baseline")

    def test_and_whoever_changes_something_else_is_not_asked(self, person):
        alice = person("alice", EVERYTHING_OF_OURS, may("rebase", "modeldeployments"))
        allowed(alice.patch("modeldeployments", annotated(rebased_by="alice")))
        allowed(person("bob", EVERYTHING_OF_OURS).patch("modeldeployments", {"metadata": {"annotations": {"team": "nlu"}}}))


CREATE_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "patch"]}
UPDATE_JOB_STATUS = {"apiGroups": ["batch"], "resources": ["jobs/status"], "verbs": ["update"]}


class TestAResultIsForgedByNobody:
    """The operator believes only Jobs and pods with its label."""

    def test_who_may_create_jobs_does_not_make_one_that_is_believed(self, person):
        mallory = person("mallory", CREATE_JOBS)
        refused(mallory.create(labelled("Job")), "mallory may not put it on a Job")
        allowed(mallory.create(labelled("Job", app="mine")))

    def test_who_may_create_pods_does_not_make_one_that_is_believed(self, person):
        mallory = person("mallory", CREATE_PODS)
        refused(mallory.create(labelled("Pod")), "mallory may not put it on a Pod")
        allowed(mallory.create(labelled("Pod", app="mine")))
        refused(mallory.patch("pods", {"metadata": {"labels": {f"{GROUP}/role": "train"}}}), "mallory may not put it on a Pod")

    def test_the_operator_makes_its_jobs(self, person):
        allowed(person("operator", CREATE_JOBS, may("update", "retrainrequests/status")).create(labelled("Job")))

    def test_the_job_controller_makes_their_pods_and_others_may_annotate_them(self, person):
        allowed(person("job-controller", CREATE_PODS, UPDATE_JOB_STATUS).create(labelled("Pod")))
        mallory = person("mallory", CREATE_PODS)
        allowed(mallory.patch("pods", {"metadata": {"annotations": {"looked-at": "yes"}}}))
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "x", "uid": "1", "controller": True}
        refused(mallory.patch("pods", {"metadata": {"ownerReferences": [owner]}}), "mallory may not put it on a Pod")


PIN = {"pin": {"version": "nightly-5-00000005", "reason": "complaints"}}


class TestAPinTakesTheVerbPin:
    def test_to_create_a_model_with_one(self, person):
        refused(person("alice", *OWNER).create(model(**PIN)), "alice may not pin or unpin")
        allowed(person("bob", *OWNER, may("pin", "modeldeployments")).create(model(**PIN)))

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"pin": {"version": "nightly-6-00000006"}}, id="to change it"),
            pytest.param({"pin": None}, id="to remove it"),
        ],
    )
    def test_once_there_is_one(self, person, change):
        allowed(person("owner", *OWNER, may("pin", "modeldeployments")).create(model(**PIN)))
        refused(person("alice", *OWNER).patch("modeldeployments", {"spec": change}), "alice may not pin or unpin")
        allowed(
            person("bob", EVERYTHING_OF_OURS, named(may("pin", "modeldeployments"), "intents")).patch("modeldeployments", {"spec": change})
        )

    def test_to_set_one(self, person):
        allowed(person("owner", *OWNER).create(model()))
        refused(person("alice", *OWNER).patch("modeldeployments", {"spec": PIN}), "alice may not pin or unpin")
        allowed(person("bob", EVERYTHING_OF_OURS, may("pin", "modeldeployments")).patch("modeldeployments", {"spec": PIN}))

    def test_and_leaving_one_alone_does_not(self, person):
        allowed(person("owner", *OWNER, may("pin", "modeldeployments")).create(model(**PIN)))
        allowed(person("alice", EVERYTHING_OF_OURS).patch("modeldeployments", {"spec": {"suspend": True}}))
