"""What a member's node is told of its machine: a file beside its keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

NODE_FILE = "node.json"


def write_told(at: Path, told: Mapping[str, object]) -> None:
    """Write it: who reads it is `wiring.consortium.Told`."""
    (at / NODE_FILE).write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")
