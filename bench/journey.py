"""The first journey: how long from a fact to a written order, and what each step costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from miaopei.measures.instant import DAY, from_beijing
from miaopei.node.effects.decider import Decider
from miaopei.node.gateway import record
from miaopei.products.yunnan_dali import PRODUCT
from miaopei.terms import exact

from .world import node_on_postgres, put_book, quake

POLICIES, QUAKES, ACTS = 1000, 20, 5000
ROOT = Path(__file__).parents[1]


def row(
    key: str, work: str, value: float, unit: str, aim: str = "", met: bool | None = None
) -> dict[str, Any]:
    """One measurement."""
    return {"id": key, "work": work, "value": value, "unit": unit, "aim": aim, "met": met}


def run() -> Iterator[dict[str, Any]]:
    """All measurements of the journey, one after another."""
    yield from fact_to_order()
    yield from acts_applied()
    yield from one_decision()
    yield from audit_log()
    yield from demo_and_verify()


def fact_to_order() -> Iterator[dict[str, Any]]:
    """Fact accepted to payment orders durably written, for a book of 1,000 policies."""
    taken = []
    with node_on_postgres(clock="replay") as (node, payer):
        put_book(node, POLICIES)
        decider = Decider(node)
        for number in range(QUAKES + 1):
            at = from_beijing("2015-09-01") + number * 400 * DAY
            node.pass_time(at + 600)
            started = time.perf_counter()
            record(node, [quake(at)], at + 600)
            decider.run()
            payer.prepare()
            taken.append(time.perf_counter() - started)
            payer.run()
    taken = sorted(taken[1:])
    for name, share in (("p50", 50), ("p95", 95), ("p99", 99)):
        value = statistics.quantiles(taken, n=100, method="inclusive")[share - 1]
        aim, met = ("<= 0.3 s", value <= 0.3) if name == "p95" else ("", None)
        what = f"fact accepted to orders written, {POLICIES:,} policies, {name}"
        yield row(f"J1.{name}", what, value, "s", aim, met)


def acts_applied() -> Iterator[dict[str, Any]]:
    """Acts applied a second, one a block and 500 a block, fsync on."""
    with node_on_postgres(clock="live") as (node, _):

        def act(number: int) -> Any:
            body = {
                "id": f"m{number}", "name": {"zh": "某", "en": "x"}, "operator": "x",
                "roles": ["carrier"], "keys": [],
            }  # fmt: skip
            return node.act("admit_member", f"m{number}", body)

        single, many = [act(i) for i in range(500)], [act(500 + i) for i in range(ACTS)]
        one = _seconds(lambda: [node.submit([each]) for each in single])
        batch = _seconds(lambda: [node.submit(many[i : i + 500]) for i in range(0, ACTS, 500)])
    yield row("J2.single", "acts applied, one a block, fsync", len(single) / one, "acts/s")
    rate = len(many) / batch
    yield row(
        "J2.batch", "acts applied, 500 a block, fsync", rate, "acts/s", ">= 2,000", rate >= 2000
    )


def one_decision() -> Iterator[dict[str, Any]]:
    """One exact decision with trace, beside a plain function over ints in the same run."""
    terms, seen = PRODUCT.versions[0].terms, {"magnitude": 51, "role": 1}

    def plain(magnitude: int, role: int, spent: int) -> int:
        edges = ((70, 42_000), (65, 20_000), (60, 10_000), (55, 5_000), (50, 2_800))
        limit = next((fen * 1_000_000 for edge, fen in edges if magnitude >= edge), 0)
        return min(limit if role == 1 else 0, 42_000_000_000 - spent)

    rounds = 20_000

    def exactly() -> None:
        for _ in range(rounds):
            exact.settle(terms, "house", seen, {}, {"house": 0})

    def plainly() -> None:
        for _ in range(rounds):
            plain(51, 1, 0)

    ours, bare = _seconds(exactly), _seconds(plainly)
    micro = ours / rounds * 1e6
    yield row("J3", "one decision with trace, house cover", micro, "us", "<= 20", micro <= 20)
    yield row("J3.plain", "the same by a plain function, no trace", bare / rounds * 1e6, "us")
    yield row("J3.ratio", "decision with trace to plain function", ours / bare, "x")


def audit_log() -> Iterator[dict[str, Any]]:
    """Entries audited a second by code that shares only the hash function with the writer."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from miaopei.adapters.tile_files import reader, write
    from miaopei.ledger.audit import examine
    from miaopei.ledger.checkpoint import sign, verifier_key
    from miaopei.ledger.merkle import Frontier, leaf_hash

    entries = [b'{"leaf":"act","number":%d,"pad":"%s"}' % (i, b"x" * 900) for i in range(100_000)]
    key, frontier = Ed25519PrivateKey.generate(), Frontier().extend(map(leaf_hash, entries))

    signed = sign("example.org/bench", len(entries), frontier.root(), key)
    source = SimpleNamespace(
        size=len(entries), checkpoint=signed, entries=lambda start, end: iter(entries[start:end])
    )
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), source)
        vkey = verifier_key("example.org/bench", key)
        seconds = _seconds(lambda: examine(reader(Path(folder)), vkey))
    rate = len(entries) / seconds
    yield row("J5", "entries of 1 KB audited", rate, "entries/s", ">= 50,000", rate >= 50_000)


def demo_and_verify() -> Iterator[dict[str, Any]]:
    """The whole demonstration, then `verify` of one of its receipts with interpreter start."""
    cli = str(Path(sys.executable).parent / "miaopei")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        data.chmod(0o755)
        command = [cli, "demo", "--once", "--data", str(data / "demo")]
        whole = _seconds(lambda: subprocess.run(command, check=True, capture_output=True))
        receipts = sorted((data / "demo").rglob("receipts/*.json"))
        key = next((data / "demo").rglob("log.vkey")).read_text("utf-8").strip()
        check = [cli, "verify", str(receipts[0]), "--key", key]
        best = statistics.median(
            _seconds(lambda: subprocess.run(check, check=True, capture_output=True))
            for _ in range(7)
        )
    yield row("J4", "verify of one receipt, with start", best, "s", "< 0.3 s", best < 0.3)
    yield row("J6", "demo --once, environment ready", whole, "s", "< 60 s", whole < 60)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
