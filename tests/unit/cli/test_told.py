"""What a member is told of another that has no seat yet, and when its engine knows it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from miaopei.adapters.engine import home
from miaopei.cli.net.life import telling

KEY, OTHER = "ab" * 32, "cd" * 32


def peers_of(at: Path) -> str:
    """The neighbours in the engine's settings."""
    text = (at / "engine" / "config" / "config.toml").read_text("utf-8")
    found: str = tomllib.loads(text)["p2p"]["persistent_peers"]
    return found


def test_its_engine_is_known_from_the_start_after_it_was_seated(tmp_path: Path) -> None:
    (tmp_path / "engine" / "config").mkdir(parents=True)
    first = home.Neighbour(home.address(KEY), "one.example:1")
    listens = {"quick": False, "reached": "me.example:9"}
    home.write_settings(tmp_path / "engine", "me", "0.0.0.0:9", [first], **listens)  # type: ignore[arg-type]
    before = (tmp_path / "engine" / "config" / "config.toml").read_text("utf-8")
    told: dict[str, Any] = {
        "member": "me",
        "database": "dbname=me",
        "blobs": "me.example:10",
        "bank": None,
        "peers": {
            "one": {"engine": "one.example:1", "node": KEY},
            "two": {"engine": "two.example:2"},
        },
    }
    (tmp_path / "node.json").write_text(json.dumps(told), "utf-8")
    telling.complete(tmp_path, [{"member": "one", "node": OTHER}])
    assert peers_of(tmp_path) == f"{home.address(KEY)}@one.example:1"
    telling.complete(tmp_path, [{"member": "one", "node": OTHER}, {"member": "two", "node": OTHER}])
    # What stands of the first was told since, and is newer than a record that is behind.
    want = f"{home.address(KEY)}@one.example:1,{home.address(OTHER)}@two.example:2"
    assert peers_of(tmp_path) == want
    after = (tmp_path / "engine" / "config" / "config.toml").read_text("utf-8")
    assert len(before.splitlines()) == len(after.splitlines())
    settings = tomllib.loads(after)["p2p"]
    assert (settings["laddr"], settings["external_address"]) == ("tcp://0.0.0.0:9", "me.example:9")
    kept = json.loads((tmp_path / "node.json").read_text("utf-8"))["peers"]
    assert (kept["one"]["node"], kept["two"]["node"]) == (KEY, OTHER)
