import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from modelsafeguard.core.model import Parameter, Prune, Verification
from modelsafeguard.objects.jobs import Images, prune_job, reader_job, training_job, verify_job

IMAGES = Images(measure="example.org/measure@sha256:2233")
PRUNE = Prune("intents-prune-01234567", ("nightly-1-00000001", "nightly-2-00000002"), datetime(2026, 1, 5, tzinfo=UTC))
VERIFICATION = Verification("intents-verify-89abcdef", "nightly-5-00000005", "sha256:7777", datetime(2026, 1, 5, tzinfo=UTC))


def with_parameters(request, **parameters):
    return replace(request, spec=replace(request.spec, parameters=parameters))


def with_trainer(model, **fields):
    return replace(model, spec=replace(model.spec, trainer=replace(model.spec.trainer, **fields)))


@pytest.fixture(params=["train", "train for a full model", "read", "prune", "verify"])
def job(request, smallest, full, request_) -> dict[str, Any]:
    return {
        "train": lambda: training_job(smallest, request_, IMAGES),
        "train for a full model": lambda: training_job(full, request_, IMAGES),
        "read": lambda: reader_job(full, request_, IMAGES),
        "prune": lambda: prune_job(smallest, PRUNE, IMAGES),
        "verify": lambda: verify_job(smallest, VERIFICATION, IMAGES),
    }[request.param]()


def pod_of(job):
    return job["spec"]["template"]["spec"]


def containers_of(job):
    return {container["name"]: container for container in [*pod_of(job).get("initContainers", []), *pod_of(job)["containers"]]}


def env_of(job, container):
    return {entry["name"]: entry.get("value") for entry in containers_of(job)[container]["env"]}


class TestTheManifestIsWhatIsWrittenDown:
    def test_of_training_for_a_model_that_says_the_least(self, smallest, request_, golden):
        assert training_job(smallest, request_, IMAGES) == golden("training-job-smallest")

    def test_of_training_for_a_model_that_says_all_it_can(self, full, request_, golden):
        request = with_parameters(request_, dataset="small")
        assert training_job(full, request, IMAGES, node="node-3") == golden("training-job-full")

    def test_of_reading_a_report_again(self, full, request_, golden):
        assert reader_job(full, request_, IMAGES) == golden("housekeeping-jobs")["reader"]

    def test_of_removing_versions(self, smallest, golden):
        assert prune_job(smallest, PRUNE, IMAGES, node="node-3") == golden("housekeeping-jobs")["prune"]

    def test_of_verifying_a_version(self, smallest, golden):
        assert verify_job(smallest, VERIFICATION, IMAGES) == golden("housekeeping-jobs")["verify"]


class TestEveryJobIsHardened:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            pytest.param("runAsNonRoot", True, id="it is not root"),
            pytest.param("runAsUser", 65532, id="it is a user that owns nothing"),
            pytest.param("runAsGroup", 65532, id="its group owns nothing"),
            pytest.param("fsGroup", 65532, id="its volumes belong to its group"),
            pytest.param("seccompProfile", {"type": "RuntimeDefault"}, id="it has the runtime's seccomp profile"),
        ],
    )
    def test_as_a_pod(self, job, field, value):
        assert pod_of(job)["securityContext"][field] == value

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            pytest.param("allowPrivilegeEscalation", False, id="it gains no privileges"),
            pytest.param("capabilities", {"drop": ["ALL"]}, id="it has no capabilities"),
            pytest.param("runAsNonRoot", True, id="it is not root"),
        ],
    )
    def test_in_each_container(self, job, field, value):
        assert {name: container["securityContext"][field] for name, container in containers_of(job).items()} == dict.fromkeys(
            containers_of(job), value
        )

    def test_measure_cannot_write_to_its_root(self, job):
        assert containers_of(job)["measure"]["securityContext"]["readOnlyRootFilesystem"] is True

    def test_it_runs_once_and_a_drained_pod_is_replaced(self, job):
        assert pod_of(job)["restartPolicy"] == "Never"
        assert job["spec"]["backoffLimit"] == 0
        assert job["spec"]["podReplacementPolicy"] == "Failed"
        assert job["spec"]["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["type"] == "DisruptionTarget"

    def test_it_does_not_stay_for_ever_and_does_not_vanish_before_it_was_read(self, job):
        assert job["spec"]["activeDeadlineSeconds"] > 0
        assert "ttlSecondsAfterFinished" not in job["spec"]

    def test_it_holds_a_token_only_when_the_owner_named_an_account(self, job):
        pod = pod_of(job)
        assert pod["automountServiceAccountToken"] is ("serviceAccountName" in pod)
        assert pod["enableServiceLinks"] is False

    def test_it_is_plain_json(self, job):
        assert json.loads(json.dumps(job)) == job
        assert all(type(value) is str for value in job["metadata"]["labels"].values())


class TestTheTrainerContract:
    def test_an_adopted_live_model_has_no_folder_to_show(self, full, request_):
        adopted = replace(full, status=replace(full.status, live=replace(full.status.live, adopted=True)))
        job = training_job(adopted, request_, IMAGES)
        assert "SAFEGUARD_LIVE_DIR" not in env_of(job, "train")
        assert "SAFEGUARD_LIVE_VERSION" not in env_of(job, "measure")
        assert all(mount["mountPath"] != "/safeguard/live" for mount in containers_of(job)["train"]["volumeMounts"])

    def test_parameters_that_a_request_leaves_out_have_their_defaults(self, full, request_):
        env = env_of(training_job(full, request_, IMAGES), "train")
        assert (env["SAFEGUARD_PARAM_DATASET"], env["SAFEGUARD_PARAM_BATCH_SIZE"]) == ("full", "32")

    def test_a_parameter_is_what_the_request_says_and_no_reference_to_a_secret(self, full, request_):
        wild = replace(full.spec.trainer, parameters=(Parameter("dataset", ".*"),))
        model = replace(full, spec=replace(full.spec, trainer=wild))
        job = training_job(model, with_parameters(request_, dataset="$(DB_PASSWORD) $5"), IMAGES)
        assert env_of(job, "train")["SAFEGUARD_PARAM_DATASET"] == "$$(DB_PASSWORD) $$5"  # kubelet makes one $ of two

    def test_the_trainer_writes_only_to_the_folder_of_its_own_pod(self, full, request_):
        mounts = containers_of(training_job(full, request_, IMAGES))["train"]["volumeMounts"]
        writable = [mount for mount in mounts if mount["name"] == "safeguard-store" and not mount.get("readOnly")]
        assert [mount["subPathExpr"] for mount in writable] == ["team/intents/staging/nightly-8-bbbbbbbb/$(POD_UID)"]

    def test_nothing_else_of_a_request_reaches_the_pod(self, full, request_):
        chatty = replace(request_, meta=replace(request_.meta, labels={"x": "y"}, annotations={"x": "y"}))
        assert training_job(full, chatty, IMAGES) == training_job(full, request_, IMAGES)

    def test_an_owner_may_bring_a_scratch_folder_of_their_own(self, full, request_):
        own = {"name": "shm", "mountPath": "/tmp"}
        mounts = containers_of(training_job(with_trainer(full, volume_mounts=(own,)), request_, IMAGES))["train"]["volumeMounts"]
        assert [mount for mount in mounts if mount["mountPath"] == "/tmp"] == [own]


class TestNothingHalfRightIsSent:
    def test_a_parameter_that_is_not_offered(self, full, request_):
        with pytest.raises(ValueError, match="'image' is not one that the model's trainer offers"):
            training_job(full, with_parameters(request_, image="evil"), IMAGES)

    def test_an_environment_variable_of_the_contract(self, full, request_):
        with pytest.raises(ValueError, match="SAFEGUARD_OUTPUT_DIR, which belongs to the trainer contract"):
            training_job(with_trainer(full, env=({"name": "SAFEGUARD_OUTPUT_DIR", "value": "/x"},)), request_, IMAGES)
