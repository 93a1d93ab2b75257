"""A cluster that has been in use for long: models that serve, each with its record, and requests that have ended."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeVar, cast

import kopf

from modelsafeguard.api import modeldeployment, retrainrequest
from modelsafeguard.api.names import FIELD_MANAGER
from modelsafeguard.core.comparison import Classes, Comparison, Leakage, MetricComparison, SliceComparison
from modelsafeguard.core.judge import judge
from modelsafeguard.core.model import Best, LastRollout, Live, ModelStatus, ServingState, VersionRecord
from modelsafeguard.core.numbers import PValue
from modelsafeguard.core.policy import MetricRule, Policy
from modelsafeguard.core.replay import Judged, judged_to_text
from modelsafeguard.core.report import Baseline, Evidence
from modelsafeguard.core.request import Frozen, JobRef, RequestStatus, Stage
from modelsafeguard.core.verdict import Verdict
from modelsafeguard.objects.serving import serving_patch
from tests.support.client import Json
from tests.support.objects import claim, digest, model_deployment, report, retrain_request, serving_deployment
from tests.support.world import World

T = TypeVar("T")

NOW: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
POLICY: Final = Policy((MetricRule("accuracy", Decimal("0.01")), MetricRule("f1_macro", Decimal("0.01"))))
WORSE: Final = {"accuracy": "0.8000", "f1_macro": "0.7900"}
# What a compact report says of two models, as long as it may become.
_SPREAD: Final = MetricComparison(Decimal(0), Decimal("-0.016667"), Decimal("0.016667"), Decimal("0.0081650"))
_SLICE: Final = SliceComparison("domain", "credit_cards", 30, 1, 9, PValue("0.0215"))
_COMPARISON: Final = Comparison(
    rows=300,
    changed=30,
    gained=10,
    lost=10,
    p_value=PValue("1"),
    resamples=10_000,
    metrics=dict.fromkeys(("accuracy", "f1_macro", "f1_weighted"), _SPREAD),
    slices_tested=160,
    slices=(_SLICE, replace(_SLICE, value="banking"), replace(_SLICE, value="kitchen_and_dining")),
    classes_gained=Classes(5, ("accept_reservations", "account_blocked", "alarm", "application_status", "apr")),
)
_LEAKAGE: Final = Leakage(300, 2, 1)
# As many as a model keeps on its volume by default.
PROMOTED: Final = 10
REJECTED: Final = 3
AT_ONCE: Final = 32


async def at_once(work: Callable[[T], Awaitable[None]], items: Iterable[T], *, workers: int = AT_ONCE) -> None:
    """Work on all items, on so many at a time."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())


async def serving_model(world: World, name: str, records: int) -> None:
    """A model with a history, and the Deployment that serves its live version."""
    live = _live(name)
    created = await world.create(model_deployment(name, annotations=modeldeployment.annotations_of(live)))
    await _put_status(world, created, modeldeployment.status_to_json(_model_status(name, live, records)))
    deployment = await world.create(serving_deployment(name))
    patch = serving_patch(modeldeployment.from_body(created), "/models", live.serving, deployment["metadata"]["resourceVersion"])
    rolled = await world.apply(patch, manager=FIELD_MANAGER, force=True)
    await world.patch_status("Deployment", name, {"observedGeneration": rolled["metadata"]["generation"]})


async def models(world: World, names: Iterable[str], *, records: int = PROMOTED + REJECTED) -> None:
    """Models that serve, with their claim, and a record of so many versions: of some the folders have left the volume."""
    await world.create(claim())
    await world.patch_status("PersistentVolumeClaim", "models", {"phase": "Bound"})

    async def model(name: str) -> None:
        await serving_model(world, name, records)

    await at_once(model, names)


async def finished_requests(world: World, count: int, names: Sequence[str]) -> None:
    """So many requests that were rejected, of these models in turn."""

    async def request(number: int) -> None:
        await finished_request(world, f"done-{number}", names[number % len(names)])

    await at_once(request, range(count))


async def finished_request(world: World, name: str, model: str) -> None:
    """A request that was rejected, and that a bare handler knows, too."""
    created = await world.create(retrain_request(name, model))
    await _put_status(world, created, retrainrequest.status_to_json(_request_status(name, model)))
    await world.patch("RetrainRequest", name, handled(created))


def handled(body: Json) -> Json:
    """The patch by which kopf records an object as handled: without it a bare handler would take the object for a new one."""
    storage, known, patch = kopf.AnnotationsDiffBaseStorage(), kopf.Body(cast("kopf.RawBody", body)), kopf.Patch()
    storage.store(body=known, patch=patch, essence=storage.build(body=known))
    return dict(patch)


async def _put_status(world: World, body: Json, status: Json) -> None:
    await world.replace({**body, "status": status}, subresource="status")


def _live(model: str) -> Live:
    version = f"{model}-live"
    measured = report(version)
    return Live(
        version=version,
        metrics=measured.metrics,
        since=NOW,
        serving=ServingState(f"{model}/versions/{version}", version, measured.manifest_digest, version),
        holdout_digest=measured.holdout_digest,
        manifest_digest=measured.manifest_digest,
        model_digest=measured.model_digest,
        training_date=measured.training_date,
        request_uid="live",
        published=True,
    )


def _model_status(model: str, live: Live, records: int) -> ModelStatus:
    history = [
        *(replace(_record(f"{model}-o{number}", Verdict.REJECTED), pruned=True) for number in range(records - PROMOTED - REJECTED)),
        *(_record(f"{model}-p{number}", Verdict.PROMOTED) for number in range(PROMOTED - 1)),
        *(_record(f"{model}-r{number}", Verdict.REJECTED) for number in range(REJECTED)),
        _record(live.version, Verdict.PROMOTED),
    ]
    return ModelStatus(
        found=ServingState(),
        live=live,
        last_rollout=LastRollout("live", Verdict.PROMOTED, "Promoted", "Performance maintained within tolerance", NOW),
        best=Best(live.version, live.metrics),
        versions=tuple(history),
    )


def _record(version: str, verdict: Verdict) -> VersionRecord:
    """With all that is kept of a candidate that was compared row by row."""
    measured = report(version)
    live = {name: measured.metrics[name] for name in ("accuracy", "f1_macro", "f1_weighted")}
    compared = replace(
        measured, comparison=_COMPARISON, live_version="before", live_metrics=live, live_evidence=Evidence.PAIRED, leakage=_LEAKAGE
    )
    return VersionRecord(
        version,
        f"request-of-{version}",
        f"uid-of-{version}",
        verdict,
        "PerformanceMaintained",
        "Performance maintained within tolerance",
        NOW,
        measured.metrics,
        measured.manifest_digest,
        measured.model_digest,
        measured.holdout_digest,
        judged=judged_to_text(Judged(compared, Baseline("before", measured.metrics, measured.holdout_digest, measured.model_digest), 7)),
    )


def _request_status(name: str, model: str) -> RequestStatus:
    live, measured = _live(model), report(name, **WORSE)
    baseline = Baseline(live.version, live.metrics, live.holdout_digest)
    judgement = judge(POLICY, measured, baseline)
    assert judgement.verdict is Verdict.REJECTED
    return RequestStatus(
        observed_generation=1,
        stage=Stage.FINISHED,
        verdict=judgement.verdict,
        reason=judgement.reason,
        message=judgement.message,
        model_uid="model",
        version=name,
        frozen=Frozen("model", 1, POLICY, baseline),
        job=JobRef(name, digest(name)[7:43]),
        report=measured,
        findings=judgement.findings,
        started_at=NOW,
        finished_at=NOW,
    )
