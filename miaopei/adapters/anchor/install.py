"""Bringing the chain to try with (anvil of Foundry) with npm's reach alone, and knowing it again.

The lock beside this file fixes every package by its hash and names no registry. Nothing of the
package is run while it is installed, and its program must have the SHA-256 written here.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ... import settings
from ...errors import Fact, OutsideFault, Refusal, Refused

VERSION = "1.7.1"
NPM = Path(__file__).with_name("npm")
FILES = ("package.json", "package-lock.json", ".npmrc")
INSTALL_SECONDS = 300
# By system and machine: the package that holds the program, and the program's digest.
KNOWN = {
    ("linux", "x86_64"): (
        "anvil-linux-amd64",
        "10c1c727d6c1de973aeb160e59875b9a9a23464d6e74149ee8abb30b3500311b",
    ),
    ("linux", "aarch64"): ("anvil-linux-arm64", None),
    ("darwin", "arm64"): ("anvil-darwin-arm64", None),
    ("darwin", "x86_64"): ("anvil-darwin-amd64", None),
}


@dataclass(frozen=True)
class Anvil:
    """The chain's program. `new`: it was not there before."""

    program: Path
    sha256: str
    new: bool = False


def find() -> Anvil | None:
    """The program that is here: the one named in MIAOPEI_ANVIL, else one that was installed.

    Errors   Refused anchor.not_a_program for a named one that cannot be run.
    """
    if (named := settings.anvil()) is not None:
        if not os.access(named, os.X_OK) or named.is_dir():
            raise _no("not_a_program", path=str(named))
        return Anvil(named, _digest(named))
    path = _place()
    return Anvil(path, _digest(path)) if path.is_file() else None


def need() -> Anvil:
    """The program that is here.

    Errors   Refused anchor.no_anvil.
    """
    found = find()
    if found is None:
        raise _no("no_anvil", version=VERSION)
    return found


def install() -> Anvil:
    """The program, fetched where it is missing; processes that come at once take turns.

    Errors   Refused anchor.no_npm, anchor.other_bytes; OutsideFault where npm fails.
    """
    if (found := find()) is not None:
        return found
    folder = settings.chain_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return find() or _fetch(folder)


def _fetch(folder: Path) -> Anvil:
    npm = shutil.which("npm")
    if npm is None:
        raise _no("no_npm")
    package, wanted = _here()
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as scratch:
        for name in FILES:
            shutil.copy(NPM / name, scratch)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, timeout=INSTALL_SECONDS,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise OutsideFault(f"npm did not end within {INSTALL_SECONDS} s", retry=True) from late
        made = Path(scratch) / "node_modules" / "@foundry-rs" / package / "bin" / "anvil"
        if done.returncode or not made.is_file():
            said = done.stderr.strip()[-600:]
            raise OutsideFault(f"the chain was not installed: {said}", retry=True)
        digest = _digest(made)
        if wanted is not None and digest != wanted:
            raise _no("other_bytes", version=VERSION, found=digest, wanted=wanted)
        made.chmod(0o755)
        made.rename(_place())
    return Anvil(_place(), digest, new=True)


def _here() -> tuple[str, str | None]:
    machine = (sys.platform, platform.machine())
    if machine not in KNOWN:
        raise OutsideFault(f"there is no anvil for {' '.join(machine)}", retry=False)
    return KNOWN[machine]


def _place() -> Path:
    return settings.chain_folder() / f"anvil-{VERSION}"


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"anchor.{code}", facts))
