"""Publishing a candidate: check, measure, make read-only, and one rename that never replaces anything.

Order matters. All checks come first and change nothing. Then everything that can fail for lack of space is written (manifest,
report). Then the trainer's files are made read-only and moved, and last the folder gets its name in ``versions/``. Whatever goes
wrong before that leaves every file in ``staging/``.
"""

import errno
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from modelsafeguard.core.contract import MANIFEST_FILE, REPORTS, STAGING, VERSIONS
from modelsafeguard.core.report import Report
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import FileFact, Listing, entries, exists, hash_file, listing, open_file, open_folder, open_path
from modelsafeguard.measure.manifest import digest_of, render_new
from modelsafeguard.measure.measured import measured
from modelsafeguard.measure.page import page
from modelsafeguard.measure.read import check_size, page_name, pending_name, published_report, report_name
from modelsafeguard.measure.report import as_json, compact_report, full_report
from modelsafeguard.measure.settings import Candidate
from modelsafeguard.measure.store import OWN_FOLDER, READ_ONLY_FILE, READ_ONLY_FOLDER, make_folder, rename_new, write_file

# A pod's uid has no dot, so this is no pod's own staging folder.
_PARCEL_SUFFIX: Final = ".publish"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Parcel:
    """What is about to be published, complete in memory before anything is written."""

    candidate: Candidate
    present: Listing
    manifest: bytes
    full: bytes
    page: bytes
    compact: Report

    @property
    def reports(self) -> dict[str, bytes]:
        """The files that are to be in ``reports/``, by name."""
        version = self.candidate.version
        return {report_name(version): self.full, page_name(version): self.page}


def publish(store_path: str, candidate: Candidate) -> Report:
    """Publish the pod's staging folder as ``versions/<version>``, write its full report, and return the compact one.

    Called again after it has published, it changes nothing of the folder and returns the same report.

    Raises:
        MeasureError: why nothing was published. Nothing is lost then: the files stay in staging.
        HandoverTooLargeError: the policy names more metrics than a report can carry; likewise.
        OSError: from the volume itself.
    """
    with open_folder(store_path) as store:
        for name in (VERSIONS, REPORTS):
            make_folder(name, store)
        with open_folder(VERSIONS, store) as versions, open_folder(REPORTS, store) as reports:
            if exists(candidate.version, versions):
                report = _published_before(store, candidate)
            else:
                with _staging(store, candidate) as (staging, output):
                    report = _place(_prepare(store, output, candidate), staging, output, versions, reports)
            _finish(candidate, versions, reports)
        _clear_staging(store, candidate)
    return report


def _published_before(store: int, candidate: Candidate) -> Report:
    try:
        report = published_report(store, candidate.version, pod_uid=candidate.pod_uid)
    except MeasureError as error:
        log.warning("%s", error)
        raise _taken(candidate) from error
    log.info("Version %s was published by this pod already: its report is handed over again", candidate.version)
    return report


def _taken(candidate: Candidate) -> MeasureError:
    return MeasureError(
        Reason.VERSION_EXISTS,
        f"There is a version {candidate.version} on the volume already, and it was not made by this pod: it was left as it is. Request "
        "again; requests get new version names",
    )


@contextmanager
def _staging(store: int, candidate: Candidate) -> Iterator[tuple[int, int]]:
    """The version's staging folder and, in it, what this pod's trainer wrote."""
    path = f"{STAGING}/{candidate.version}/{candidate.pod_uid}"
    with ExitStack() as opened:
        try:
            staging = opened.enter_context(open_path(f"{STAGING}/{candidate.version}", store))
            output = opened.enter_context(open_folder(candidate.pod_uid, staging))
        except FileNotFoundError as error:
            message = f"There is no folder {path} on the volume: did the trainer run in this pod?"
            raise MeasureError(Reason.OUTPUT_MISSING, message) from error
        except OSError as error:
            if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
                raise
            raise MeasureError(
                Reason.MODEL_FOLDER_INVALID,
                f"The folder {path} on the volume, or the one that holds it, is a link or a file, and was not followed: it is made by the "
                "kubelet for each pod; find out who else writes to this claim",
            ) from error
        # Outside of the try: an error of the caller's own is none of these.
        yield staging, output


def _prepare(store: int, output: int, candidate: Candidate) -> _Parcel:
    """All checks and measurements. Reads only."""
    present = listing(output)
    if MANIFEST_FILE in {*present.files, *present.folders}:
        raise MeasureError(Reason.MODEL_FOLDER_INVALID, f"The trainer wrote a {MANIFEST_FILE}: that name is kept for measure's own")
    found = measured(store, output, candidate)
    files: Mapping[str, FileFact] = {path: hash_file(path, output, sync=True) for path in present.files}
    manifest = render_new(candidate.version, files)
    compact = compact_report(found, digest_of(manifest))
    content = full_report(found, compact, files)
    full = as_json(content)
    check_size(full)  # what could not be read again is not published
    return _Parcel(candidate, present, manifest, full, page(content), compact)


def _place(parcel: _Parcel, staging: int, output: int, versions: int, reports: int) -> Report:
    """Write, move, rename. The folder that kubelet made for the trainer is root's: a folder of our own takes its place."""
    candidate = parcel.candidate
    own = candidate.pod_uid + _PARCEL_SUFFIX
    pending = {pending_name(name, candidate.pod_uid): content for name, content in parcel.reports.items()}
    try:
        os.mkdir(own, OWN_FOLDER, dir_fd=staging)
    except FileExistsError as error:
        raise MeasureError(
            Reason.PUBLISH_INTERRUPTED,
            f"An earlier attempt to publish {candidate.version} was interrupted; its files are in {STAGING}/{candidate.version}. "
            "Request again",
        ) from error
    with open_folder(own, staging) as target:
        try:
            write_file(MANIFEST_FILE, parcel.manifest, target)
            for name, content in pending.items():
                write_file(name, content, reports)
            _own(parcel.present, output)
        except OSError:
            _forget(own, pending, staging, target, reports)
            raise
        for name in entries(output):
            os.rename(name, name, src_dir_fd=output, dst_dir_fd=target)
        for folder in parcel.present.folders:
            _chmod_folder(folder, target, READ_ONLY_FOLDER)
        os.fsync(target)
        try:
            rename_new(own, staging, candidate.version, versions)
        except FileExistsError as error:
            raise _taken(candidate) from error
    return parcel.compact


def _own(present: Listing, output: int) -> None:
    """Give files their final mode, and folders one that lets them be moved. It fails when they are not ours to publish."""
    for folder in present.folders:
        _chmod_folder(folder, output, OWN_FOLDER)
    for path in present.files:
        with open_file(path, output) as file:
            os.fchmod(file.fileno(), READ_ONLY_FILE)


def _chmod_folder(path: str, root: int, mode: int) -> None:
    with open_path(path, root) as descriptor:
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def _forget(own: str, pending: Iterable[str], staging: int, target: int, reports: int) -> None:
    """Take back what was written; the trainer's files have not been moved yet."""
    for name, parent in ((MANIFEST_FILE, target), *((name, reports) for name in pending)):
        with suppress(OSError):
            os.unlink(name, dir_fd=parent)
    with suppress(OSError):
        os.rmdir(own, dir_fd=staging)


def _finish(candidate: Candidate, versions: int, reports: int) -> None:
    """What remains after the rename, and is done again after a crash: the folder's own mode, and the report's final name."""
    # Only now: a folder that cannot be written cannot be moved to another parent either (its ".." changes).
    _chmod_folder(candidate.version, versions, READ_ONLY_FOLDER)
    os.fsync(versions)
    for name in (page_name(candidate.version), report_name(candidate.version)):
        with suppress(FileNotFoundError):  # it has its final name already
            os.rename(pending_name(name, candidate.pod_uid), name, src_dir_fd=reports, dst_dir_fd=reports)
    os.fsync(reports)


def _clear_staging(store: int, candidate: Candidate) -> None:
    """Remove the emptied folders. They are in nobody's way, and another pod's files keep theirs."""
    with suppress(OSError), open_folder(STAGING, store) as staging:
        os.rmdir(f"{candidate.version}/{candidate.pod_uid}", dir_fd=staging)
        os.rmdir(candidate.version, dir_fd=staging)
