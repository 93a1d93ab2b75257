"""What stands in the way: of starting a request for a model, and of rolling out to its Deployment."""

from dataclasses import dataclass

from modelsafeguard.core.annotations import REBASED_BY
from modelsafeguard.core.lifecycle.world import Observed
from modelsafeguard.core.model import ServingState
from modelsafeguard.core.trainer import trainer_problem


@dataclass(frozen=True)
class Problem:
    """A machine reason and a sentence. ``transient`` ones go away by themselves when somebody else has finished."""

    reason: str
    message: str
    transient: bool = False


def expected_serving(observed: Observed) -> ServingState | None:
    """What the Deployment's fields of ours should be outside a rollout; None while nothing was recorded."""
    status = observed.present.status
    return status.live.serving if status.live else status.found


def model_problem(observed: Observed) -> Problem | None:
    """The first thing that keeps this model from starting or judging anything; None when all is well."""
    for check in (_spec, _rival, _claim, _deployment, _baseline, _drift):
        if problem := check(observed):
            return problem
    return None


def rollout_obstacle(observed: Observed) -> Problem | None:
    """Why the Deployment cannot be patched just now; None when it can."""
    deployment = observed.deployment
    if problem := model_problem(observed):
        return problem
    assert deployment is not None
    if deployment.paused:
        return Problem("DeploymentPaused", f"Deployment {deployment.name} is paused; resume it (kubectl rollout resume)", transient=True)
    if deployment.replicas == 0:
        return Problem("DeploymentScaledToZero", f"Deployment {deployment.name} has 0 replicas; scale it up", transient=True)
    return None


def _spec(observed: Observed) -> Problem | None:
    problem = trainer_problem(observed.present.spec)
    return Problem("InvalidSpec", problem) if problem else None


def _rival(observed: Observed) -> Problem | None:
    if not observed.rival:
        return None
    return Problem(
        "Conflict",
        f"ModelDeployment {observed.rival} is older and uses the same Deployment or an overlapping folder of the same claim;"
        " give this one its own, or delete one of the two",
    )


def _claim(observed: Observed) -> Problem | None:
    name, claim = observed.present.spec.storage.claim_name, observed.claim
    if claim is None:
        return Problem("ClaimNotFound", f"PersistentVolumeClaim {name} does not exist; create it", transient=True)
    if claim.phase == "Lost":
        return Problem("ClaimLost", f"PersistentVolumeClaim {name} has lost its volume; restore or replace it")
    if not any(mode.startswith("ReadWrite") for mode in claim.access_modes):
        return Problem("ClaimUnsuitable", f"PersistentVolumeClaim {name} can only be read, and trainings write to it; use ReadWriteMany")
    if claim.access_modes == ("ReadWriteOncePod",):
        return Problem(
            "ClaimUnsuitable",
            f"PersistentVolumeClaim {name} is ReadWriteOncePod: training and serving pods must mount it together; use ReadWriteMany",
        )
    return None


def _deployment(observed: Observed) -> Problem | None:
    name, deployment = observed.present.spec.serving.deployment_name, observed.deployment
    if deployment is None or deployment.deleting:
        return Problem("DeploymentNotFound", f"Deployment {name} does not exist; create it", transient=True)
    if deployment.problem:
        return Problem("DeploymentUnsuitable", deployment.problem)
    if deployment.other_managers:
        return Problem(
            "FieldConflict",
            f"the model's fields of Deployment {name} (subPath, MODEL_VERSION, MODEL_DIGEST) are set by"
            f" {', '.join(deployment.other_managers)}; remove them from that manifest, they are set by rollouts",
        )
    return None


def _baseline(observed: Observed) -> Problem | None:
    live, deployment = observed.present.status.live, observed.deployment
    if observed.public.problem:
        return Problem("BaselineInvalid", observed.public.problem)
    if live is None and observed.public.baseline is None and deployment and _was_ours(observed, deployment.serving):
        return Problem(
            "BaselineMissing",
            f"Deployment {deployment.name} serves version {deployment.serving.version} of an earlier ModelDeployment, and nothing says how"
            " good that is; annotate its numbers, or take MODEL_VERSION and MODEL_DIGEST off the Deployment to begin without a baseline",
        )
    if live and live.published and not observed.public.matches_live:
        return Problem(
            "BaselineChanged",
            f"the annotations are no longer those of live version {live.version};"
            f" put them back, or have somebody with the verb rebase sign for them (annotation {REBASED_BY}=<own user name>)",
        )
    return None


def _was_ours(observed: Observed, serving: ServingState) -> bool:
    """Whether a rollout has set these values, for a model whose record is gone: the guard must not be off without a word."""
    return bool(serving.version and serving.digest and serving.annotation) and observed.present.status.rollout is None


def _drift(observed: Observed) -> Problem | None:
    expected, deployment, status = expected_serving(observed), observed.deployment, observed.present.status
    if expected is None or deployment is None or status.rollout or deployment.serving == expected:
        return None
    return Problem(
        "ServingDrifted",
        f"somebody else changed what Deployment {deployment.name} serves: {_shown(deployment.serving)} instead of {_shown(expected)};"
        " nothing is judged until that is settled (put it back, or set spec.serving.onDrift to Restore)",
    )


def _shown(serving: ServingState) -> str:
    return f"subPath {serving.sub_path or 'none'}, MODEL_VERSION {serving.version or 'none'}"
