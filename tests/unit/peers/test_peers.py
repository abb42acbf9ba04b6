"""Blobs go to members that show the key of their seat, and what opens them to its reader only."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
import ssl
import warnings
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.peers import client
from miaopei.adapters.peers.certificate import certificate, private_pem
from miaopei.adapters.peers.client import Seen
from miaopei.adapters.peers.server import BlobServer
from miaopei.errors import OutsideFault
from miaopei.measures.identity import canonical, read_canonical
from miaopei.node.granted.asking import Keys
from miaopei.node.vault.rowkeys import READER as SLOTS
from tests.support.consortium import key, public
from tests.support.peers import BOXES, STRANGER, asking, free_port, serving, tls


@pytest.fixture
def store() -> MemoryStore:
    """One blob, wrapped for both members."""
    made = MemoryStore()
    with made.writing() as block:
        name = block.put_blob(b"sealed bytes" * 1000, "miaopei/rows/1")
        for (box,) in BOXES.values():
            block.put_wrap(name, box, bytes.fromhex(box))
    return made


def name_in(store: MemoryStore) -> str:
    with store.reading() as reading:
        ((name, _),) = reading.blobs()
    return name


def test_a_member_gets_the_bytes_and_its_own_wrap_alone(tmp_path: Path, store: MemoryStore) -> None:
    with serving(tmp_path, store, ("notary",)) as address:
        notary = asking(tmp_path, "notary", address)
        found = notary.fetch("insurer", name_in(store))
        assert found is not None
        assert (found.data, found.wrap) == (b"sealed bytes" * 1000, b"\xbb" * 32)
        assert notary.fetch("insurer", "0" * 64) is None
        assert notary.fetch("insurer", "../etc") is None
        notary.close()


class LastMoment(Future[Any]):
    """An answer that comes after the time to wait for it was up, and before anybody has looked."""

    def result(self, timeout: float | None = None) -> Any:
        found = super().result()
        if timeout is not None:
            raise TimeoutError
        return found


def test_an_answer_that_comes_just_as_the_time_is_up_is_an_answer(
    tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow machine it was neither that nor a fault that anybody knew: the duty ended."""
    monkeypatch.setattr(client, "Future", LastMoment)
    with serving(tmp_path, store, ("notary",)) as address:
        notary = asking(tmp_path, "notary", address)
        found = notary.fetch("insurer", name_in(store))
        assert found is not None
        assert found.data == b"sealed bytes" * 1000
        with pytest.raises(OutsideFault, match="another answer"):
            notary.stands("insurer", None)  # a fault that came then is told as it is
        notary.close()


def test_who_is_not_trusted_or_has_no_seat_gets_nothing(tmp_path: Path, store: MemoryStore) -> None:
    name = name_in(store)
    # First with a certificate that nobody was given, then known by it and not seated.
    for trusted in (("notary",), ("notary", "stranger")):
        with serving(tmp_path, store, trusted) as address, pytest.raises(OutsideFault):
            asking(tmp_path, "stranger", address).fetch("insurer", name)


def test_a_peer_that_shows_another_key_than_its_seats_is_not_asked(
    tmp_path: Path, store: MemoryStore
) -> None:
    with serving(tmp_path, store, ("notary",)) as address:
        other = asking(tmp_path, "notary", address, public("stranger", "peer"))
        with pytest.raises(OutsideFault, match="not that of insurer"):
            other.fetch("insurer", name_in(store))


def test_what_was_wrapped_for_an_earlier_box_is_handed_over_still(
    tmp_path: Path, store: MemoryStore
) -> None:
    later = {public("notary", "peer"): ["cc" * 32, "bb" * 32]}
    with serving(tmp_path, store, ("notary",), later) as address:
        notary = asking(tmp_path, "notary", address)
        found = notary.fetch("insurer", name_in(store))
        notary.close()
    assert found is not None
    assert found.wrap == b"\xbb" * 32


def test_who_asks_aside_has_connections_of_its_own_that_end(
    tmp_path: Path, store: MemoryStore
) -> None:
    shown = list[str]()  # asked once for each connection

    def key_of(member: str) -> str:
        shown.append(member)
        return public(member, "peer")

    with serving(tmp_path, store, ("notary",)) as address:
        notary = replace(asking(tmp_path, "notary", address), key=key_of)
        name = name_in(store)
        for connections in (2, 3):
            assert notary.fetch("insurer", name) is not None
            with notary.aside(5.0) as other:
                assert other.members == ["insurer"]
                assert other.fetch("insurer", name) is not None
                assert other.fetch("insurer", name) is not None
            assert len(shown) == connections, "our own stands, that beside it was closed"
        notary.close()


def test_a_seat_that_is_gone_ends_a_connection_that_stands(
    tmp_path: Path, store: MemoryStore
) -> None:
    seats = dict(BOXES)
    with serving(tmp_path, store, ("notary",), seats) as address:
        notary = asking(tmp_path, "notary", address)
        assert notary.fetch("insurer", name_in(store)) is not None
        del seats[public("notary", "peer")]
        with pytest.raises(OutsideFault):
            notary.fetch("insurer", name_in(store))


def test_a_member_with_a_new_key_is_met_without_a_new_start(
    tmp_path: Path, store: MemoryStore
) -> None:
    """The insurer shows the key of `stranger` under its own name from now on."""
    fresh = certificate("insurer", key("stranger", "peer"))
    (tmp_path / "new.pem").write_bytes(private_pem(key("stranger", "peer")) + fresh.encode())
    with serving(tmp_path, store, ("notary",), shows=tmp_path / "new.pem") as address:
        notary = asking(tmp_path, "notary", address, public("stranger", "peer"))
        with pytest.raises(OutsideFault):
            notary.fetch("insurer", name_in(store))
        notary.meet("insurer", address, fresh)
        assert notary.fetch("insurer", name_in(store)) is not None
        notary.close()


def test_what_was_seen_of_a_key_is_said_and_another_answer_is_none(
    tmp_path: Path, store: MemoryStore
) -> None:
    said = {
        "ab" * 20: {"height": 9, "signed": [8, 1, 2]},
        "cd" * 20: {"height": 9, "signed": None},
        "ef" * 20: {"height": 9, "signed": [8, "1", 2]},
        "00" * 20: {"height": 9, "signed": [-1, 0, 2]},
    }
    with serving(tmp_path, store, ("notary",), sight=said.__getitem__) as address:
        notary = asking(tmp_path, "notary", address)
        assert notary.seen("insurer", "ab" * 20) == Seen(9, (8, 1, 2))
        assert notary.seen("insurer", "cd" * 20) == Seen(9, None)
        for odd in ("ef" * 20, "00" * 20):
            with pytest.raises(OutsideFault, match="another answer"):
                notary.seen("insurer", odd)
        assert notary.fetch("insurer", name_in(store)) is not None
        notary.close()
    with serving(tmp_path, store, ("notary",)) as address:  # software of before the question
        notary = asking(tmp_path, "notary", address)
        assert notary.seen("insurer", "ab" * 20) == Seen(0, None)
        notary.close()


def test_who_has_a_blob_asks_for_its_own_key_alone(
    tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = name_in(store)
    with store.writing() as block:
        block.put_wrap(name, SLOTS, b"slots")
    with serving(tmp_path, store, ("notary", "stranger"), {**BOXES, STRANGER: ["dd" * 32]}) as at:
        notary = asking(tmp_path, "notary", at)
        assert notary.keys("insurer", name) == Keys(b"\xbb" * 32, b"slots")
        assert notary.keys("insurer", "0" * 64) is None
        found = notary.fetch("insurer", name)
        assert found is not None
        assert len(found.data) == 12_000
        notary.close()
        stranger = asking(tmp_path, "stranger", at)
        assert stranger.keys("insurer", name) is None, "a seat that it is wrapped for by nobody"
        stranger.close()
    look = BlobServer._look

    def older(self: BlobServer, asked: bytes, boxes: Sequence[str]) -> tuple[dict[str, Any], bytes]:
        """Software that knows no `only`."""
        return look(self, canonical({"blob": read_canonical(asked)["blob"]}), boxes)

    monkeypatch.setattr(BlobServer, "_look", older)
    with serving(tmp_path, store, ("notary",)) as at:
        notary = asking(tmp_path, "notary", at)
        assert notary.keys("insurer", name) == Keys(b"\xbb" * 32, b"slots")
        assert notary.keys("insurer", name) is not None, "the connection is good for more"
        notary.close()


STANDS = {
    "chain": "miaopei-1", "height": 9, "size": 20, "root": "ab" * 32, "certified": 19, "missing": 0,
    "rules": 3, "knows": 3, "alarm": False, "waits": False,
}  # fmt: skip


def test_a_member_that_has_a_seat_is_told_how_another_stands(
    tmp_path: Path, store: MemoryStore
) -> None:
    asked = list[int | None]()

    def stands(height: int | None) -> dict[str, object]:
        asked.append(height)
        return {**STANDS, "root": None if height == 3 else STANDS["root"]}

    with serving(tmp_path, store, ("notary", "stranger"), stands=stands) as address:
        notary = asking(tmp_path, "notary", address)
        assert notary.stands("insurer", None) == STANDS
        assert notary.stands("insurer", 3)["root"] is None
        notary.close()
        with pytest.raises(OutsideFault):
            asking(tmp_path, "stranger", address).stands("insurer", None)
    assert asked == [None, 3]


@pytest.mark.parametrize(
    "wrong", [{"height": "9"}, {"root": 5}, {"alarm": None}, {"knows": None}, {"chain": None}]
)
def test_an_answer_of_another_kind_is_none(
    tmp_path: Path, store: MemoryStore, wrong: dict[str, object]
) -> None:
    said = {**STANDS, **wrong}
    refused = pytest.raises(OutsideFault, match="another answer")
    with serving(tmp_path, store, ("notary",), stands=lambda _: said) as address, refused:
        asking(tmp_path, "notary", address).stands("insurer", None)


def test_newer_software_may_say_more_of_how_it_stands(tmp_path: Path, store: MemoryStore) -> None:
    newer = {**STANDS, "knows": 9, "more": {"of": "it"}}
    with serving(tmp_path, store, ("notary",), stands=lambda _: newer) as address:
        notary = asking(tmp_path, "notary", address)
        assert notary.stands("insurer", None) == {**STANDS, "knows": 9}
        notary.close()


def test_a_part_that_is_lacking_makes_no_answer(tmp_path: Path, store: MemoryStore) -> None:
    said = {name: value for name, value in STANDS.items() if name != "waits"}
    refused = pytest.raises(OutsideFault, match="waits missing")
    with serving(tmp_path, store, ("notary",), stands=lambda _: said) as address, refused:
        asking(tmp_path, "notary", address).stands("insurer", None)


def test_older_software_says_nothing_of_how_it_stands(tmp_path: Path, store: MemoryStore) -> None:
    with serving(tmp_path, store, ("notary",)) as address, pytest.raises(OutsideFault):
        asking(tmp_path, "notary", address).stands("insurer", None)


def test_a_socket_whose_peer_has_gone_as_tls_began_is_closed(
    tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard library has taken it over by then, and leaves it open."""
    left = list[ssl.SSLSocket]()

    def gone(self: ssl.SSLSocket) -> None:
        raise OSError(errno.ENOTCONN, "not connected")

    def reset(self: ssl.SSLSocket, *_: object) -> None:
        left.append(self)
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    with serving(tmp_path, store, ("notary",)) as address:
        notary = asking(tmp_path, "notary", address)
        monkeypatch.setattr(ssl.SSLSocket, "getpeername", gone)
        monkeypatch.setattr(ssl.SSLSocket, "recv", reset)
        with pytest.raises(OutsideFault):
            notary.fetch("insurer", name_in(store))
        monkeypatch.undo()
        notary.close()
    assert [each.fileno() for each in left] == [-1]


@pytest.mark.parametrize("turns", range(6))
def test_who_comes_as_the_server_ends_leaves_no_open_file(
    tmp_path: Path, store: MemoryStore, turns: int
) -> None:
    """So many turns of the loop lie between."""
    mine = tls(tmp_path, "insurer", ("notary",), server=True)

    async def end_soon() -> None:
        port = free_port()
        with socket.socket() as comes:
            async with BlobServer(store, lambda: BOXES).serving("127.0.0.1", port, mine):
                await asyncio.sleep(0.01)
                comes.connect(("127.0.0.1", port))  # the kernel takes it at once
                for _ in range(turns):
                    await asyncio.sleep(0)

    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(end_soon())
        gc.collect()
    assert [str(one.message) for one in told] == []
