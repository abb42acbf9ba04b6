"""Two hundred known persons go through buying, an event and paying: where can they be read after?

Only at the bank. Every table, every file of the database server with its log and write-ahead log,
every message, backup, export and dump is searched for each value, in every form it could have
taken; so are the pages and the API, and the database of a member outside the book's group, which
holds the whole record and every blob. Rows O-08, C-03.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from miaopei import portal
from miaopei.adapters import backup, tile_files
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.postgres import binaries
from miaopei.adapters.postgres.reading import PostgresReading
from miaopei.adapters.postgres.store import PostgresStore
from miaopei.cli.place import LogSource
from miaopei.errors import Alarm
from miaopei.measures.mask import masked
from miaopei.measures.money import wan
from miaopei.node.proof.rebuild import reapply
from miaopei.node.proof.receipts import Collector
from miaopei.node.vault.uses import Logger, Use, note
from tests.faults.dying import NIGHT, READ
from tests.support import servers
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.town import CARRIERS, ONE_CARRIER, Town

PERSONS = 200
# Every value of a kind begins with its mark, and nothing else anywhere does.
MARKS = {
    "name": "欧阳璩翾",
    "phone": "13900577",
    "account": "622202777",
    "address": "余姚市鹿亭乡晓云",
    "meter": "3302907741",
}


def person(number: int) -> dict[str, str]:
    return {
        "name": MARKS["name"] + chr(0x4E00 + number),
        "phone": f"{MARKS['phone']}{number:03d}",
        "account": f"{MARKS['account']}{number:010d}",
        "address": f"{MARKS['address']}{number}号",
        "meter": f"{MARKS['meter']}{number:04d}",
    }


def needles() -> Iterator[bytes]:
    """The marks as text in the encodings of the country, escaped, in hex and in base64."""
    for mark in MARKS.values():
        for encoding in ("utf-8", "gb18030", "utf-16-le"):
            yield mark.encode(encoding)
        data = mark.encode()
        yield data.hex().encode()
        yield data.hex().upper().encode()
        if not mark.isascii():
            yield json.dumps(mark)[1:-1].encode()
        for shift in range(3):  # wherever in a group of three bytes it begins
            text = base64.b64encode(bytes(shift) + data)
            yield text[-(-8 * shift // 6) + (shift > 0) : len(text) // 4 * 4 - 4]


# Shorter ones stand somewhere in so many random bytes by chance.
NEEDLES = tuple(sorted({needle for needle in needles() if len(needle) >= 8}))
HEX = re.compile(rb"\\\\x((?:[0-9a-f]{2})+)")


def found_in(data: bytes) -> list[bytes]:
    return [needle for needle in NEEDLES if needle in data]


def rows(dsn: str) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, as the bytes or the text that it is."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables"
            " where schemaname in ('shared', 'group', 'own', 'public')"
        ).fetchall()
        for schema, table in tables:
            for row in connection.execute(f'table "{schema}"."{table}"'):
                for value in row:
                    plain = value if isinstance(value, bytes) else str(value).encode()
                    yield f"{schema}.{table}", plain


def files(folder: Path, beside: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, but for those below `beside`."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and beside not in path.parents:
            yield str(path), path.read_bytes()


def dumps(dsn: str) -> Iterator[tuple[str, bytes]]:
    """What `pg_dump` writes, as text and in its own form; the bytes that it writes in hex as bytes.

    In so much hex seven digits in a row stand somewhere by chance.
    """
    program = binaries.find() / "pg_dump"
    for form in ("plain", "custom"):
        command = [program, "--format", form, "--compress", "none", "--dbname", dsn]
        done = subprocess.run(command, capture_output=True, check=True)
        yield f"dump {form}", HEX.sub(lambda found: bytes.fromhex(found[1].decode()), done.stdout)


def outside(reading: PostgresReading) -> str:
    """The database of a member outside the group: the log applied, and every blob as stored."""
    dsn = servers.database()
    store, size = PostgresStore(dsn, patience=60.0), reading.head().size
    assert reapply(list(reading.leaves(0, size)), size, store).same
    with store.writing() as block:
        for name, data in reading.blobs():
            assert block.put_blob(data, "original") == name
    store.close()
    return dsn


# Answers about a policy that was bought: these were brought in.
NOT_SOLD = {
    "/api/v1/offers/{listing}",
    "/api/v1/applications/{application}",
    "/api/v1/policies/{policy}",
    "/api/v1/policies/{policy}/transactions",
}
PAGES = (
    "/zh/", "/zh/record", "/zh/accounts", "/zh/events", "/zh/events/{occurrence}", "/zh/receipts",
    "/zh/receipts/{name}", "/zh/cases/{listing}/{occurrence}/{benefit}", "/zh/products/{product}",
    "/zh/why/{id}",
)  # fmt: skip


def shown(store: PostgresStore, town: Town, policy: str) -> list[str]:
    """Every answer that the record's own schema names, and the pages of what was paid."""
    settings = portal.Settings(
        receipts=lambda reading: Collector(reading, town.me), open_books=frozenset({"hills"})
    )
    (settlement,) = town.settlements("hills")
    occurrence = town.case("hills")["occurrence"]
    names = {
        "occurrences/{id}": f"occurrences/{occurrence}", "{occurrence}": occurrence,
        "{id}": settlement["id"], "{name}": f"{settlement['id']}/{policy}", "{policy}": policy,
        "{product}/filing": f"{hills().hash}/filing", "{product}": "hills",
        "{listing}": "hills", "{benefit}": "house",
        "{application}": "0" * 32, "{code}": "portal.not_found",
    }  # fmt: skip

    async def asked() -> dict[str, httpx.Response]:
        over = httpx.ASGITransport(portal.app(store, settings))
        async with httpx.AsyncClient(transport=over, base_url="http://127.0.0.1") as client:
            told = (await client.get("/api/v1/openapi.json")).json()["paths"]
            paths = [path for path, operations in told.items() if "get" in operations]
            paths = [path for path in paths if not path.endswith("/events")]  # streams
            found = {}
            for path in (*paths, *PAGES):
                filled = re.sub(
                    r"(occurrences/)?\{\w+\}(/filing)?", lambda part: names[part[0]], path
                )
                found[path] = await client.get(filled)
            return found

    answers = asyncio.run(asked())
    assert {path for path, a in answers.items() if a.status_code != 200} == NOT_SOLD
    return [answer.text for answer in answers.values()]


def test_what_is_known_of_two_hundred_persons_can_be_read_at_the_bank_and_nowhere_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    dsn, bank = servers.database(), servers.new_bank()
    store = PostgresStore(dsn, patience=60.0)
    town = Town(store, rail=BankRail(bank.address, 60.0)).set_up()
    listing = town.list_product(hills(), placement=ONE_CARRIER)
    policies = [town.policy(listing) for _ in range(PERSONS)]
    people = {f"person-{number}": person(number) for number in range(PERSONS)}
    with store.writing() as block:
        block.put_persons(people)
        for who, policy in zip(people, policies, strict=True):
            block.link_payee(f"policy/{policy.policy}", who)
    town.issue(policies)
    town.accounts({f"carrier/{c}": f"SCAN-{c}" for c in CARRIERS})
    bank.control.open_accounts([(f"SCAN-{c}", "carrier", wan(1_000_000)) for c in CARRIERS])
    # All but the last: the bank refuses one, and whatever is said of that is searched as well.
    accounts = [(each["account"], each["name"], 0) for each in people.values()]
    bank.control.open_accounts(accounts[:-1])
    town.tell(quake(NIGHT, "5.6"), at=READ)
    said = []
    for _ in range(2):
        try:
            town.work()
        except Alarm as alarm:
            said.append(f"{alarm} {alarm.facts}")
    (settlement,) = town.settlements(listing)
    states = [row["state"] for row in town.instructions(settlement["id"])]
    assert sorted(states) == ["failed"] + ["paid"] * (PERSONS - 1)
    assert town.executed_fen() == (PERSONS - 1) * wan(300)
    with store.writing() as block:
        uses = [
            Use(town.now, who, "claims", "miaopei", "clerk", "li", "shown", ()) for who in people
        ]
        note(block, uses)
    assert Logger(town.node).run() == PERSONS
    said += shown(store, town, policies[0].policy)
    with store.reading() as reading:
        assert reading.payee(f"policy/{policies[7].policy}") == people["person-7"]
        said.append(repr([masked(who.fields) for who in reading.persons(list(people)).values()]))
        outsider = outside(reading)
        backup.write(tmp_path / "backup", reading, town.me, os.urandom)
        tile_files.write(tmp_path / "log", LogSource(reading), whole=True)
        receipt = Collector(reading, town.me).payout(settlement["id"], policies[0].policy)
        said += [repr(reading.persons(list(people))), receipt.to_bytes().decode()]
    store.close()

    for number in range(PERSONS):  # what is searched for is what was known
        assert all(value.startswith(MARKS[kind]) for kind, value in person(number).items())
    bank.stop()
    held = b"".join(data for _, data in files(bank.data, tmp_path))
    assert MARKS["account"].encode() in held, "the search would find what is there to be found"
    places = [
        *rows(dsn),
        *rows(outsider),
        *dumps(dsn),
        *dumps(outsider),
        *files(tmp_path, bank.data),
        *files(servers.folder() / "postgres", bank.data),
        ("said", "\n".join([*said, caplog.text, *capfd.readouterr()]).encode()),
    ]
    with psycopg.connect(dsn) as connection:
        dump = PostgresReading(connection).execute("select person, body from own.person")
    assert len(dump) >= PERSONS
    assert [(where, hits) for where, data in places if (hits := found_in(data))] == []
    assert sum(len(data) for _, data in places) > 10_000_000
