"""The verb ``request``: what is asked for, and what is said when it cannot be done. That it is created once is shown on a cluster (e2e)."""

import socket
from argparse import Namespace
from pathlib import Path

import pytest
import yaml

from modelsafeguard.api import retrainrequest
from modelsafeguard.cli.errors import UsageError
from modelsafeguard.cli.main import FAILED, MISUSED, main
from modelsafeguard.cli.namespace import default_namespace
from modelsafeguard.cli.request import manifest, parameters
from modelsafeguard.core.request import Trigger

ASKED = ["request", "--model", "intents", "--name", "nightly-8", "--namespace", "shop"]


def kubeconfig(path: Path, *, port: int = 1, namespace: str | None = None) -> Path:
    context = {"cluster": "here", "user": "me"} | ({"namespace": namespace} if namespace else {})
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": context}],
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "me", "user": {}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param([], {}, id="none given"),
        pytest.param(["dataset=full", "seed=3"], {"dataset": "full", "seed": "3"}, id="several"),
        pytest.param(["filter=a=b"], {"filter": "a=b"}, id="the value holds an equals sign"),
        pytest.param(["dataset="], {"dataset": ""}, id="an empty value"),
    ],
)
def test_parameters_are_read_as_pairs(pairs: list[str], expected: dict[str, str]) -> None:
    assert parameters(pairs) == expected


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        pytest.param(["dataset"], "--parameter 'dataset' is not of the form NAME=VALUE.", id="no equals sign"),
        pytest.param(["=full"], "--parameter '=full' is not of the form NAME=VALUE.", id="no name"),
        pytest.param(["dataset=a", "dataset=b"], "--parameter dataset is given twice.", id="one name twice"),
    ],
)
def test_a_pair_that_says_nothing_clear_is_refused(pairs: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        parameters(pairs)
    assert str(refused.value) == sentence


def test_the_request_says_what_the_options_say_and_nothing_else() -> None:
    body = manifest(Namespace(model="intents", name="nightly-8", trigger="cron", parameter=["dataset=small"], ttl_seconds=60))
    stored = body | {"metadata": body["metadata"] | _SERVER_SET}
    spec = retrainrequest.from_body(stored).spec
    assert body["metadata"] == {"name": "nightly-8"}
    assert (spec.model, spec.trigger, dict(spec.parameters), spec.policy, spec.ttl_seconds_after_finished) == (
        "intents",
        Trigger.CRON,
        {"dataset": "small"},
        None,
        60,
    )


_SERVER_SET = {"namespace": "shop", "uid": "u", "resourceVersion": "1", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("further", "sentence"),
    [
        pytest.param(["--parameter", "dataset"], "is not of the form NAME=VALUE", id="a parameter without a value"),
        pytest.param(["--trigger", "moon"], "invalid choice: 'moon'", id="a trigger that is none"),
        pytest.param(["--ttl-seconds", "1h"], "'1h' is not a whole number of seconds", id="a time to live that is no number"),
    ],
)
def test_what_is_asked_wrongly_ends_with_status_2_and_a_sentence(
    further: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main([*ASKED, *further])
    except SystemExit as ended:  # argparse's own way out
        status = int(ended.code or 0)
    assert status == MISUSED
    assert sentence in capsys.readouterr().err


def test_without_a_cluster_it_says_how_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    assert main(ASKED) == FAILED
    assert "There is no cluster to talk to" in capsys.readouterr().err


def test_an_api_server_that_does_not_answer_is_named_in_the_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as nobody:  # bound, and not listening: the connection is refused
        nobody.bind(("127.0.0.1", 0))
        path = kubeconfig(tmp_path / "config", port=nobody.getsockname()[1])
        monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        assert main(ASKED) == FAILED
    assert "no answer from the API server" in capsys.readouterr().err


def test_in_a_pod_the_namespace_is_the_pods_own(tmp_path: Path) -> None:
    own = tmp_path / "namespace"
    own.write_text("shop\n")
    assert default_namespace(own) == "shop"


@pytest.mark.parametrize(
    ("named", "expected"),
    [pytest.param("shop", "shop", id="the context names one"), pytest.param(None, "default", id="the context names none")],
)
def test_outside_a_pod_the_namespace_is_the_contexts(
    named: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kubeconfig(tmp_path / "config", namespace=named)
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    assert default_namespace(tmp_path / "no pod here") == expected
