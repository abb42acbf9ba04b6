"""Members that are slow, silent, many or greedy on the wire keep nobody from what others have."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.peers import client
from miaopei.adapters.peers.client import PeerBlobs
from miaopei.adapters.peers.door import EACH_SEAT
from miaopei.errors import OutsideFault
from miaopei.measures.identity import canonical
from miaopei.node.fetching import fetcher as fetching
from miaopei.node.fetching.handed import Fetched
from tests.support import peers
from tests.support.naming import fetcher, say
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


@pytest.mark.parametrize(("length", "rows"), [(400_000_000, None), (10, 400_000_000), (13, None)])
def test_a_longer_blob_than_is_known_is_none_and_not_read(
    tmp_path: Path, length: int, rows: int | None
) -> None:
    """Whatever bytes follow; and the next question has an answer."""

    def answers(question: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
        wrong = b"cd" in question
        said = {"length": length if wrong else 3, "rows": rows if wrong else None, "wrap": None}
        head = canonical(said)
        send(len(head).to_bytes(2) + head + (b"" if wrong else b"yes"))
        if wrong:
            peers.dripping(question, send, over)

    with answered(tmp_path, answers) as (notary, _):
        assert notary.fetch("insurer", NAME, 12) is None
        assert notary.keys("insurer", NAME, 12) is None
        found = notary.fetch("insurer", sha256(b"yes").hexdigest(), 12)
        assert found == Fetched(b"yes")
        assert notary.slow == []


def test_what_had_come_of_an_answer_that_broke_off_is_let_go(tmp_path: Path) -> None:
    """It hung on the frames of the error, for as long as somebody had that."""

    def answers(_: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
        head = canonical({"length": BLOB, "rows": None, "wrap": None})
        send(len(head).to_bytes(2) + head + bytes(BLOB // 2))
        over.wait()

    with answered(tmp_path, answers) as (notary, _):
        one = replace(notary, seconds=30.0, patience=300.0)  # bytes that come give as many seconds
        tracemalloc.start()
        try:
            with pytest.raises(OutsideFault, match="came in time") as told:
                one.fetch("insurer", NAME)
            assert tracemalloc.get_traced_memory()[0] < BLOB // 10
            assert tracemalloc.get_traced_memory()[1] > BLOB // 2, "it had come"
            assert told.value.retry
        finally:
            tracemalloc.stop()
            one.close()


def test_who_is_slow_with_each_answer_is_waited_for_once_in_a_round_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just in time each, about very many blobs that it had named itself: nobody else was asked."""
    monkeypatch.setattr(client, "LATELY", 4)

    def slowly(_: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
        head = canonical({"length": None, "rows": None, "wrap": None})
        over.wait(1.2)
        send(len(head).to_bytes(2) + head)

    with answered(tmp_path, slowly) as (made, _):
        notary = replace(made, seconds=30.0, patience=3.0)
        for _ in range(3):
            notary.begin()
            answers = list(once(notary, [f"{n:064x}" for n in range(20)]))
            assert 0 < answers.count(None) <= 3
            assert "yet" in str(answers[-1])
            until_answered(notary)  # what it was asked last
        assert notary.slow == ["insurer"]
        notary.close()


def until_answered(peer: PeerBlobs) -> None:
    """Wait until the question on its way is answered, without asking anything."""
    while not all(asked.answer.done() for asked in tuple(peer._asked.values())):
        time.sleep(0.01)


def once(peer: PeerBlobs, names: list[str]) -> Iterator[Fetched | OutsideFault | None]:
    """What the insurer says to each."""
    for name in names:
        try:
            yield peer.fetch("insurer", name)
        except OutsideFault as fault:
            yield fault


def test_an_answer_that_came_late_is_there_though_another_was_asked_for_meanwhile(
    tmp_path: Path,
) -> None:
    late, soon = (sha256(data).hexdigest() for data in (b"late", b"soon"))
    told = threading.Event()

    def slowly(question: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
        data = b"late" if late.encode() in question else b"soon"
        told.wait()
        told.clear()
        head = canonical({"length": len(data), "rows": None, "wrap": None})
        send(len(head).to_bytes(2) + head + data)

    with answered(tmp_path, slowly) as (made, asked):
        notary = replace(made, seconds=30.0, patience=0.1)
        with pytest.raises(OutsideFault, match="yet"):
            notary.fetch("insurer", late)
        told.set()
        until_answered(notary)
        notary.begin()
        with pytest.raises(OutsideFault, match="yet"):
            notary.fetch("insurer", soon)
        assert notary.fetch("insurer", late) == Fetched(b"late")
        told.set()
        until_answered(notary)
        assert len(asked) == 2
        notary.close()


def test_many_blobs_over_a_slow_line_all_come_whatever_one_member_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes more rounds than anything is waited for, and what was on its way was given up."""
    rounds = 0
    monkeypatch.setattr(client, "FORGOTTEN", 3)
    monkeypatch.setattr(fetching, "PATIENT", 2)
    blobs = [bytes([n]) * 20_000 for n in range(4)]
    here = {sha256(data).hexdigest(): data for data in blobs}

    def slowly(question: bytes, send: Callable[[bytes], None], over: threading.Event) -> None:
        data = here.get(json.loads(question)["blob"])
        head = canonical({"length": data and len(data), "rows": None, "wrap": None})
        send(len(head).to_bytes(2) + head)
        for begin in range(0, len(data or b""), 2_000):
            over.wait(0.15)
            send((data or b"")[begin : begin + 2_000])

    store = MemoryStore()
    say(store, "cloud", [b"made up %d" % n for n in range(60)])
    say(store, "insurer", blobs)
    with answered(tmp_path, slowly) as (made, asked):
        notary = replace(made, seconds=30.0, patience=0.1, clock=lambda: float(rounds))
        one = fetcher(store, notary)
        for _ in range(3_000):
            rounds += 1
            notary.begin(one.missing)
            one.run()
            if not here.keys() & one.missing.keys():
                break
            time.sleep(0.04)
        notary.close()
    assert not here.keys() & one.missing.keys()
    begun = Counter(json.loads(each)["blob"] for each in asked)
    assert {begun[name] for name in here} == {1}, "none was begun again"


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
