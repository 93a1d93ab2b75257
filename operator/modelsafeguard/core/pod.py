"""What the operator tells ``measure`` by its pod: arguments, environment and mounts. Between our own two programs only.

Beside these ``measure`` is given ``MODEL``, ``VERSION``, ``REQUEST``, ``DATA_DIR`` and ``HOLDOUT`` of the trainer contract.
"""

from typing import Final

# The containers of a training Job's pod: ours, the owner's, and ours again.
CHECK_CONTAINER: Final = "check"
TRAIN_CONTAINER: Final = "train"
MEASURE_CONTAINER: Final = "measure"

# The first argument of ``python -m modelsafeguard.measure``.
CHECK: Final = "check"
PUBLISH: Final = "publish"
READ: Final = "read"
PRUNE: Final = "prune"
VERIFY: Final = "verify"
SHOW: Final = "show"
RECHECK: Final = "recheck"

# What ``show`` gives at most, in bytes: the kubelet rotates a container's log at 10 MiB by default, and then gives away its last part only.
MAX_SHOWN: Final = 8 << 20

# The files that a report is stored in, by the ends of their names.
FORMATS: Final = ("json", "html")

STORE: Final = "SAFEGUARD_STORE"
LIVE_VERSION: Final = "SAFEGUARD_LIVE_VERSION"
LIVE_DIGEST: Final = "SAFEGUARD_LIVE_DIGEST"
FROZEN: Final = "SAFEGUARD_FROZEN"  # JSON: the request's status.frozen, what the candidate is judged by
HOLDOUTS: Final = "SAFEGUARD_HOLDOUTS"  # JSON: the model's status.holdouts, how often each was judged on
VERSIONS: Final = "SAFEGUARD_VERSIONS"  # prune: JSON list of the versions to remove, and of no others
DIGEST: Final = "SAFEGUARD_DIGEST"  # verify: what the version's manifest must hash to
FORMAT: Final = "SAFEGUARD_FORMAT"  # show: one of FORMATS
POD_UID: Final = "POD_UID"
POD_NAME: Final = "POD_NAME"

# Where things are mounted.
OUTPUT_PATH: Final = "/safeguard/output"
LIVE_PATH: Final = "/safeguard/live"
DATA_PATH: Final = "/safeguard/data"
STORE_PATH: Final = "/safeguard/store"
