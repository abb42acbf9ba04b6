"""The engine's messages: what is written is read back, what is cut or foreign is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.adapters.engine import wire
from miaopei.errors import OutsideFault

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.binary(max_size=40)), NUMBERS, st.binary(max_size=40))
def test_a_message_is_read_as_it_was_written(txs: list[bytes], height: int, digest: bytes) -> None:
    message = wire.REQUESTS[20][1]
    values = {"txs": txs, "decided_last_commit": None, "hash": digest, "height": height}
    body = wire.encode(message, values)
    assert wire.decode(message, body) == values
    framed = wire.varint(20 << 3 | 2) + wire.varint(len(body)) + body
    assert wire.request(framed) == ("finalize_block", values)


def test_bytes_written_by_hand_from_the_published_files() -> None:
    """CheckTx{tx: "ab"} and its answer {code: 1}; fields that we do not name are passed over."""
    assert wire.request(bytes.fromhex("42 04 0a02 6162")) == ("check_tx", {"tx": b"ab", "type": 0})
    assert wire.response("check_tx", {"code": 1}) == bytes.fromhex("4a 02 0801")
    unknown = bytes.fromhex("52 02 7a7a 59 0102030405060708 0a02 6162")
    assert wire.decode(wire.REQUESTS[8][1], unknown)["tx"] == b"ab"
    nested: dict[str, Any] = {"tx_results": [{"code": 0}, {"code": 3}], "app_hash": b"\1"}
    assert wire.response("finalize_block", nested) == bytes.fromhex(
        "aa01 0b 12020800 12020803 2a0101"
    )
    votes = {"validator_updates": [{"pub_key": {"ed25519": b"\7"}, "power": 0}]}
    assert wire.response("finalize_block", votes) == bytes.fromhex("aa01 09 1a07 0a03 0a0107 1000")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        wire.request(data)
    except OutsideFault:
        return


@pytest.mark.parametrize("data", ["42", "4205 0a02 6162", "42 03 0a02 61", "9a06 00", "0b"])
def test_cut_and_foreign_messages_are_refused(data: str) -> None:
    with pytest.raises(OutsideFault):
        wire.request(bytes.fromhex(data))
