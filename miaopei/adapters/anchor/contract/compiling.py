"""Compiling the contract: `python -m miaopei.adapters.anchor.contract.compiling` writes its form.

Only who changes the contract needs it. What is deployed and compared with a chain stands compiled
beside the source, and a test compiles it again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("anchors.vy")
FORM = Path(__file__).with_name("anchors.json")
# The oldest machine that the compiler knows: chains of banks and courts are not the newest.
OPTIONS = ("--evm-version", "london", "--no-bytecode-metadata")


def compiled() -> dict[str, Any]:
    """The contract as the pinned compiler makes it, by the program beside this Python."""
    program = Path(sys.executable).with_name("vyper")
    command: list[str | Path] = [program, *OPTIONS, "-f", "bytecode,bytecode_runtime,abi", SOURCE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    creation, runtime, abi = done.stdout.splitlines()[:3]
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return {
        "compiler": f"vyper {version.stdout.strip()}",
        "options": list(OPTIONS),
        "source": sha256(SOURCE.read_bytes()).hexdigest(),
        "abi": json.loads(abi),
        "creation": creation,
        "runtime": runtime,
    }


if __name__ == "__main__":
    FORM.write_text(json.dumps(compiled(), indent=1) + "\n", "utf-8")
