"""The harness itself: that it is a real API server, that the played statuses are believed, and that each fault is what it says."""

import asyncio
import json
import ssl
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from modelsafeguard.core.handover import Failure, parse_handover
from tests.support import binaries
from tests.support.apiserver import ApiServer, Kubectl
from tests.support.client import ApiError, Client, Json
from tests.support.crash_matrix import Moment, Stage, Told, crash_everywhere
from tests.support.faults import Fault, Proxy, answers, black_hole, calls, close_watch_at_once, delays, drop, every, lose_reply, then
from tests.support.jobs import JOB_NAME_LABEL, End
from tests.support.objects import claim, report, resource, serving_deployment
from tests.support.operator_process import Operator, Settings, fresh
from tests.support.script import Script, play, trainer_fails
from tests.support.warm import Warm
from tests.support.world import World

STAND_IN = "tests.integration.stand_in"


@pytest.fixture
async def bare(apiserver: ApiServer, namespace: str) -> AsyncIterator[World]:
    """A world of built-in kinds only."""
    async with World(apiserver, namespace) as world:
        yield world


def training_job(name: str, model: str = "intents") -> Json:
    def container(role: str) -> Json:
        security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        return {"name": role, "image": "modelsafeguard/test", "securityContext": security}

    pod = {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [container("train")],
        "containers": [container("measure")],
    }
    labels = {"modelsafeguard.io/model": model, "modelsafeguard.io/role": "train", "modelsafeguard.io/request": name}
    return resource("Job", name, {"spec": {"backoffLimit": 0, "template": {"spec": pod}}}, labels=labels)


def note(name: str, **labels: str) -> Json:
    return resource("ConfigMap", name, {}, labels=labels)


def conditions(body: Json) -> dict[str, str]:
    return {each["type"]: each["status"] for each in body["status"].get("conditions", [])}


def completed(job: Json) -> bool:
    return "Complete" in conditions(job)


class TestBinaries:
    def test_a_folder_without_the_programs_is_refused_in_one_sentence(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv(binaries.VARIABLE, str(tmp_path))
        with pytest.raises(binaries.NoBinaries, match="holds no kube-apiserver and no kubectl: run hack/cluster binaries"):
            binaries.folder.__wrapped__()


class TestApiServer:
    def test_it_is_the_version_that_the_project_is_built_for(self, kubectl: Kubectl) -> None:
        assert json.loads(kubectl("version", "-o", "json"))["serverVersion"]["minor"] == "36"

    @pytest.mark.parametrize("kind", ["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"])
    def test_admission_policies_are_served_as_v1(self, kubectl: Kubectl, kind: str) -> None:
        served = kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "--no-headers")
        assert any(line.split()[-3:] == ["admissionregistration.k8s.io/v1", "false", kind] for line in served.splitlines()), served

    def test_rbac_is_enforced(self, kubectl: Kubectl, namespace: str) -> None:
        refusal = kubectl.refused("create", "configmap", "a", "-n", namespace, "--as=nobody")
        assert 'User "nobody" cannot create resource "configmaps"' in refusal

    def test_the_restricted_pod_security_standard_is_enforced(self, kubectl: Kubectl, namespace: str) -> None:
        assert 'violates PodSecurity "restricted:latest"' in kubectl.refused("run", "a", "--image=a", "-n", namespace)

    async def test_every_call_is_in_the_audit_log(self, apiserver: ApiServer, bare: World) -> None:
        await bare.create(note("seen"))
        seen = [call for call in apiserver.audit() if call.namespace == bare.namespace and call.name == "seen"]
        assert [(call.user, call.verb, call.resource, call.code) for call in seen] == [("administrator", "create", "configmaps", 201)]

    @pytest.mark.parametrize("how", ["restarted", "killed"])
    async def test_what_was_written_outlives_an_api_server_that_is(self, apiserver: ApiServer, bare: World, how: str) -> None:
        await bare.create(note("before"))
        waiting = asyncio.create_task(bare.until("ConfigMap", "after", "its creation", lambda _: True, within=30))
        if how == "restarted":
            await apiserver.restart()
        else:
            apiserver.kill()
            await apiserver.start_again()
        assert await bare.find("ConfigMap", "before")
        await bare.create(note("after"))
        await waiting


class TestClient:
    async def test_a_write_on_an_old_version_is_a_conflict(self, bare: World) -> None:
        first = await bare.create(note("a"))
        await bare.replace(first | {"data": {"n": "1"}})
        with pytest.raises(ApiError, match="409 Conflict"):
            await bare.replace(first | {"data": {"n": "2"}})

    async def test_a_wait_that_fails_shows_the_last_state(self, bare: World) -> None:
        await bare.create(note("a", colour="red"))
        with pytest.raises(AssertionError, match=r'ConfigMap a: blue was not seen within 0\.3 s(?s:.*)"colour": "red"'):
            await bare.until("ConfigMap", "a", "blue", lambda body: body["metadata"]["labels"]["colour"] == "blue", within=0.3)

    async def test_never_fails_as_soon_as_it_happens(self, bare: World) -> None:
        await bare.create(note("a", colour="red"))
        await bare.never("ConfigMap", "a", "blue", lambda body: body["metadata"]["labels"]["colour"] == "blue", seconds=0.3)
        with pytest.raises(AssertionError, match="red was seen, and must not be"):
            await bare.never("ConfigMap", "a", "red", lambda body: body["metadata"]["labels"]["colour"] == "red", seconds=5)

    async def test_calls_that_are_broken_off_leave_no_socket_behind(self, apiserver: ApiServer) -> None:
        async def watch(client: Client) -> None:
            async for _ in client.follow("ConfigMap"):
                pass

        def sockets() -> int:
            return sum(str(link.readlink()).startswith("socket:") for link in Path("/proc/self/fd").iterdir() if link.is_symlink())

        before = sockets()
        for milliseconds in range(0, 60, 2):
            async with Client(apiserver, "default") as client:
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.gather(watch(client), watch(client)), milliseconds / 1000)
            assert sockets() == before, f"broken off after {milliseconds} ms"

    async def test_what_is_deleted_is_seen_to_go(self, bare: World) -> None:
        await bare.create(note("a"))
        async with aclosing(bare.follow("ConfigMap", name="a")) as events:
            assert (await anext(events))[0] == "ADDED"
            await bare.delete("ConfigMap", "a")
            assert (await anext(events))[0] == "DELETED"
        await bare.gone("ConfigMap", "a")


class TestPlayedJobs:
    async def test_a_completed_job_hands_over_its_report_by_the_pod_that_it_owns(self, bare: World) -> None:
        job = await bare.create(training_job("n-1"))
        await bare.job_completed("n-1", report=report("n-1", accuracy="0.8123"))
        assert conditions(await bare.get("Job", "n-1")) == {"SuccessCriteriaMet": "True", "Complete": "True"}
        (pod,) = await bare.find_all("Pod", labels=f"{JOB_NAME_LABEL}=n-1")
        assert pod["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
        assert pod["status"]["phase"] == "Succeeded"
        message = pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"]
        assert parse_handover(message, version="n-1") == report("n-1", accuracy="0.8123")

    async def test_a_trainer_that_fails_leaves_its_exit_status_and_measure_never_starts(self, bare: World) -> None:
        await bare.create(training_job("n-1"))
        await bare.job_failed("n-1", train=End(3, "no data"))
        job = await bare.get("Job", "n-1")
        assert conditions(job) == {"FailureTarget": "True", "Failed": "True"}
        assert job["status"]["conditions"][1]["reason"] == "BackoffLimitExceeded"
        (pod,) = await bare.find_all("Pod")
        ended = pod["status"]["initContainerStatuses"][0]["state"]["terminated"]
        assert (ended["exitCode"], ended["message"]) == (3, "no data")
        assert pod["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}

    async def test_a_refusal_of_measure_is_handed_over(self, bare: World) -> None:
        await bare.create(training_job("n-1"))
        await bare.job_failed("n-1", failed=("MetricsInvalid", "The accuracy is NaN"))
        (pod,) = await bare.find_all("Pod")
        ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
        assert ended["exitCode"] == 1
        assert parse_handover(ended["message"], version="n-1") == Failure("MetricsInvalid", "The accuracy is NaN")

    async def test_a_job_over_its_deadline_has_no_pod_left(self, bare: World) -> None:
        await bare.create(training_job("n-1"))
        await bare.job_started("n-1")
        await bare.job_exceeded_its_deadline("n-1")
        assert (await bare.get("Job", "n-1"))["status"]["conditions"][1]["reason"] == "DeadlineExceeded"
        assert await bare.find_all("Pod") == []

    async def test_a_pod_that_cannot_be_pulled_waits_with_its_reason(self, bare: World) -> None:
        await bare.create(training_job("n-1"))
        await bare.pod_stuck("n-1", "ImagePullBackOff", "no such image")
        (pod,) = await bare.find_all("Pod")
        assert pod["status"]["phase"] == "Pending"
        waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
        assert pod["status"]["initContainerStatuses"][0]["state"]["waiting"] == waiting

    async def test_a_pod_without_a_node_says_so(self, bare: World) -> None:
        await bare.create(training_job("n-1"))
        await bare.pod_stuck("n-1", "Unschedulable", "0/1 nodes are available")
        (pod,) = await bare.find_all("Pod")
        assert pod["status"]["conditions"][0]["reason"] == "Unschedulable"

    async def test_a_pod_that_may_not_be_made_leaves_an_event(self, bare: World) -> None:
        await bare.create(training_job("n-1"))
        await bare.job_pod_refused("n-1", "exceeded quota")
        (event,) = await bare.find_all("Event")
        assert (event["regarding"]["name"], event["reason"], event["note"]) == ("n-1", "FailedCreate", "exceeded quota")


class TestCollectors:
    async def test_a_job_that_is_deleted_takes_its_pod_with_it(self, world: World) -> None:
        await world.create(training_job("n-1"))
        pod = await world.job_started("n-1")
        await world.delete("Job", "n-1", propagation="Foreground")
        await world.gone("Job", "n-1", within=40)
        await world.gone("Pod", pod["metadata"]["name"], within=40)  # the collector may not have heard of it before the Job went

    async def test_a_namespace_that_is_deleted_goes(self, world: World, kubectl: Kubectl) -> None:
        await world.create(note("a"))
        kubectl("delete", "namespace", world.namespace, "--timeout=40s")
        assert "not found" in kubectl.refused("get", "namespace", world.namespace)


class TestPlayedRollouts:
    async def test_a_rollout_replaces_every_pod(self, bare: World) -> None:
        await bare.given_serving("intents", version="v1")
        before = {pod["metadata"]["uid"] for pod in await bare.serving_pods("intents")}
        await bare.patch("Deployment", "intents", {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}})
        await bare.deployment_rolled("intents")
        deployment = await bare.get("Deployment", "intents")
        status = deployment["status"]
        assert status["observedGeneration"] == deployment["metadata"]["generation"]
        assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (2, 2, 2)
        pods = await bare.find_all("Pod", labels="app=intents")
        assert [pod["metadata"]["annotations"]["a"] for pod in pods] == ["b", "b"]
        assert not before & {pod["metadata"]["uid"] for pod in pods}

    async def test_a_stalled_rollout_leaves_the_old_pods_serving(self, bare: World) -> None:
        await bare.given_serving()
        before = {pod["metadata"]["name"] for pod in await bare.serving_pods("intents")}
        await bare.patch("Deployment", "intents", {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}})
        await bare.deployment_rolling("intents")
        await bare.deployment_stalls("intents")
        status = (await bare.get("Deployment", "intents"))["status"]
        assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (3, 1, 2)
        assert next(each for each in status["conditions"] if each["type"] == "Progressing")["reason"] == "ProgressDeadlineExceeded"
        assert before < {pod["metadata"]["name"] for pod in await bare.find_all("Pod", labels="app=intents")}

    async def test_a_rollback_goes_back_to_the_old_replica_set(self, bare: World) -> None:
        await bare.given_serving()
        old = (await bare.find_all("ReplicaSet"))[0]["metadata"]["name"]
        for annotations in ({"a": "b"}, {"a": None}):
            await bare.patch("Deployment", "intents", {"spec": {"template": {"metadata": {"annotations": annotations}}}})
            await bare.deployment_rolled("intents")
        sizes = {found["metadata"]["name"]: found["spec"]["replicas"] for found in await bare.find_all("ReplicaSet")}
        assert len(sizes) == 2
        assert sizes[old] == 2

    async def test_a_restart_counts_and_is_ready_again_later(self, bare: World) -> None:
        await bare.given_serving()
        await bare.pods_restart("intents")
        for pod in await bare.serving_pods("intents"):
            assert pod["status"]["containerStatuses"][0]["restartCount"] == 1
            assert conditions(pod)["Ready"] == "True"

    async def test_pods_that_lose_readiness_are_not_available(self, bare: World) -> None:
        await bare.given_serving()
        await bare.pods_lose_readiness("intents")
        assert [conditions(pod)["Ready"] for pod in await bare.serving_pods("intents")] == ["False", "False"]
        assert (await bare.get("Deployment", "intents"))["status"].get("availableReplicas", 0) == 0


class TestPlay:
    async def test_jobs_end_and_deployments_roll_by_themselves(self, bare: World) -> None:
        async with play(bare, {"weather": Script(training=trainer_fails(2, "no data"))}):
            await bare.create(claim())
            await bare.create(serving_deployment())
            for index in range(5):
                await bare.create(training_job(f"good-{index}"))
            await bare.create(training_job("bad", model="weather"))
            for index in range(5):
                await bare.until("Job", f"good-{index}", "completion", completed)
            await bare.until("Job", "bad", "failure", lambda job: "Failed" in conditions(job))
            await bare.until("Deployment", "intents", "a rollout", lambda body: body["status"].get("availableReplicas") == 2)

    async def test_it_goes_on_when_the_api_server_was_restarted(self, apiserver: ApiServer, bare: World) -> None:
        async with play(bare):
            await apiserver.restart()
            await bare.create(training_job("n-1"))
            await bare.until("Job", "n-1", "completion", completed)

    async def test_a_player_that_fails_fails_the_story(self, bare: World) -> None:
        async def clumsy(_world: World, _job: Json) -> None:
            raise AssertionError("clumsy")

        async def story() -> None:
            async with play(bare, {"intents": Script(training=clumsy)}):
                await bare.create(training_job("n-1"))
                await bare.until("Job", "n-1", "completion", completed)

        with pytest.raises(ExceptionGroup) as raised:
            await story()
        assert raised.group_contains(AssertionError, match="clumsy")


class TestFaults:
    """The stand-in for the operator is an HTTP client that creates ConfigMaps through the proxy."""

    @pytest.fixture
    async def http(self, proxy: Proxy, namespace: str) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=f"{proxy.url}/api/v1/namespaces/{namespace}/", timeout=2) as http:
            yield http

    @pytest.mark.parametrize(
        ("fault", "error", "applied", "status"),
        [
            pytest.param(drop, httpx.RemoteProtocolError, False, None, id="a dropped call is not done and has no answer"),
            pytest.param(lose_reply, httpx.RemoteProtocolError, True, 201, id="a lost reply: the call is done and has no answer"),
            pytest.param(black_hole, httpx.ReadTimeout, False, None, id="a black hole swallows the call"),
        ],
    )
    async def test_no_answer(
        self,
        *,
        proxy: Proxy,
        http: httpx.AsyncClient,
        bare: World,
        fault: Fault,
        error: type[Exception],
        applied: bool,
        status: int | None,
    ) -> None:
        proxy.inject(fault, calls("POST", "/configmaps$"))
        with pytest.raises(error):
            await http.post("configmaps", json=note("a"), timeout=0.5)
        assert (await bare.find("ConfigMap", "a") is not None) == applied
        assert [call.status for call in proxy.journal] == [status]
        assert (await http.post("configmaps", json=note("b"))).status_code == 201, "only one call was to fail"

    @pytest.mark.parametrize("status", [409, 429, 500, 503])
    async def test_an_answer_that_the_api_server_never_gave(self, proxy: Proxy, http: httpx.AsyncClient, bare: World, status: int) -> None:
        proxy.inject(answers(status, retry_after=7), calls(mutating=True), nth=2, times=2)
        given = [(await http.post("configmaps", json=note(f"a{index}"))) for index in range(4)]
        assert [answer.status_code for answer in given] == [201, status, status, 201]
        assert given[1].headers["Retry-After"] == "7"
        assert [await bare.find("ConfigMap", f"a{index}") is not None for index in range(4)] == [True, False, False, True]

    async def test_each_fault_counts_the_calls_for_itself(self, proxy: Proxy, http: httpx.AsyncClient) -> None:
        proxy.inject(answers(500), calls(mutating=True), nth=1)
        proxy.inject(answers(503), calls(mutating=True), nth=3)
        assert [(await http.post("configmaps", json=note(f"a{index}"))).status_code for index in range(4)] == [500, 201, 503, 201]

    async def test_of_each_kind_of_call_every_second_one_can_be_met(self, proxy: Proxy, http: httpx.AsyncClient) -> None:
        proxy.inject(answers(503), every(2, calls(mutating=True), of=2), times=-1)
        met = []
        for index in range(4):
            made = await http.post("configmaps", json=note(f"a{index}"))
            gone = await http.delete("configmaps/none")
            assert (await http.get("configmaps")).status_code == 200
            met.append((made.status_code, gone.status_code))
        assert met == [(201, 404), (503, 503), (201, 404), (503, 503)]

    async def test_a_callback_after_the_reply_comes_when_the_call_is_done(self, proxy: Proxy, http: httpx.AsyncClient) -> None:
        heard: list[int | None] = []
        proxy.inject(then(lambda: heard.append(proxy.journal[-1].status)), calls(mutating=True))
        assert (await http.post("configmaps", json=note("a"))).status_code == 201
        assert heard == [201]

    async def test_a_delay_is_a_delay(self, proxy: Proxy, http: httpx.AsyncClient) -> None:
        proxy.inject(delays(0.3), calls(mutating=False), times=-1)
        began = time.monotonic()
        assert (await http.get("configmaps")).status_code == 200
        assert time.monotonic() - began > 0.3
        proxy.heal()

    async def test_events_come_through_a_watch_one_by_one_until_it_is_cut(self, proxy: Proxy, http: httpx.AsyncClient, bare: World) -> None:
        async with http.stream("GET", "configmaps", params={"watch": "true"}) as watch:
            lines = watch.aiter_lines()
            for name in ("a", "b"):
                await bare.create(note(name))
                assert json.loads(await anext(lines))["object"]["metadata"]["name"] == name
            proxy.cut_watches()
            with pytest.raises(httpx.RemoteProtocolError):
                await anext(lines)

    async def test_a_watch_that_is_closed_at_once_has_no_events(self, proxy: Proxy, http: httpx.AsyncClient, bare: World) -> None:
        await bare.create(note("a"))
        proxy.inject(close_watch_at_once, calls(watch=True), times=-1)
        answer = await http.get("configmaps", params={"watch": "true"})
        assert (answer.status_code, answer.content) == (200, b"")

    async def test_an_api_server_that_is_away_looks_so(self, apiserver: ApiServer, http: httpx.AsyncClient) -> None:
        apiserver.kill()
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("configmaps")
        await apiserver.start_again()
        assert (await http.get("configmaps")).status_code == 200

    async def test_with_a_token_the_operator_has_no_more_rights_than_its_service_account(self, apiserver: ApiServer, bare: World) -> None:
        async with (
            Proxy(apiserver, await bare.token("default")) as proxy,
            httpx.AsyncClient(base_url=proxy.url) as http,
        ):
            refused = await http.get(bare.path("ConfigMap"))
        assert refused.status_code == 403
        assert f"system:serviceaccount:{bare.namespace}:default" in refused.json()["message"]

    async def test_it_adds_less_than_a_millisecond(self, apiserver: ApiServer, proxy: Proxy, bare: World) -> None:
        path = bare.path("ConfigMap", "none")

        async def quick(url: str, security: ssl.SSLContext | bool = True) -> float:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=security)) as session:
                times = []
                for _ in range(300):
                    began = time.perf_counter()
                    async with session.get(url + path) as answer:
                        await answer.read()
                    times.append(time.perf_counter() - began)
            return statistics.quantiles(times, n=10)[0]  # the quick tenth: what it takes when nothing else wants the processor

        direct = await quick(apiserver.url, apiserver.ssl)
        assert await quick(proxy.url) - direct < 0.001


class TestOperatorProcess:
    @pytest.fixture(params=[fresh, Warm("httpx")], ids=["in an interpreter of its own", "forked from a warm one"])
    def stand_in(self, request: pytest.FixtureRequest, proxy: Proxy, namespace: str, tmp_path: Path) -> Operator:
        settings = Settings(proxy.kubeconfig(tmp_path / "kubeconfig"), namespace, module=STAND_IN)
        return Operator(settings, tmp_path / "log", request.param)

    async def test_it_works_is_killed_and_works_again(self, stand_in: Operator, bare: World) -> None:
        for name in ("a", "b"):
            await stand_in.start()
            await bare.create(note(name, ask="yes"))
            await bare.until("ConfigMap", name, "being done", lambda body: body["metadata"]["labels"]["ask"] == "done")
            stand_in.kill()
            assert not stand_in.running
        stand_in.assert_log_is_clean()

    async def test_one_that_ends_by_itself_is_reported_with_its_last_words(self, tmp_path: Path) -> None:
        broken = Operator(Settings(tmp_path / "no-such-file", module=STAND_IN), tmp_path / "log")
        with pytest.raises(AssertionError, match=r"The operator ended with status 1(?s:.*)FileNotFoundError"):
            await broken.start()
        with pytest.raises(AssertionError, match="is not clean: Traceback"):
            broken.assert_log_is_clean()


class TestCrashMatrix:
    @staticmethod
    async def story(world: World) -> None:
        await world.create(note("n-1", ask="yes"))
        await world.until("ConfigMap", "n-1", "being done", lambda body: body["metadata"]["labels"]["ask"] == "done", within=20)

    @staticmethod
    async def one_job_per_request(told: Told) -> None:
        assert told.outcome.jobs == {("n-1", "train"): 1}

    @pytest.fixture
    def stage(self, cluster: ApiServer, new_namespace: Callable[[], str], tmp_path: Path) -> Callable[..., Stage]:
        def make(**more: Any) -> Stage:
            return Stage(cluster, new_namespace, tmp_path, Warm("httpx"), module=STAND_IN, **more)

        return make

    async def test_an_operator_that_is_careful_survives_every_crash(self, stage: Callable[..., Stage]) -> None:
        crashes = await crash_everywhere(stage(), self.story, self.one_job_per_request)
        seen = {(crash.what, crash.moment) for crash in crashes}
        changes = {(what, moment) for what in ("POST jobs", "PATCH configmaps/n-1") for moment in Moment}
        assert seen == changes | {("GET configmaps", Moment.BEFORE)}

    async def test_two_at_once_do_nothing_twice(self, stage: Callable[..., Stage]) -> None:
        await stage(operators=2).tell(self.story, self.one_job_per_request)

    async def test_one_that_is_careless_is_caught(self, stage: Callable[..., Stage]) -> None:
        with pytest.raises(AssertionError, match=r"POST jobs, call 1 of its kind, after it was applied.*: 2 instead of 1"):
            await crash_everywhere(stage(more={"STAND_IN": "careless"}), self.story, self.one_job_per_request)
