"""Persons under keys of their own: sealed, rotated, erased, and told nowhere else."""

from __future__ import annotations

import json
import os
import pickle
import threading
from pathlib import Path

import psycopg
import pytest

from miaopei.adapters.persons import master_key
from miaopei.adapters.persons.master_key import MasterKeys
from miaopei.adapters.postgres.own.persons import AT_ONCE
from miaopei.adapters.postgres.schema import migrate
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.errors import RecordDamaged, Refused
from miaopei.errors.texts import say
from miaopei.measures.identity import content_id
from miaopei.measures.mask import masked
from miaopei.node.mass.spread import Workers
from miaopei.node.vault.persons import PersonVault, Sealed, erased
from tests.support.town import Dice

ZHANG = {"name": "张三", "account": "6222020200011112222", "phone": "13812340000"}
FIRST, SECOND = bytes(range(32)), bytes(range(1, 33))


def a_vault(*keys: bytes, fresh_from: int = 0) -> PersonVault:
    made = MasterKeys(dict(enumerate(keys, 1)), fresh_from)
    return PersonVault(made, Dice(f"vault {len(keys)}"))


def stored(dsn: str) -> str:
    """Every row of every table of `own`, as text and as the bytes that it may hide."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'own'")
        found = [connection.execute(f'table own."{name}"').fetchall() for (name,) in tables]
    return "".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for rows in found
        for row in rows
        for value in row
    )


def test_a_person_opens_only_under_their_own_name_and_the_right_key() -> None:
    sealed = a_vault(FIRST).seal("policy/1", ZHANG)
    assert a_vault(FIRST).open(sealed).fields == ZHANG
    assert b"6222" not in (sealed.body or b"") + (sealed.wrapped or b"")
    other = Sealed("policy/2", sealed.master, sealed.wrapped, sealed.body)
    for wrong, vault in ((other, a_vault(FIRST)), (sealed, a_vault(SECOND))):
        with pytest.raises(RecordDamaged):
            vault.open(wrong)
    with pytest.raises(RecordDamaged):
        a_vault(FIRST).open(erased("policy/1"))


def test_one_bit_of_a_stored_person_is_seen_with_and_without_the_key() -> None:
    vault, sealed = a_vault(FIRST), a_vault(FIRST).seal("p", ZHANG)
    assert sealed.wrapped
    assert sealed.body
    for wrapped, body in (
        (bytes([sealed.wrapped[0] ^ 1]) + sealed.wrapped[1:], sealed.body),
        (sealed.wrapped, sealed.body[:-1] + bytes([sealed.body[-1] ^ 128])),
    ):
        changed = Sealed("p", 1, wrapped, body)
        assert changed.guard != sealed.guard
        with pytest.raises(RecordDamaged):
            vault.open(changed)


def test_the_record_binds_a_field_by_a_salt_that_goes_with_the_key() -> None:
    person = a_vault(FIRST).open(a_vault(FIRST).seal("p", ZHANG))
    said = {"v": 1, "field": "account", "salt": person.salts["account"], "value": ZHANG["account"]}
    assert person.commitment("account") == content_id("datum", said)
    assert len({person.commitment(name) for name in ZHANG}) == len(ZHANG)
    assert "6222" not in repr(person)
    assert "张" not in repr(person)


@pytest.mark.parametrize("value", ["", "x" * 501, 6222])
def test_a_value_that_is_none_is_refused_and_not_repeated(value: object) -> None:
    with pytest.raises(Refused) as refused:
        a_vault(FIRST).seal("p", {"account": value})  # type: ignore[dict-item]
    (told,) = refused.value.refusals
    assert told.code == "persons.bad_field"
    assert not value or str(value) not in say(told, "zh")


def test_a_new_master_key_wraps_again_and_where_asked_persons_get_new_keys() -> None:
    old = a_vault(FIRST).seal("p", ZHANG)
    wrapped = a_vault(FIRST, SECOND).renew(old)
    assert (wrapped.master, wrapped.body) == (2, old.body)
    fresh = a_vault(FIRST, SECOND, fresh_from=2).renew(old)
    assert fresh.master == 2
    assert fresh.body != old.body
    alone = PersonVault(MasterKeys({2: SECOND}), Dice("alone"))
    before = a_vault(FIRST).open(old)
    assert alone.open(wrapped) == alone.open(fresh) == before
    with pytest.raises(Refused, match=r"persons\.no_master_version"):
        alone.open(old)


def test_nothing_of_a_person_stands_in_the_database_and_erasure_leaves_that_there_was_one(
    database: str,
) -> None:
    store = PostgresStore(database, a_vault(FIRST))
    with store.writing() as block:
        block.put_persons({"zhang": ZHANG, "li": {"name": "李四", "account": "6333"}})
        block.link_payee("policy/1", "zhang")
        block.link_payee("policy/2", "zhang")
    with store.reading() as reading:
        assert reading.payees(["policy/1", "policy/2", "li", "nobody"]) == {
            "policy/1": ZHANG,
            "policy/2": ZHANG,
            "li": {"name": "李四", "account": "6333"},
        }
    text = stored(database)
    assert "zhang" in text
    for value in (*ZHANG.values(), "李四", "6333"):
        assert value not in text
    with store.writing() as block:
        assert block.erase_person("zhang")
        assert not block.erase_person("zhang")
    with store.reading() as reading:
        assert set(reading.payees(["policy/1", "policy/2", "li"])) == {"li"}
        assert [(row.person, row.wrapped) for row in reading.kept("li", 9)] == [("zhang", None)]
    with pytest.raises(Refused, match=r"persons\.erased"), store.writing() as block:
        block.put_persons({"zhang": ZHANG})
    store.close()


def test_persons_that_workers_seal_open_as_those_that_are_sealed_here(
    database: str, tmp_path: Path
) -> None:
    """Two parts, so that processes start: they read the key where it lies, none is sent to them."""
    vault = PersonVault(master_key.chosen(tmp_path, {}), os.urandom)
    text = json.loads((tmp_path / master_key.FILE).read_bytes())["keys"]["1"]
    sent = pickle.dumps(vault)
    assert bytes.fromhex(text) not in sent
    assert text.encode() not in sent
    people = {f"policy/{n}": {"name": f"户{n}", "account": f"62{n}"} for n in range(AT_ONCE + 1)}
    store, workers = PostgresStore(database, vault), Workers(2)
    try:
        with store.writing() as block:
            block.put_payees(people.items(), workers)
        with store.reading() as reading:
            assert reading.payees(list(people)) == people
        bad = [*((f"more/{n}", ZHANG) for n in range(AT_ONCE)), ("more/last", {"name": ""})]
        with pytest.raises(Refused, match=r"persons\.bad_field"), store.writing() as block:
            block.put_payees(bad, workers)
        with store.reading() as reading:
            assert reading.payees(["more/0"]) == {}
    finally:
        workers.close()
        store.close()
    here = PostgresStore(database, a_vault(bytes.fromhex(text)))  # a key that no other process has
    with here.writing() as block:
        block.put_payees([("policy/x", ZHANG)], Workers(2))
    with here.reading() as reading:
        assert reading.payees(["policy/x", "policy/7"]) == {
            "policy/x": ZHANG,
            "policy/7": people["policy/7"],
        }
    here.close()


def test_without_a_master_key_nothing_is_written_and_nothing_read(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIAOPEI_MASTER_KEY")
    store = PostgresStore(database)
    with pytest.raises(Refused, match=r"persons\.no_master_key"), store.writing() as block:
        block.put_payee("policy/1", ZHANG)
    store.close()


def test_the_master_key_is_made_once_kept_from_others_and_never_made_in_anothers_place(
    tmp_path: Path,
) -> None:
    keys = master_key.chosen(tmp_path, {})
    path = tmp_path / master_key.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = PersonVault(keys, Dice("made")).seal("p", ZHANG)
    assert PersonVault(master_key.chosen(tmp_path, {}), Dice("read")).open(sealed).fields == ZHANG
    text = json.loads(path.read_bytes())["keys"]["1"]
    assert text not in repr(keys)
    named = {"MIAOPEI_MASTER_KEY": f"1:{text}"}
    assert PersonVault(master_key.chosen(None, named), Dice("named")).open(sealed).fields == ZHANG
    path.unlink()
    with pytest.raises(Refused, match=r"persons\.master_missing"):
        master_key.vault(tmp_path, {}, in_use=lambda: True)
    assert not path.exists()
    for bad in ("1:zz", "one", f"1:{text[:-2]}", f"0:{text}"):
        with pytest.raises(Refused, match=r"persons\.master_unreadable"):
            master_key.chosen(None, {"MIAOPEI_MASTER_KEY": bad})
    path.write_text("{}", "utf-8")
    with pytest.raises(Refused, match=r"persons\.master_unreadable"):
        master_key.chosen(tmp_path, {})


def test_keys_rotate_while_payees_are_read_and_written_and_the_old_one_can_then_go(
    database: str, tmp_path: Path
) -> None:
    """Nobody waits: every read in between gives what was written, under whichever key."""
    keys = master_key.chosen(tmp_path, {})
    assert isinstance(keys, master_key.FromFile)
    store = PostgresStore(database, PersonVault(keys, Dice("rotation")))
    people = {f"p/{n:04d}": {"name": f"户{n}", "account": f"6222{n:06d}"} for n in range(600)}
    with store.writing() as block:
        block.put_persons(people)
    stop, seen, failures = threading.Event(), [0], list[BaseException]()

    def read() -> None:
        try:
            while not stop.is_set():
                with store.reading() as reading:
                    assert reading.payees(list(people)) == people
                seen[0] += 1
        except BaseException as failure:  # noqa: BLE001 - shown below
            failures.append(failure)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for fresh in (False, True):
            version = master_key.add(tmp_path / master_key.FILE, fresh=fresh)
            keys.look()
            renewed = 0
            while True:
                with store.writing() as block:
                    block.put_payee("p/0007", people["p/0007"])
                    if not (done := block.renew_persons(100)):
                        break
                    renewed += done
            assert 500 < renewed < 601
            master_key.retire(tmp_path / master_key.FILE, version - 1)
            keys.look()
            with store.reading() as reading:
                assert reading.payees(list(people)) == people
                assert {row.master for row in reading.kept("", 1000)} == {version}
        while not seen[0]:
            assert not failures
    finally:
        stop.set()
        reader.join()
    assert not failures
    with pytest.raises(Refused, match=r"persons\.master_in_use"):
        master_key.retire(tmp_path / master_key.FILE, version)
    store.close()
    later = PostgresStore(database, master_key.vault(tmp_path, {}))
    with later.reading() as reading:
        assert reading.payees(list(people)) == people
    later.close()


def test_accounts_of_before_are_sealed_when_the_tables_are_brought_up_to_date(
    database: str,
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("drop table own.person, own.payee, own.use")
        connection.execute("alter table own.wrap drop column guard")
        connection.execute("create table own.payee (subject text primary key, body bytea not null)")
        body = json.dumps(ZHANG, ensure_ascii=False).encode()
        connection.execute("insert into own.payee values ('policy/1', %s)", (body,))
        connection.execute("update own.schema_version set version_num = '0002'")
    migrate(database, a_vault(FIRST))
    assert "6222" not in stored(database)
    store = PostgresStore(database, a_vault(FIRST))
    with store.reading() as reading:
        assert reading.payee("policy/1") == ZHANG
    store.close()


def test_a_screen_shows_enough_to_recognise_and_too_little_to_use() -> None:
    assert masked(
        {
            **ZHANG,
            "address": "浙江省余姚市阳明街道新建路1号",
            "meter": "33020001234567",
            "id": "3302",
        }
    ) == {
        "name": "张*",
        "account": "****2222",
        "phone": "138****0000",
        "address": "浙江省余姚市****",
        "meter": "****4567",
        "id": "****",
    }
    assert masked({"name": "欧阳娜娜", "account": "6222", "phone": "119"}) == {
        "name": "欧***",
        "account": "****",
        "phone": "****",
    }
