"""The annotations that people decide with. Decisions read them, so their names stand here; all others stand in ``api.names``."""

from typing import Final

from modelsafeguard.core.model import Meta

GROUP: Final = "modelsafeguard.io"

# On a RetrainRequest: any value takes it back; a person's own name approves it, and why; who asked is stamped by the API server.
CANCEL: Final = f"{GROUP}/cancel"
APPROVED_BY: Final = f"{GROUP}/approved-by"
APPROVAL_REASON: Final = f"{GROUP}/approval-reason"
REQUESTED_BY: Final = f"{GROUP}/requested-by"

# On a ModelDeployment: a person's own name signs for other numbers of the live model.
REBASED_BY: Final = f"{GROUP}/rebased-by"

# As much of a name as the records hold.
LONGEST_SIGNATURE: Final = 253
LONGEST_REASON: Final = 1024


def signature(meta: Meta, annotation: str) -> str:
    """Who has signed an object by this annotation; '' for nobody."""
    return meta.annotations.get(annotation, "")[:LONGEST_SIGNATURE]
