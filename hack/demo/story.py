"""The story of one model: seven chapters, each of which does something and raises ``NotSo`` if what it claims is not so.

No number is expected beforehand: what the operator says is compared with the reports, the pods and the answers of this very run.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from hack.demo.errors import expect
from hack.demo.kube import Json
from hack.demo.manifests import DEMO, QUICKSTART
from hack.demo.world import MODEL, World, annotations, deltas, expect_sentence, expect_verdict, is_true

ASKED: Final = QUICKSTART / "requests"
DRILLS: Final = DEMO / "requests"

UNLOADABLE_DEADLINE_SECONDS: Final = 12
CRON_JOB: Final = "intents-nightly"
CRON_SECONDS: Final = 90.0
EVERY_MINUTE: Final = "* * * * *"


def first_model(world: World) -> None:
    """No live model yet: the first one is deployed, and marked as accepted without a baseline."""
    status = expect_verdict(world.verdict(world.ask_as(ASKED / "1-first.yaml")), "Promoted")
    expect(status["message"] == "No previous model to compare against", f'The reason reads "{status["message"]}".')
    reasons = [finding["reason"] for finding in status["findings"]]
    expect("NoBaseline" in reasons, f"No finding marks that there was no baseline; there are {', '.join(reasons)}.")
    expect("baseline" not in status["frozen"], "A baseline was recorded, though nothing was live.")
    _expect_live(world, status)
    world.tell(f"promoted: {status['message']}")


def better_model(world: World) -> None:
    """More data: better, so promoted; pods are replaced one by one, and nobody who asks meanwhile is turned away."""
    before, replicas = world.served(), world.kube.get("Deployment", MODEL)["spec"]["replicas"]
    old = world.live()
    with world.asked_all_the_time() as answers, world.kube.recorded("Deployment", MODEL) as states:
        status = expect_verdict(world.verdict(world.ask_as(ASKED / "2-more-data.yaml")), "Promoted")
    expect_sentence(status, "Performance improved")
    _expect_live(world, status)
    fewest = min(state["status"].get("availableReplicas", 0) for state in states)
    most = max(state["status"].get("replicas", 0) for state in states)
    expect(fewest >= replicas, f"At one moment only {fewest} of {replicas} pods were available.")
    expect(most <= replicas + 1, f"At one moment there were {most} pods for {replicas} replicas: they were not replaced one by one.")
    expect(before.pods.isdisjoint(world.served().pods), "Not all pods were replaced.")
    new = status["report"]["version"]
    expect(set(answers.versions) == {old, new}, f"The answers came from {', '.join(answers.versions)}, not from {old} and {new}.")
    world.tell(f"promoted: {status['message']}")
    world.tell(f"meanwhile: {answers}; {answers.versions[old]:,} answers from {old}, {answers.versions[new]:,} from {new}")


def degraded_model(world: World) -> None:
    """Mislabelled data: worse, so rejected, and nothing that serves is touched."""
    before = world.served()
    status = expect_verdict(world.verdict(world.ask_as(ASKED / "3-mislabelled.yaml")), "Rejected")
    expect_sentence(status, "Performance degraded")
    after = world.served()
    expect(after == before, f"The Deployment or its pods changed: {before} became {after}.")
    world.tell(f"rejected: {status['message']}")
    world.tell(f"the Deployment is still generation {after.generation}, with the same {len(after.pods)} pods")


def slightly_worse_model(world: World) -> None:
    """A hair worse, inside the owner's tolerance: promoted."""
    status = expect_verdict(world.verdict(world.ask_as(ASKED / "4-a-hair-worse.yaml")), "Promoted")
    expect(status["message"] == "Performance maintained within tolerance", f'The reason reads "{status["message"]}".')
    allowed = {rule["name"]: Decimal(rule["maxDrop"]) for rule in status["frozen"]["policy"]["metrics"]}
    changes = deltas(status)
    told = ", ".join(f"{name} {change:+.4f} (allowed: {-allowed[name]})" for name, change in changes.items())
    expect(min(changes.values()) < 0, f"The new model is not worse at all: {told}.")
    expect(all(change >= -allowed[name] for name, change in changes.items()), f"The new model lies outside the tolerance: {told}.")
    _expect_live(world, status)
    world.tell(f"promoted: {status['message']}: {told}")


def unloadable_model(world: World) -> None:
    """Good numbers, and a file that no server can load: the rollout misses its deadline, and the previous version is back by itself."""
    before, live = world.served(), world.live()
    world.tell(f"for this one a rollout may take {UNLOADABLE_DEADLINE_SECONDS} s only")
    with world.serving(progress_deadline_seconds=UNLOADABLE_DEADLINE_SECONDS), world.asked_all_the_time() as answers:
        status = expect_verdict(world.verdict(world.ask_as(DRILLS / "5-unloadable.yaml")), "RolledBack")
    expect(status["reason"] == "ProgressDeadlineExceeded", f"It was rolled back because of {status['reason']}: {status['message']}")
    after = world.served()
    expect(after.template == before.template, "The Deployment is not what it was before the rollout.")
    expect(after.generation > before.generation, "The Deployment was never rolled out.")
    expect(after.pods == before.pods, "The pods of the previous version were replaced.")
    expect(set(answers.versions) == {live}, f"Answers came from {', '.join(answers.versions)}, not from {live} alone.")
    expect(world.live() == live, f"The record says that {world.live()} is live, not {live}.")
    world.tell(f"rolled back: {status['message']}")
    world.tell(f"meanwhile: {answers}, all from {live}")


def broken_trainers(world: World) -> None:
    """A trainer that crashes, and one that writes NaN: Failed, each in a sentence that says why."""
    before = world.served()
    crashing, not_a_number = (world.ask_as(DRILLS / name) for name in ("6-crashing.yaml", "6-not-a-number.yaml"))
    status = expect_verdict(world.verdict(crashing), "Failed")
    words = world.kube.kubectl("logs", f"job/{status['version']}", "--container", "train").strip().splitlines()[-1]
    expect(words in status["message"], f'The reason "{status["message"]}" does not hold the trainer\'s last words, "{words}".')
    world.tell(f"failed: {status['message']}")
    status = expect_verdict(world.verdict(not_a_number), "Failed")
    expect("accuracy" in status["message"] and "nan" in status["message"].lower(), f'The reason reads "{status["message"]}".')
    expect(world.served() == before, "The Deployment or its pods changed.")
    world.tell(f"failed: {status['message']}")


def nightly_request(world: World) -> None:
    """A CronJob's tick creates one request, named after its Job; the same tick run again creates no second one."""
    # Scheduled while it is suspended and only then let go, it finds that it has missed a tick, and makes up for it at once.
    world.kube.merge("CronJob", CRON_JOB, {"spec": {"suspend": True, "schedule": EVERY_MINUTE}})
    world.kube.merge("CronJob", CRON_JOB, {"spec": {"suspend": False}})
    request = world.kube.until("RetrainRequest", "", "a request by the CronJob", _is_from_cron, within=CRON_SECONDS)
    world.kube.merge("CronJob", CRON_JOB, {"spec": {"suspend": True}})
    name = request["metadata"]["name"]
    _expect_owned_by_cron_job(world, name)
    world.tell(f"the CronJob's Job {name} asked for a retraining of the same name")
    world.kube.until("Job", name, "its completion", is_true("Complete"), within=CRON_SECONDS)
    world.kube.delete("Job", name)
    world.kube.gone("Job", name, within=CRON_SECONDS)
    world.kube.kubectl("create", "job", name, f"--from=cronjob/{CRON_JOB}")
    world.kube.until("Job", name, "its completion", is_true("Complete"), within=CRON_SECONDS)
    requests = [each["metadata"]["uid"] for each in world.kube.all("RetrainRequest") if _is_from_cron(each)]
    expect(requests == [request["metadata"]["uid"]], f"After the same tick ran again there are {len(requests)} requests.")
    said = world.kube.kubectl("logs", f"job/{name}").strip()
    world.tell(f"the same tick, run again: {said}")
    status = world.verdict(name)["status"]
    world.tell(f"{status['verdict'].lower()}: {status['message']}")


CHAPTERS: Final[tuple[tuple[str, Callable[[World], None]], ...]] = (
    ("The first model: there is nothing to compare it with", first_model),
    ("More data: a better model, rolled out under load", better_model),
    ("Mislabelled data: a worse model", degraded_model),
    ("A hair worse, inside the tolerance", slightly_worse_model),
    ("A model that its server cannot load", unloadable_model),
    ("A trainer that crashes, and one that reports NaN", broken_trainers),
    ("A nightly request", nightly_request),
)


def _expect_live(world: World, status: Json) -> None:
    """The promoted version is the live one: by the record, by the annotations, and by the pods."""
    version, metrics = status["report"]["version"], status["report"]["metrics"]
    model = world.kube.until("ModelDeployment", MODEL, f"version {version} in its annotations", _shows(version), within=30)
    shown, live = annotations(model), model["status"]["live"]
    expect(live["version"] == version, f"The record says that {live['version']} is live, not {version}.")
    for name, value in metrics.items():
        written = shown.get(name.replace("_", "-"))
        expect(written == value, f"The annotation {name} says {written}, and the report {value}.")
    for pod in world.pods().values():
        mounted = [mount.get("subPath") for mount in pod["spec"]["containers"][0]["volumeMounts"] if mount["name"] == "model"]
        expect(mounted == [f"{MODEL}/versions/{version}"], f"Pod {pod['metadata']['name']} mounts {mounted}.")


def _shows(version: str) -> Callable[[Json], bool]:
    return lambda body: annotations(body).get("version") == version


def _is_from_cron(request: Json) -> bool:
    return bool(request["spec"].get("trigger") == "cron")


def _expect_owned_by_cron_job(world: World, job: str) -> None:
    owners = [owner["name"] for owner in world.kube.get("Job", job)["metadata"].get("ownerReferences", [])]
    expect(owners == [CRON_JOB], f"The Job {job} does not belong to CronJob {CRON_JOB}.")
