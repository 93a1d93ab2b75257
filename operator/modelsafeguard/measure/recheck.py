"""A stored report held against the files once more: every number and the verdict are computed again, and compared.

A report follows from the published files, the live version's, and what the request was judged by, all of which it names; so the same
libraries give the same report, digit for digit.
"""

from collections.abc import Iterator
from typing import Any, Final

from modelsafeguard.api.codec import decode_written
from modelsafeguard.api.errors import MalformedObject
from modelsafeguard.core.contract import MANIFEST_FILE, VERSIONS
from modelsafeguard.core.model import HoldoutUse
from modelsafeguard.core.request import Frozen
from modelsafeguard.core.text import shortened
from modelsafeguard.measure.errors import MeasureError, Reason
from modelsafeguard.measure.folder import exists, hash_file, listing, open_folder, open_path
from modelsafeguard.measure.manifest import verify
from modelsafeguard.measure.measured import measured
from modelsafeguard.measure.read import stored_report
from modelsafeguard.measure.report import compact_report, full_report, in_json
from modelsafeguard.measure.settings import Candidate

# As many as a termination message has room for, and a person reads.
MOST_DIFFERENCES: Final = 5
_LONGEST: Final = 60


def recheck(store_path: str, version: str) -> list[str]:
    """Where the stored report and the files disagree, the first few places; empty when they agree.

    Raises:
        MeasureError: there is no such report, its version's files have left the volume or were changed, or are refused now.
    """
    with open_folder(store_path) as store:
        stored = stored_report(store, version)
        candidate = _candidate(stored)
        _unchanged(store, version, str(stored.get("manifestDigest", "")))
        if candidate.live_digest and not stored["live"].get("problem"):
            _unchanged(store, candidate.live_version, candidate.live_digest)
        with open_path(f"{VERSIONS}/{version}", store) as folder:
            found = measured(store, folder, candidate)
            files = {path: hash_file(path, folder) for path in listing(folder, ours=1).files if path != MANIFEST_FILE}
    again = in_json(full_report(found, compact_report(found, str(stored["manifestDigest"])), files))
    return [place for place, _ in zip(differences(stored, again), range(MOST_DIFFERENCES), strict=False)]


def differences(stored: Any, again: Any, path: str = "") -> Iterator[str]:
    """The places where two JSON values differ: "comparison.lost: 12 in the report, 13 from the files"."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in sorted({*stored, *again}):
            yield from differences(stored.get(key), again.get(key), f"{path}.{key}".lstrip("."))
    elif stored != again:
        yield f"{path}: {_shown(stored)} in the report, {_shown(again)} from the files"


def _unchanged(store: int, version: str, digest: str) -> None:
    """Raises MeasureError where a version's files are not those that were published, or there are none any more."""
    with open_path(VERSIONS, store) as versions:
        if not exists(version, versions):
            sentence = (
                f"The files of version {version} have left the volume, so nothing can be computed again: keep more versions (spec.history)"
            )
            raise MeasureError(Reason.VERSION_DAMAGED, sentence)
    verify(store, version, digest)


def _candidate(stored: dict[str, Any]) -> Candidate:
    """What it was measured with, as the report says."""
    try:
        holdout, decisions = stored["holdout"].get("digest", ""), stored["decisions"]
        return Candidate(
            version=stored["version"],
            pod_uid=stored["podUID"],
            model=stored["model"],
            request=stored["request"],
            live_version=stored["live"]["version"],
            live_digest=stored["live"]["manifestDigest"],
            frozen=decode_written(Frozen, "The report's frozen policy and baseline", stored["frozen"]),
            holdouts=(HoldoutUse(holdout, decisions - 1),) if decisions else (),
        )
    except (KeyError, TypeError, AttributeError, MalformedObject) as error:
        sentence = f"The stored report cannot be checked: it is not as this version of measure writes it ({error})"
        raise MeasureError(Reason.REPORT_MISSING, sentence) from error


def _shown(value: Any) -> str:
    return shortened(ascii(value) if value is not None else "nothing", _LONGEST)
