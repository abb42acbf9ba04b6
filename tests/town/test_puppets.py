"""One member's keys alone: no insurer pays by them, and no policyholder goes unpaid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from miaopei.acts.envelope import Act, sign
from miaopei.errors import DebtAlarm
from miaopei.ledger.merkle import Frontier, leaf_hash
from miaopei.market.listing import Listing, Overpaid
from miaopei.measures.identity import canonical
from miaopei.measures.instant import beijing_text
from miaopei.measures.money import wan
from miaopei.node import gateway
from miaopei.node.effects.orders import rows_for
from miaopei.node.vault.blobs import seal_blob
from miaopei.node.vault.erasing import Eraser, pending
from tests.support.facts import DALI_CITY, quake
from tests.support.town import ONE_CARRIER, identity

from .court import Court
from .founding import products, rows_of

PUPPETS = ("px", "py", "pz")


def as_puppet(court: Court, puppet: str, kind: str, body: dict[str, Any]) -> list[str]:
    """An act of a member that the cloud has made, through the cloud's engine."""
    cloud = court.by["cloud"]
    chain = cloud.node.chain
    keys, end = identity(puppet).acts, cloud.end()
    act: Act = sign(keys, chain, kind, puppet, f"{kind} {puppet}", body, end)
    return court._submit(cloud, act)


def test_members_of_an_operators_own_making_list_nothing_that_an_insurer_pays() -> None:
    """The cloud admits three, lists what they decide and the insurer pays, and brings a policy that
    the insurer has an account for.
    """
    court = Court()
    cloud = court.by["cloud"]
    for name in PUPPETS:
        key = {"key": identity(name).acts.public_key().public_bytes_raw().hex(), "since": 0}
        body = {"id": name, "name": {"zh": name, "en": name}, "operator": f"{name} Ltd",
                "roles": ["decider"], "keys": [{**key, "until": None}]}  # fmt: skip
        assert court.say("cloud", "admit_member", body, f"a {name}") == []
    product = products()["hills"]
    listing = Listing(
        id="evil", product=product.id, book="evil", placement=ONE_CARRIER, payer="insurer",
        standby_payer=None, deciders=PUPPETS, k=2, kept_or_receivable=Overpaid.KEPT,
        occurrence_cap_fen=None, solo=False,
    )  # fmt: skip
    body = {"listing": listing.as_json(), "product": product.hash, "arrears": False}
    assert court.say("cloud", "list_product", body) == ["act.waits_for"]
    for name in PUPPETS:
        assert as_puppet(court, name, "list_product", body) == ["act.waits_for"]
    row = replace(rows_of("two")[0], declared={}, book="evil", salt="ab" * 32)
    marks = [row.commitment()]
    with cloud.disk.writing() as block:
        sealed = seal_blob(
            block, cloud.node, [canonical(row.as_json())], marks, "miaopei/rows/1", "hills"
        )
        plain = block.put_blob(b"".join(marks), "miaopei/commitments/1")
    public = {"blob": plain, "length": 32, "count": 1, "root": sealed["root"],
              "media": "miaopei/commitments/1"}  # fmt: skip
    brought = {"book": "evil", "rows": sealed, "commitments": public,
               "totals": {"premium_fen": 0, "carriers": []}}  # fmt: skip
    assert court.say("cloud", "admit_batch", brought) == ["act.book_not_known"]
    root = Frontier().extend(map(leaf_hash, marks)).root().hex()
    held = as_puppet(court, "px", "hold_batch", {"batch": "ab" * 32, "size": 1, "root": root})
    assert held == ["act.batch_not_known"]
    assert set(court.table("listing")) == {"hills", "two"}
    court.shake()
    court.go()
    settled = [one["settlement"]["listing"] for one in court.table("settlement").values()]
    assert settled == ["hills"]
    assert [paid["executed_fen"] for paid in court.table("payment").values()] == [3 * wan(300)]


def test_a_policyholder_whom_another_member_erases_is_paid_all_the_same() -> None:
    court = Court()
    insurer = court.by["insurer"]
    subject = f"policy/{rows_of('hills')[0].policy}"
    body = {"subject": subject, "kept_until": 0, "reason": "wish"}
    kept, later = {"subject": subject, "ground": "lawsuit"}, court.world.clock + 10**8
    assert court.say("cloud", "erase", body) == ["persons.no_holder"]
    assert court.say("agent", "erase", body) == []
    assert court.say("insurer", "retain", {**kept, "until": later}) == []
    assert court.say("insurer", "retain", {**kept, "until": 0}) == []
    assert Eraser(insurer.node).run() == 0
    for name in ("agent", "regulator"):
        assert Eraser(court.by[name].node).run() == 0, "standby and decider keep it as well"
    with insurer.node.reading() as (reading, state):
        (kept,) = pending(reading, state)
        assert (kept.code, kept.facts["person"]) == ("persons.retained", subject)
        assert reading.payee(subject) is not None
    court.shake()
    court.go()
    assert [paid["executed_fen"] for paid in court.table("payment").values()] == [3 * wan(300)]
    assert insurer.alarms == []


def test_a_debt_that_clashes_with_an_order_that_is_there_holds_up_no_other() -> None:
    """Two books settle; an order of the one is there already. The alarm is about that debt."""
    court = Court()
    insurer = court.by["insurer"]
    payer, insurer.payer = insurer.payer, None
    court.shake("6.1")
    cloud = court.by["cloud"]
    when = beijing_text(court.world.clock - 60)
    other = quake(when, "6.1", DALI_CITY, source="other.rapid")
    court._submit(cloud, *gateway.acts_of(cloud.node, [other], court.world.clock))

    court.pass_by(3_000)
    book = {debt: s["settlement"]["listing"] for debt, s in court.table("settlement").items()}
    (clashing,) = (debt for debt, listing in book.items() if listing == "hills")
    with insurer.disk.writing() as block:
        block.put_instructions("ab" * 32, rows_for(block, insurer.node, clashing)[:1])
    insurer.payer = payer
    court.pass_by(3_000)
    paid = {book[debt]: payment["executed_fen"] for debt, payment in court.table("payment").items()}
    assert set(paid) == {"hills", "two"}
    assert paid["hills"] == 0
    assert paid["two"] > 0
    assert {type(alarm) for alarm in insurer.alarms} == {DebtAlarm}
