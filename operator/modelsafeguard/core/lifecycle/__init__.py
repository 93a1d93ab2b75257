"""What happens next to one model and its requests: pure functions from what was observed to what is to be done."""

from modelsafeguard.core.lifecycle.advance import advance
from modelsafeguard.core.lifecycle.step import Step
from modelsafeguard.core.lifecycle.world import Observed, Refusal

__all__ = ["Observed", "Refusal", "Step", "advance"]
