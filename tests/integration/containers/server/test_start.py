"""When the server imports what takes seconds."""

import os
import subprocess
import sys

PROGRAM = """
import os, sys
from trainer.server import service as serving
from trainer.server.config import Config

def verify_folder(*_, **__):
    print("trainer.model" in sys.modules)
    raise serving.ModelError("far enough")

assert "sklearn" not in sys.modules
serving.verify_folder = verify_folder
serving.Service(Config.from_environment(os.environ)).load()
"""


def test_scikit_learn_is_imported_before_the_folder_is_verified_and_not_in_between(published):
    """The import takes seconds: time enough to swap a file. And the server is live before it."""
    variables = {"MODEL_NAME": "intents", "MODEL_DIR": str(published.folder), "MODEL_VERSION": "v1", "MODEL_DIGEST": published.digest}
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)} | variables
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
