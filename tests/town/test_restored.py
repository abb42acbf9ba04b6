"""After a restore, what others named and is not here any more is damage of those alone whose work
rests on it, medium by medium; everybody else tells who named it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from miaopei.adapters.memory_store import MemoryBlock, MemoryStore
from miaopei.ledger.merkle import leaf_hash, root_of
from miaopei.market.examples import REBUILT_TEN_TO_ONE
from miaopei.measures.identity import canonical
from miaopei.measures.suites import public_hex
from miaopei.node.fetching.missing import LACKING, UPTO
from miaopei.node.proof.inspect import inspect
from miaopei.node.vault.blobs import seal_framed
from miaopei.node.vault.rowkeys import READER
from miaopei.node.vault.sealing import frame
from miaopei.wiring.lying import Less
from tests.support.grid import COMMAND, METERS, back, plan
from tests.support.town import CARRIERS
from tests.unit.cli.test_soundness import flipped

from . import founding
from .court import Court
from .founding import DECIDERS, rows_of
from .member import Member
from .test_outage import (
    BOOK,
    DUE,
    LATE,
    OFF,
    ON,
    PUBLISHED,
    Grid,
    a_line,
    blobs,
    insured,
    tell,
    until,
)

MADE_UP = "ab" * 32
Edit = Callable[[MemoryBlock], None]
UNFIT = "inspect.unfit_missing"


def lose(blob: str, *kept: str) -> Edit:
    """What lies here of a blob is gone: its bytes, its "keys", those of its "rows"; but what is
    kept.
    """

    def edit(block: MemoryBlock) -> None:
        if "bytes" not in kept and block.blob(blob) is not None:
            block._put("blob", blob, None)
            block._put("media", blob, None)
        for key, _ in list(block._between("wrap", (blob, ""), (blob, "~"))):
            if ("rows" if key[1] == READER else "keys") not in kept:
                block._put("wrap", key, None)

    return edit


def restored(member: Member, *edits: Edit) -> MemoryStore:
    """Its store as after a restore: what the fetcher has looked through is looked through anew."""
    store = MemoryStore()
    store._tables = member.disk._tables.copy()
    with store.writing() as block:
        for edit in (progress(UPTO, None), progress(LACKING, None), *edits):
            edit(block)
    return store


def put(table: str, key: str, value: dict[str, Any]) -> Edit:
    return lambda block: block.put(table, key, canonical(value))


def progress(name: str, value: bytes | None) -> Edit:
    return lambda block: block.put_progress(name, value)


def told(member: Member, store: MemoryStore, blob: str) -> set[str]:
    """The codes of all that is told of a blob."""
    with store.reading() as reading:
        found = inspect(reading, member.node)
        return {each.code for each in found if each.facts.get("blob") == blob}


@dataclass
class Case:
    """A blob, who rests on it, and who does not; what else is so of their stores."""

    court: Court
    blob: str
    rest: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()


def bring(court: Court, *, subject: str | None = None) -> str:
    """The rows of a batch that the cloud brings, one of them perhaps of a person."""
    rows, cloud = rows_of("hills", "x"), court.by["cloud"]
    rows[0] = replace(rows[0], subject=subject)
    act = founding.batch(cloud, "hills", "x", rows)
    assert court._submit(cloud, act) == []
    court.pass_by(600)
    return str(act.body["rows"]["blob"])


def waiting(*deciders: str) -> Court:
    """A town in which these hold no more batches."""
    court = Court()
    for name in deciders:
        court.by[name].decider.run = lambda: 0  # type: ignore[method-assign]
    return court


def paid(court: Court) -> tuple[str, dict[str, Any]]:
    """A debt that was paid, as the record has it."""
    court.shake()
    court.pass_by(3 * 7_200)
    ((debt, payment),) = court.table("payment").items()
    assert payment["executed_fen"] == payment["due_fen"] > 0
    return debt, payment


def paid_by(member: str, debt: str, payment: dict[str, Any]) -> Edit:
    """Another has taken over since."""
    return put("payment", debt, {**payment, "payer": member})


def made_up(media: str) -> dict[str, Any]:
    return {"blob": MADE_UP, "length": 1, "count": 1, "root": MADE_UP, "media": media}


# Who rests on what, medium by medium --------------------------------------------------------------


def rows_held() -> Case:
    """In force nowhere: one decider alone has said that it holds them."""
    court = waiting(*DECIDERS[1:])
    return Case(court, bring(court), DECIDERS[:1], (*DECIDERS[1:], "agent", "utility"))


def rows_in_force() -> Case:
    court = Court()
    blob = bring(court)
    # Whose keeper has opened nothing of it yet: the book is its own all the same.
    return Case(court, blob, (*DECIDERS, "agent"), ("utility",), (progress("rows/hills", None),))


def rows_opened_by_a_grant() -> Case:
    """The book's fourth row and two more."""
    court = Court()
    return Case(court, bring(court), ("utility",), (), (progress("rows/hills", b"4"),))


def rows_that_a_grant_has_not_opened_yet() -> Case:
    court = Court()
    return Case(court, bring(court), (), ("utility",), (progress("rows/hills", b"3"),))


def claims() -> Case:
    """Those of all deciders that were equal: one of them would do."""
    court = Court()
    paid(court)
    blobs = {said["claims"]["blob"] for said in court.table("decision").values()}
    edits = (*map(lose, blobs), progress("claims/hills", None))
    return Case(court, min(blobs), ("agent",), ("cloud", "utility"), edits)


def claims_opened_by_a_grant() -> Case:
    one = claims()
    return replace(
        one, rest=("utility",), others=(), edits=(*one.edits, progress("claims/hills", b"1"))
    )


def claims_that_a_grant_has_not_opened_yet() -> Case:
    one = claims()
    return replace(one, rest=(), edits=(*one.edits, progress("claims/hills", b"0")))


def claims_of_one_of_several() -> Case:
    court = Court()
    paid(court)
    (said,) = (w for key, w in court.table("decision").items() if key.endswith("/notary"))
    return Case(court, said["claims"]["blob"], (), ("agent", "insurer", "regulator", "utility"))


def claims_that_differ() -> Case:
    """Of a decider that was not equal, where those of the equal ones are lost as well."""
    court = Court()
    court.by["notary"].reads = court.by["notary"].decider.reads = Less(1)
    paid(court)
    of = {key.rpartition("/")[2]: said for key, said in court.table("decision").items()}
    lost = [lose(said["claims"]["blob"]) for said in of.values()]
    return Case(court, of["notary"]["claims"]["blob"], (), ("agent", "utility"), (*lost,))


def outcomes() -> Case:
    """Of a payer, in whose place another pays on."""
    court = Court()
    debt, payment = paid(court)
    (note,) = court.table("paid").values()
    own = (paid_by("agent", debt, payment),)
    return Case(court, note["outcomes"]["blob"], ("agent",), ("regulator", "utility"), own)


def closed() -> Case:
    """Of the bank's, in whose place nobody comes: as if it had refused an order of a debt."""
    court = Court()
    debt, payment = paid(court)
    ((key, note),) = court.table("paid").items()
    for member in court.by.values():
        with member.disk.writing() as block:
            put("paid", key, {**note, "refused": 1})(block)
    bank = public_hex(court.by["insurer"].node.identity.acts)
    body = {"debt": debt, "key": bank, "closed": made_up("miaopei/closed/1")}
    assert court.say("insurer", "close_ids", body) == []
    edits = (paid_by("agent", debt, payment),)
    return Case(court, MADE_UP, ("agent",), ("regulator", "utility"), edits)


def uses() -> Case:
    court = Court()
    body = {"first": 1, "uses": made_up("miaopei/uses/1"),
            "purposes": [{"purpose": "claims", "uses": 1}]}  # fmt: skip
    assert court.say("insurer", "log_uses", body) == []
    court.pass_by(600)
    return Case(court, MADE_UP, (), ("agent", "regulator", "utility"))


def lines_ordered() -> Case:
    """A list of which an order was made."""
    court, debt = handed_on()
    return Case(court, MADE_UP, ("insurer",), ("agent",), (progress(f"pay/{debt}", b"1"),))


def lines_not_ordered() -> Case:
    court, _ = handed_on()
    return Case(court, MADE_UP, (), ("insurer", "agent"))


def handed_on(by: str = "cloud", **lines: Any) -> tuple[Court, str]:
    """A payout that the cloud, or another, hands on to a list that is none; the debt."""
    court = Court()
    settlement, payment = paid(court)
    body = {
        "settlement": settlement, "policy": "p", "holder": CARRIERS[0],
        "total_fen": payment["due_fen"], "rule": REBUILT_TEN_TO_ONE.as_json(),
        "lines": {**made_up("miaopei/lines/1"), **lines},
    }  # fmt: skip
    assert court.say(by, "allot", body) == []
    court.pass_by(600)
    (debt,) = (debt for debt in court.table("payment") if debt != settlement)
    return court, debt


def outage(*, settled: bool) -> Case:
    """The list of an outage's plan."""
    court, rows = Court(), insured("acd")
    a_line(court, rows)
    court.checkers.told = {BOOK: {rows[0].policy: DUE}}
    until(court, PUBLISHED)
    grid: Any = Grid(court.by["cloud"].node, court.by["cloud"].disk)
    tell(court, plan(grid, "abc", published=PUBLISHED, off=OFF, on=ON))
    court.pass_by(600)
    (blob,) = (name for name, media in blobs(court) if media == "miaopei/list/1")
    if settled:
        until(court, "2024-06-02 19:31:00")
        for source in (COMMAND, METERS):
            tell(court, back(grid, {"a": LATE, "b": LATE, "c": ON}, source=source, off=OFF))
        court.pass_by(600)
        assert court.case(BOOK)["state"] == "settled"
    readers = (*DECIDERS, "agent")
    return Case(court, blob, readers if settled else (), ("utility", *(() if settled else readers)))


CASES: dict[str, Callable[[], Case]] = {
    "rows held": rows_held,
    "rows in force": rows_in_force,
    "rows opened by a grant": rows_opened_by_a_grant,
    "rows that a grant has not opened yet": rows_that_a_grant_has_not_opened_yet,
    "claims": claims,
    "claims opened by a grant": claims_opened_by_a_grant,
    "claims that a grant has not opened yet": claims_that_a_grant_has_not_opened_yet,
    "claims of one of several": claims_of_one_of_several,
    "claims that differ": claims_that_differ,
    "outcomes": outcomes,
    "closed": closed,
    "uses": uses,
    "lines ordered": lines_ordered,
    "lines not ordered": lines_not_ordered,
    "a list settled on": partial(outage, settled=True),
    "a list of a plan": partial(outage, settled=False),
}


@pytest.mark.parametrize("what", CASES)
def test_what_another_named_is_damage_of_those_alone_whose_work_rests_on_it(what: str) -> None:
    one = CASES[what]()
    edits = (lose(one.blob), *one.edits)
    for name in (*one.rest, *one.others):
        member = one.court.by[name]
        codes = told(member, restored(member, *edits), one.blob)
        assert codes == ({"inspect.blob_missing"} if name in one.rest else {UNFIT}), name


@pytest.mark.parametrize("ordered", [True, False])
def test_orders_of_a_list_that_nobody_can_check_are_damage_once_one_was_made(ordered: bool) -> None:
    court, debt = handed_on()
    insurer = court.by["insurer"]
    store = restored(insurer, *([progress(f"pay/{debt}", b"1")] if ordered else []))
    with store.reading() as reading:
        codes = {f.code for f in inspect(reading, insurer.node) if f.facts.get("debt") == debt}
    assert codes == {"inspect.orders_unreadable" if ordered else "inspect.unfit_list"}


def test_another_length_of_what_is_here_is_a_wrong_word_also_where_something_rests_on_it() -> None:
    blob = min(Court().table("batch").values(), key=str)["commitments"]["blob"]
    court, debt = handed_on(blob=blob)
    insurer = court.by["insurer"]
    ordered = restored(insurer, progress(f"pay/{debt}", b"1"))
    assert told(insurer, ordered, blob) == {"inspect.unfit_length"}


# Keys, and what they do not open ------------------------------------------------------------------


def test_of_rows_that_are_ours_and_have_no_key_for_us_any_more_it_is_damage() -> None:
    """Also while our key changes: the record names the next, and its file holds the one before."""
    one = rows_in_force()
    nobody = one.court.by["utility"]
    keys = lose(one.blob, "bytes")
    assert told(nobody, restored(nobody, keys), one.blob) == set()
    agent = one.court.by["agent"]
    seat = {**one.court.table("seat")["agent"], "box": "cd" * 32}
    rotated = put("seat", "agent", seat)
    for edits in ((keys,), (keys, rotated)):
        assert told(agent, restored(agent, *edits), one.blob) == {"inspect.blob_sealed"}


def test_the_key_of_what_we_named_ourselves_is_ours_to_keep() -> None:
    court = Court()
    paid(court)
    (said,) = (w for key, w in court.table("decision").items() if key.endswith("/insurer"))
    blob = said["claims"]["blob"]
    for name, codes in (("insurer", {"inspect.blob_sealed"}), ("utility", set())):
        member = court.by[name]
        assert told(member, restored(member, lose(blob, "bytes")), blob) == codes


def a_persons() -> tuple[Court, Member, str]:
    """Rows of a person that nobody holds, and one who reads them and rests on them not yet."""
    court = waiting(*DECIDERS)
    return court, court.by["agent"], bring(court, subject="a1" * 32)


def test_row_keys_never_come_without_the_key_of_their_blob() -> None:
    _, agent, blob = a_persons()
    alone = restored(agent, lose(blob, "bytes", "rows"))
    assert told(agent, alone, blob) == {"inspect.blob_sealed"}
    assert told(agent, restored(agent, lose(blob, "bytes")), blob) == {"inspect.unfit_sealed"}


@pytest.mark.parametrize("kept", ["keys", "rows"])
def test_what_has_keys_here_was_here(kept: str) -> None:
    _, agent, blob = a_persons()
    assert told(agent, restored(agent, lose(blob, kept)), blob) == {"inspect.blob_missing"}
    assert told(agent, restored(agent, lose(blob)), blob) == {UNFIT}


def test_a_rows_key_that_does_not_open_it_is_damage_whoever_named_it() -> None:
    _, agent, blob = a_persons()

    def spoilt(block: MemoryBlock) -> None:
        block.put_wrap(blob, READER, flipped(block.wrapped(blob, READER) or b"", 20))

    assert told(agent, restored(agent), blob) == set()
    assert told(agent, restored(agent, spoilt), blob) == {"inspect.blob_sealed"}


@pytest.mark.parametrize(("sealed", "what"), [(b"\xff" * 9, "sealed"), (frame([b"7"] * 3), "root")])
def test_who_seals_what_gives_no_rows_or_others_is_named_by_its_readers(
    sealed: bytes, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    court = waiting(*DECIDERS)

    def badly(block: Any, node: Any, rows: list[bytes], marks: list[bytes], *more: Any) -> Any:
        return seal_framed(block, node, sealed, 3, root_of(list(map(leaf_hash, marks))), *more)

    monkeypatch.setattr(founding, "seal_blob", badly)
    blob = bring(court)
    for name, codes in (
        ("agent", {f"inspect.unfit_{what}"}), ("regulator", {f"inspect.unfit_{what}"}),
        ("cloud", {f"inspect.blob_{what}"}), ("utility", set()),
    ):  # fmt: skip
        member = court.by[name]
        assert told(member, restored(member), blob) == codes, name
