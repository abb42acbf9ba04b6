"""A member whose restore was cut short does not start, and says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miaopei.cli.net import member, mending
from miaopei.errors import Refused
from miaopei.wiring.machine import Machine


def test_a_node_refuses_to_start_on_half_a_database_until_the_restore_has_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIAOPEI_LANG", "en")
    Machine("notary", "host=/nowhere", "h:1", None, {}).write(tmp_path)
    mending.begin(tmp_path)
    mending.begin(tmp_path)  # it is said once more
    assert member.main(tmp_path, bound=False) == 1
    sentence, named, _ = capsys.readouterr().err.split("\n")
    assert sentence.startswith("A restore of notary did not come to its end")
    assert json.loads(named) == {
        "refused": [{"code": "net.restore_begun", "facts": {"member": "notary"}}]
    }
    with pytest.raises(Refused, match=r"net\.restore_begun"):
        mending.need_whole(tmp_path, "notary")
    mending.ended(tmp_path)
    mending.need_whole(tmp_path, "notary")
