"""A stored report read again: shown as it is, and held against the files that it was made from."""

import json

import pytest

from modelsafeguard.core import pod
from modelsafeguard.core.handover import decode

ROWS = [("1", "yes", "yes"), ("2", "yes", "yes"), ("3", "no", "no"), ("4", "no", "yes")]


@pytest.fixture
def compared(world):
    """A version beside the live one, with all that a report can rest on."""
    world.trained("v-1", "pod-1")
    world.publish("v-1", "pod-1")
    folder = world.trained(rows=ROWS)
    (folder / "holdout.csv").write_text("id,text\n1,yes please\n2,of course\n3,never\n4,no way\n")
    (folder / "train-digests.txt").write_text("0" * 64 + "\n")
    world.publish(live="v-1")
    return world


def answer(world, command, **variables):
    """What one of measure's commands hands over about v-2."""
    return decode(world.measure(command, SAFEGUARD_VERSION="v-2", **variables))


class TestShow:
    @pytest.mark.parametrize("form", ["json", "html"])
    def test_it_writes_the_file_to_standard_output_and_hands_over_its_length_and_digest(self, compared, capfdbinary, form):
        payload = answer(compared, "show", SAFEGUARD_FORMAT=form)
        written = capfdbinary.readouterr().out
        assert written == (compared.store / "reports" / f"v-2.{form}").read_bytes()
        assert payload["bytes"] == len(written)

    @pytest.mark.parametrize("form", ["", "csv", "../json"])
    def test_there_is_no_other_form(self, compared, form):
        assert answer(compared, "show", SAFEGUARD_FORMAT=form)["failed"]["reason"] == "SettingsInvalid"

    def test_a_version_without_a_report_has_none(self, world):
        assert answer(world, "show", SAFEGUARD_FORMAT="json")["failed"]["reason"] == "ReportMissing"

    def test_one_that_a_log_cannot_keep_is_not_written_in_part(self, compared, capfdbinary):
        with (compared.store / "reports" / "v-2.json").open("r+b") as file:
            file.truncate(pod.MAX_SHOWN + 1)
        assert answer(compared, "show", SAFEGUARD_FORMAT="json")["failed"]["reason"] == "ReportTooLarge"
        assert capfdbinary.readouterr().out == b""

    def test_a_link_is_not_followed(self, compared, tmp_path, capfdbinary):
        report = compared.store / "reports" / "v-2.json"
        report.rename(tmp_path / "elsewhere")
        report.symlink_to(tmp_path / "elsewhere")
        assert "failed" in answer(compared, "show", SAFEGUARD_FORMAT="json")
        assert capfdbinary.readouterr().out == b""


class TestRecheck:
    def change(self, world, change):
        """Somebody edits the stored report."""
        path = world.store / "reports" / "v-2.json"
        report = json.loads(path.read_text())
        change(report)
        path.chmod(0o600)
        path.write_text(json.dumps(report))

    def test_a_report_follows_from_the_files_to_the_last_digit(self, compared):
        assert answer(compared, "recheck") == {"differences": []}

    def test_the_first_models_too(self, world):
        world.trained()
        world.publish()
        assert answer(world, "recheck") == {"differences": []}

    def test_one_after_many_decisions_too(self, compared):
        self.change(compared, lambda report: report.update(decisions=60))
        (difference, *_) = answer(compared, "recheck")["differences"]
        assert difference.startswith("judgement.findings: ")  # the verdict is not the one of that number, and nothing else is amiss

    @pytest.mark.parametrize(
        ("change", "difference"),
        [
            pytest.param(
                lambda report: report["recomputed"].update(accuracy="0.9"),
                "recomputed.accuracy: '0.9' in the report, '0.75' from the files",
                id="a number",
            ),
            pytest.param(
                lambda report: report["comparison"].update(lost=0), "comparison.lost: 0 in the report, 1 from the files", id="a count"
            ),
            pytest.param(
                lambda report: report["judgement"].update(verdict="Rejected", message="Fine"),
                "judgement.message: 'Fine' in the report, 'Performance maintained",
                id="the verdict",
            ),
            pytest.param(lambda report: report.pop("flips"), "flips: nothing in the report, [", id="something left out"),
        ],
    )
    def test_a_report_that_was_changed_is_told_with_the_place(self, compared, change, difference):
        self.change(compared, change)
        places = answer(compared, "recheck")["differences"]
        assert any(place.startswith(difference) for place in places), places

    def test_a_policy_that_was_changed_gives_another_verdict(self, compared):
        self.change(compared, lambda report: report["frozen"]["policy"]["metrics"][0].update(maxDrop="0"))
        assert answer(compared, "recheck")["differences"]

    @pytest.mark.parametrize(
        ("where", "reason"),
        [
            pytest.param("v-2/predictions.csv", "VersionDamaged", id="the candidate's predictions"),
            pytest.param("v-2/model/weights.bin", "VersionDamaged", id="the candidate's model"),
        ],
    )
    def test_files_that_are_not_those_that_were_published_prove_nothing(self, compared, where, reason):
        path = compared.store / "versions" / where
        path.chmod(0o600)
        path.write_bytes(path.read_bytes() + b"\n")
        assert answer(compared, "recheck")["failed"]["reason"] == reason

    @pytest.mark.parametrize("version", ["v-1", "v-2"])
    def test_where_either_version_was_pruned_it_cannot_be_checked_and_says_which(self, compared, version):
        compared.prune(version)
        failed = answer(compared, "recheck")["failed"]
        assert failed["reason"] == "VersionDamaged"
        assert failed["message"].startswith(f"The files of version {version} have left the volume")

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda report: report.pop("frozen"), id="no policy"),
            pytest.param(lambda report: report["frozen"].update(policy=7), id="a policy that is none"),
            pytest.param(lambda report: report.update(holdout=None), id="no holdout"),
            pytest.param(lambda report: report.update(decisions="many"), id="a count that is none"),
        ],
    )
    def test_a_report_of_another_form_is_refused(self, compared, change):
        self.change(compared, change)
        assert answer(compared, "recheck")["failed"]["reason"] == "ReportMissing"
