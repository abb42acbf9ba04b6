"""A replay on several members takes minutes: on a terminal it shows how far it is."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from miaopei.cli import speak
from miaopei.cli.demo import net as demo
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net

MEMBERS = ("insurer", "cloud", "regulator", "notary")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_replay_on_a_net_shows_how_far_it_is(
    terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(_: Path, word: str, tell: Callable[[Any], None] = print, **__: Any) -> Any:
        if word == "play":
            tell({"rows": 200, "of": 464, "lines": []})
            return 464
        return {"status": {"height": 1}, "write": []}.get(word)

    seats = [{"id": m, "zh": m, "en": m, "engine": f"{m}:1", "blobs": f"{m}:2"} for m in MEMBERS]
    (tmp_path / "net.json").write_text(json.dumps({"seats": seats}))
    screen = io.StringIO()
    shown = Console(file=screen, force_terminal=terminal, width=80)
    monkeypatch.setattr(speak, "console", lambda **_: shown)
    monkeypatch.setattr(control, "call", call)
    assert demo.play(Net.of(tmp_path), until=None, as_json=False, language="zh") == []
    assert ("200/464" in screen.getvalue()) is terminal
