"""One stored report, written to standard output for whoever may read the pod's log."""

import hashlib

from modelsafeguard.core import pod
from modelsafeguard.core.contract import REPORTS
from modelsafeguard.measure.errors import MeasureError, Reason, from_os_error
from modelsafeguard.measure.folder import open_folder, open_path, read_bounded


def stored_file(store_path: str, name: str) -> bytes:
    """The bytes of a file in ``reports/``. Changes nothing.

    Raises:
        MeasureError: ReportMissing or ReportTooLarge.
    """
    try:
        with open_folder(store_path) as store, open_path(REPORTS, store) as reports:
            content = read_bounded(name, reports, pod.MAX_SHOWN)
    except FileNotFoundError:
        raise MeasureError(Reason.REPORT_MISSING, f"There is no {REPORTS}/{name} on the volume") from None
    except OSError as error:
        raise from_os_error(error) from error
    if content is None:
        sentence = (
            f"{REPORTS}/{name} is larger than {pod.MAX_SHOWN >> 20} MiB, which is more than a pod's log keeps: read it from the claim"
        )
        raise MeasureError(Reason.REPORT_TOO_LARGE, sentence)
    return content


def summary(content: bytes) -> dict[str, object]:
    """Its length and digest, by which whoever reads the log sees that all of it arrived."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
