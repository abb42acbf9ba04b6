"""One bit flipped anywhere in a member's database or in its public files: found, and located."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.rows import dict_row

from miaopei.adapters import postgres_columns, tile_files
from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.postgres.reading import PostgresReading
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.claims.leaves import CLAIM, Claims, unpacked
from miaopei.cli.place import LogSource
from miaopei.cli.proof.auditing import Stage, guarded, stages
from miaopei.errors import Refusal
from miaopei.ledger.checkpoint import verifier_key
from miaopei.ledger.tiles import decode_bundle, read_path
from miaopei.measures.instant import beijing_text
from miaopei.node.proof.rebuild import compare, reapply
from tests.support import histories
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.town import Town

SEARCHED = 4096  # longer entries are told without the bit
FLIPS = int(os.environ.get("MIAOPEI_FLIPS", "1000"))  # the long run: 10,000
EACH = 8  # of a column at least; what is left falls on the files and the long values
LONG = (
    *("shared.leaf.bytes", "shared.blob.bytes", "shared.state.value", "own.checkpoint.text"),
    *("group.row.body", "group.claims.body", "own.instruction.body", "own.person.body"),
)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Flip:
    """What was flipped: a row before and after, and which bit of the value."""

    old: Row
    new: Row
    bit: int


class Heard:
    """What a stage says of a flip, asked no further than until it has said what is looked for."""

    def __init__(self, stage: Iterator[Refusal]) -> None:
        self.said: list[Refusal] = []
        self._more = stage

    def __iter__(self) -> Iterator[Refusal]:
        yield from self.said
        for each in self._more:
            self.said.append(each)
            yield each

    def __repr__(self) -> str:
        return repr(self.said)


@dataclass(frozen=True)
class Told:
    """What a stage must say: a code, and facts as far as they locate the damage."""

    stage: str
    code: str
    facts: Callable[[Flip], Mapping[str, object]]

    def by(self, audit: Mapping[str, Stage], found: dict[str, Heard], flip: Flip) -> bool:
        """Whether the stage says it; `found` keeps what a stage said."""
        if self.stage not in found:
            found[self.stage] = Heard(guarded(self.stage, audit[self.stage]))
        wanted = self.facts(flip).items()
        return any(
            each.code == self.code and wanted <= each.facts.items() for each in found[self.stage]
        )


def column(table: str, name: str, key: Callable[[Flip], str]) -> tuple[Told, ...]:
    """By the comparison of columns: table, column, and the key of the row as it stands now."""
    facts = {"table": table, "column": name}
    return (Told("columns", "inspect.column_altered", lambda f: {**facts, "key": key(f)}),)


def beside(code: str, **facts: Callable[[Flip], object]) -> tuple[Told, ...]:
    """By what is held against the log."""
    return (Told("beside", f"inspect.{code}", lambda f: {k: get(f) for k, get in facts.items()}),)


def old(name: str) -> Callable[[Flip], Any]:
    return lambda f: f.old[name].hex() if isinstance(f.old[name], bytes) else f.old[name]


def new(*names: str) -> Callable[[Flip], str]:
    """The key of a row, in the words of the audit."""
    return lambda f: "-/"[names[0] != "payout"].join(
        v.hex() if isinstance(v := f.new[name], bytes) else str(v) for name in names
    )


def state_row(code: str) -> tuple[Told, ...]:
    return (
        Told("state", f"rebuild.{code}", lambda f: {"table": f.old["tab"], "key": f.old["key"]}),
    )


def at_hash(flip: Flip) -> Mapping[str, object]:
    position, byte = flip.old["position"] % 256, flip.bit // 8
    return {"position": position, "offset": 32 * position + byte, "bit": flip.bit % 8}


def at_entry(flip: Flip) -> Mapping[str, object]:
    """The bit too, where the entry is short enough to search for it."""
    bit = {"bit": flip.bit % 8} if len(flip.old["bytes"]) <= SEARCHED else {}
    return {"position": flip.old["position"], **bit}


def at_size(name: str) -> tuple[Told, ...]:
    return (Told("columns", "inspect.checkpoint_altered", lambda f: {"size": f.old[name]}),)


ROW, PAGE = ("book", "position"), ("trigger", "page")
NODE = {"level": old("level"), "place": old("index")}
ROW_LOST = beside("row_altered", book=old("book"), position=old("position"))
CLAIMS_LOST = beside("claim_altered", trigger=old("trigger"))
ORDER = ("payout", "number")

# Schema, table and column -> what the audit says of it; any of several.
PROMISED: dict[str, tuple[Told, ...]] = {
    "shared.leaf.position": column("shared.leaf", "position", new("position")),
    "shared.leaf.bytes": (Told("log", "ledger.audit_entry", at_entry),),
    "shared.leaf.hash": (Told("log", "ledger.audit_hash", at_hash),),
    "shared.node.level": beside("node_missing", **NODE),
    "shared.node.index": beside("node_missing", **NODE),
    "shared.node.hash": beside("node_altered", **NODE),
    "shared.state.tab": state_row("row_lacking"),
    "shared.state.key": state_row("row_lacking"),
    "shared.state.value": state_row("row_differs"),
    **{
        f"shared.head.{name}": column("shared.head", name, lambda _: "it")
        for name in ("size", "root", "height", "time", "frontier")
    },
    "shared.place.name": beside("place_altered", name=old("name")),
    "shared.place.position": beside("place_altered", name=old("name")),
    "shared.blob.digest": beside("blob_altered", blob=new("digest")),
    "shared.blob.bytes": beside("blob_altered", blob=old("digest")),
    "shared.blob.length": column("shared.blob", "length", new("digest")),
    "shared.blob.media": column("shared.blob", "media", new("digest")),
    "group.row.book": ROW_LOST,
    "group.row.position": ROW_LOST,
    "group.row.recorded_at": column('"group".row', "recorded_at", new(*ROW)),
    "group.row.policy": column('"group".row', "policy", new(*ROW)),
    "group.row.body": (*column('"group".row', "body", new(*ROW)), *ROW_LOST),
    "group.row.subject": column('"group".row', "subject", new(*ROW)),
    "group.claims.trigger": CLAIMS_LOST,
    "group.claims.page": (*column('"group".claims', "page", new(*PAGE)), *CLAIMS_LOST),
    **{
        f"group.claims.{name}": (*column('"group".claims', name, new(*PAGE)), *CLAIMS_LOST)
        for name in ("book", "benefit", "low", "high", "hash")
    },
    "group.claims.body": (
        *column('"group".claims', "hash", new(*PAGE)),
        *column('"group".claims', "body", new(*PAGE)),
        *column('"group".claims', "low", new(*PAGE)),
        *column('"group".claims', "high", new(*PAGE)),
    ),
    **{
        f"group.run.{name}": (
            *column('"group".run', "hash", new("book", "run")),
            *column('"group".run', "run", new("book", "run")),
        )
        for name in ("book", "run", "hash")
    },
    "own.debt.debt": column("own.debt", "about", new("debt")),
    "own.debt.about": column("own.debt", "about", new("debt")),
    "own.block.height": column("own.block", "height", new("height")),
    "own.block.time": column("own.block", "time", new("height")),
    "own.block.leaves": column("own.block", "leaves", new("height")),
    "own.checkpoint.size": at_size("size"),
    "own.checkpoint.text": at_size("size"),
    **{
        f"own.wrap.{name}": column("own.wrap", "guard", new("digest", "reader"))
        for name in ("digest", "reader", "wrapped", "guard")
    },
    **{
        f"own.payee.{name}": column("own.payee", "guard", new("subject"))
        for name in ("subject", "person", "guard")
    },
    **{
        f"own.person.{name}": column("own.person", "guard", new("person"))
        for name in ("person", "master", "wrapped", "body", "guard")
    },
    "own.use.number": column("own.use", "body", new("number")),
    "own.use.body": column("own.use", "body", new("number")),
    "own.progress.name": column("own.progress", "body", new("name")),
    "own.progress.body": column("own.progress", "body", new("name")),
    **{
        f"own.instruction.{name}": column("own.instruction", name, new(*ORDER))
        for name in ("payout", "number", "debt", "state", "amount", "bank_ref", "policy", "share")
    },
    "own.instruction.body": (
        *column("own.instruction", "body", new(*ORDER)),
        *column("own.instruction", "payout", new(*ORDER)),
        *column("own.instruction", "number", new(*ORDER)),
        *beside("order_altered", payout=old("payout"), number=old("number")),
    ),
}  # fmt: skip
# Nothing else says what these are: times of writing, and the mark of the last transaction.
UNPROMISED = {
    *("own.instruction.created_at", "own.instruction.changed_at"),
    *("own.committed.only", "own.committed.mark", "shared.head.only"),
    "own.schema_version.version_num",
}
WIDTHS = {20: 8, 23: 4}  # PostgreSQL's bigint and int, in bytes


def rich(seed: int) -> bool:
    """Whether a history holds a list that was handed on, and orders that the bank answered."""
    town = histories.make(seed, 60)
    orders = [order for debt in town.table("payment") for order in town.instructions(debt)]
    return bool(town.table("allotment")) and any(order["ref"] for order in orders)


def a_record(store: PostgresStore) -> Town:
    """Books, shocks, decisions, refusals, corrections, lists, and a long original beside them."""
    town = histories.make(next(seed for seed in range(100) if rich(seed)), 60, store)
    shock = quake(beijing_text(town.now), "4.1")
    town.tell(replace(shock, data=shock.data + b" " * 5_000))
    long = town.list_product(hills("long"))
    rows = [town.policy(long, "2014-06-01") for _ in range(1_030)]
    rows[:3] = [replace(row, subject=f"{n:064x}") for n, row in enumerate(rows[:3])]
    town.issue(rows, payable=False)
    with store.writing() as block:  # a person with two policies, and uses not yet on the record
        block.put_persons({"someone": {"name": "刘一", "account": "6222", "phone": "13800000000"}})
        for policy in ("policy/one", "policy/two"):
            block.link_payee(policy, "someone")
        block.put_uses([{"person": "someone"}, {"person": "someone"}])
    return town


def turned(data: bytes, choose: Random) -> tuple[bytes, int]:
    """The same bytes with one bit turned over, and which."""
    bit = choose.randrange(8 * len(data))
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed), bit


def turned_value(value: Any, width: int | None, choose: Random) -> tuple[Any, int]:
    """The same for any value that a column can hold; text that PostgreSQL takes."""
    if isinstance(value, bytes):
        return turned(value, choose)
    if width is not None:
        changed, bit = turned(value.to_bytes(width, "big", signed=True), choose)
        return int.from_bytes(changed, "big", signed=True), bit
    while True:
        changed, bit = turned(value.encode(), choose)
        try:
            text = changed.decode()
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, bit


@contextmanager
def flipped(connection: psycopg.Connection[Any], where: str, choose: Random) -> Iterator[Flip]:
    """One bit of one value of a column flipped, until the block ends."""
    schema, table, name = where.split(".")
    names = {"t": sql.Identifier(schema, table), "c": sql.Identifier(name)}
    change = sql.SQL("update {t} set {c} = %s where ctid = %s::tid returning *").format(**names)
    query = sql.SQL("select ctid::text as at, * from {t} where {c} is not null order by ctid")
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query.format(**names)).fetchall()
        (code,) = (each.type_code for each in cursor.description or () if each.name == name)
        before = choose.choice([row for row in rows if where != "own.block.time" or row["leaves"]])
        after = None
        while after is None:
            value, bit = turned_value(before[name], WIDTHS.get(code), choose)
            with suppress(errors.UniqueViolation), connection.transaction():
                after = cursor.execute(change, (value, before["at"])).fetchone()
    yield Flip(before, after, bit)
    connection.rollback()


def a_claim_of_another(claims: Claims) -> None:
    """What a policy has had, put down to another in the middle of a page: no leaf covers it."""
    claims["first"][1] = claims["first"][0]


def a_state_that_is_none(claims: Claims) -> None:
    """One bit of it does that: what was read as a claim's state must not be counted with."""
    claims["state"][1] |= 0x40


@contextmanager
def altered(connection: psycopg.Connection[Any], alter: Callable[[Claims], None]) -> Iterator[Flip]:
    """One page of claims with something changed in the middle of it."""
    with connection.cursor(row_factory=dict_row) as cursor:
        query = 'select *, ctid::text as at from "group".claims where length(body) >= %s limit 1'
        before = cursor.execute(query, (3 * CLAIM.itemsize,)).fetchone()
        assert before is not None
        claims = unpacked(before["body"]).copy()
        alter(claims)
        change = 'update "group".claims set body = %s where ctid = %s::tid returning *'
        after = cursor.execute(change, (claims.tobytes(), before["at"])).fetchone()
        assert after is not None
    yield Flip(before, after, 0)
    connection.rollback()


def columns(connection: psycopg.Connection[Any]) -> set[str]:
    """Every column of a member's database."""
    query = (
        "select table_schema || '.' || table_name || '.' || column_name"
        " from information_schema.columns where table_schema in ('shared', 'group', 'own')"
    )
    return {row[0] for row in connection.execute(query)}


@pytest.mark.timeout(900)  # half a minute where nothing else runs
def test_a_thousand_flipped_bits_of_every_kind_are_all_found_and_located(
    database: str, tmp_path: Path
) -> None:
    """Every column that is not named as unpromised, and every file of the log."""
    choose, store, made = Random(20261127), PostgresStore(database), MemoryStore()
    town = a_record(store)
    assert town.node.genesis is not None
    vkey = verifier_key(town.node.genesis["origin"], town.me.log)
    with store.reading() as reading:
        tile_files.write(tmp_path, LogSource(reading), published=(3, 100, 150))
        again = reapply(reading.leaves(0, reading.head().size), reading.head().size, made)
        assert [list(stage()) for stage in stages(reading, town.node, vkey, tmp_path).values()] == (
            [[]] * 5
        )
    store.close()
    files = tile_files.names(tmp_path)
    with psycopg.connect(database) as connection, made.reading() as truth:
        reading = PostgresReading(connection)
        audit = stages(reading, town.node, vkey, tmp_path)

        def state() -> list[Refusal]:  # what the stage does once it has applied the sound log
            seen = replace(again, differences=[])
            compare(reading, truth, seen)
            return seen.differences

        audit["state"] = state
        assert columns(connection) == set(PROMISED) | UNPROMISED
        connection.rollback()
        for where in flips_of(choose):
            if where == "file":
                one_in_a_file(tmp_path, choose.choice(files), audit["files"], choose)
                continue
            with flipped(connection, where, choose) as flip:
                found: dict[str, Heard] = {}
                assert any(told.by(audit, found, flip) for told in PROMISED[where]), (flip, found)
        for alter in (a_claim_of_another, a_state_that_is_none):
            with altered(connection, alter) as flip:
                assert any(told.by(audit, {}, flip) for told in PROMISED["group.claims.body"])
    with store.reading() as reading:
        for stage in stages(reading, town.node, vkey, tmp_path).values():
            assert list(stage()) == []
    store.close()


def test_who_names_anothers_blob_as_something_else_alters_no_column(database: str) -> None:
    """The column says as what it came; by the last of its names it was told as altered."""
    store = PostgresStore(database)
    town = Town(store).set_up()
    town.issue([town.policy(town.list_product(hills()), "2014-06-01")])
    (batch,) = town.table("batch").values()
    body = {
        "first": 1,
        "uses": {**batch["rows"], "media": "miaopei/uses/1"},
        "purposes": [{"purpose": "claims", "uses": 1}],
    }
    assert town.send(town.act("log_uses", body)).ok
    assert town.node.genesis is not None
    vkey = verifier_key(town.node.genesis["origin"], town.me.log)
    with psycopg.connect(database) as connection:
        reading = PostgresReading(connection)
        assert list(postgres_columns.compare(reading, vkey)) == []
        name = bytes.fromhex(batch["rows"]["blob"])
        query = "update shared.blob set media = %s where digest = %s"
        connection.execute(query, ("miaopei/claims/1", name))
        (told,) = postgres_columns.compare(reading, vkey)
        assert told.facts == {"table": "shared.blob", "column": "media", "key": name.hex()}
        connection.rollback()
    store.close()


def flips_of(choose: Random) -> list[str]:
    """Where each of the flips falls: some in every column, the others in files and long values."""
    fixed = [where for where in PROMISED for _ in range(EACH)]
    more = choose.choices(("file", *LONG), (8, *(1 for _ in LONG)), k=FLIPS - len(fixed))
    return sorted([*fixed, *more])


def one_in_a_file(folder: Path, name: str, stage: Callable[[], Any], choose: Random) -> None:
    """A bit of a file turned over: file, byte and bit are told, and nothing else.

    In a long entry no bit is searched for: the entry is told.
    """
    good = (folder / name).read_bytes()
    bad, bit = turned(good, choose)
    (folder / name).write_bytes(bad)
    (found,) = stage()
    told = {"file": name, "offset": bit // 8, "bit": bit % 8}
    if "bit" not in found.facts:
        place = read_path(name)
        assert place is not None
        assert place.level is None
        position, start = entry_at(decode_bundle(good), bit // 8)
        told = {"file": name, "offset": start, "position": place.first + position}
    assert told.items() <= found.facts.items()
    (folder / name).write_bytes(good)


def entry_at(entries: Sequence[bytes], offset: int) -> tuple[int, int]:
    """Which long entry of a bundle a byte belongs to, and where the entry begins."""
    start = 0
    for position, entry in enumerate(entries):
        start += 2
        if offset < start + len(entry):
            assert len(entry) > SEARCHED
            return position, start
        start += len(entry)
    raise AssertionError("beyond the bundle")
