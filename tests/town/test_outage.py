"""An outage among six: the lists are sealed for who decides, and it pays as it does solo."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from miaopei.measures.instant import beijing_text, from_beijing
from miaopei.node import gateway
from miaopei.node.gateway import Row
from miaopei.node.node import Node
from miaopei.node.vault.sealing import reader_of
from miaopei.policies.row import PolicyRow, Transaction
from miaopei.products.planned_outage import PRODUCT
from tests.support.grid import COMMAND, METERS, back, plan, token
from tests.support.town import Dice, identity

from .court import Court
from .disk import Disk
from .founding import DECIDERS, GATEWAYS, batch, listed, put_payees

BOOK = "outage"
PUBLISHED, OFF, ON = "2024-06-01 09:00:00", "2024-06-02 08:00:00", "2024-06-02 18:00:00"
LATE = "2024-06-02 19:30:00"  # ninety minutes: two started hours at 50 yuan
DUE = 10_000  # fen, as in tests/unit/node/test_outages.py::test_four_customers_one_payout


@dataclass
class Grid:
    """A gateway's node and disk, as tests/support/grid seals lists by them."""

    node: Node
    store: Disk
    seals_for: str = BOOK


def insured(customers: str) -> list[PolicyRow]:
    """A policy a customer, for the year."""
    random = Dice("outage rows")
    since, until = from_beijing("2024-01-01"), from_beijing("2025-01-01")
    return [
        PolicyRow(
            book=BOOK, policy=random(16).hex(), transaction=Transaction.ISSUE, number=1,
            since=since, until=until, year_from=since, premium_fen=1_000_000,
            salt=random(32).hex(), subject=token(customer),
            declared={"deductible": 0, "occurrence_limit": 10_000_000},
        )
        for customer in customers
    ]  # fmt: skip


def a_line(court: Court, rows: list[PolicyRow]) -> None:
    """The grid's systems are known, the cover is listed by all that it binds, and is in force."""
    keys = [
        {"key": identity(g).acts.public_key().public_bytes_raw().hex(), "since": 0, "until": None}
        for g in GATEWAYS
    ]
    for source in (COMMAND, METERS):
        entry = {"id": source, "operator": f"{source}.centre", "name": {"zh": source, "en": source},
                 "kinds": ["outage", "restoration"][source == METERS :], "counted": True,
                 "keys": keys, "box": None}  # fmt: skip
        assert court.say("cloud", "register_source", entry, source) == []
    assert court.say("cloud", "file_product", {"product": PRODUCT.as_json()}) == []
    said = [court.say(who, "list_product", listed(BOOK, PRODUCT), f"list {who}")
            for who in ("cloud", "agent", *DECIDERS)]  # fmt: skip
    assert said == [*[["act.waits_for"]] * 4, []]
    for payer in ("insurer", "agent"):
        put_payees(court.by[payer], {f"policy/{r.policy}": f"P-{r.policy[:12]}" for r in rows})
    insurer = court.by["insurer"]
    assert court._submit(insurer, batch(insurer, BOOK, rows=rows)) == []
    court.pass_by(60)
    assert court.table("book")[BOOK]["size"] == len(rows)


def tell(court: Court, row: Row) -> None:
    cloud = court.by["cloud"]
    assert court._submit(cloud, *gateway.acts_of(cloud.node, [row], court.world.clock)) == []


def until(court: Court, at: str) -> None:
    court.pass_by(from_beijing(at) - court.world.clock)


def blobs(court: Court) -> list[tuple[str, str]]:
    """Digest and media of all that a member that decides nothing has fetched."""
    tables = court.by["utility"].disk._tables.rows
    return [(str(name), str(media)) for name, media in tables["media"].items()]


def opens(court: Court, member: str, lists: list[str]) -> bool:
    """Whether a member has a key to these lists."""
    box = reader_of(court.by[member].node.identity.box)
    with court.by[member].disk.reading() as reading:
        return all(reading.wrapped(blob, box) is not None for blob in lists)


@pytest.mark.parametrize("late", [False, True])
def test_six_members_pay_an_outage_as_one_does(late: bool) -> None:
    """In scope and insured (a, c), in scope and not (b), insured and out of scope (d), and one
    whose power was back in time (c): a alone is paid, to the fen that one member pays. Where the
    lists come late, whoever decides waits for them and raises no alarm.
    """
    court = Court()
    rows = insured("acd")
    a_line(court, rows)
    until(court, "2024-06-01 09:00:00")
    grid = Grid(court.by["cloud"].node, court.by["cloud"].disk)
    tell(court, plan(grid, "abc", published=PUBLISHED, off=OFF, on=ON))  # type: ignore[arg-type]
    until(court, "2024-06-02 19:31:00")
    times = {"a": LATE, "b": LATE, "c": ON}
    court.checkers.told = {BOOK: {rows[0].policy: DUE}}
    fetches = {member: member.fetcher.run for member in court.by.values()}
    for member in fetches if late else ():
        member.fetcher.run = lambda: 0  # type: ignore[method-assign]
    for source in (COMMAND, METERS):
        tell(court, back(grid, times, source=source, off=OFF))  # type: ignore[arg-type]
    court.pass_by(60)
    if late:
        assert court.case(BOOK)["state"] == "deciding"
        assert [alarm for member in fetches for alarm in member.alarms] == []
        for member, run in fetches.items():
            member.fetcher.run = run  # type: ignore[method-assign]
        court.pass_by(60)
    case = court.case(BOOK)
    assert case["state"] == "settled", beijing_text(court.world.clock)
    (settled,) = court.made("settlement")
    assert settled["totals"]["pay_fen"] == DUE
    assert len(settled["deciders"]) >= 2
    lists = [blob for blob, media in blobs(court) if media == "miaopei/list/1"]
    assert len(lists) == 3
    assert {name: opens(court, name, lists) for name in court.by} == {
        "utility": False, "insurer": True, "agent": True, "regulator": True, "cloud": True,
        "notary": True,
    }  # fmt: skip
    told = court.go()
    assert (told.settlements, told.paid) == (1, 1)
    assert list(court.checkers.paid.values()) == [DUE]
