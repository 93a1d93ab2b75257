"""What can be wrong with text that comes from a pod. Each error is one machine reason and one sentence."""

from typing import ClassVar


class HandoverError(Exception):
    """A result that cannot be used. ``lost`` says whether the text did not arrive whole: then a reader may still deliver it."""

    reason: ClassVar[str] = "HandoverInvalid"
    lost: ClassVar[bool] = False


class HandoverMissingError(HandoverError):
    """Nothing was handed over."""

    reason = "HandoverMissing"
    lost = True


class HandoverCutError(HandoverError):
    """The text is not as long as it says, or its last line is gone."""

    reason = "HandoverCut"
    lost = True


class HandoverGarbledError(HandoverError):
    """The text is not what its digest says."""

    reason = "HandoverGarbled"
    lost = True


class HandoverTooLargeError(HandoverError):
    """The payload does not fit into a termination message."""

    reason = "HandoverTooLarge"


class ReportInvalidError(HandoverError):
    """The text arrived as it was sent, and is not a report."""

    reason = "ReportInvalid"
