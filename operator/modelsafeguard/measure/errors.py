"""What ``measure`` can fail with: a machine reason, and a sentence that a person can act on."""

import errno
from enum import StrEnum
from typing import Final

from modelsafeguard.core.text import printable


class Reason(StrEnum):
    """Why nothing was handed over but a failure."""

    SETTINGS_INVALID = "SettingsInvalid"
    OUTPUT_MISSING = "OutputMissing"
    METRICS_MISSING = "MetricsMissing"
    METRICS_TOO_LARGE = "MetricsTooLarge"
    METRICS_INVALID = "MetricsInvalid"
    METRICS_DISAGREE = "MetricsDisagree"
    PREDICTIONS_TOO_LARGE = "PredictionsTooLarge"
    PREDICTIONS_INVALID = "PredictionsInvalid"
    HOLDOUT_TOO_LARGE = "HoldoutTooLarge"
    HOLDOUT_INVALID = "HoldoutInvalid"
    TRAIN_DIGESTS_TOO_LARGE = "TrainDigestsTooLarge"
    TRAIN_DIGESTS_INVALID = "TrainDigestsInvalid"
    HOLDOUT_DISAGREES = "HoldoutDisagrees"
    LIVE_DISAGREES = "LiveDisagrees"
    MODEL_FOLDER_INVALID = "ModelFolderInvalid"
    VERSION_EXISTS = "VersionExists"
    VERSION_DAMAGED = "VersionDamaged"
    PUBLISH_INTERRUPTED = "PublishInterrupted"
    REPORT_MISSING = "ReportMissing"
    REPORT_TOO_LARGE = "ReportTooLarge"
    VOLUME_FULL = "VolumeFull"
    VOLUME_UNWRITABLE = "VolumeUnwritable"
    VOLUME_ERROR = "VolumeError"
    INTERNAL_ERROR = "InternalError"


class MeasureError(Exception):
    """An ending with a reason. The message is one sentence."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_UNWRITABLE: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


def from_os_error(error: OSError) -> MeasureError:
    """What a refused system call means for the owner of the claim."""
    path = printable(str(error.filename)) if error.filename is not None else "a file"
    if error.errno in _FULL:
        return MeasureError(
            Reason.VOLUME_FULL,
            f"The claim's volume is full: {path} could not be written. Enlarge the claim or keep fewer versions (spec.history), then "
            "request again",
        )
    if error.errno in _UNWRITABLE:
        return MeasureError(
            Reason.VOLUME_UNWRITABLE,
            f"The claim does not let measure (user 65532, fsGroup 65532) use {path}: {error.strerror}. Give that group the volume's root "
            "folder with mode 0770, let the trainer run as the pod's own user, and do not mount the claim read-only",
        )
    return MeasureError(Reason.VOLUME_ERROR, f"The claim's volume failed at {path}: {error.strerror or error}. See the volume's own log")
