"""The certificate of a consortium inside a receipt: its JSON form, read strictly.

Bytes are hex, times are [seconds, nanoseconds]. What it shows is checked in `ledger.quorum`.
Source: docs/specs/consortium.md, section 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Refusal, Refused
from . import quorum
from .quorum import BlockId, Certificate, Change, Commit, Header, Instant, Vote, Voter

Json = Mapping[str, Any]
HASHES = (
    "last_commit", "data", "validators", "next_validators", "consensus", "app", "results",
    "evidence", "proposer",
)  # fmt: skip
MOST = 1_000  # items of any list
LARGEST = 2**53 - 1


def from_json(value: Any) -> Certificate:
    """Errors   Refused ledger.certificate_malformed naming the place."""
    at = "$.certificate"
    given = _object(value, at, "left", "header", "commit", "voters", "changes")
    return Certificate(
        left=read_header(given["left"], f"{at}.left"),
        header=read_header(given["header"], f"{at}.header"),
        commit=_commit(given["commit"], f"{at}.commit"),
        voters=_voters(given["voters"], f"{at}.voters"),
        changes=tuple(
            _change(item, f"{at}.changes[{i}]")
            for i, item in enumerate(_list(given["changes"], f"{at}.changes"))
        ),
    )


def readable(header: Json, commit: Json, voters: Sequence[Json]) -> dict[str, Any]:
    """A commit as it may stand in a certificate: votes that only the engine takes count as absent,
    so that one member cannot spoil every receipt with a signature that no checker reads.
    """
    block, given = read_header(header), _commit(commit, "$.commit")
    seats = _voters(list(voters), "$.voters")
    votes = [
        told if vote is not None and quorum.vote_holds(block, given, voter, vote) else None
        for told, vote, voter in zip(commit["votes"], given.votes, seats, strict=True)
    ]
    return {**commit, "votes": votes}


def founders(genesis: Json) -> tuple[Voter, ...]:
    """The first member set, by the genesis of the record."""
    return tuple(
        Voter(_hex(seat["engine"], "$.seats"), _whole(seat["power"], "$.seats"))
        for seat in _list(genesis["seats"], "$.seats")
    )


def _change(value: Any, at: str) -> Change:
    given = _object(value, at, "header", "commit", "voters")
    return Change(
        read_header(given["header"], at), _commit(given["commit"], at), _voters(given["voters"], at)
    )


def read_header(value: Any, at: str = "$") -> Header:
    """Errors   Refused ledger.certificate_malformed."""
    given = _object(
        value, at, "block_version", "app_version", "chain", "height", "time", "last_block", *HASHES
    )
    if type(given["chain"]) is not str:
        raise _malformed(f"{at}.chain")
    return Header(
        block_version=_whole(given["block_version"], at),
        app_version=_whole(given["app_version"], at),
        chain=given["chain"],
        height=_whole(given["height"], at),
        time=_time(given["time"], at),
        last_block=_block(given["last_block"], at),
        **{name: _hex(given[name], f"{at}.{name}") for name in HASHES},
    )


def _commit(value: Any, at: str) -> Commit:
    given = _object(value, at, "round", "block", "votes")
    votes = _list(given["votes"], f"{at}.votes")
    block = _block(given["block"], at)
    return Commit(_whole(given["round"], at), block, tuple(_vote(vote, at) for vote in votes))


def _vote(value: Any, at: str) -> Vote | None:
    if value is None:
        return None
    given = _object(value, f"{at}.votes", "time", "sig")
    return Vote(_time(given["time"], at), _hex(given["sig"], f"{at}.sig"))


def _voters(value: Any, at: str) -> tuple[Voter, ...]:
    found = []
    for item in _list(value, at):
        given = _object(item, at, "key", "power")
        found.append(Voter(_hex(given["key"], at), _whole(given["power"], at)))
    return tuple(found)


def _block(value: Any, at: str) -> BlockId:
    given = _object(value, f"{at}.block", "hash", "parts", "parts_hash")
    parts = _whole(given["parts"], at)
    return BlockId(_hex(given["hash"], at), parts, _hex(given["parts_hash"], at))


def _time(value: Any, at: str) -> Instant:
    if not isinstance(value, list) or len(value) != 2:
        raise _malformed(f"{at}.time")
    nanos = _whole(value[1], f"{at}.time")
    if nanos >= 10**9:
        raise _malformed(f"{at}.time")
    return Instant(_whole(value[0], f"{at}.time"), nanos)


def _object(value: Any, at: str, *names: str) -> Json:
    if not isinstance(value, dict) or set(value) != set(names):
        raise _malformed(at)
    return value


def _list(value: Any, at: str) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > MOST:
        raise _malformed(at)
    return value


def _whole(value: Any, at: str) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise _malformed(at)
    return value


def _hex(value: Any, at: str) -> bytes:
    if type(value) is not str or len(value) > 200:
        raise _malformed(at)
    try:
        data = bytes.fromhex(value)
    except ValueError:
        raise _malformed(at) from None
    if data.hex() != value:
        raise _malformed(at)
    return data


def _malformed(at: str) -> Refused:
    return Refused(Refusal("ledger.certificate_malformed", {"at": at}))
