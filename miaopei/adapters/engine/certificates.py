"""Certificates fetched from our own engine: two headers, the signatures, the sets of members.

The engine is asked, not believed: what it says is checked as a stranger would check it.
"""

from __future__ import annotations

import base64
from calendar import timegm
from time import strptime
from typing import Any

from ...errors import OutsideFault
from ...ledger.certificate import founders, from_json, readable
from ...ledger.quorum import check
from ...node.order.convening import Founding
from .rpc import EngineRpc

COMMITTED = 2  # the flag of a signature that is under the block
Json = dict[str, Any]


def certificate(engine: EngineRpc, height: int, first: int = 1) -> Json:
    """The certificate of the root that block `height` left behind; the engine began at `first`.

    Errors   OutsideFault (retry) where the engine has not got the next block yet.
    """
    left = engine.ask("header", height=str(height))["header"]
    signed = engine.ask("commit", height=str(height + 1))["signed_header"]
    if left is None or signed is None or signed["commit"] is None:
        raise OutsideFault(f"block {height} is not certified yet", retry=True)
    voters = engine.voters(height + 1)
    return {
        "left": header_json(left),
        **_signed(signed, voters),
        "voters": voters,
        "changes": _changes(engine, first, height + 1),
    }


def certified(engine: EngineRpc, height: int, founding: Founding) -> Json:
    """The certificate of the root after a block; the engine is asked, and not believed.

    Errors   as `certificate`; Refused where what it says does not hold.
    """
    first = founding.height + 1
    made = certificate(engine, max(height, first), first)
    check(from_json(made), founding.chain, founders(founding.file))
    return made


def _changes(engine: EngineRpc, first: int, upto: int) -> list[Json]:
    """Every change of the set from the first block on, found by halving: sets seldom change."""
    found: list[Json] = []
    at, voters = first, engine.voters(first)
    last = engine.voters(upto)
    while voters != last:
        low, high = at, upto  # the first height after `at` at which another set is in force
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if engine.voters(middle) == voters else (low, middle)
        signed = engine.ask("commit", height=str(high - 1))["signed_header"]
        made = _signed(signed, voters)
        at, voters = high, engine.voters(high)
        found.append({**made, "voters": voters})
    return found


def header_json(given: Json) -> Json:
    """A header that the engine tells, as a certificate has it."""
    return {
        "block_version": int(given["version"]["block"]),
        "app_version": int(given["version"].get("app", "0")),
        "chain": given["chain_id"],
        "height": int(given["height"]),
        "time": time_json(given["time"]),
        "last_block": _block(given["last_block_id"]),
        "last_commit": given["last_commit_hash"].lower(),
        "data": given["data_hash"].lower(),
        "validators": given["validators_hash"].lower(),
        "next_validators": given["next_validators_hash"].lower(),
        "consensus": given["consensus_hash"].lower(),
        "app": given["app_hash"].lower(),
        "results": given["last_results_hash"].lower(),
        "evidence": given["evidence_hash"].lower(),
        "proposer": given["proposer_address"].lower(),
    }


def _signed(given: Json, voters: list[Json]) -> Json:
    """A header and the votes for it that every checker reads; `voters` are who may vote on it."""
    header = header_json(given["header"])
    return {"header": header, "commit": readable(header, _commit(given["commit"]), voters)}


def _commit(given: Json) -> Json:
    votes = [
        {"time": time_json(vote["timestamp"]), "sig": _from_base64(vote["signature"])}
        if vote["block_id_flag"] == COMMITTED
        else None
        for vote in given["signatures"]
    ]
    return {"round": int(given["round"]), "block": _block(given["block_id"]), "votes": votes}


def _block(given: Json) -> Json:
    parts = given["parts"]
    return {
        "hash": given["hash"].lower(),
        "parts": int(parts["total"]),
        "parts_hash": parts["hash"].lower(),
    }


def time_json(text: str) -> list[int]:
    """Seconds and nanoseconds of an RFC 3339 text in UTC; Python's own times lose the last three
    digits, and a signature with them.
    """
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return [timegm(strptime(whole, "%Y-%m-%dT%H:%M:%S")), int((fraction + "0" * 9)[:9])]


def _from_base64(text: str) -> str:
    return base64.b64decode(text).hex()
