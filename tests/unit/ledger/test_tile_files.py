"""Writing the static files: same bytes always, whatever stopped the writer."""

import errno
import fcntl
import os
import resource
import shutil
import signal
from pathlib import Path

import pytest

from miaopei.adapters import tile_files
from miaopei.errors import OutsideFault, RecordDamaged, Refused
from miaopei.errors.texts import say
from miaopei.ledger.audit import audit
from miaopei.ledger.checkpoint import verify
from miaopei.ledger.tiles import growth, read_path


def contents(folder):
    return {name: (folder / name).read_bytes() for name in tile_files.names(folder)}


def findings(folder, log):
    names = tile_files.names(folder)
    return [each.as_json() for each in audit(tile_files.reader(folder), log.vkey, names)]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 700])
def test_a_size_has_its_files_and_its_checkpoint(tmp_path, log_of, size):
    log = log_of(size)
    assert log.write(tmp_path).size == size
    expected = {tile.path for tile in growth(0, size)} | {"checkpoint"}
    assert set(contents(tmp_path)) == expected
    assert verify((tmp_path / "checkpoint").read_bytes(), log.vkey).root == log.root
    assert findings(tmp_path, log) == []


def test_growing_step_by_step_gives_the_same_bytes_as_at_once(tmp_path, log_of):
    log = log_of(700)
    steps = [0, 1, 2, 255, 256, 257, 511, 512, 513, 700]
    for size in steps:
        log.cut(size).write(tmp_path / "steps")
        assert findings(tmp_path / "steps", log) == []
    log.write(tmp_path / "once")
    grown, once = contents(tmp_path / "steps"), contents(tmp_path / "once")
    assert {name: grown[name] for name in once} == once
    assert all(read_path(name).width < 256 for name in grown if name not in once)
    log.write(tmp_path / "told", published=steps)
    told = contents(tmp_path / "told")
    assert {name: grown[name] for name in told} == told
    # What is missing from the rewritten folder are partial files whose full file is there.
    lost = {name.partition(".p/")[0] for name in set(grown) - set(told)}
    assert lost <= set(told)


def test_a_second_run_writes_nothing(tmp_path, log_of):
    log = log_of(300)
    assert log.write(tmp_path).files == 6
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert log.write(tmp_path).files == 0
    assert log.write(tmp_path, whole=True).files == 0
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}


def test_files_deleted_or_damaged_are_written_again(tmp_path, log_of):
    log = log_of(700)
    log.write(tmp_path)
    good = contents(tmp_path)
    shutil.rmtree(tmp_path / "tile" / "0")
    (tmp_path / "tile/entries/001").write_bytes(b"damaged")
    assert log.write(tmp_path, whole=True).files == 4
    assert contents(tmp_path) == good
    shutil.rmtree(tmp_path)
    log.write(tmp_path)
    assert contents(tmp_path) == good


def test_a_damaged_right_edge_does_not_lead_on(tmp_path, log_of):
    log = log_of(700)
    log.cut(600).write(tmp_path)
    edge = tmp_path / "tile/0/002.p/88"
    edge.write_bytes(bytes(32) + edge.read_bytes()[32:])
    log.write(tmp_path)
    (tmp_path / "tile/1/000.p/2").unlink()
    log.write(tmp_path, whole=True)
    damaged = [each["file"] for each in findings(tmp_path, log)]
    assert damaged == ["tile/0/002.p/88"]  # the partial file of the earlier size, still served
    log.write(tmp_path, whole=True, published=[600])
    assert findings(tmp_path, log) == []


def _in_child(work):
    """Run in a forked process; its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            status = work() or 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _dies_at(step, log, folder, when):
    """Write in a process that is killed before or after its step-th rename."""
    rename, count = Path.replace, iter(range(10_000))

    def replace(aside, target):
        at = next(count)
        if at == step and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if at == step and when == "torn":
            os.truncate(aside, aside.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        rename(aside, target)
        if at == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def work():
        Path.replace = replace
        log.write(folder)

    return _in_child(work)


def test_killed_at_every_file_readers_see_a_whole_log_and_the_next_run_goes_on(tmp_path, log_of):
    log, older = log_of(530), log_of(530).cut(250)
    log.write(tmp_path / "good")
    good, killed = contents(tmp_path / "good"), 0
    for when in ("before", "torn", "after"):
        step = 0
        while True:
            folder = tmp_path / f"{when}{step}"
            older.write(folder)
            status = _dies_at(step, log, folder, when)
            if status == 0:
                break
            assert status == -signal.SIGKILL
            served = verify((folder / "checkpoint").read_bytes(), log.vkey)
            assert served.size in {250, 530}
            assert findings(folder, log) == []
            log.write(folder)
            after = contents(folder)
            assert {name: after[name] for name in good} == good
            assert findings(folder, log) == []
            step, killed = step + 1, killed + 1
    assert killed == 3 * (len(good))  # every file of the growth, three ways


def test_a_full_disk_stops_and_the_next_run_recovers(tmp_path, log_of):
    """A real refusal of the kernel: files of this process may not grow past 3,000 bytes."""
    log = log_of(600)
    log.cut(40).write(tmp_path)

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
        try:
            log.write(tmp_path)
        except OutsideFault as fault:
            return 7 if fault.retry else 8
        return 9

    assert _in_child(work) == 7
    assert verify((tmp_path / "checkpoint").read_bytes(), log.vkey).size == 40
    assert findings(tmp_path, log) == []
    assert not (tmp_path / ".writing/file").exists()
    log.write(tmp_path)
    assert findings(tmp_path, log) == []


@pytest.mark.parametrize(
    ("number", "retry"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False)]
)
def test_what_the_disk_says_decides_on_trying_again(tmp_path, log_of, monkeypatch, number, retry):
    def refuse(_file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutsideFault) as seen:
        log_of(3).write(tmp_path)
    assert seen.value.retry is retry
    assert tile_files.names(tmp_path) == []


def test_a_second_writer_waits_its_turn(tmp_path, log_of):
    log = log_of(3)
    log.write(tmp_path)
    handle = os.open(tmp_path / ".writing", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(OutsideFault) as seen:
        log_of(4).write(tmp_path)
    assert seen.value.retry
    os.close(handle)
    assert log_of(4).write(tmp_path).size == 4


def _refused(log, folder, **how):
    before = contents(folder)
    with pytest.raises(Refused) as seen:
        log.write(folder, **how)
    assert contents(folder) == before
    for language in ("zh", "en"):
        assert "?" not in say(seen.value.refusals[0], language)
    return seen.value.refusals[0].code


@pytest.mark.parametrize("whole", [False, True])
def test_another_log_is_never_overwritten(tmp_path, log_of, whole):
    log_of(300, start=1).write(tmp_path)
    assert _refused(log_of(300), tmp_path, whole=whole) == "ledger.folder_other_log"
    assert _refused(log_of(400), tmp_path, whole=whole) == "ledger.folder_other_log"
    assert _refused(log_of(299, start=1), tmp_path, whole=whole) == "ledger.folder_longer"
    other = type(log_of(0))(log_of(300, start=1).all, "log.example/other")
    assert _refused(other, tmp_path, whole=whole) == "ledger.folder_other_log"


def test_entries_that_do_not_lead_to_the_checkpoint_are_an_alarm(tmp_path, log_of):
    log = log_of(300)
    log.cut(100).write(tmp_path)
    before = contents(tmp_path)
    log.all[200] += b"!"
    with pytest.raises(RecordDamaged):
        log.write(tmp_path)
    assert contents(tmp_path) == before
    log.size = 299
    with pytest.raises(RecordDamaged):
        log.write(tmp_path)


def test_the_reader_reads_files_of_the_log_only(tmp_path, log_of):
    log_of(3).write(tmp_path / "log")
    (tmp_path / "secret").write_text("s")
    (tmp_path / "log/own").write_text("s")
    read = tile_files.reader(tmp_path / "log")
    assert read("tile/0/000.p/3") is not None
    for path in ("own", "../secret", str(tmp_path / "secret"), "tile/0/000", "tile", ""):
        assert read(path) is None
    assert tile_files.reader(tmp_path / "nowhere")("checkpoint") is None
