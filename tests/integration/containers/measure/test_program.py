import subprocess
import sys

from modelsafeguard.core.handover import parse_handover
from tests.support.storage import frozen, judged_by


def test_it_runs_as_a_module(storage):
    storage.trained()
    environ = {
        "PYTHONPATH": ":".join(sys.path),
        "SAFEGUARD_STORE": str(storage.store),
        "SAFEGUARD_VERSION": "v-2",
        "POD_UID": "pod-2",
        **judged_by(frozen({"accuracy": "0.01"})),
        "SAFEGUARD_TERMINATION_LOG": str(storage.termination_log),
    }

    done = subprocess.run([sys.executable, "-m", "modelsafeguard.measure", "publish"], env=environ, check=False, capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")
    message = storage.termination_log.read_text()
    assert parse_handover(message, version="v-2").version == "v-2"
    assert storage.termination_log.stat().st_size <= 1500
