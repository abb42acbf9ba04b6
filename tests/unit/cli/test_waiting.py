"""Waiting for what another process does, and changing the files of a member that is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from miaopei.cli.net import control
from miaopei.errors import OutsideFault


def test_what_holds_at_once_is_not_waited_for_and_what_comes_is_found() -> None:
    control.until(lambda: True, 0.0, "never said")
    coming = iter([False, False, True])
    control.until(lambda: next(coming), 60.0, "never said", 0.001)
    assert next(coming, None) is None


@pytest.mark.parametrize("why", ["no block has come", lambda: "no block has come"])
def test_what_does_not_come_is_said_and_may_be_asked_for_again(why: Any) -> None:
    with pytest.raises(OutsideFault, match="no block has come") as told:
        control.until(lambda: False, 0.01, why, 0.001)
    assert told.value.retry


def test_a_fault_of_who_is_asked_ends_the_wait() -> None:
    def asked() -> bool:
        raise OutsideFault("nobody answers", retry=True)

    with pytest.raises(OutsideFault, match="nobody answers"):
        control.until(asked, 60.0, "never said")


def test_a_member_is_started_again_but_not_where_its_files_could_not_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = list[tuple[str, str]]()

    def call(folder: Path, do: str, *, member: str, seconds: float) -> None:
        assert (folder, seconds) == (tmp_path, 9.0)
        said.append((do, member))

    monkeypatch.setattr(control, "call", call)
    with control.stopped(tmp_path, "notary", 9.0):
        assert said == [("down", "notary")]
    assert said == [("down", "notary"), ("start", "notary")]
    with pytest.raises(OSError, match="full"), control.stopped(tmp_path, "notary", 9.0):
        raise OSError("full")
    assert said[2:] == [("down", "notary")]
