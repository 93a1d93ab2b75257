"""How a request ends: one place that writes a verdict, and one that says it."""

from dataclasses import replace
from datetime import datetime

from modelsafeguard.core.lifecycle.step import Emit, WriteRequest
from modelsafeguard.core.model import ActiveRequest, LastRollout, Model
from modelsafeguard.core.numbers import label
from modelsafeguard.core.request import Request, RequestStatus, Stage
from modelsafeguard.core.verdict import Ending, Verdict

# Event reasons, by verdict (Kubernetes API conventions: unique, specific, CamelCase).
EVENT_REASONS = {
    Verdict.PROMOTED: "ModelPromoted",
    Verdict.REJECTED: "CandidateRejected",
    Verdict.INCONCLUSIVE: "CandidateInconclusive",
    Verdict.FAILED: "RetrainFailed",
    Verdict.ROLLED_BACK: "RolledBack",
    Verdict.UNCHANGED: "CandidateUnchanged",
    Verdict.DRY_RUN: "DryRunFinished",
    Verdict.CANCELLED: "RequestCancelled",
    Verdict.SUPERSEDED: "RequestSuperseded",
    Verdict.EXPIRED: "ApprovalExpired",
}

# The first of the two log lines of an outcome; the second is the reason.
HEADLINES = {
    Verdict.PROMOTED: "✅ Model retrained and hot reloaded successfully",
    Verdict.REJECTED: "✅ Retraining completed but model not deployed due to performance degradation",
    Verdict.INCONCLUSIVE: "⚠️ Retraining completed but model not deployed: not enough evidence",
    Verdict.FAILED: "❌ Retraining failed",
    Verdict.ROLLED_BACK: "❌ The new model did not hold, the previous model is restored",
    Verdict.UNCHANGED: "✅ Retraining completed, nothing new to deploy",
    Verdict.DRY_RUN: "✅ Retraining completed as a dry run, nothing deployed",
    Verdict.CANCELLED: "⚠️ Retraining cancelled",
    Verdict.SUPERSEDED: "⚠️ Retraining superseded by a newer model",
    Verdict.EXPIRED: "⚠️ Retraining expired while it waited for approval",
}


def finish(request: Request, ending: Ending, now: datetime, status: RequestStatus | None = None) -> WriteRequest:
    """End a request. ``status`` carries what else became known in the same step; the verdict is final (the API server holds it)."""
    return WriteRequest(
        request,
        replace(
            status or request.status,
            stage=Stage.FINISHED,
            verdict=ending.verdict,
            reason=ending.reason,
            message=ending.message,
            waiting="",
            deadline=None,
            finished_at=now,
        ),
    )


def pin_ended(order: str, version: str, ending: Ending) -> Emit:
    """How a pin's order ended, told once: the pinned version serves, or it does not and why."""
    served = ending.verdict is Verdict.PROMOTED
    message = ending.message if served else f"pinned version {version} does not serve: {ending.message}"
    return Emit(None, "VersionPinned" if served else "PinFailed", message, warning=not served, key=order)


def announce(request: Request, verdict: Verdict, message: str) -> Emit:
    """The one Event and the two log lines of an outcome."""
    where = f"{request.meta.namespace}/{request.spec.model} {request.meta.name}"
    changes = ", ".join(f"{label(name)} {delta}" for name, delta in request.status.deltas.items())
    # "Performance maintained within tolerance" is a fixed sentence without numbers.
    wordless = changes and verdict is Verdict.PROMOTED and not any(delta in message for delta in request.status.deltas.values())
    numbers = f" ({changes})" if wordless else ""
    return replace(_told(where, verdict, message), about=request, message=message + numbers, key="verdict")


def announce_of_deleted(model: Model, reference: ActiveRequest, last: LastRollout) -> Emit:
    """The same for a request that was deleted while its rollout ended: it is told of the model."""
    where = f"{model.meta.namespace}/{model.meta.name} {reference.name}"
    return replace(_told(where, last.verdict, last.message), key=reference.uid)


def _told(where: str, verdict: Verdict, message: str) -> Emit:
    lead = "Performance" if verdict is Verdict.PROMOTED else "Reason"
    return Emit(
        about=None,
        reason=EVENT_REASONS[verdict],
        message=message,
        warning=verdict in {Verdict.FAILED, Verdict.ROLLED_BACK},
        log=(f"{where}: {HEADLINES[verdict]}", f"{where}: {lead}: {message}"),
    )
