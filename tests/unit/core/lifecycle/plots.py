"""Plots: what happens in a simulated world, one thing after another. The crash tests tell each again and again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from modelsafeguard.core.model import History, OnDrift, ServingState
from modelsafeguard.core.policy import Promotion
from tests.support.objects import report
from tests.unit.core.lifecycle.world import World

Happening = Callable[[World], object]


@dataclass(frozen=True)
class Plot:
    """What happens ``then``, after all that was ``given`` has come to its end in peace."""

    then: Sequence[Happening]
    given: Sequence[Happening] = ()


def asked(name: str = "nightly-1") -> Happening:
    return lambda world: world.ask(name)


def trained(name: str = "nightly-1", accuracy: str = "0.9000") -> Happening:
    return lambda world: world.trained(name, accuracy)


def after(seconds: float) -> Happening:
    return lambda world: world.clock_passes(seconds)


def crashes(world: World) -> None:
    world.trainer_ends(world.version(), 1)


def never_starts(world: World) -> None:
    world.job_pod_waits(world.version(), "ImagePullBackOff")


def report_is_lost(world: World) -> None:
    world.job_completes(world.version(), "")


def reader_delivers(world: World) -> None:
    world.delivered("nightly-1", f"{world.version()}-r", report(world.version()))


def paused(world: World) -> None:
    world.edit_deployment(paused=True)


def resumed(world: World) -> None:
    world.edit_deployment(paused=False)


def does_not_hold(world: World) -> None:
    world.pods_fail("CrashLoopBackOff")


def drifts(world: World) -> None:
    world.serve_by_hand(ServingState("by-hand/v9"))


def restores_drift(world: World) -> None:
    world.edit_model(replace(world.model.spec, serving=replace(world.model.spec.serving, on_drift=OnDrift.RESTORE)))


def promotes(how: Promotion) -> Happening:
    return lambda world: world.edit_model(replace(world.model.spec, policy=replace(world.model.spec.policy, promotion=how)))


def keeps(promoted: int, rejected: int) -> Happening:
    return lambda world: world.edit_model(replace(world.model.spec, history=History(promoted, rejected)))


def pruned(world: World) -> None:
    world.job_completes(world.model.status.prune.job_name, "")


def prune_fails(world: World) -> None:
    world.job_fails(world.model.status.prune.job_name, "BackoffLimitExceeded")


def pinned(name: str) -> Happening:
    return lambda world: world.pin(world.version(name))


def unpinned(world: World) -> None:
    world.pin(None)


def verified(world: World) -> None:
    world.job_completes(world.model.status.verification.job_name, "")


def damaged(world: World) -> None:
    world.measure_refuses(world.model.status.verification.job_name, "ManifestInvalid", "model.joblib is not what was published")


def annotated(accuracy: str) -> Happening:
    return lambda world: world.annotate_model(accuracy=accuracy, f1_macro=accuracy)


def signed(world: World) -> None:
    world.annotate_model(rebased_by="alice")


def made_anew(world: World) -> None:
    spec = world.model.spec
    world.delete_model()
    world.make_model(spec)


ROLLED: Final = (World.pods_become_ready, after(60))


def promoted(*names: str) -> list[Happening]:
    return [happening for name in names for happening in (asked(name), trained(name), *ROLLED)]


FIRST: Final = promoted("first")
GOOD_AND_BAD: Final = promoted("good", "bad")
WAITING: Final = [promotes(Promotion.MANUAL), asked(), trained()]

PLOTS: Mapping[str, Plot] = {
    "a promotion": Plot(promoted("nightly-1")),
    "a rejection": Plot([asked(), trained(accuracy="0.1")], FIRST),
    "a crashed trainer": Plot([asked(), crashes]),
    "a training that never starts": Plot([asked(), never_starts, after(3600)]),
    "a lost report": Plot([asked(), report_is_lost, reader_delivers, *ROLLED]),
    "a rollout that fails": Plot([asked(), trained(), does_not_hold, after(300), World.pods_become_ready], FIRST),
    "two at once": Plot([asked("a"), asked("b"), trained("a"), *ROLLED, trained("b"), *ROLLED]),
    "cancelled while queued": Plot([asked("a"), asked(), World.cancel, trained("a"), *ROLLED]),
    "cancelled in training": Plot([asked(), World.cancel]),
    "cancelled while its report is read again": Plot([asked(), report_is_lost, World.cancel]),
    "cancelled before the rollout": Plot([asked(), trained(), World.cancel, resumed], [paused]),
    "cancelled in the rollout": Plot([asked(), trained(), World.cancel, World.pods_become_ready], FIRST),
    "deleted in training": Plot([asked(), asked("b"), World.delete_request, trained("b"), *ROLLED]),
    "not patched in time": Plot([asked(), trained(), after(300), resumed], [paused]),
    "blocked for too long": Plot([drifts, asked(), after(3600), World.cancel], FIRST),
    "old versions are removed": Plot([keeps(2, 0), asked(), pruned, trained(), *ROLLED, pruned], promoted("a", "b", "c")),
    "old versions that cannot be removed": Plot([keeps(2, 0), prune_fails], promoted("a", "b", "c")),
    "a pin": Plot([pinned("good"), verified, *ROLLED, unpinned], GOOD_AND_BAD),
    "a pin of a damaged version": Plot([pinned("good"), damaged, unpinned], GOOD_AND_BAD),
    "a pin that does not hold": Plot([pinned("good"), verified, does_not_hold, after(300), World.pods_become_ready], GOOD_AND_BAD),
    "a pin that is taken back while it is verified": Plot([pinned("good"), unpinned], GOOD_AND_BAD),
    "a pin that is taken back in its rollout": Plot([pinned("good"), verified, unpinned, *ROLLED], GOOD_AND_BAD),
    "a pin in a rollout": Plot([asked(), trained(), pinned("good"), *ROLLED, verified, *ROLLED], GOOD_AND_BAD),
    "an approval": Plot([*WAITING, World.approve, *ROLLED], FIRST),
    "an approval that never comes": Plot([*WAITING, after(7 * 86_400)]),
    "an approval that a newer promotion overtakes": Plot(
        [promotes(Promotion.AUTOMATIC), *promoted("newer"), World.approve], [*FIRST, *WAITING]
    ),
    "deleted while it waits for an approval": Plot([*WAITING, World.delete_request], FIRST),
    "an adoption": Plot([annotated("0.8000"), *promoted("nightly-1")]),
    "a re-base": Plot([annotated("0.7000"), signed, asked(), trained(accuracy="0.7100"), *ROLLED], FIRST),
    "drift that is put back": Plot([drifts, asked(), drifts, trained(), *ROLLED], [restores_drift, *FIRST]),
    "the model is deleted": Plot([asked("a"), asked(), World.delete_model]),
    "the model is deleted in a rollout": Plot([asked(), trained(), World.delete_model, World.pods_become_ready], FIRST),
    "the model is made anew": Plot([asked(), made_anew, asked("b"), trained("b"), *ROLLED]),
}
