"""The engine as a process: started in its member's folder, where both sockets lie."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ...errors import OutsideFault
from .home import RPC_SOCKET
from .install import need

ENGINE, LOG = "engine", "engine.log"


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start the engine whose home is `folder`/engine; what it says goes to a file beside it.

    Paths of sockets are short because they are told from the folder.
    Errors   Refused engine.not_installed.
    """
    program = need().program
    (folder / RPC_SOCKET).unlink(missing_ok=True)  # a killed engine leaves it, and stumbles over it
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [program, "start", "--home", ENGINE],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def again_from_before(folder: Path) -> None:
    """Take the engine's own state back by a block; its guard against signing twice stays.

    A block that was stored and never applied is thrown away first (`--hard`): with it there the
    engine's `rollback` does nothing. What is thrown away comes back from the others.
    """
    for option in (["--hard"], []):
        command: list[str | Path] = [need().program, "rollback", *option, "--home", ENGINE]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-300:]
            raise OutsideFault(f"the engine does not go back by a block: {said}", retry=False)
