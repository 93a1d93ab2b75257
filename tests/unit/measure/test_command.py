import pytest

from modelsafeguard.measure.__main__ import main
from tests.support.storage import frozen, judged_by


def test_an_error_of_measure_itself_is_a_sentence_and_its_traceback_goes_to_the_log(world, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("modelsafeguard.measure.publish.publish", broken)

    failure = world.publish()

    assert (failure.reason, world.status) == ("InternalError", 1)
    assert "ZeroDivisionError" in failure.message
    assert "secret detail" not in failure.message
    assert "secret detail" in caplog.text


def test_a_report_that_cannot_be_said_is_no_failure_since_a_reader_can_fetch_it(world, tmp_path):
    world.trained()
    world.termination_log = tmp_path / "missing" / "termination-log"
    environ = {
        "SAFEGUARD_STORE": str(world.store),
        "SAFEGUARD_VERSION": "v-2",
        "POD_UID": "pod-2",
        **judged_by(frozen({"accuracy": "0.01"})),
        "SAFEGUARD_TERMINATION_LOG": str(world.termination_log),
    }

    assert main(["publish"], environ) == 0
    world.termination_log = tmp_path / "termination-log"
    assert world.read().version == "v-2"


@pytest.mark.parametrize("arguments", [[], ["promote"], ["publish", "read"]], ids=repr)
def test_a_wrong_command_line_says_what_there_is(arguments, capsys):
    assert main(arguments, {}) == 2
    assert "publish | read | prune | verify" in capsys.readouterr().err
