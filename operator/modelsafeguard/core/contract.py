"""The trainer contract: the names that a trainer image, ``measure``, the operator and the model server agree on.

Third-party images live by these names (docs/trainer-contract.md). Changing one is a breaking change.
"""

from typing import Final

# Given to the trainer's container.
OUTPUT_DIR: Final = "SAFEGUARD_OUTPUT_DIR"
LIVE_DIR: Final = "SAFEGUARD_LIVE_DIR"
DATA_DIR: Final = "SAFEGUARD_DATA_DIR"
HOLDOUT: Final = "SAFEGUARD_HOLDOUT"
MODEL: Final = "SAFEGUARD_MODEL"
VERSION: Final = "SAFEGUARD_VERSION"
REQUEST: Final = "SAFEGUARD_REQUEST"
PARAMETER_PREFIX: Final = "SAFEGUARD_PARAM_"

# Written by the trainer into its output folder.
METRICS_FILE: Final = "metrics.json"
PREDICTIONS_FILE: Final = "predictions.csv"
HOLDOUT_FILE: Final = "holdout.csv"
TRAIN_DIGESTS_FILE: Final = "train-digests.txt"

# The keys of metrics.json that must be there.
METRICS_KEYS: Final = ("accuracy", "f1_macro", "f1_weighted", "n_classes", "n_features", "n_samples", "training_date")

# Written by ``measure`` into a version's folder when it is published: sha256 and size of every file.
MANIFEST_FILE: Final = "safeguard-manifest.json"

# Given to the serving container by a rollout. The digest is the sha256 of the manifest's bytes.
MODEL_VERSION: Final = "MODEL_VERSION"
MODEL_DIGEST: Final = "MODEL_DIGEST"

# Below ``spec.storage.path`` on the claim.
STAGING: Final = "staging"
VERSIONS: Final = "versions"
REPORTS: Final = "reports"


def version_path(storage_path: str, version: str) -> str:
    """The published folder of a version, relative to the claim's root: what a rollout mounts as ``subPath``."""
    return f"{storage_path}/{VERSIONS}/{version}"


def parameter_variable(name: str) -> str:
    """The environment variable that carries a request's parameter: ``batch-size`` becomes ``SAFEGUARD_PARAM_BATCH_SIZE``."""
    return PARAMETER_PREFIX + name.upper().replace("-", "_")
