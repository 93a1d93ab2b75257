"""What has been published: a version's folder together with its report."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from modelsafeguard.core.contract import MANIFEST_FILE, REPORTS, VERSIONS
from modelsafeguard.core.errors import HandoverError
from modelsafeguard.core.report import Report, report_from_payload
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import entries, open_folder, open_path, read_bounded
from modelsafeguard.measure.manifest import MAX_BYTES, digest_of, verify

MAX_REPORT: Final = 128 << 20


def report_name(version: str) -> str:
    """The full report's name in ``reports/``."""
    return f"{version}.json"


def page_name(version: str) -> str:
    """The name of the page that shows it, beside it."""
    return f"{version}.html"


def pending_name(name: str, pod_uid: str) -> str:
    """What either is called until the folder has been published. A crash right between the renames leaves this name."""
    return f".{name}.{pod_uid}"


def check_size(report: bytes) -> None:
    """Raises MeasureError(PredictionsTooLarge) for a full report that could not be read again; labels are what makes one large."""
    if len(report) > MAX_REPORT:
        raise MeasureError(
            Reason.PREDICTIONS_TOO_LARGE,
            f"The report on this candidate would have {len(report)} bytes, more than {MAX_REPORT}: use fewer or shorter labels",
        )


def read(store_path: str, version: str) -> Report:
    """The compact report of a published version, after its folder has been compared with its manifest. Changes nothing.

    Raises:
        MeasureError: ReportMissing or VersionDamaged.
    """
    with open_folder(store_path) as store:
        return published_report(store, version)


def published_report(store: int, version: str, *, pod_uid: str | None = None) -> Report:
    """As ``read``; with ``pod_uid`` only a report that this very pod has written counts."""
    digest = _manifest_digest(store, version)
    for content in _reports(store, version):
        if content.get("manifestDigest") != digest or pod_uid not in {None, content.get("podUID")}:
            continue
        try:
            report = report_from_payload(content.get("compact"), version=version)
        except HandoverError as error:
            raise MeasureError(Reason.REPORT_MISSING, f"The stored report of {version} cannot be used: {error}") from error
        verify(store, version, digest)
        return report
    raise MeasureError(Reason.REPORT_MISSING, f"There is no report of the published version {version}: train it again")


def stored_report(store: int, version: str) -> dict[str, Any]:
    """The whole content of a version's report, as untrusted as any file; raises MeasureError(ReportMissing)."""
    for content in _reports(store, version):
        return content
    raise MeasureError(Reason.REPORT_MISSING, f"There is no report of version {version} on the volume")


def _manifest_digest(store: int, version: str) -> str:
    try:
        with open_path(f"{VERSIONS}/{version}", store) as folder:
            manifest = read_bounded(MANIFEST_FILE, folder, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        manifest = None
    if manifest is None:
        raise MeasureError(Reason.REPORT_MISSING, f"Version {version} was not published: train it again")
    return digest_of(manifest)


def _reports(store: int, version: str) -> Iterator[dict[str, Any]]:
    """The final report, then any that a crash left pending; what is not a file with a JSON object is passed over."""
    with open_path(REPORTS, store) as reports:
        pending = pending_name(report_name(version), "")
        for name in sorted(entries(reports), key=lambda name: (name != report_name(version), name)):
            if name == report_name(version) or name.startswith(pending):
                with suppress(MeasureError, ValueError, RecursionError):
                    content = json.loads(read_bounded(name, reports, MAX_REPORT) or b"")
                    if isinstance(content, dict):
                        yield content
