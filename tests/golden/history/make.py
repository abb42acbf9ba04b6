"""Writes the recorded history of a rule set. Run once for a rule set, never for one published:

    .venv/bin/python -m tests.golden.history.make tests/golden/history/rules-1.jsonl.gz

Every kind of act of that time is in it at least once. Keys are random and thrown away. Those of
rule sets 2 to 6 are `tests.support.histories.make(38, 90)`, as it was when the next came; of 5 and
6 a second is `tests.support.seating.lived()`, after it a vote that was short until a seat was lost,
of 6 with the word said again that ends it.
"""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import h3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei.adapters.memory_store import MemoryStore
from miaopei.cli.demo.history import arrivals, shipped_readings
from miaopei.evidence.observation import Observation
from miaopei.market.allotment import allot
from miaopei.market.examples import REBUILT_TEN_TO_ONE, made_up_households
from miaopei.measures.identity import digest
from miaopei.measures.instant import from_beijing
from miaopei.node import scheme
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.orders import seal_list
from miaopei.node.effects.payer import Payer
from miaopei.node.gateway import Row, record
from miaopei.node.node import Node, genesis_value
from miaopei.node.ports import Identity
from miaopei.node.replay import replay
from miaopei.products.shelf import shelf
from tests.support.rails import PaperBank


def main(path: Path) -> None:
    """Replay the shipped history in memory and write the log's leaves, one a line."""
    identity = Identity(
        "miaopei", Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(),
        X25519PrivateKey.generate(),
    )  # fmt: skip
    node = Node(MemoryStore(), identity, lambda: 0, os.urandom)
    start = from_beijing("2015-01-01")
    name = {"zh": "历史", "en": "history"}
    node.found(
        genesis_value("rules-1", identity, clock="replay", time=start,
                      origin="miaopei.example/rules-1", member_name=name)
    )  # fmt: skip
    paper = SimpleNamespace(open_accounts=list)  # a bank that takes note of nothing
    scheme.apply(node, scheme.load("yunnan"), shelf(), paper)
    decider, payer = Decider(node), Payer(node, PaperBank())

    def work() -> None:
        decider.run()
        payer.run()

    rows = [a for a in arrivals(shipped_readings()) if _large(a.row.observation)]
    for _ in replay(node, rows, from_beijing("2022-01-01"), work):
        pass
    _hand_on(node)
    work()
    _ask_a_person(node)
    work()
    with node.reading() as (reading, _):
        lines = b"\n".join(reading.leaves(0, reading.head().size)) + b"\n"
    path.write_bytes(gzip.compress(lines, mtime=0))


def _large(observation) -> bool:
    return observation.kind != "shock" or observation.values["magnitude_tenths"] >= 48


def _hand_on(node: Node) -> None:
    """The Tonghai payout goes to its printed number of households, made up one by one."""
    with node.reading() as (reading, state):
        settled = [s for _, s in state.range("settlement", "")]
        wanted = next(s for s in settled if s["settlement"]["totals"]["pay_fen"] == 1_600_000_000)
        settlement = state.need("settled", f"{wanted['settlement']['book']}/{1:012d}")
        policy = reading.claims(wanted["settlement"]["trigger"])[0]["policy"]
    listed = allot(1_600_000_000, made_up_households("tonghai", 6_425, 2_383), REBUILT_TEN_TO_ONE)
    with node.store.writing() as block:
        lines = seal_list(block, node, listed)
        for line in listed.lines:
            payee = {"account": f"H{line.number:06d}", "name": "made up"}
            block.put_payee(f"household/{line.token}", payee)
        block.put_payee(f"policy/{policy}", {"account": "P", "name": "made up"})
    body = {
        "settlement": settlement, "policy": policy, "holder": _holder(node),
        "total_fen": listed.payout_fen, "rule": listed.rule.as_json(), "lines": lines,
    }  # fmt: skip
    node.accept("allot", "tonghai", body)


def _ask_a_person(node: Node) -> None:
    """An invented shock: its name says Dali, its position does not, a person decides."""
    at = from_beijing("2022-01-05 08:00:00")
    lat, lon = 25_120_000, 99_970_000
    values = {
        "origin": at, "lat_udeg": lat, "lon_udeg": lon, "depth_m": None, "magnitude_raw": "5.2",
        "magnitude_tenths": 52, "magnitude_type": "M", "place": "云南大理州巍山县",
        "event_type": "earthquake", "cell": h3.latlng_to_cell(lat / 1e6, lon / 1e6, 8),
        "published_at": None,
    }  # fmt: skip
    observation = Observation("shock", "cenc.rapid", "made up", 0, "automatic", values)
    row = Row(observation, b"made up", "text/plain", digest(b"made up"), "line 1")
    node.pass_time(at + 600)
    record(node, [row], at + 600)
    with node.reading() as (_, state):
        held = [c for _, c in state.range("case", "") if c["state"] == "held_person"]
    body = {
        "listing": held[0]["listing"], "occurrence": held[0]["occurrence"], "input": "role",
        "value": 1, "reason": "made up for this history", "person": "made up",
    }  # fmt: skip
    node.accept("resolve", "a person", body)


def _holder(node: Node) -> str:
    with node.reading() as (_, state):
        members = [(m, v) for m, v in state.range("member", "") if "policyholder" in v["roles"]]
    return next(m for m, v in members if "玉溪" in v["name"]["zh"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
