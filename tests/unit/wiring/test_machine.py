"""What a member is told of its machine stays readable wherever a writing is stopped, and a file
that is not is named.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from miaopei.adapters.engine import home
from miaopei.cli.net import member
from miaopei.errors import Refused
from miaopei.wiring.machine import NODE_FILE, Machine

PEER = {"engine": "b.example:1", "blobs": "b.example:2", "node": "ab" * 32, "certificate": "-" * 99}
TOLD = Machine("a", "host=db password=x", "a.example:2", None, {"b": PEER, "乙": PEER})


@contextmanager
def cut_at(size: int) -> Iterator[None]:
    """Inside, no file grows beyond so many bytes: every writing is stopped in the middle."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_as_many_files_may_be_open_as_the_machine_lets_us() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] // 2, before[1]))
    try:
        assert member.raise_file_limit() == before[1]
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def engine_settings(at: Path, address: str) -> None:
    """The settings of an engine that is reached at an address."""
    neighbours = [home.Neighbour(home.address("cd" * 32), "b.example:1")]
    home.write_settings(at, "a", "0.0.0.0:1", neighbours, quick=False, reached=address)


@pytest.mark.parametrize("size", [0, 1, 100, 400])
@pytest.mark.parametrize(
    ("file", "write", "again"),
    [
        (NODE_FILE, TOLD.write, replace(TOLD, blobs="a.example:3").write),
        (
            "config/config.toml",
            lambda at: engine_settings(at, "a.example:1"),
            lambda at: engine_settings(at, "a.example:3"),
        ),
        (
            "config/config.toml",
            lambda at: engine_settings(at, "a.example:1"),
            lambda at: home.write_neighbours(at, [home.Neighbour("ef" * 20, "c.example:1")]),
        ),
        (
            "config/genesis.json",
            lambda at: home.keep(at / "config" / "genesis.json", {"of": "a" * 500}),
            lambda at: home.keep(at / "config" / "genesis.json", {"of": "b" * 500}),
        ),
    ],
    ids=["node.json", "settings", "neighbours", "engine"],
)
def test_a_writing_that_is_stopped_leaves_the_file_of_before(
    tmp_path: Path,
    file: str,
    write: Callable[[Path], None],
    again: Callable[[Path], None],
    size: int,
) -> None:
    (tmp_path / "config").mkdir()
    write(tmp_path)
    before = (tmp_path / file).read_bytes()
    with cut_at(size), pytest.raises(OSError, match="File too large"):
        again(tmp_path)
    assert (tmp_path / file).read_bytes() == before
    again(tmp_path)  # what the stop has left stands in nobody's way
    assert (tmp_path / file).read_bytes() != before


def test_what_is_told_is_read_as_written_by_its_owner_alone(tmp_path: Path) -> None:
    TOLD.write(tmp_path)
    assert Machine.of(tmp_path) == TOLD
    assert (tmp_path / NODE_FILE).stat().st_mode & 0o777 == 0o600, "a database may have a password"


def test_a_file_that_is_cut_anywhere_is_named(tmp_path: Path) -> None:
    TOLD.write(tmp_path)
    path = tmp_path / NODE_FILE
    whole = path.read_bytes()
    for size in range(len(whole) - 1):  # the last byte ends its line
        path.write_bytes(whole[:size])
        with pytest.raises(Refused) as refused:
            Machine.of(tmp_path)
        (said,) = refused.value.refusals
        assert (said.code, said.facts["path"]) == ("net.node_file", str(path))


@pytest.mark.parametrize(
    "value",
    [
        *([], None, {}, "a"),
        {**vars(TOLD), "peers": None},
        {**vars(TOLD), "peers": {"b": {**PEER, "blobs": 3}}},
        {**vars(TOLD), "peers": {"b": "b.example:1"}},
        {**vars(TOLD), "database": None},
        {**vars(TOLD), "further": 1},
    ],
)
def test_what_is_no_such_file_is_named(tmp_path: Path, value: object) -> None:
    (tmp_path / NODE_FILE).write_text(json.dumps(value), "utf-8")
    with pytest.raises(Refused) as refused:
        Machine.of(tmp_path)
    assert [said.code for said in refused.value.refusals] == ["net.node_file"]


def test_a_member_without_its_file_ends_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / NODE_FILE).write_text('{"member": "a", "da', "utf-8")
    assert member.main(tmp_path, bound=False) == 1
    said = capfd.readouterr().err.strip().splitlines()[-1]
    assert "net.node_file" in said
    assert str(tmp_path / NODE_FILE) in said
