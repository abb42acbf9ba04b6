"""Erasure: person, rows and everything opened are gone; the record and its proofs stay.

Row O-08, C-03; record.md section 6.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from miaopei.adapters import backup
from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.persons.erasures import ErasureFile
from miaopei.adapters.postgres.reading import PostgresReading
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.adapters.schedule_files import Files
from miaopei.cli.proof.auditing import guarded, stages
from miaopei.errors import RecordDamaged, Refused
from miaopei.errors.texts import say
from miaopei.ledger.checkpoint import verifier_key
from miaopei.measures.instant import from_beijing, utc_text
from miaopei.measures.money import wan
from miaopei.node.effects.decider import Decider
from miaopei.node.node import Node
from miaopei.node.proof.inspect import erased_rows
from miaopei.node.proof.receipts import Collector
from miaopei.node.vault.blobs import open_blob, open_rows_of
from miaopei.node.vault.erasing import Eraser, bound, pending
from miaopei.node.vault.rowkeys import MARK, destroyed, open_rows, seal_rows, slots_of
from miaopei.policies.retention import kept_until
from miaopei.policies.row import PolicyRow, Transaction, row_bytes, row_from_json, stored_row
from tests.support import servers
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Dice, Town

LI, WANG = "1a" * 32, "2b" * 32
KNOWN = {"name": "李四", "account": "62220001", "phone": "13812340000"}
SHORT = ("2017-01-01", "2018-01-01")  # the law keeps it for five years more
FREE = "2023-01-02"
NIGHT, READ = "2017-03-27 07:40:00", "2017-03-27 08:00:00"


def a_town(store: PostgresStore | None = None, cap_fen: int | None = None) -> Town:
    """Li and Wang are insured, and a house of nobody's; each is known; Li is paid by a link."""
    town = Town(store, rail=PaperBank()).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER, cap_fen=cap_fen)
    rows = [town.policy(listing, *ends) for ends in (SHORT, (), ())]
    rows[:2] = [replace(row, subject=who) for row, who in zip(rows, (LI, WANG), strict=False)]
    with town.store.writing() as block:
        block.put_persons({LI: KNOWN, WANG: {**KNOWN, "name": "王五"}})
        block.link_payee(f"policy/{rows[0].policy}", LI)
    town.accounts({f"carrier/{c}": f"C-{c}" for c in CARRIERS})
    town.issue(rows)
    return town


def erase(town: Town, who: str, kept: ErasureFile | None = None) -> int:
    town.at(max(town.now, from_beijing(FREE)))
    body = {"subject": who, "kept_until": 0, "reason": "request"}
    assert town.send(town.act("erase", body, who)).ok
    return Eraser(town.node, town.decider.schedules, kept).run()


def everything(town: Town) -> bytes:
    """Every row of the member's book, as it is kept and as its batch gives it."""
    with town.store.reading() as reading:
        kept = [row_bytes(r.row) for r in reading.rows("hills", 9)]
        (batch,) = town.table("batch").values()
        return b"".join([*kept, *open_rows_of(reading, batch["rows"]["blob"], town.me)])


def test_a_person_and_their_row_are_gone_and_the_neighbours_stay() -> None:
    town = a_town()
    root = town.table("book")["hills"]["root"]
    assert everything(town).count(LI.encode()) == 2
    assert erase(town, LI) == 1
    assert Eraser(town.node).run() == 0
    left = everything(town)
    assert LI.encode() not in left
    assert left.count(WANG.encode()) == 2
    with town.store.reading() as reading:
        assert set(reading.persons([LI, WANG])) == {WANG}
        assert erased_rows(reading) == [("hills", 0)]
        rows = reading.rows("hills", 9)
    assert [row.row.gone is not None for row in rows] == [True, False, False]
    assert town.table("book")["hills"]["root"] == root
    town.issue([town.policy("hills")])  # the tree goes on from the hashes of what is gone
    with pytest.raises(Refused, match=r"policies\.row_erased"):
        row_from_json(rows[0].row.as_json())  # as a stranger would read it in a receipt


def test_a_later_event_pays_who_is_there_and_the_columns_know_the_erased_no_more(
    tmp_path: Path,
) -> None:
    town = a_town()
    town.decider = Decider(town.node, files=Files(tmp_path))
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*.column"))
    (batch,) = town.table("batch").values()
    with town.store.reading() as reading:
        salt = bytes.fromhex(reading.rows("hills", 1)[0].row.salt)
    assert salt in held
    assert town.executed_fen() == 3 * wan(300)
    erase(town, LI)
    assert salt not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.column"))
    town.tell(quake("2023-05-18 00:48:48", "5.6"), at="2023-05-18 01:00:00")
    town.work()
    assert town.executed_fen() == 5 * wan(300)
    assert batch["rows"]["count"] == 3


def test_the_record_is_sound_after_an_erasure_and_what_was_erased_is_named(database: str) -> None:
    store = PostgresStore(database)
    town = a_town(store)
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.work()
    (settlement,) = town.settlements("hills")
    with store.reading() as reading:
        policies = [r.row.policy for r in reading.rows("hills", 9)]
        assert Collector(reading, town.me).payout(settlement["id"], policies[0])
    erase(town, LI)
    assert town.node.genesis is not None
    vkey = verifier_key(town.node.genesis["origin"], town.me.log)
    with psycopg.connect(database) as connection:
        reading = PostgresReading(connection)
        found = {n: list(guarded(n, s)) for n, s in stages(reading, town.node, vkey, None).items()}
        assert found == {name: [] for name in found}
        assert erased_rows(reading) == [("hills", 0)]
        said = b"".join(
            bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode()
            for row in connection.execute('table "group".row').fetchall()
            for v in row
        )
        assert LI.encode() not in said
        with pytest.raises(Refused) as told:
            Collector(reading, town.me).payout(settlement["id"], policies[0])
        assert told.value.refusals[0].facts == {"policy": policies[0]}
        assert "proves its place" in say(told.value.refusals[0], "en")
        assert Collector(reading, town.me).payout(settlement["id"], policies[1])
    store.close()


def test_a_backup_of_before_brings_nobody_back(tmp_path: Path) -> None:
    """Backup, erase, restore: gone before anybody is served, and said again on the record."""
    store, kept = PostgresStore(servers.database()), ErasureFile(tmp_path)
    town = a_town(store)
    with store.reading() as reading:
        backup.write(tmp_path / "backup", reading, town.me, os.urandom)
    erase(town, LI, kept)
    store.close()
    assert list(kept.entries()) == [LI]
    again = PostgresStore(servers.database())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "erased.json").write_text("no")
    with pytest.raises(Refused, match=r"persons\.erasures_unreadable"):
        ErasureFile(tmp_path / "other").entries()
    assert backup.restore(tmp_path / "backup", again, town.me, kept.entries()).same
    with again.reading() as reading:
        assert set(reading.persons([LI, WANG])) == {WANG}
        assert reading.get("erased", LI) is None
        assert [r.row.gone is not None for r in reading.rows("hills", 9)] == [True, False, False]
        for name, data in reading.blobs():
            if data.startswith(b"MPS1"):
                assert LI.encode() not in open_blob(reading, name, town.me)
    node = Node(again, town.me, lambda: 0, Dice("again"))
    assert Eraser(node, None, kept).run() == 0
    with again.reading() as reading:
        assert reading.get("erased", LI) is not None, "the erasure stands on the record again"
    assert Eraser(node, None, kept).run() == 0
    again.close()


def test_rows_about_persons_have_keys_of_their_own_and_every_bit_of_them_counts() -> None:
    town = Town()
    rows = [replace(town.policy("hills"), subject=s) for s in (LI, None, WANG)]
    plain = [row_bytes(row) for row in rows]
    marks = [row.commitment() for row in rows]
    framed, keys = seal_rows(plain, marks, Dice("rows"))
    assert [row.startswith(MARK) for row in framed] == [True, False, True]
    assert LI.encode() not in b"".join(framed)
    slots = slots_of(keys, marks, bytes(32), Dice("slots"))
    assert open_rows(framed, slots, bytes(32)) == plain
    gone = open_rows(framed, destroyed(slots, 0), bytes(32))
    assert gone[1:] == plain[1:]
    assert stored_row("hills", {"erased": marks[0].hex(), "policy": rows[0].policy}).as_json() == (
        {"erased": marks[0].hex(), "policy": rows[0].policy}
    )
    for spoiled in (slots[:-1], bytes([slots[0] ^ 1]) + slots[1:], slots[:60] + b"x" + slots[61:]):
        with pytest.raises(RecordDamaged):
            open_rows(framed, spoiled, bytes(32))
    with pytest.raises(RecordDamaged):
        open_rows(framed, None, bytes(32))
    assert slots_of([None], marks[:1], bytes(32), Dice("none")) == b""


def test_rows_bind_their_holder_by_law_and_by_what_is_open() -> None:
    town = a_town()
    with town.node.reading() as (reading, state):
        assert bound(reading, state, LI, town.me) == from_beijing("2023-01-01")
        assert utc_text(bound(reading, state, WANG, town.me)) == "2039-12-31T16:00:00Z"  # ten on
        assert bound(reading, state, "3c" * 32, town.me) == 0
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.decider.run()
    with town.node.reading() as (reading, state), pytest.raises(Refused) as open_:
        bound(reading, state, LI, town.me)
    assert open_.value.refusals[0].code == "persons.claim_open"
    town.work()
    with town.node.reading() as (reading, state):
        assert bound(reading, state, LI, town.me) == from_beijing("2023-01-01")


def test_an_act_of_erasure_destroys_nothing_that_is_open_owed_or_kept_by_law() -> None:
    """Anyone may have said `kept_until: 0`: it is our own rows that bind us."""
    town = a_town()
    with town.store.reading() as reading:
        rows = reading.rows("hills", 9)
    first = f"policy/{rows[0].row.policy}"
    eraser = Eraser(town.node, town.decider.schedules)
    for who in (LI, WANG, first):
        body = {"subject": who, "kept_until": 0, "reason": "request"}
        assert town.send(town.act("erase", body, who)).ok
    town.tell(quake(NIGHT, "5.6"), at=READ)
    town.decider.run()
    assert eraser.run() == 0
    with town.node.reading() as (reading, state):
        said = {str(one.facts["person"]): one for one in pending(reading, state)}
        assert set(reading.persons([LI, WANG])) == {LI, WANG}
    assert {one.code for one in said.values()} == {"persons.claim_open"}
    town.work()
    assert town.executed_fen() == 3 * wan(300), "who was erased is paid like everybody"
    assert eraser.run() == 0, "not looked at again within the hour"
    town.at(town.now + 3600)
    assert eraser.run() == 0
    with town.node.reading() as (reading, state):
        said = {str(one.facts["person"]): one for one in pending(reading, state)}
    assert {one.code for one in said.values()} == {"persons.retained"}
    assert said[LI].facts["until"] == said[first].facts["until"] == "2022-12-31T16:00:00Z"
    assert "2022-12-31" in say(said[LI], "en")
    town.at(FREE)
    assert eraser.run() == 2
    with town.node.reading() as (reading, state):
        assert [one.facts["person"] for one in pending(reading, state)] == [WANG]
        assert set(reading.persons([LI, WANG])) == {WANG}
    assert eraser.run() == 0


def test_a_restored_member_erases_of_the_record_only_what_it_may(tmp_path: Path) -> None:
    store = PostgresStore(servers.database())
    town = a_town(store)
    town.at(FREE)
    for who in (LI, WANG):
        body = {"subject": who, "kept_until": 0, "reason": "request"}
        assert town.send(town.act("erase", body, who)).ok
    with store.reading() as reading:
        backup.write(tmp_path / "backup", reading, town.me, os.urandom)
    store.close()
    again = PostgresStore(servers.database())
    assert backup.restore(tmp_path / "backup", again, town.me, {}).same
    with again.reading() as reading:
        assert set(reading.persons([LI, WANG])) == {WANG}, "the law keeps the other until 2040"
    again.close()


def test_how_long_the_law_keeps_a_contract() -> None:
    town = Town()

    def years(*rows: PolicyRow) -> str:
        return utc_text(kept_until(rows))[:10]

    short = town.policy("hills", "2024-02-29", "2025-02-28")
    assert years(short) == "2030-02-27"  # midnight in Beijing
    assert years(town.policy("hills", "2024-01-01", "2025-01-02")) == "2035-01-01"
    ended = replace(short, transaction=Transaction.CANCEL, number=2, since=short.since + 86_400)
    assert years(short, ended) == "2029-02-28"
    assert kept_until([]) == 0


def test_memory_and_postgres_erase_alike(database: str) -> None:
    found = []
    for store in (MemoryStore(), PostgresStore(database)):
        town = a_town(store)  # type: ignore[arg-type]
        erase(town, LI)
        with store.reading() as reading:
            found.append([(r.position, r.row) for r in reading.rows("hills", 9)])
            found[-1].append((9, sorted(reading.persons([LI, WANG]))))
        if isinstance(store, PostgresStore):
            store.close()
    assert found[0] == found[1]
