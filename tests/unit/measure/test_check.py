"""Whether a claim can be published to is known before a training is paid for."""

import os

from modelsafeguard.core import pod
from modelsafeguard.core.handover import parse_handover
from modelsafeguard.measure.__main__ import run
from modelsafeguard.measure.check import check


def test_a_new_claim_is_given_its_folders_and_nothing_else_stays(tmp_path):
    check(str(tmp_path))
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["reports", "versions"]


def test_what_is_published_already_is_left_as_it_is(tmp_path):
    published = tmp_path / "versions" / "a-1"
    published.mkdir(parents=True)
    check(str(tmp_path))
    assert list((tmp_path / "versions").iterdir()) == [published]


def test_a_claim_that_cannot_be_written_is_refused_in_a_sentence(tmp_path, monkeypatch):
    def refused(path, *_args, **_options):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "mkdir", refused)
    status, message = run(pod.CHECK, {pod.STORE: str(tmp_path)})
    handed = parse_handover(message.decode(), version="any")
    assert (status, handed.reason) == (1, "VolumeUnwritable")
    assert "Give that group the volume's root folder" in handed.message
