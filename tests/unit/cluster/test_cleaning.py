"""`make clean` and `make down`: all that was made goes, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster import debian, wheels
from hack.cluster.cache import Cache
from hack.cluster.cluster import Cluster
from hack.cluster.debian import Debian
from hack.cluster.progress import ClusterError
from hack.cluster.tool import Tool

NODE_IMAGE = "kindest/node:v1"


@pytest.fixture
def made(tool: Tool, cluster_of: Callable[[str], Cluster], engine, docker) -> Tool:
    """Two clusters, their node image, kind's network, and wheels; beside a container, an image and a network of the user's."""
    docker.containers["theirs"] = ("their-id", True, ("bridge",))
    docker.images.add("their-image")
    for name in ("one", "two"):
        cluster_of(name).up(None)
    docker.images.add(NODE_IMAGE)
    engine.remember_image(NODE_IMAGE)
    wheels.TARGET.mkdir(parents=True)
    (wheels.TARGET / "some.whl").write_text("")
    return tool


class TestDown:
    def test_deletes_every_cluster_of_ours_and_then_stops_the_engine(self, made: Tool, docker, monkeypatch: pytest.MonkeyPatch):
        stopped: list[bool] = []
        monkeypatch.setattr(made.engines, "stop", lambda: stopped.append("one-control-plane" not in docker.containers))
        made.down(None)
        assert list(docker.containers) == ["theirs"]
        assert stopped == [True]

    def test_of_one_leaves_the_other_and_the_engine(self, made: Tool, docker, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(made.engines, "stop", lambda: pytest.fail("the engine is stopped, and a cluster runs on it"))
        made.down("one")
        assert list(docker.containers) == ["theirs", "two-control-plane"]

    def test_keeps_what_was_built(self, made: Tool, home, docker):
        made.down(None)
        assert NODE_IMAGE in docker.images
        assert "kind" in docker.networks
        assert (home.state / "images").exists()

    def test_refuses_to_forget_a_cluster_that_it_cannot_reach(self, made: Tool, home, no_docker):
        no_docker()
        with pytest.raises(ClusterError, match=r"it holds cluster one and cluster two and .*Start docker, then run make down again"):
            made.down(None)
        assert len(list(home.clusters.glob("*.json"))) == 2

    def test_where_nothing_was_made_needs_no_docker(self, tool: Tool, no_docker):
        no_docker()
        tool.down(None)


class TestClean:
    def test_leaves_what_is_the_users_and_nothing_else(self, made: Tool, home, docker):
        made.clean()
        assert list(docker.containers) == ["theirs"]
        assert docker.images == {"their-image"}
        assert docker.networks == {"bridge"}
        assert not home.root.exists()
        assert not wheels.TARGET.exists()

    def test_leaves_kinds_network_if_it_was_there_before(self, tool: Tool, cluster_of: Callable[[str], Cluster], docker):
        docker.networks.add("kind")
        cluster_of("one").up(None)
        tool.clean()
        assert docker.networks == {"bridge", "kind"}

    def test_leaves_kinds_network_if_a_cluster_of_the_users_has_come_to_use_it_even_a_stopped_one(self, made: Tool, docker):
        docker.containers["their-control-plane"] = ("their-other-id", False, ("kind",))
        made.clean()
        assert docker.networks == {"bridge", "kind"}

    def test_refuses_while_docker_holds_what_was_made_and_does_not_answer(self, made: Tool, home, no_docker):
        no_docker()
        before = sorted(home.root.rglob("*"))
        with pytest.raises(ClusterError, match=r"Docker does not answer.*Start docker, then run make clean again"):
            made.clean()
        assert sorted(home.root.rglob("*")) == before
        assert wheels.TARGET.exists()

    @pytest.mark.parametrize("kind_of", ["images", "networks"])
    def test_refuses_as_well_when_only_one_thing_is_left_in_docker(self, tool: Tool, home, no_docker, kind_of: str):
        home.state.mkdir(parents=True)
        (home.state / kind_of).write_text("left\n")
        no_docker()
        with pytest.raises(ClusterError, match=rf"it holds {kind_of} made by this tool\. Start docker"):
            tool.clean()
        assert (home.state / kind_of).read_text() == "left\n"

    @pytest.mark.parametrize("record", [True, False], ids=["an engine that was killed", "an engine that was stopped"])
    def test_needs_no_docker_for_clusters_on_an_engine_of_ours(self, made: Tool, home, no_docker, record: bool):
        home.engine_data.mkdir()
        for kept in ("images", "networks"):
            (home.state / kept).unlink()
        if record:
            made.engines.record.write_text("{}")
        no_docker()
        made.clean()
        assert not home.root.exists()

    def test_refuses_too_if_only_after_an_engine_of_ours_is_stopped_no_docker_answers(
        self, made: Tool, engine, docker, home, monkeypatch: pytest.MonkeyPatch
    ):
        running = [type(engine)({}, ours=True, records=home.state, docker=docker)]
        monkeypatch.setattr(made.engines, "find", lambda: running[0] if running else None)
        monkeypatch.setattr(made.engines, "stop", running.clear)
        with pytest.raises(ClusterError, match=r"it holds images .* and networks made by this tool. Start docker, then run make clean"):
            made.clean()
        assert (home.state / "images").exists()

    def test_of_a_machine_where_nothing_was_made_does_nothing(self, tool: Tool, home, no_docker):
        no_docker()
        tool.clean()
        assert not home.root.exists()

    def test_says_which_packages_stay(self, made: Tool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        monkeypatch.setattr(made.packages, "forget", lambda: "packages stay")
        made.clean()
        assert "packages stay" in capsys.readouterr().err


class TestWhatWasBroughtIntoADockerOfTheUsers:
    def test_is_written_down_once(self, engine, home):
        for name in ("a:1", "b:1", "a:1"):
            engine.remember_image(name)
        assert (home.state / "images").read_text() == "a:1\nb:1\n"

    def test_is_removed_by_name_and_then_forgotten(self, engine, docker, home):
        docker.images |= {"a:1", "mine:1"}
        engine.remember_image("a:1")
        engine.remember_image("gone:1")
        engine.forget_images()
        assert docker.images == {"mine:1"}
        assert not (home.state / "images").exists()

    def test_may_be_nothing(self, engine, docker):
        engine.forget_images()
        engine.forget_networks()
        assert docker.networks == {"bridge"}

    def test_into_an_engine_of_ours_is_not_written_down(self, engine, home):
        ours = type(engine)({}, ours=True, records=home.state)
        ours.remember_image("a:1")
        ours.remember_network()
        assert not home.state.exists()


class TestPackages:
    """Debian's, of which some were there before, and on some others have come to rely."""

    @pytest.fixture
    def packages(self, home, monkeypatch: pytest.MonkeyPatch) -> Debian:
        self.installed, self.relying, self.ran = {"bash", "docker.io", "iptables"}, set[str](), list[str]()

        def ask(command, **_):
            match command:
                case ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n"]:
                    return "\n".join(f"ii {name}" for name in sorted(self.installed)) + "\nrc removed-before"
                case ["apt-get", "--simulate", "purge", *names]:
                    return "\n".join(f"Purg {name} [1.0]" for name in {*names, *self.relying})
            raise AssertionError(command)

        monkeypatch.setattr(debian, "ask", ask)
        monkeypatch.setattr(debian, "run", lambda command, **_: self.ran.append(" ".join(command[command.index("purge") :])))
        return Debian(home, Cache(home.entries))

    def test_that_come_new_are_written_down_and_those_that_were_there_are_not(self, packages: Debian):
        packages._remember(["containerd", "bash"])
        packages._remember(["mmdebstrap"])
        assert packages.record.read_text().split() == ["containerd", "mmdebstrap"]

    def brought(self, packages: Debian, *names: str) -> None:
        packages.record.parent.mkdir(parents=True)
        packages.record.write_text("\n".join(names))

    def test_that_were_brought_are_removed_if_they_are_still_there(self, packages: Debian):
        self.brought(packages, "docker.io", "iptables", "removed-before")
        assert packages.forget() is None
        assert self.ran == ["purge --yes docker.io iptables"]
        assert not packages.record.exists()

    def test_that_others_have_come_to_rely_on_stay_and_are_named(self, packages: Debian):
        self.brought(packages, "docker.io", "iptables")
        self.relying = {"their-firewall"}
        assert packages.forget() == "packages installed by this tool stay, because others rely on them: docker.io iptables"
        assert self.ran == []
        assert packages.record.exists()

    def test_that_apt_will_not_say_anything_about_stay(self, packages: Debian, monkeypatch: pytest.MonkeyPatch):
        self.brought(packages, "docker.io")
        whole = debian.ask
        monkeypatch.setattr(debian, "ask", lambda command, **_: None if command[0] == "apt-get" else whole(command))
        assert "stay" in (packages.forget() or "")
        assert self.ran == []

    @pytest.mark.parametrize("names", [None, [], ["removed-before"]], ids=["never any", "none", "none any more"])
    def test_may_be_none(self, packages: Debian, names: list[str] | None):
        if names is not None:
            self.brought(packages, *names)
        assert packages.forget() is None
        assert self.ran == []
        assert not packages.record.exists()


def test_the_shell_that_works_with_a_cluster_leaves_no_cache_of_kubectls_behind(made: Tool, home):
    variables = made.environment("one")
    assert Path(variables["KUBECACHEDIR"]).is_relative_to(home.root)
    assert variables["KUBECONFIG"] == str(home.clusters / "one.kubeconfig")
