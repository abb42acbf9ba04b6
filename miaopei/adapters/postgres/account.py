"""The account a PostgreSQL server runs under: never root, which PostgreSQL refuses."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import Refusal, Refused

UNPRIVILEGED = ("postgres", "nobody")  # initdb looks its own number up, so it must have a name


@dataclass(frozen=True)
class Account:
    """Whom the server's processes and files belong to."""

    name: str
    uid: int
    gid: int

    def run(self, command: Sequence[str | Path], seconds: int = 180) -> tuple[int, str]:
        """Run a program as this account; its exit status and all that it said."""
        as_root = os.geteuid() == 0
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        # A file takes the output: the server that pg_ctl leaves behind would hold a pipe open.
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=environment | {"LC_ALL": "C", "HOME": "/"},
                umask=0o077,
                timeout=seconds,
                check=False,
                user=self.uid if as_root else None,
                group=self.gid if as_root else None,
                extra_groups=[] if as_root else None,
            )
            output.seek(0)
            return done.returncode, output.read()

    def reaches(self, path: Path) -> bool:
        """Whether this account can get to a file or folder, or to the nearest one that exists."""
        while not path.exists() and path != path.parent:
            path = path.parent
        return os.geteuid() != 0 or self.run(["test", "-x", path])[0] == 0

    def take(self, folder: Path) -> None:
        """Make a folder (0700) this account's own.

        Errors   Refused postgres.not_ours when it is a link, a file, or somebody else's: the name
                 may lie in a folder that everybody can write to.
        """
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == self.uid:
            return
        if stat.S_ISDIR(found.st_mode) and os.geteuid() == 0 == found.st_uid:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
            return
        facts = {"folder": str(folder), "owner": _name(found.st_uid), "account": self.name}
        raise Refused(Refusal("postgres.not_ours", facts))


def choose(*folders: Path) -> Account:
    """Ourselves; as root the owner of the first of `folders` that is not root's, else a system's.

    Errors   Refused postgres.no_account.
    """
    if os.geteuid() != 0:
        return _account(pwd.getpwuid(os.geteuid()))
    for folder in folders:
        with suppress(FileNotFoundError):
            if owner := folder.lstat().st_uid:
                return _account(pwd.getpwuid(owner))
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            return _account(pwd.getpwnam(name))
    raise Refused(Refusal("postgres.no_account", {"accounts": ", ".join(UNPRIVILEGED)}))


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _name(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)
