"""Who seals a blob keeps its key from one reader: that reader's audit says so and is no damage, the
key is asked for again, and a key that was here and is lost stays damage.
"""

from __future__ import annotations

import pytest

from miaopei.adapters.memory_store import MemoryBlock
from miaopei.errors.texts import say
from miaopei.measures.identity import canonical
from miaopei.node.fetching.handed import Fetched
from miaopei.node.fetching.missing import KEYLESS, LACKING
from miaopei.node.proof.inspect import inspect
from miaopei.node.proof.named.looking import is_unfit
from miaopei.node.vault.rowkeys import READER, destroyed
from miaopei.node.vault.sealing import reader_of, wrap

from .court import Court
from .founding import DECIDERS, batch
from .member import Member, Wires
from .test_restored import Edit, bring, lose, progress, restored, told, waiting
from .test_unfit_words import looked

NO_KEY = {"inspect.unfit_no_key"}


def box(member: Member) -> str:
    return reader_of(member.node.identity.box)


def brought(
    court: Court, who: str, gives: str = "no key", alone: pytest.MonkeyPatch | None = None
) -> str:
    """The cloud brings a batch and keeps its key from this one, or gives it another; the blob.
    `alone`: the others who have the key do not hand it on.
    """
    cloud, reader = court.by["cloud"], box(court.by[who])
    act = batch(cloud, "hills", "x")
    blob = str(act.body["rows"]["blob"])
    with cloud.disk.writing() as block:
        block._put("wrap", (blob, reader), None)
        if gives == "another key":
            block.put_wrap(blob, reader, wrap(bytes(32), bytes.fromhex(reader), cloud.dice))
    if alone is not None:
        asked = Wires._asked

        def nothing(wires: Wires, member: str, name: str) -> Fetched | None:
            came = asked(wires, member, name)
            kept_back = wires._me.id == who and name == blob and member != "cloud"
            return Fetched(came.data) if kept_back and came is not None else came

        alone.setattr(Wires, "_asked", nothing)
    assert court._submit(cloud, act) == []
    return blob


@pytest.mark.parametrize("gives", ["no key", "another key"])
@pytest.mark.parametrize("who", ["regulator", "agent"])
def test_a_key_that_nobody_gave_is_told_with_who_kept_it_and_is_no_damage(
    who: str, gives: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is in force by the others, and this one's work rests on it."""
    court = Court()
    blob = brought(court, who, gives, monkeypatch)
    court.pass_by(7_200)
    assert court.table("book")["hills"]["size"] == 6
    (one,) = looked(court.by[who])
    assert {one.code} == NO_KEY
    assert is_unfit(one)
    assert (one.facts["by"], one.facts["blob"], one.facts["kind"]) == ("cloud", blob, "admit_batch")
    assert "no key for us was given by cloud" in say(one, "en")
    assert "cloud 没有给本成员密钥" in say(one, "zh")
    assert court.by[who].fetcher.missing == {}, "it is not counted as on its way"
    others = [m for name, m in court.by.items() if name != who]
    assert [each for member in others for each in looked(member)] == []
    court.by[who].crash(1_000)
    court.pass_by(7_200)
    assert {each.code for each in looked(court.by[who])} == NO_KEY, "nor after a restart"


def test_who_had_no_key_to_give_is_asked_again_and_the_reader_goes_on() -> None:
    """It is asked before the others have fetched theirs: their no was not for good."""
    court = Court()
    regulator = court.by["regulator"]
    others = [court.by[name] for name in ("insurer", "notary", "agent", "utility")]
    runs = [member.fetcher.run for member in others]
    for member in others:
        member.fetcher.run = lambda: 0  # type: ignore[method-assign]
    blob = brought(court, "regulator")
    court.pass_by(120)
    assert list(regulator.fetcher.keyless) == [blob]
    (one,) = looked(regulator)
    assert {one.code} == NO_KEY
    for member, run in zip(others, runs, strict=True):
        member.fetcher.run = run  # type: ignore[method-assign]
    court.pass_by(7_200)
    assert regulator.fetcher.keyless == {}
    assert looked(regulator) == []
    court.shake()
    court.pass_by(3 * 7_200)
    assert "regulator" in court.one("settlement")["settlement"]["deciders"]


def test_a_member_of_earlier_software_finds_out_once_what_has_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It had written down nothing of it, and its audit said damaged."""
    court = Court()
    brought(court, "regulator", alone=monkeypatch)
    court.pass_by(7_200)
    regulator = court.by["regulator"]
    with regulator.disk.writing() as block:
        block.put_progress(KEYLESS, None)
        block.put_progress(LACKING, None)
    assert {each.code for each in looked(regulator)} == {"inspect.blob_sealed"}
    regulator.crash(1_000)
    court.pass_by(7_200)
    assert {each.code for each in looked(regulator)} == NO_KEY


def named(note: str, blob: str) -> Edit:
    """The fetcher has written it down so."""
    return progress(note, canonical([[blob, "miaopei/rows/1", "cloud"]]))


def test_a_row_key_that_one_lacks_while_it_is_asked_for_waits() -> None:
    """The rows are in force by others; what is not asked for any more was here and is lost."""
    court = Court()
    blob = bring(court, subject="a1" * 32)
    agent = court.by["agent"]

    def without(block: MemoryBlock) -> None:
        block.put_wrap(blob, READER, destroyed(block.wrapped(blob, READER) or b"", 0))

    asked = restored(agent, without, named(LACKING, blob))
    assert told(agent, asked, blob) == {"inspect.waits_sealed"}
    assert told(agent, restored(agent, without), blob) == {"inspect.blob_sealed"}


# A key that was here ------------------------------------------------------------------------------


def no_wraps(blob: str) -> Edit:
    return lose(blob, "bytes")


def my_wrap(member: Member, blob: str) -> Edit:
    """Its own wrap is lost; those that it keeps for others lie here."""
    return lambda block: block._put("wrap", (blob, box(member)), None)


def test_a_key_that_was_here_and_is_lost_is_damage_whatever_is_written_down_of_it() -> None:
    """Who names the blob once more has it asked for again, and nobody may have the key then."""
    court = Court()
    blob = bring(court)
    for name in (*DECIDERS, "agent"):
        member = court.by[name]
        lost = restored(member, no_wraps(blob), named(KEYLESS, blob))
        assert told(member, lost, blob) == {"inspect.blob_sealed"}, "its rows were opened here"
        assert told(member, restored(member, no_wraps(blob)), blob) == {"inspect.blob_sealed"}


def test_who_keeps_a_key_for_others_has_had_it() -> None:
    """Of rows that nobody has held yet."""
    court = waiting(*DECIDERS)
    blob = bring(court)
    agent = court.by["agent"]
    kept = restored(agent, my_wrap(agent, blob), named(KEYLESS, blob))
    assert told(agent, kept, blob) == {"inspect.blob_sealed"}
    never = restored(agent, no_wraps(blob), named(KEYLESS, blob))
    assert told(agent, never, blob) == NO_KEY


@pytest.mark.parametrize("ordered", [False, True])
def test_a_payer_without_a_key_to_what_it_owes_is_not_damaged_until_it_has_ordered(
    ordered: bool,
) -> None:
    court = Court()
    court.shake()
    court.pass_by(3 * 7_200)
    ((debt, payment),) = court.table("payment").items()
    payer = court.by[payment["payer"]]
    blobs = {said["claims"]["blob"] for said in court.table("decision").values()}
    mine = {each for key, said in court.table("decision").items()
            if key.endswith(f"/{payer.id}") for each in [said["claims"]["blob"]]}  # fmt: skip
    note = canonical([[b, "miaopei/claims/1", "notary"] for b in sorted(blobs - mine)])
    edits = [*map(no_wraps, blobs), progress("claims/hills", None), progress(KEYLESS, note)]

    store = restored(payer, *edits, *([] if ordered else [progress(f"pay/{debt}", None)]))
    gone = ("claims",) if ordered else ("claims", "instruction", "of debt")
    store._tables.rows |= {table: {} for table in gone}
    with store.reading() as reading:
        codes = {each.code for each in inspect(reading, payer.node)
                 if each.facts.get("debt") == debt}  # fmt: skip
    assert codes == {"inspect.orders_unreadable" if ordered else "inspect.unfit_orders"}
