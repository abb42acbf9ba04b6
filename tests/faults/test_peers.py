"""Members that are slow, silent, many or greedy on the wire keep nobody from what others have."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.peers.client import PeerBlobs
from miaopei.adapters.peers.door import EACH_SEAT
from miaopei.errors import OutsideFault
from miaopei.measures.identity import canonical
from miaopei.node.vault.fetch import Fetched
from tests.support import peers
from tests.support.peers import Answers, answering, asking, free_port, serving, tls

NAME = "cd" * 32
BLOB = 40_000_000


@contextmanager
def answered(
    folder: Path, answers: Answers, *, shows_key: bool = True
) -> Iterator[tuple[PeerBlobs, list[bytes]]]:
    """The notary, and what it asked an insurer who answers in its own way and has three seconds."""
    address = f"127.0.0.1:{free_port()}"
    mine = tls(folder, "insurer", ("notary",), server=True) if shows_key else None
    with answering(address, mine, answers) as asked:
        notary = replace(asking(folder, "notary", address), seconds=3.0, patience=60.0)
        try:
            yield notary, asked
        finally:
            notary.close()


ASKED: list[tuple[Answers, Callable[[PeerBlobs], object]]] = [
    (peers.dripping_bytes, lambda notary: notary.fetch("insurer", NAME)),
    (peers.dripping, lambda notary: notary.keys("insurer", NAME)),
    (peers.dripping, lambda notary: notary.stands("insurer", 3)),
    (peers.silent, lambda notary: notary.seen("insurer", "ab" * 20)),
]


@pytest.mark.parametrize(("answers", "ask"), ASKED)
def test_every_answer_has_an_end_and_who_drips_or_is_silent_is_named(
    tmp_path: Path, answers: Answers, ask: Callable[[PeerBlobs], object]
) -> None:
    with answered(tmp_path, answers) as (notary, asked):
        assert notary.slow == []
        with pytest.raises(OutsideFault, match="came in time"):
            ask(notary)
        assert notary.slow == ["insurer"]
        assert len(asked) == 1


@pytest.mark.parametrize("answers", [peers.dripping, peers.silent])
def test_so_has_a_handshake_and_who_has_shown_no_key_is_not_named(
    tmp_path: Path, answers: Answers
) -> None:
    with answered(tmp_path, answers, shows_key=False) as (notary, _):
        with pytest.raises(OutsideFault):
            notary.fetch("insurer", NAME)
        assert notary.slow == []


def whole(peer: PeerBlobs, member: str, name: str) -> tuple[Fetched, int]:
    """A blob, asked for until it is here; how often it was not yet."""
    for times in range(600):
        try:
            found = peer.fetch(member, name)
        except OutsideFault as fault:
            if "yet" not in str(fault):
                raise
            time.sleep(0.1)
        else:
            assert found is not None
            return found, times
    raise AssertionError("it never came")


def test_a_slow_line_brings_it_all_beside_whoever_asks_and_is_asked_once(tmp_path: Path) -> None:
    """60 KB in a fifth of a second each 2 KB: twice as long as an answer is given at first."""
    data = bytes(60_000)

    def slowly(_: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
        head = canonical({"length": len(data), "rows": None, "wrap": None})
        send(len(head).to_bytes(2) + head)
        for begin in range(0, len(data), 2_000):
            over.wait(0.2)
            send(data[begin : begin + 2_000])

    with answered(tmp_path, slowly) as (made, asked):
        notary = replace(made, patience=0.05)
        found, times = whole(notary, "insurer", sha256(data).hexdigest())
        assert found.data == data
        assert times > 1
        assert len(asked) == 1
        with pytest.raises(OutsideFault, match="yet"):
            notary.fetch("insurer", NAME)
        with pytest.raises(OutsideFault, match="another question"):
            notary.keys("insurer", NAME)
        notary.close()


def test_a_blob_of_another_length_than_is_known_is_not_read(tmp_path: Path) -> None:
    def answers(_: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
        peers.dripping_bytes(b'"blob"', send, over)

    with answered(tmp_path, answers) as (notary, _), pytest.raises(OutsideFault, match="asked for"):
        notary.fetch("insurer", NAME, 12)


def test_closing_ends_also_what_is_on_its_way(tmp_path: Path) -> None:
    with answered(tmp_path, peers.silent) as (made, _):
        notary = replace(made, seconds=600.0, patience=600.0)
        failed = list[OutsideFault]()

        def ask() -> None:
            try:
                notary.fetch("insurer", NAME)
            except OutsideFault as fault:
                failed.append(fault)

        thread = threading.Thread(target=ask)
        thread.start()
        while not notary._asked:
            time.sleep(0.01)
        notary.close()
        thread.join(60)
        assert len(failed) == 1


class Handing:
    """The insurer as a process of its own, which may open few files; see `handing`."""

    def __init__(self, folder: Path, files: int, size: int) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        asked = (str(folder), self.address.rpartition(":")[2], str(files), str(size))
        command = [sys.executable, "-m", "tests.faults.handing", *asked]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.name = self.hears()

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def says(self, word: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self.hears()


@contextmanager
def handing(folder: Path, files: int, size: int) -> Iterator[Handing]:
    made = Handing(folder, files, size)
    try:
        yield made
    finally:
        made.process.communicate("")


def connected(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), 30)


def test_whoever_opens_connections_and_shows_no_key_takes_nobodys_files(tmp_path: Path) -> None:
    with handing(tmp_path, 64, 1000) as insurer:
        held = [connected(insurer.address) for _ in range(300)]
        try:
            notary = asking(tmp_path, "notary", insurer.address)
            assert whole(notary, "insurer", insurer.name)[0].data == bytes(1000)
            assert insurer.says("file") == "opened"
            notary.close()
        finally:
            for each in held:
                each.close()


def test_twenty_connections_that_read_nothing_hold_one_answer(tmp_path: Path) -> None:
    async def ask(insurer: Handing) -> None:
        """Ask on each of twenty connections, and read no more than the kernel does."""
        host, _, port = insurer.address.rpartition(":")
        mine = tls(tmp_path, "notary", ("insurer",), server=False)
        question = canonical({"blob": insurer.name})
        held = []
        for _ in range(20):
            _, writer = await asyncio.open_connection(host, int(port), ssl=mine, limit=1000)
            writer.write(len(question).to_bytes(2) + question)
            held.append(writer)
        await asyncio.sleep(3)  # longer than it takes to bring them all
        for writer in held:
            writer.transport.abort()

    with handing(tmp_path, 200, BLOB) as insurer:
        before = int(insurer.says("memory"))
        asyncio.run(ask(insurer))
        assert int(insurer.says("memory")) - before < 3 * BLOB // 1_000_000
        notary = asking(tmp_path, "notary", insurer.address)
        assert len(whole(notary, "insurer", insurer.name)[0].data) == BLOB
        notary.close()


def test_long_bytes_hold_up_no_word_of_the_same_seat(tmp_path: Path) -> None:
    """A blob that nobody reads on is being sent; how the member stands is said all the same."""
    store = MemoryStore()
    with store.writing() as block:
        name = block.put_blob(bytes(BLOB), "original")
    standing = {
        "chain": "miaopei-1", "height": 9, "size": 20, "root": None, "certified": 19, "missing": 0,
        "rules": 3, "knows": 3, "alarm": False, "waits": False,
    }  # fmt: skip
    question = canonical({"blob": name})
    with serving(tmp_path, store, ("notary",), stands=lambda _: standing) as address:
        mine = tls(tmp_path, "notary", ("insurer",), server=False)
        with mine.wrap_socket(connected(address)) as wire:
            wire.sendall(len(question).to_bytes(2) + question)
            assert int.from_bytes(wire.recv(2)) > 0
            with asking(tmp_path, "notary", address).aside(30.0) as notary:
                assert notary.stands("insurer", None) == standing


def test_a_seat_has_so_many_connections_and_the_one_that_asks_least_makes_room(
    tmp_path: Path,
) -> None:
    store = MemoryStore()
    with store.writing() as block:
        name = block.put_blob(b"bytes", "original")
    question = canonical({"blob": name})
    with serving(tmp_path, store, ("notary",)) as address:
        mine = tls(tmp_path, "notary", ("insurer",), server=False)
        held = list[socket.socket]()

        def answers(wire: socket.socket) -> bool:
            heard = b""
            try:
                wire.sendall(len(question).to_bytes(2) + question)
                while not heard.endswith(b"bytes"):
                    if not (part := wire.recv(1 << 16)):
                        return False
                    heard += part
            except OSError:
                return False
            return True

        for _ in range(EACH_SEAT):
            held.append(mine.wrap_socket(connected(address)))
            assert answers(held[-1])
        assert answers(held[0]), "it has asked later than the others"
        held.append(mine.wrap_socket(connected(address)))
        assert answers(held[-1])
        assert answers(held[0])
        assert [answers(each) for each in held].count(False) == 1
        for each in held:
            each.close()
