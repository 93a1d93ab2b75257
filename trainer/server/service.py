"""The one model that this process serves, and whether it may be asked now."""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelsafeguard.core import contract
from trainer.errors import ModelError
from trainer.server.config import Config
from trainer.server.integrity import verify_folder

if TYPE_CHECKING:
    from trainer.model import Model

log = logging.getLogger("trainer.server")


@dataclass
class Service:
    """Starts without a model; :meth:`load` tries once, for good: a folder that is wrong now is wrong for as long as this pod lives."""

    config: Config
    model: "Model | None" = None
    draining: bool = False
    _missing: str = field(default="The model is being verified and loaded.", init=False)

    @property
    def not_ready(self) -> str | None:
        """Why no new request should come here, in one sentence; None if they may."""
        if self.draining:
            return "This server is stopping: it answers what still comes in, and takes nothing new."
        return self.no_model

    @property
    def no_model(self) -> str | None:
        """Why there is no model to ask, in one sentence; None if there is one. A draining server still has its model."""
        return None if self.model else self._missing

    def load(self) -> None:
        """Verify the folder and load the model; where that cannot be, say why in the log and in every later answer. Takes seconds."""
        try:
            self.model = self._verified_model()
        except ModelError as error:
            self._missing = str(error)
            log.error("Not ready, and will not be: %s", error)  # noqa: TRY400 - a sentence for the operator of the cluster, not a traceback
        except OSError as error:
            self._missing = f"Version {self.config.version} cannot be read: {error}."
            log.error("Not ready, and will not be: %s", self._missing)  # noqa: TRY400 - as above
        except Exception as error:  # nobody awaits this call: without an answer here the server would be "loading" for ever
            self._missing = f"Version {self.config.version} could not be loaded ({type(error).__name__}): the server's log says more."
            log.exception("Not ready, and will not be: %s", self._missing)
        else:
            log.info("Ready: model %s, version %s, %d intents.", self.config.model_name, self.config.version, len(self.model.labels))

    def _verified_model(self) -> "Model":
        version, digest = self.config.version, self.config.digest
        if not version and not digest:
            raise ModelError(
                "No model has been rolled out yet: the first promoted RetrainRequest replaces this pod by one that has a model."
            )
        if not version or not digest:
            unset = contract.MODEL_DIGEST if version else contract.MODEL_VERSION
            raise ModelError(f"{unset} is not set, so the model folder cannot be verified: a rollout sets both it and its counterpart.")
        # Only here: importing scikit-learn takes seconds on a busy node, and the server has to be live before that. And here already:
        # between verifying and loading it would give somebody the time to swap a file.
        from trainer.model import model_from_files, read_model_files  # noqa: PLC0415 - see above

        verified = verify_folder(self.config.model_dir, version=version, digest=digest)
        files = read_model_files(self.config.model_dir)
        verified.check(files)  # before anything is unpickled, and of the very bytes that are
        return model_from_files(files, self.config.model_dir)
