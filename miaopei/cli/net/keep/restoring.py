"""`miaopei net backup, snapshot, restore`: one member of a consortium, that never signs twice.

What is written down holds neither the engine's key nor its file of what it has signed; what is
restored goes by the file that lies there, and never puts another in its place.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ....adapters import backup
from ....adapters.engine import process
from ....adapters.engine.certificates import certified
from ....adapters.engine.files.guard import Guard
from ....adapters.keys import load_or_make, suite_at
from ....adapters.persons import erasures, master_key
from ....adapters.postgres.schema import administering, create_database, migrate
from ....adapters.postgres.store import PostgresStore
from ....errors import OutsideFault, Refusal, Refused
from ....measures import suites
from ....node.order.behind import keep_at
from ....node.order.convening import Founding
from ....node.ports import Head
from ....settings import Language
from ....wiring.consortium import GENESIS_FILE, KEYS_FILE
from ... import speak
from ...proof.auditing import Seen, beside_the_log, tell_unfit
from .. import control, mending
from ..life import voting
from ..plan import GENESIS, Net, database, founding, no, put_away, sentence
from .anew import return_under_new_keys
from .auditing import stored

STEP_SECONDS, SNAPSHOT = 90.0, "given.snapshot"
DAMAGED = 4


def write(folder: Path, member: str, file: Path, *, private: bool, language: Language) -> int:
    """Write a member's backup, or without what is private a snapshot for any other member."""
    size = _write(Net.of(folder), member, file, private=private)
    name = "backed_up" if private else "snapshot_written"
    speak.out(sentence(name, language, member=member, file=str(file), entries=size))
    return 0


def _write(net: Net, member: str, file: Path, *, private: bool) -> int:
    """Errors   OutsideFault (retry) where the last root is not certified yet."""
    at = net.at(member)
    said = founding((at / GENESIS_FILE).read_bytes())
    with stored(net, member) as keys, process.read(at) as engine, keys.store.reading() as reading:
        return backup.write(
            file,
            reading,
            keys.identity,
            os.urandom,
            certify=lambda height: certified(engine, height, said),
            private=private,
            beside=at,
        )


def restore(
    folder: Path,
    member: str,
    file: Path,
    *,
    new_engine_key: bool,
    unsigned: bool,
    language: Language,
) -> int:
    """Let a member begin again from a backup of its own, or a snapshot of any; 4 where it differs.

    What lies beside its log is audited before it comes up; where that is damaged it stays down.
    Cut short, it must be said again: until then the member does not start (`mending.BEGUN`).
    The engine's own files stay: what it lacks it has handed over by the others, each block checked.
    With `new_engine_key` it returns under another key in its seat; the others must be up.
    Errors   Refused engine.no_sign_state, engine.older_sign_state: then nothing is touched.
    """
    net = Net.of(folder)
    at = net.at(member)
    if not (at / KEYS_FILE).exists():
        raise no("keys_lacking", path=str(at / KEYS_FILE))
    suites.use(suite_at(at / KEYS_FILE))
    if not new_engine_key:
        Guard(at)
    said = founding((net.folder / GENESIS).read_bytes())
    mine = load_or_make(at / KEYS_FILE, member)
    backup.check(file, mine, said, unsigned=unsigned, beside=at)
    up = control.there(net.folder)
    if up:
        control.call(net.folder, "down", member=member, seconds=STEP_SECONDS)
    if new_engine_key and (taken := return_under_new_keys(net, member, said, net.postgres.start())):
        facts: dict[str, str | int] = {"path": str(taken), "folder": shlex.quote(str(net.folder))}
        speak.note(sentence("taken_for_sent", language, program=speak.program(), **facts))
    with _bar(language) as tell:
        seen, head = _fill(net, member, file, said, tell, unsigned=unsigned)
    if not seen.same:
        speak.refuse(seen.differences, language)
        return DAMAGED
    if differs := _audited(net, member, seen, language):
        speak.refuse(differs, language)
        speak.note(sentence("restored_differs", language, member=member, count=len(differs)))
        return DAMAGED
    if up:
        control.call(net.folder, "start", member=member, seconds=STEP_SECONDS)
    speak.out(
        sentence("restored", language, member=member, entries=seen.leaves, height=head.height)
    )
    with stored(net, member) as keys:
        for box, blobs in backup.closed(keys.store, keys.identity):
            lost: dict[str, str | int] = {"box": box[:16], "blobs": blobs}
            speak.note(sentence("stays_closed", language, member=member, **lost))
    return 0


def _audited(net: Net, member: str, seen: backup.Restored, language: Language) -> list[Refusal]:
    """What lies beside its log and does not fit it; said where that cannot be told yet."""
    if not seen.private or seen.late:
        why = "audited_late" if seen.private else "audited_snapshot"
        speak.note(sentence(why, language, member=member))
        return []
    with stored(net, member) as keys:
        looked = Seen.of(beside_the_log(keys))
    tell_unfit(looked.unfit, language)
    if looked.waiting:
        speak.note(sentence("audited_lacks", language, member=member, count=len(looked.waiting)))
    return looked.damage


def give(net: Net, member: str) -> None:
    """Give a newcomer, whose database is empty, the record as another member has it.

    Errors   OutsideFault (retry) where no other member is up, Refused where its record is unsound.
    """
    said, aside = founding((net.folder / GENESIS).read_bytes()), net.at(member) / SNAPSHOT
    try:
        _write(net, voting.other_up(net, member), aside, private=False)
        seen, _ = _fill(net, member, aside, said, lambda *_: None)
    finally:
        aside.unlink(missing_ok=True)
    if not seen.same:
        raise Refused(*seen.differences)


def _fill(
    net: Net,
    member: str,
    file: Path,
    said: Founding,
    tell: Callable[[int, int], object],
    *,
    unsigned: bool = False,
) -> tuple[backup.Restored, Head]:
    """A database made anew, all of the file in it, and the engine fitted to where it stands."""
    at = net.at(member)
    with _emptied(net, member) as store:
        identity = load_or_make(at / KEYS_FILE, member)
        erased = erasures.ErasureFile(at).entries()
        seen = backup.restore(
            *(file, store, identity, erased),
            founding=said,
            unsigned=unsigned,
            beside=at,
            progress=tell,
        )
        if seen.same:
            _fit_engine(at, store, said)
            mending.ended(at)
        with store.reading() as reading:
            return seen, reading.head()


def _fit_engine(at: Path, store: PostgresStore, said: Founding) -> None:
    """Where the engine's blocks do not reach from the first to ours, it asks for all of them again,
    and what we have is not applied a second time."""
    with store.reading() as reading:
        height = reading.head().height
    try:
        with process.read(at) as engine:
            reaches = int(engine.ask("blockchain")["last_height"]) >= height
            engine.ask("block", height=str(said.height + 1))
    except OutsideFault:
        reaches = False
    if not reaches:
        process.forget_blocks(at)
        with store.writing() as block:
            keep_at(block, said.height)


@contextmanager
def _emptied(net: Net, member: str) -> Iterator[PostgresStore]:
    """A member's database, made anew; the server is stopped again where it was down."""
    was_up = net.postgres.running()
    address = net.postgres.start()
    mending.begin(net.at(member))
    with administering(address) as server:
        create_database(server, database(member), anew=True)
    dsn = make_conninfo(address, dbname=database(member))
    vault = master_key.vault(net.at(member))
    migrate(dsn, vault)
    store = PostgresStore(dsn, vault)
    try:
        yield store
    finally:
        store.close()
        if not was_up:
            put_away(net)


@contextmanager
def _bar(language: Language) -> Iterator[Callable[[int, int], object]]:
    """How far the entries have been applied."""
    with speak.bar() as shown:
        task = shown.add_task(sentence("applying", language), total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)
