"""Full lists of a cluster that is made of canned lists."""

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from modelsafeguard.engine.queue import KeyQueue
from modelsafeguard.engine.registry import Registry
from modelsafeguard.engine.resync import PARTS, Resync
from modelsafeguard.kube.errors import Conflict, Expired, KubernetesError, NotFound, Refused, Unavailable
from modelsafeguard.kube.paths import collection, item
from tests.support.objects import model_deployment, retrain_request

MODELS, REQUESTS, JOBS = "modeldeployments", "retrainrequests", "jobs"
NAMES = [f"m{number}" for number in range(60)]


def with_metadata(body, namespace):
    name = body["metadata"]["name"]
    mark = {"uid": f"uid-{name}", "resourceVersion": "7", "generation": 2, "creationTimestamp": "2026-01-31T12:00:00Z"}
    return body | {"metadata": {**body["metadata"], "namespace": namespace, **mark}}


def model(name, *, namespace="ml", **status):
    """A model that needs nothing, unless its status says otherwise."""
    return with_metadata(model_deployment(name), namespace) | {"status": {"observedGeneration": 2, **status}}


def open_request(name, of, *, namespace="ml"):
    return with_metadata(retrain_request(name, of), namespace)


def finished(name, *, ago=3600, ttl=60, labels=None, annotations=None, **status):
    """A request that had its verdict so many seconds ago."""
    at = (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = with_metadata(retrain_request(name, labels=labels, annotations=annotations, ttlSecondsAfterFinished=ttl), "ml")
    return body | {"status": {"stage": "Finished", "verdict": "Promoted", "finishedAt": at, **status}}


def job(name, of, *, owner="", condition="", **metadata):
    """A training Job of a request, at work unless it has come to this condition."""
    labels = {"modelsafeguard.io/request": of, "modelsafeguard.io/role": "train"}
    reference = {"uid": owner or f"uid-{of}", "name": of, "controller": True}
    body = with_metadata({"metadata": {"name": name, "labels": labels, "ownerReferences": [reference]}}, "ml")
    conditions = [{"type": condition, "status": "True"}] if condition else []
    return {"metadata": {**body["metadata"], **metadata}, "status": {"conditions": conditions}}


class Cluster:
    """An ``Api`` of canned lists: an exception among them is raised when its turn comes. ``refusals`` are of deletions, by name."""

    def __init__(self):
        self.models, self.open, self.finished, self.jobs = [], [], [], []
        self.refusals = {}
        self.deleted = []
        self.meanwhile = lambda: None
        self.listed = asyncio.Event()

    async def items(self, path, *, fieldSelector="", labelSelector=""):  # noqa: N803 - the names of the query's parameters
        lists = {
            "": (MODELS, self.models),
            "status.verdict=": (REQUESTS, self.open),
            "status.verdict!=": (REQUESTS, self.finished),
            "status.successful=0": (JOBS, self.jobs),
        }
        plural, bodies = lists[fieldSelector]
        assert bool(labelSelector) == (plural == JOBS)
        for body in list(bodies):
            if isinstance(body, Exception):
                bodies.remove(body)
                raise body
            if path in (collection(plural), collection(plural, body["metadata"]["namespace"])):
                yield body
        if bodies is self.open:
            self.meanwhile()
            self.listed.set()

    async def get(self, path):
        found = (body for body in (*self.open, *self.finished) if item(REQUESTS, "ml", body["metadata"]["name"]) == path)
        return next(found, None)

    async def delete(self, path, preconditions):
        name = path.rsplit("/", 1)[1]
        if name in self.refusals:
            raise self.refusals[name]
        self.deleted.append((path, preconditions))

    @property
    def names_deleted(self):
        return [path.rsplit("/", 1)[1] for path, _ in self.deleted]


@pytest.fixture
async def cluster():
    return Cluster()


@pytest.fixture
def resync(cluster):
    return Resync(cluster, Registry(), KeyQueue(lambda _: None, workers=1), (), 0.0)


async def round_of(resync):
    """The names of the models that one round queues."""
    await resync.once()
    return queued(resync)


def queued(resync):
    keys = list(resync.queue._waiting)
    resync.queue.__init__(resync.queue._work, workers=1)
    return sorted(name for _, name in keys)


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"activeRequest": {"name": "nightly-1", "uid": "u"}}, id="a request at work"),
        pytest.param({"rollout": {"phase": "Baking"}}, id="a rollout"),
        pytest.param({"prune": {"jobName": "p"}}, id="a prune Job"),
        pytest.param({"verification": {"jobName": "v"}}, id="a verify Job"),
        pytest.param({"observedGeneration": 1}, id="an edit that was not looked at"),
        pytest.param({"observedGeneration": None}, id="a status that was never written"),
    ],
)
async def test_a_model_with_work_under_way_is_queued_every_round(cluster, resync, status):
    cluster.models.append(model("busy", **status))
    assert [await round_of(resync) for _ in range(PARTS)] == [["busy"]] * PARTS


async def test_a_model_without_any_status_is_queued_every_round(cluster, resync):
    body = model("new")
    del body["status"]
    cluster.models.append(body)
    assert [await round_of(resync) for _ in range(PARTS)] == [["new"]] * PARTS


async def test_the_model_of_an_open_request_is_queued_every_round_once_even_if_there_is_no_such_model(cluster, resync):
    cluster.models.append(model("idle"))
    cluster.open += [open_request("a", "idle"), open_request("b", "idle"), open_request("c", "gone")]
    assert [await round_of(resync) for _ in range(PARTS)] == [["gone", "idle"]] * PARTS


async def test_a_model_that_needs_nothing_is_queued_in_one_of_twelve_rounds(cluster, resync):
    cluster.models += [model(name) for name in NAMES]
    rounds = [await round_of(resync) for _ in range(PARTS)]
    assert sorted(name for names in rounds for name in names) == sorted(NAMES)
    assert max(len(names) for names in rounds) < len(NAMES)
    assert [await round_of(resync) for _ in range(PARTS)] == rounds


async def test_a_model_that_is_no_longer_listed_is_queued_in_its_turn_once_more_and_forgotten(resync):
    resync.models.note(model("gone"))
    resync.rounds = hash(("ml", "gone")) % PARTS
    assert await round_of(resync) == ["gone"]
    assert resync.models.place("ml", "gone") is None
    assert [await round_of(resync) for _ in range(PARTS)] == [[]] * PARTS


@pytest.mark.parametrize(
    ("namespaces", "names"),
    [
        pytest.param((), ["here", "there"], id="all"),
        pytest.param(("ml",), ["here"], id="one"),
        pytest.param(("ml", "shop", "empty"), ["here", "there"], id="several"),
    ],
)
async def test_the_namespaces_that_were_given_are_looked_at(cluster, resync, namespaces, names):
    cluster.models += [model("here", observedGeneration=1), model("there", namespace="shop")]
    cluster.open.append(open_request("a", "there", namespace="shop"))
    resync.namespaces, resync.rounds = namespaces, (hash(("shop", "there")) + 1) % PARTS
    assert await round_of(resync) == names


async def test_a_list_that_breaks_off_changes_nothing_that_is_known(cluster, resync):
    resync.models.note(model("known"))
    cluster.models += [model("first"), Unavailable("no answer")]
    with pytest.raises(Unavailable):
        await resync.once()
    assert resync.models.place("ml", "known")
    assert resync.rounds == 0


async def test_a_model_that_came_while_the_list_was_read_stays_known(cluster, resync):
    cluster.models.append(model("older"))
    cluster.meanwhile = lambda: resync.models.note(model("new"))
    await resync.once()
    assert resync.models.place("ml", "new")


async def test_a_model_that_went_while_the_list_was_read_stays_forgotten(cluster, resync):
    cluster.models.append(model("gone"))
    resync.models.note(cluster.models[0])
    cluster.meanwhile = lambda: resync.models.forget(("ml", "gone"))
    await resync.once()
    assert resync.models.place("ml", "gone") is None


@pytest.mark.parametrize(
    ("request_", "deleted"),
    [
        pytest.param(finished("r", ago=61), True, id="its time has passed"),
        pytest.param(finished("r", ago=0, ttl=0), True, id="it had none"),
        pytest.param(finished("r", ago=10, ttl=86_400), False, id="its time has not passed"),
        pytest.param(finished("r", ttl=None), False, id="it is to stay"),
        pytest.param(finished("r", finishedAt=None), False, id="its end was not written"),
        pytest.param(finished("r", labels={"app.kubernetes.io/instance": "x"}), False, id="Argo CD keeps it, by its default label"),
        pytest.param(finished("r", labels={"argocd.argoproj.io/instance": "x"}), False, id="Argo CD keeps it, by a label of its own"),
        pytest.param(finished("r", annotations={"argocd.argoproj.io/tracking-id": "x"}), False, id="Argo CD keeps it, by annotation"),
        pytest.param(finished("r", labels={"kustomize.toolkit.fluxcd.io/name": "x"}), False, id="Flux keeps it, of a Kustomization"),
        pytest.param(finished("r", labels={"helm.toolkit.fluxcd.io/name": "x"}), False, id="Flux keeps it, of a HelmRelease"),
        pytest.param(finished("r", annotations={"config.k8s.io/owning-inventory": "x"}), False, id="Config Sync or kpt keeps it"),
        pytest.param(finished("r", labels={"applyset.kubernetes.io/part-of": "x"}), False, id="kubectl keeps it, in an ApplySet"),
        pytest.param(finished("r", labels={"kapp.k14s.io/app": "x"}), False, id="kapp keeps it"),
        pytest.param(finished("r", annotations={"meta.helm.sh/release-name": "x"}), False, id="Helm keeps it, by annotation"),
        pytest.param(finished("r", labels={"app.kubernetes.io/managed-by": "Helm"}), False, id="Helm keeps it, by label"),
        pytest.param(finished("r", labels={"app.kubernetes.io/managed-by": "me"}), True, id="somebody else's label"),
    ],
)
async def test_a_finished_request_is_deleted_when_its_time_has_passed_just_as_it_was_read(cluster, resync, request_, deleted):
    cluster.finished.append(request_)
    await resync.once()
    just_as_read = (item(REQUESTS, "ml", "r"), {"uid": "uid-r", "resourceVersion": "7"})
    assert cluster.deleted == ([just_as_read] if deleted else [])


async def test_finished_requests_are_looked_at_in_one_of_twelve_rounds(cluster, resync):
    cluster.finished.append(finished("r"))
    for _ in range(2 * PARTS):
        await resync.once()
    assert cluster.names_deleted == ["r", "r"]


@pytest.mark.parametrize(
    "hindrance",
    [
        pytest.param({"finished": finished("bad", verdict="Perhaps")}, id="one cannot be read"),
        pytest.param({"finished": finished("bad", finishedAt="yesterday")}, id="one has an end that is no time"),
        pytest.param({"refusal": Conflict("409: the precondition failed")}, id="one has changed since"),
        pytest.param({"refusal": Refused("403: an admission webhook denied the request")}, id="one may not be deleted"),
    ],
)
async def test_one_finished_request_does_not_keep_the_others_from_their_end(cluster, resync, caplog, hindrance):
    cluster.finished += [finished("a"), hindrance.get("finished", finished("bad")), finished("z")]
    if refusal := hindrance.get("refusal"):
        cluster.refusals["bad"] = refusal
    await resync.once()
    assert cluster.names_deleted == ["a", "z"]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["a finished request is not deleted in this round"]


async def test_deletions_that_fail_keep_no_model_from_its_turn(cluster, resync):
    cluster.models += [model(name) for name in NAMES]
    cluster.finished.append(finished("r"))
    cluster.refusals["r"] = Unavailable("no answer")
    for _ in range(PARTS):
        with suppress(Unavailable):
            await resync.once()
    assert queued(resync) == sorted(NAMES)


@pytest.mark.parametrize(
    ("left", "deleted"),
    [
        pytest.param(job("j", "over"), True, id="its request is over"),
        pytest.param(job("j", "open"), False, id="its request is not"),
        pytest.param(job("j", "gone"), False, id="its request is gone, and the garbage collector comes"),
        pytest.param(job("j", "over", owner="uid-of-one-before"), False, id="it belongs to another request of that name"),
        pytest.param(job("j", "over", condition="Failed"), False, id="it has failed"),
        pytest.param(job("j", "over", condition="Complete"), False, id="it is complete"),
        pytest.param(job("j", "over", deletionTimestamp="2026-01-31T12:00:00Z"), False, id="it is being deleted"),
        pytest.param(job("j", "over", labels={"modelsafeguard.io/request": "over"}), False, id="it is not one of ours"),
    ],
)
async def test_a_job_at_work_is_deleted_in_every_round_if_its_request_has_its_verdict(cluster, resync, left, deleted):
    cluster.open.append(open_request("open", "m"))
    cluster.finished.append(finished("over", ttl=None))
    cluster.jobs.append(left)
    for _ in range(2):
        await resync.once()
    assert cluster.deleted == ([(item(JOBS, "ml", "j"), {"uid": "uid-j"})] * 2 if deleted else [])


async def test_one_job_that_may_not_be_deleted_does_not_keep_the_others_from_their_end(cluster, resync, caplog):
    cluster.finished.append(finished("over", ttl=None))
    cluster.jobs += [job("a", "over"), job("bad", "over"), job("z", "over")]
    cluster.refusals["bad"] = Refused("403: forbidden")
    await resync.once()
    assert cluster.names_deleted == ["a", "z"]
    assert [record.getMessage() for record in caplog.records] == [
        "a Job whose request is over is not deleted in this round: 403: forbidden"
    ]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Unavailable("no answer"), id="no answer"),
        pytest.param(Refused("403: forbidden"), id="a refusal"),
        pytest.param(ValueError("Expecting value: line 1 column 1"), id="something unexpected"),
    ],
)
async def test_after_a_round_that_failed_the_next_one_follows(cluster, resync, fault):
    cluster.models.append(fault)
    running, listed = asyncio.create_task(resync.run()), asyncio.create_task(cluster.listed.wait())
    await asyncio.wait([running, listed], return_when=asyncio.FIRST_COMPLETED)
    ended = running.done()
    for task in (running, listed):
        task.cancel()
    await asyncio.gather(running, listed, return_exceptions=True)
    assert not ended


# --- the first list ----------------------------------------------------------------------------------------------------------


async def test_the_first_list_is_asked_for_later_and_later_until_the_api_server_gives_it(cluster, resync, clock, caplog):
    cluster.models += [Unavailable("503 shutting down"), Unavailable("no answer"), Expired("410", rest=""), model("here", rollout={})]
    await resync.first()
    assert clock.now == pytest.approx(0.5 + 1 + 2, rel=0.3)
    assert resync.models.place("ml", "here")
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    sentence = r"nothing is done before the first full list, which is asked for again in \d\.\d s: 503 shutting down"
    assert re.fullmatch(sentence, caplog.messages[0])


async def test_the_first_list_is_asked_for_no_sooner_than_the_api_server_says(cluster, resync, clock):
    cluster.models += [Unavailable("429", retry_after=7.0), Unavailable("429", retry_after=0.0)]
    await resync.first()
    assert clock.now == pytest.approx(7 + 1, abs=0.3)


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        pytest.param(Refused("GET /x: 403 it cannot list"), "role and binding of manifests/cluster", id="rights that are not there"),
        pytest.param(NotFound("GET /x: 404 page not found"), "kubectl apply --server-side -k crds", id="kinds that are not there"),
    ],
)
async def test_what_only_a_person_can_mend_ends_the_first_list_with_what_to_do(cluster, resync, clock, fault, advice):
    cluster.models.append(fault)
    with pytest.raises(KubernetesError, match=advice) as refused:
        await resync.first()
    assert str(fault) in str(refused.value)
    assert clock.now == 0
