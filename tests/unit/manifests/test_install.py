import pytest

from hack.demo.manifests import STANDING_IN
from modelsafeguard.api.names import LABEL_ROLE
from modelsafeguard.engine.settings import Settings
from modelsafeguard.kube.paths import APPROVE_BINDING, REBASE_BINDING, REQUESTER_BINDING

OPERATOR = "modelsafeguard-operator"
READER = "modelsafeguard-admission-reader"


def only(documents, kind, name=OPERATOR):
    found = [document for document in documents if (document["kind"], document["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"one {kind} {name} is expected, there are {len(found)}"
    return found[0]


def pod_of(documents):
    return only(documents, "Deployment")["spec"]["template"]["spec"]


class TestTheOperatorsPod:
    @pytest.mark.parametrize(
        ("where", "field", "value"),
        [
            pytest.param("pod", "runAsNonRoot", True, id="it is not root"),
            pytest.param("pod", "seccompProfile", {"type": "RuntimeDefault"}, id="it has the runtime's seccomp profile"),
            pytest.param("container", "allowPrivilegeEscalation", False, id="it gains no privileges"),
            pytest.param("container", "capabilities", {"drop": ["ALL"]}, id="it has no capabilities"),
            pytest.param("container", "readOnlyRootFilesystem", True, id="it cannot write to its root"),
        ],
    )
    def test_passes_the_restricted_pod_security_standard(self, install, where, field, value):
        pod = pod_of(install)
        assert (pod if where == "pod" else pod["containers"][0])["securityContext"][field] == value

    def test_is_alone_and_is_gone_before_the_next_one_starts(self, install):
        spec = only(install, "Deployment")["spec"]
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})

    def test_has_all_the_settings_that_it_cannot_start_without(self, install):
        variables = {entry["name"]: entry["value"] for entry in pod_of(install)["containers"][0]["env"]}
        assert Settings.from_environment(variables) == Settings(measure_image=f"modelsafeguard/measure{STANDING_IN}")

    def test_is_probed_where_it_answers(self, install):
        container = pod_of(install)["containers"][0]
        assert container["ports"] == [{"name": "http", "containerPort": Settings(measure_image="x").probe_port}]
        assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


class TestTheOperatorsRights:
    def test_name_what_they_are_for(self, install):
        for rule in only(install, "ClusterRole")["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert rule["apiGroups"]
            assert rule["resources"]
            assert "nonResourceURLs" not in rule

    def test_reach_no_secrets_no_roles_and_into_no_pod(self, install):
        resources = {resource for rule in only(install, "ClusterRole")["rules"] for resource in rule["resources"]}
        assert resources.isdisjoint(
            {"secrets", "configmaps", "serviceaccounts", "roles", "clusterroles", "rolebindings", "clusterrolebindings"}
        )
        assert not [resource for resource in resources if resource.startswith("pods/") or resource.endswith(("/token", "/exec"))]

    def test_do_not_let_it_sign_for_a_person(self, install):
        verbs = {verb for rule in only(install, "ClusterRole")["rules"] for verb in rule["verbs"]}
        assert verbs.isdisjoint({"approve", "rebase", "pin", "impersonate", "bind", "escalate"})

    def test_beyond_its_own_role_are_only_to_see_whether_signatures_are_checked(self, install):
        assert {document["metadata"]["name"] for document in install if document["kind"] == "ClusterRole"} == {OPERATOR, READER}
        (rule,) = only(install, "ClusterRole", READER)["rules"]
        assert (set(rule["resources"]), rule["verbs"]) == ({"validatingadmissionpolicies", "validatingadmissionpolicybindings"}, ["get"])
        assert rule["resourceNames"] == [path.rsplit("/", 1)[1] for path in (APPROVE_BINDING, REBASE_BINDING, REQUESTER_BINDING)]

    def test_are_the_same_for_one_namespace_and_for_all(self, install, documents):
        assert only(install, "ClusterRole")["rules"] == documents("manifests/base/role.yaml")[0]["rules"]
        [everywhere], [here] = only(install, "ClusterRoleBinding")["subjects"], documents("manifests/base/rolebinding.yaml")[0]["subjects"]
        assert everywhere == {**here, "namespace": "modelsafeguard"}


class TestTheAdmissionPolicies:
    @pytest.fixture
    def policies(self, install):
        return [document for document in install if document["kind"] in {"ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"}]

    def test_are_those_of_the_design(self, policies):
        assert sorted((policy["kind"][:1], policy["metadata"]["name"].partition(".")[0]) for policy in policies) == [
            ("M", "requester"),
            ("V", "approve"),
            ("V", "author"),
            ("V", "pin"),
            ("V", "rebase"),
            ("V", "requester"),
            ("V", "results"),
        ]

    def test_refuse_when_they_cannot_be_evaluated(self, policies):
        assert {policy["spec"]["failurePolicy"] for policy in policies} == {"Fail"}

    def test_look_at_our_kinds_and_at_what_bears_our_label_only_and_leave_their_status_alone(self, policies):
        for policy in policies:
            constraints = policy["spec"]["matchConstraints"]
            labelled = constraints.get("objectSelector") == {"matchExpressions": [{"key": LABEL_ROLE, "operator": "Exists"}]}
            for rule in constraints["resourceRules"]:
                assert labelled or rule["apiGroups"] == ["modelsafeguard.io"]
                assert set(rule["resources"]) <= ({"jobs", "pods"} if labelled else {"modeldeployments", "retrainrequests"})
                assert set(rule["operations"]) <= {"CREATE", "UPDATE"}

    def test_are_in_force_everywhere(self, install, policies):
        bindings = {(document["kind"], document["metadata"]["name"]): document.get("spec") for document in install}
        for policy in policies:
            kind, name = policy["kind"], policy["metadata"]["name"]
            expected = {"policyName": name} | ({"validationActions": ["Deny"]} if kind == "ValidatingAdmissionPolicy" else {})
            assert bindings[f"{kind}Binding", name] == expected


def test_nothing_that_belongs_to_the_cluster_is_given_a_namespace(install):
    namespaced = {document["kind"] for document in install if "namespace" in document["metadata"]}
    assert namespaced == {"ServiceAccount", "Deployment"}


def test_the_kinds_are_the_reviewed_ones(install, documents):
    reviewed = [documents(f"crds/{plural}.yaml")[0] for plural in ("modeldeployments", "retrainrequests")]
    assert [document for document in install if document["kind"] == "CustomResourceDefinition"] == reviewed
