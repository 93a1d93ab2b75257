"""Whose cluster it is: one that the tool did not make is neither used nor deleted."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.progress import ClusterError

NAME = "safeguard"
NODE = f"{NAME}-control-plane"
MADE_ANEW = [f"delete cluster {NAME}", f"create cluster {NAME}"]


@pytest.fixture
def cluster(cluster_of: Callable[[str], Cluster]) -> Cluster:
    found = cluster_of(NAME)
    found.record.parent.mkdir(parents=True)
    return found


def exists(docker, *, runs: bool = True) -> None:
    docker.containers[NODE] = ("its-id", runs, ("kind",))


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(None, id="there is no record of it"),
        pytest.param('{"container": "another-id"}', id="ours was deleted, and somebody made one of the same name"),
        pytest.param("{", id="the record cannot be read"),
        pytest.param("[]", id="the record has another shape"),
        pytest.param("{}", id="the record is empty"),
    ],
)
@pytest.mark.parametrize("verb", ["up", "down", "exists"])
def test_somebody_elses_cluster_is_neither_used_nor_deleted(cluster: Cluster, docker, kind: list[str], record: str | None, verb: str):
    exists(docker)
    if record is not None:
        cluster.record.write_text(record)
    with pytest.raises(ClusterError, match=f"A cluster named {NAME} exists that this tool did not make"):
        getattr(cluster, verb)(*([None] if verb == "up" else []))
    assert NODE in docker.containers
    assert kind == []
    assert cluster.record.exists() is (record is not None)


class TestWhereThereIsNone:
    def test_one_is_made_and_written_down(self, cluster: Cluster, docker, kind: list[str]):
        cluster.up(None)
        assert kind == [f"create cluster {NAME}"]
        assert json.loads(cluster.record.read_text()) == {"container": docker.containers[NODE][0]}
        assert cluster.exists()

    def test_there_is_nothing_to_delete_but_what_was_written_down(self, cluster: Cluster, kind: list[str]):
        cluster.record.write_text('{"container": "gone-id"}')
        cluster.kubeconfig.write_text("stale")
        cluster.down()
        assert kind == []
        assert not cluster.record.exists()
        assert not cluster.kubeconfig.exists()

    def test_a_record_of_one_that_is_gone_stands_in_nobodys_way(self, cluster: Cluster, kind: list[str]):
        cluster.record.write_text('{"container": "gone-id"}')
        cluster.up(None)
        assert kind == [f"create cluster {NAME}"]


class TestOneThatIsHalfMade:
    """kind was killed while it made one: the record says that it was at work, and not yet on which container."""

    @pytest.fixture(autouse=True)
    def half_made(self, cluster: Cluster, docker) -> None:
        exists(docker)
        cluster.record.write_text('{"container": null}')

    def test_is_made_anew(self, cluster: Cluster, kind: list[str]):
        cluster.up(None)
        assert kind == MADE_ANEW

    def test_is_deleted(self, cluster: Cluster, docker):
        cluster.down()
        assert docker.containers == {}
        assert not cluster.record.exists()

    def test_is_written_down_before_kind_begins(self, cluster: Cluster, docker, monkeypatch: pytest.MonkeyPatch):
        docker.containers.clear()
        cluster.record.unlink()

        def killed(*_: object, **__: object) -> None:
            exists(docker)
            raise KeyboardInterrupt

        monkeypatch.setattr(Cluster, "_kind", killed)
        with pytest.raises(KeyboardInterrupt):
            cluster.up(None)
        assert cluster.exists()  # ours, and not a stranger's for the next run


class TestOurs:
    @pytest.fixture(autouse=True)
    def ours(self, cluster: Cluster, docker) -> None:
        exists(docker)
        cluster.record.write_text('{"container": "its-id"}')
        cluster.kubeconfig.write_text("made")

    def test_is_used_as_it_runs(self, cluster: Cluster, kind: list[str]):
        cluster.up(None)
        assert kind == []

    def test_is_started_if_it_is_stopped(self, cluster: Cluster, docker, kind: list[str]):
        exists(docker, runs=False)
        cluster.up(None)
        assert docker.containers[NODE] == ("its-id", True, ("kind",))
        assert kind == []

    def test_is_made_anew_if_it_cannot_be_started(self, cluster: Cluster, docker, kind: list[str]):
        exists(docker, runs=False)
        docker.starts = False
        cluster.up(None)
        assert kind == MADE_ANEW

    def test_is_made_anew_if_it_does_not_become_ready(self, cluster: Cluster, kind: list[str], monkeypatch: pytest.MonkeyPatch):
        outcomes = iter([["pod coredns"], []])
        monkeypatch.setattr(Cluster, "_wait_ready", lambda _: next(outcomes))
        cluster.up(None)
        assert kind == MADE_ANEW

    def test_has_its_kubeconfig_written_again_if_that_is_gone(self, cluster: Cluster, kind: list[str]):
        cluster.kubeconfig.unlink()
        cluster.up(None)
        assert kind == [f"export kubeconfig {NAME}"]
        assert cluster.kubeconfig.read_text() == "exported"

    def test_is_deleted_with_what_was_written_down(self, cluster: Cluster, docker, kind: list[str]):
        docker.containers["theirs"] = ("their-id", True, ("bridge",))
        cluster.down()
        assert kind == [f"delete cluster {NAME}"]
        assert list(docker.containers) == ["theirs"]
        assert not any(Path(path).exists() for path in (cluster.record, cluster.kubeconfig))


def test_where_a_registry_answers_the_node_image_is_kinds_own_and_is_written_down(cluster: Cluster, home):
    cluster.up(None)
    assert (home.state / "images").read_text().split()[0].startswith("kindest/node:")
