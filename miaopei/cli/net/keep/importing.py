"""`miaopei net import`: a record that one member has ordered goes on as that of a consortium.

The same tree, the same keys of that member, its blobs, accounts and payment orders; all others are
given the leaves and take their seats. Until the last step but one the solo record is only read,
but that one of older rules is raised to today's first.
That step is the block that hands the order over: from there on it takes no act of one member.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ....acts.convene import KIND
from ....acts.raise_rules import KIND as RAISE
from ....acts.raise_rules import rules_at
from ....acts.rule_sets import RULES
from ....acts.seats import seated
from ....acts.state import State
from ....adapters import backup
from ....adapters.engine.install import need
from ....adapters.persons import erasures, master_key
from ....adapters.postgres.reading import PostgresReading
from ....adapters.postgres.schema import administering, create_database, migrate
from ....adapters.postgres.store import PostgresStore
from ....errors import Alarm, Refusal, Refused
from ....node.node import Node
from ....node.order.convening import Founding, continuing, found_by
from ....node.order.solo import Solo
from ....node.ports import Identity, Reading
from ....node.proof.given import keep_given
from ....node.proof.rebuild import reapply
from ....settings import Language
from ....wiring import Member, system_clock
from ....wiring.consortium import KEYS_FILE
from ... import speak
from ...place import Place, log_vkey
from .. import make
from ..plan import PARTS, Net, Part, database, no, parts, sentence

BANK, OLD_KEY = "bank", "log.vkey"
CARRIED = (KEYS_FILE, master_key.FILE, erasures.FILE)


def run(folder: Path, data: Place, count: int, *, apart: bool, language: Language) -> int:
    """Make a net that goes on with the record in `data`, and hand the order over to it.

    Errors   Refused net.there, net.members, net.not_solo, what a record or the acts refuse.
    """
    need()
    with data.alone(), data.record() as member:
        raise_rules(member.node)
        with _snapshot(member) as reading:
            chosen = _parts(reading, member, count)
            net, _ = make.begin(folder, chosen, apart=apart, payer=member.node.identity.member)
            founding = _bring(net, chosen, data, member, reading)
            _hand_over(member, founding, net)
            make.write_plan(net)
    facts = {"folder": str(net.folder), "members": ", ".join(net.members)}
    facts |= {"height": str(founding.height), "key": OLD_KEY, "program": speak.program()}
    speak.out(sentence("imported", language, **facts))
    return 0


def raise_rules(node: Node) -> None:
    """An older record is raised to today's rules, one by one: members are seated by them."""
    while True:
        with node.reading() as (reading, state):
            height = reading.head().height
            rules = rules_at(state, height + 1)
            solo = not seated(state)
        if rules == RULES or not solo:
            return
        node.accept(RAISE, f"rules-{rules + 1}", {"rules": rules + 1, "height": height + 2})


def _parts(reading: Reading, member: Member, count: int) -> Sequence[Part]:
    """The member that has ordered so far, then others whose names nobody on the record has."""
    state = State(reading)
    if seated(state):
        raise no("not_solo", chain=state.need("genesis", "it")["chain"][:16])
    parts(count)  # says what numbers there can be
    me = state.need("member", member.node.identity.member)
    first = Part(me["id"], me["name"]["zh"], me["name"]["en"], tuple(me["roles"]))
    asked = len(PARTS)
    while True:
        known = parts(asked)
        free = [part for part in (*known[1:], known[0]) if not state.has("member", part.id)]
        if len(free) >= count - 1:
            return (first, *free[: count - 1])
        asked += 1


def _bring(
    net: Net, chosen: Sequence[Part], data: Place, member: Member, reading: PostgresReading
) -> Founding:
    """Everything of the net but its plan: without that it cannot be brought up."""
    ours = member.node.identity.member
    at = net.at(ours)
    at.mkdir(parents=True, mode=0o700)
    for name in CARRIED:
        if (data.folder / name).exists():
            shutil.copy2(data.folder / name, at / name)
    keys = {part.id: make.new_keys(net, part) for part in chosen}
    head = reading.head()
    assert member.node.genesis is not None, "a record that was opened has its genesis"
    live = member.node.genesis["clock"] == "live"
    founders = [make.founder(part, keys[part.id]) for part in chosen]
    acts = [
        *(member.node.act("admit_member", f"seat-{f.id}", f.entry) for f in founders[1:]),
        member.node.act(KIND, "convene", {"seats": [founder.seat for founder in founders]}),
    ]
    time = max(head.time, system_clock()) if live else head.time
    founding = continuing(member.node.genesis, acts, head, time)
    address = net.postgres.start()
    try:
        make.make_databases(net, address)
        _carry(net, ours, address, keys[ours].identity, reading)
        _give(net, [part.id for part in chosen[1:]], address, reading)
        for part in chosen:
            with _open(net.at(part.id), address, part.id) as store:
                found_by(store, founding, keys[part.id].identity.log)
        make.lay(net, keys, founding, address, time)
    finally:
        net.postgres.stop()
    if (data.folder / BANK).is_dir():
        shutil.copytree(data.folder / BANK, net.folder / BANK)
    vkey = (log_vkey(member) + "\n").encode("ascii")
    (net.folder / OLD_KEY).write_bytes(vkey)  # older receipts are checked with it
    return founding


def _carry(net: Net, ours: str, address: str, identity: Identity, reading: PostgresReading) -> None:
    """All that the member has, into a database of the net: by a backup, checked leaf by leaf."""
    aside = net.folder / "carried.backup"
    try:
        backup.write(aside, reading, identity, os.urandom)
        with _open(net.at(ours), address, ours) as store:
            erased = erasures.ErasureFile(net.at(ours)).entries()
            _same(backup.restore(aside, store, identity, erased).differences)
    finally:
        aside.unlink(missing_ok=True)


def _give(net: Net, others: Sequence[str], address: str, reading: Reading) -> None:
    """The leaves, applied once into the database of the first, which the others then copy."""
    first, *rest = others
    size = reading.head().size
    with _open(net.at(first), address, first) as store:
        _same(reapply(reading.leaves(0, size), size, store).differences)
        with store.writing() as block:
            keep_given(block, reading.head().height)
        with store.reading() as made:
            if made.head().root != reading.head().root:
                raise Alarm("the same leaves have led to another root", size=size)
    with administering(address) as server:
        for member in rest:
            create_database(server, database(member), model=database(first), anew=True)


def _hand_over(member: Member, founding: Founding, net: Net) -> None:
    """The one step that the solo record takes: after it, the net alone goes on."""
    store, time = member.node.store, founding.file["time"]
    results = Solo(store, member.node.identity, lambda: int(time)).submit(founding.acts)
    if refusals := [refusal for result in results for refusal in result.refusals]:
        raise Refused(*refusals)
    with store.reading() as reading:
        head = reading.head()
    address = net.postgres.start()
    try:
        for name in net.members:
            with _open(net.at(name), address, name) as theirs, theirs.reading() as made:
                if made.head() != head:
                    raise Alarm("a member stands elsewhere than the record", member=name)
    finally:
        net.postgres.stop()


@contextmanager
def _snapshot(member: Member) -> Iterator[PostgresReading]:
    assert isinstance(member.store, PostgresStore), "a data folder has a database"
    with member.store.reading() as reading:
        yield reading


@contextmanager
def _open(at: Path, address: str, member: str) -> Iterator[PostgresStore]:
    """A member's database, made ready."""
    dsn = make_conninfo(address, dbname=database(member))
    vault = master_key.vault(at)
    migrate(dsn, vault)
    store = PostgresStore(dsn, vault)
    try:
        yield store
    finally:
        store.close()


def _same(differences: Sequence[Refusal]) -> None:
    if differences:
        raise Refused(*differences)
