"""A made-up exchange for measuring: one operator, one product, n policies, quakes on request."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h3

from miaopei.accounts.rail import Outcome, OutcomeState
from miaopei.adapters.keys import load_or_make
from miaopei.adapters.persons import master_key
from miaopei.adapters.postgres.schema import migrate
from miaopei.adapters.postgres.starter import LocalPostgres
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.errors import OutsideFault
from miaopei.evidence.observation import Observation
from miaopei.market.examples import DALI_CARRIERS, DALI_CO_INSURANCE
from miaopei.market.listing import Listing, Overpaid
from miaopei.measures.identity import canonical
from miaopei.measures.instant import beijing_text, from_beijing
from miaopei.node.effects.decider import Decider
from miaopei.node.effects.payer import Payer
from miaopei.node.gateway import Row
from miaopei.node.node import Node, genesis_value
from miaopei.node.vault.blobs import seal_blob
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.products.yunnan_dali import PRODUCT

AREAS = Path(__file__).parents[1] / "miaopei" / "data" / "areas"


class InstantRail:
    """A bank that has paid before it is asked: what is measured ends where orders are written."""

    def pay(self, instructions):
        return [Outcome(i.id, OutcomeState.EXECUTED, i.amount_fen, "ref", 0) for i in instructions]

    def ask(self, ids):
        raise OutsideFault(f"this bank is never asked: {len(ids)}", retry=False)


@contextmanager
def node_on_postgres(
    *, clock: str, kept: Path | None = None, now: Callable[[], float] | None = None
) -> Iterator[tuple[Node, Payer]]:
    """A node over a fresh server of our own, taken away at the end; or one `kept` in a folder.

    Its clock stands still in 2015, or says what `now` does.
    """
    with tempfile.TemporaryDirectory() as fresh:
        folder = kept or Path(fresh)
        begun = (folder / "keys.json").exists()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        server = LocalPostgres(folder / "pg")
        address = server.start()
        migrate(address)
        store = PostgresStore(address, master_key.vault(folder))
        try:
            identity = load_or_make(folder / "keys.json", "miaopei")
            still = float(from_beijing("2015-01-01"))
            told = now or (lambda: still)
            node = Node(store, identity, lambda: int(told()), os.urandom)
            name = {"zh": "测速", "en": "bench"}
            if not begun:
                node.found(
                    genesis_value(
                        "bench",
                        identity,
                        clock=clock,
                        time=int(told()),
                        origin="example.org/bench",
                        member_name=name,
                    )
                )
            yield node, Payer(node, InstantRail())
        finally:
            store.close()
            (server.stop if kept else server.remove)()


def put_book(node: Node, policies: int) -> None:
    """Sources, areas, product, listing and a book of `policies` policies in force."""
    import json

    key = node.identity.acts.public_key().public_bytes_raw().hex()
    for carrier in DALI_CARRIERS:
        node.accept("admit_member", carrier.id, member(carrier.id, carrier.zh, carrier.en))
    for name in ("cenc.rapid", "cenc.catalogue"):
        node.accept("register_source", name, source(name, key))
    for file in sorted(AREAS.glob("53*.json")):
        node.accept("file_area", file.stem, json.loads(file.read_text("utf-8")))
    node.accept("file_product", "product", {"product": PRODUCT.as_json()})
    listing = Listing(
        "dali", PRODUCT.id, "dali", DALI_CO_INSURANCE, node.identity.member, None,
        (node.identity.member,), 1, Overpaid.KEPT, None, solo=True,
    )  # fmt: skip
    body = {"listing": listing.as_json(), "product": PRODUCT.hash, "arrears": False}
    node.accept("list_product", "listing", body)
    since, until = from_beijing("2015-08-20"), from_beijing("2055-08-20")
    rows = [
        PolicyRow("dali", os.urandom(16).hex(), Transaction.ISSUE, 0, since, until, since, 0,
                  os.urandom(32).hex())
        for _ in range(policies)
    ]  # fmt: skip
    commitments = [row.commitment() for row in rows]
    with node.store.writing() as block:
        sealed = seal_blob(
            block, node, [canonical(r.as_json()) for r in rows], commitments, "miaopei/rows/1"
        )
        joined = b"".join(commitments)
        blob = block.put_blob(joined, "miaopei/commitments/1")
        for row in rows:
            block.put_payee(f"policy/{row.policy}", {"account": "x", "name": "x"})
        for carrier in DALI_CARRIERS:
            block.put_payee(f"carrier/{carrier.id}", {"account": "y", "name": "y"})
    public = {**sealed, "blob": blob, "length": len(joined), "media": "miaopei/commitments/1"}
    totals = {"premium_fen": 0, "carriers": []}
    body = {"book": "dali", "rows": sealed, "commitments": public, "totals": totals}
    node.accept("admit_batch", "batch", body)
    Decider(node).run()


def quake(
    at: int, magnitude: str = "5.1", where: tuple[int, int] = (25_890_000, 99_800_000)
) -> Row:
    """An official rapid report of a quake inside the insured prefecture."""
    lat, lon = where
    values = {
        "origin": at,
        "lat_udeg": lat,
        "lon_udeg": lon,
        "depth_m": 10_000,
        "magnitude_raw": magnitude,
        "magnitude_tenths": int(magnitude.replace(".", "")),
        "magnitude_type": "M",
        "place": "云南大理州漾濞县",
        "event_type": "earthquake",
        "cell": h3.latlng_to_cell(lat / 1e6, lon / 1e6, 8),
        "published_at": None,
    }
    text = f"{beijing_text(at)} {values['place']}"
    data = f"{text},{magnitude}".encode()
    observation = Observation("shock", "cenc.rapid", text, 0, "automatic", values)
    return Row(observation, data, "text/csv", hashlib.sha256(data).hexdigest(), "line 1")


def member(name: str, zh: str = "某", en: str = "x") -> dict:
    """A carrier's entry."""
    return {
        "id": name, "name": {"zh": zh, "en": en}, "operator": name,
        "roles": ["carrier"], "keys": [],
    }  # fmt: skip


def source(name: str, key: str) -> dict:
    """A source's entry, signed with our own key."""
    return {
        "id": name, "operator": "CENC", "name": {"zh": name, "en": name}, "kinds": ["shock"],
        "counted": True, "keys": [{"key": key, "since": 0, "until": None}], "box": None,
    }  # fmt: skip
