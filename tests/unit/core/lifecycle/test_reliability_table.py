"""docs/reliability.md, cell by cell: what happens to what, while a request is where, and how it ends."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from modelsafeguard.core.lifecycle.step import CreateRequestJob
from modelsafeguard.core.model import ServingState
from modelsafeguard.core.policy import MetricRule, Policy, Promotion, Rules
from tests.unit.core.lifecycle.operators import Story
from tests.unit.core.lifecycle.world import FOUND

ROOT = Path(__file__).parents[4]
DOCUMENT = ROOT / "docs" / "reliability.md"
NO_SENSE = "—"
ELSEWHERE = ServingState("by-hand/v9", "v9", "", "v9")

Act = Callable[[Story], object]


def queued(world: Story) -> None:
    world.attended = False
    world.ask()


def judging(world: Story) -> None:
    world.ask()
    world.annotate_model(accuracy="0.1")
    world.trained()


def awaiting_approval(world: Story) -> None:
    world.ask(policy=Rules(promotion=Promotion.MANUAL))
    world.trained()


def accepted(world: Story) -> None:
    world.edit_deployment(paused=True)
    world.train()


def baking(world: Story) -> None:
    world.train()
    world.pods_become_ready()


def undoing(world: Story) -> None:
    world.train()
    world.pods_fail("CrashLoopBackOff")
    world.clock_passes(300)


STAGES: Mapping[str, Act] = {
    "queued": queued,
    "training": Story.ask,
    "judging": judging,
    "awaiting approval": awaiting_approval,
    "accepted": accepted,
    "rolling out": Story.train,
    "baking": baking,
    "undoing": undoing,
    "finished": Story.promote,
}


def edit_policy(world: Story) -> None:
    world.edit_model(replace(world.model.spec, policy=Policy((MetricRule("accuracy", Decimal(-1)),))))


def make_model_anew(world: Story) -> None:
    attended, world.attended = world.attended, False
    spec = world.model.spec
    world.delete_model()
    world.make_model(spec)
    world.attended = attended
    world.happened()


def make_deployment_anew(world: Story) -> None:
    attended, world.attended = world.attended, False
    world.delete_deployment()
    world.make_deployment()
    world.attended = attended
    world.happened()


def training_pod_is_lost(world: Story) -> None:
    world.job_fails(world.version(), "BackoffLimitExceeded")


def pod_is_deleted(world: Story) -> None:
    if world.jobs_at_work:
        training_pod_is_lost(world)
    else:
        world.evict_pod()


def pod_cannot_be_made(world: Story) -> None:
    if world.jobs_at_work:
        world.job_has_no_pod(world.version(), "exceeded quota: pods")
    else:
        world.pods_fail("no pod: exceeded quota")


def pod_restarts(world: Story) -> None:
    """A pod that serves what is to be served; while there is none, the new one on its way to ready."""
    serving = [index for index, pod in enumerate(world.serving_pods) if pod.version == world.served]
    if serving:
        world.change_pod(serving[0], restarts=1)
    else:
        world.pods_fail("CrashLoopBackOff")


def job_is_replaced(world: Story) -> None:
    attended, world.attended = world.attended, False
    if world.version() in world.jobs:
        world.delete_job(world.version())
    world.make_foreign_job(world.version())
    world.attended = attended
    world.happened()


def job_is_refused(world: Story) -> None:
    world.refuse("exceeded quota: count/jobs.batch", CreateRequestJob)


def folder_is_broken(world: Story) -> None:
    """The server refuses a folder whose files are not those of its manifest. While there is no candidate's yet it is the live one's, of
    which ``measure`` then takes no evidence (``tests/unit/measure/test_live.py``)."""
    if not world.jobs_at_work:
        world.pods_fail("CrashLoopBackOff: the files are not those of MODEL_DIGEST")


EVENTS: Mapping[tuple[str, str], Act] = {
    ("Request", "deleted"): Story.delete_request,
    ("Request", "edited: cancel annotated"): Story.cancel,
    ("Job", "deleted"): lambda world: world.delete_job(world.version()),
    ("Job", "missing: the API server refuses it"): job_is_refused,
    ("Job", "paused: suspended by somebody"): lambda world: world.job_pod_is_gone(world.version()),
    ("Job", "replaced by somebody else's"): job_is_replaced,
    ("Pod", "deleted"): pod_is_deleted,
    ("Pod", "missing: it cannot be made"): pod_cannot_be_made,
    ("Pod", "restarted"): pod_restarts,
    ("Deployment", "deleted"): Story.delete_deployment,
    ("Deployment", "edited: other fields"): lambda world: world.edit_deployment(),
    ("Deployment", "missing: made anew from its manifest"): make_deployment_anew,
    ("Deployment", "paused"): lambda world: world.edit_deployment(paused=True),
    ("Deployment", "scaled to 0"): lambda world: world.edit_deployment(replicas=0),
    ("Deployment", "rolled out by somebody else"): lambda world: world.serve_by_hand(ELSEWHERE),
    ("ModelDeployment", "deleted"): Story.delete_model,
    ("ModelDeployment", "edited: a stricter policy"): edit_policy,
    ("ModelDeployment", "missing: made anew before that was seen"): make_model_anew,
    ("ModelDeployment", "paused: suspended"): Story.suspend,
    ("ModelDeployment", "annotated by somebody else"): lambda world: world.annotate_model(accuracy="0.2"),
    ("Claim", "deleted"): Story.delete_claim,
    ("Claim", "missing: its volume is lost"): lambda world: world.set_claim("Lost"),
    ("Claim", "taken by an older ModelDeployment"): lambda world: world.conflict_with("older"),
    ("Version folder", "deleted or edited"): folder_is_broken,
}
# What lasts: it is not mended, and keeps Jobs, or the pods of the new version, from going on.
STAYS_PAUSED = {("Deployment", "paused")}
STAYS_ANNOTATED = {("ModelDeployment", "annotated by somebody else")}
KEEPS_JOBS = {
    ("Job", "missing: the API server refuses it"),
    ("Job", "paused: suspended by somebody"),
    ("Pod", "missing: it cannot be made"),
}
KEEPS_PODS = {("Version folder", "deleted or edited"), ("Pod", "missing: it cannot be made")}


@dataclass(frozen=True)
class Cell:
    """How it ends, and what is served then."""

    thing: str
    event: str
    stage: str
    text: str
    note: str

    def __str__(self) -> str:
        return f"{self.thing} {self.event}, while {self.stage}"


def cells() -> Iterator[Cell]:
    """All cells of the document's tables: one table under the heading of each object."""
    for section in re.split(r"^## ", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        thing = section.splitlines()[0].strip()
        rows = [[text.strip() for text in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
        if not rows or rows[0][0] != "event":
            continue
        for row in rows[2:]:
            stages = dict(zip(rows[0][1:-2], row[1:-2], strict=True))
            yield from (Cell(thing, row[0], stage, text, row[-2]) for stage, text in stages.items())


CELLS = list(cells())


def test_every_object_event_and_stage_has_its_cell():
    assert {(cell.thing, cell.event, cell.stage) for cell in CELLS if (cell.thing, cell.event) in EVENTS} == {
        (thing, event, stage) for thing, event in EVENTS for stage in STAGES
    }


def test_what_makes_no_sense_says_why():
    assert not [str(cell) for cell in CELLS if cell.text == NO_SENSE and not cell.note]
    assert not [str(cell) for cell in CELLS if cell.text != NO_SENSE and (cell.thing, cell.event) not in EVENTS]


def test_the_tests_on_a_real_api_server_that_it_names_are_there():
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT.read_text(encoding="utf-8")))
    written = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= written


@pytest.mark.parametrize("cell", [pytest.param(cell, id=str(cell)) for cell in CELLS if cell.text != NO_SENSE])
def test_it_ends_as_the_table_says(spec, cell):
    world = Story(spec, through_json=False)
    world.promote("first")
    STAGES[cell.stage](world)
    uid, version = world.requests["nightly-1"].meta.uid, world.version()
    EVENTS[cell.thing, cell.event](world)
    world.attended = True
    world.happened()
    for _ in range(3):
        go_on(world, cell.stage, (cell.thing, cell.event))
    assert f"{ending(world, uid)} → {served(world, version)}" == cell.text


def go_on(world: Story, stage: str, event: tuple[str, str]) -> None:
    """Everybody does the next thing that can still be done, and then the clock runs for as long as anybody waits for it."""
    if stage == "judging" and event not in STAYS_ANNOTATED and world.model:
        world.annotate_model(accuracy="0.9")
    if stage == "awaiting approval" and "nightly-1" in world.requests:
        world.approve()
    if stage == "accepted" and event not in STAYS_PAUSED and world.deployment:
        world.edit_deployment(paused=False)
    if world.jobs_at_work and event not in KEEPS_JOBS:
        world.trained()
    keeps_pods = event in KEEPS_PODS and (event, stage) != (("Version folder", "deleted or edited"), "training")
    if not keeps_pods or not serves_candidate(world):
        world.pods_become_ready()
    world.wait(at_most=1500)


def serves_candidate(world: Story) -> bool:
    return "nightly-1" in world.requests and world.served == world.version()


def ending(world: Story, uid: str) -> str:
    """The request's verdict and reason, or, when it was deleted, those of its record."""
    request = next((request for request in world.requests.values() if request.meta.uid == uid), None)
    records = [record for record in world.model.status.versions if record.request_uid == uid] if world.model else []
    known = request.status if request else records[0] if records else None
    if known is None or known.verdict is None:
        return "waits" if known else "no trace"
    return str(known.verdict) if known.reason == known.verdict else f"{known.verdict}/{known.reason}"


def served(world: Story, version: str) -> str:
    """What the Deployment's pods are told to serve."""
    if world.deployment is None:
        return "nothing"
    words = {world.version("first"): "live", version: "candidate", FOUND.version: "as found"}
    return words.get(world.deployment.serving.version, "as edited")
