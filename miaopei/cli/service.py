"""Running and keeping a record: serve its pages, examine the machine, back up, restore, export."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters import backup as backups
from ..adapters import tile_files
from ..adapters.anchor import outbox
from ..adapters.grid.push.running import say_when_over
from ..adapters.keys import load_or_make, suite_at
from ..adapters.meters import devices
from ..adapters.meters.admitted import trust
from ..adapters.persons import master_key
from ..adapters.persons.erasures import FILE as ERASED
from ..adapters.persons.erasures import ErasureFile
from ..adapters.postgres import binaries
from ..adapters.postgres.schema import migrate
from ..adapters.postgres.store import PostgresStore
from ..errors import OutsideFault, Refusal, Refused
from ..ledger import checkpoint
from ..measures import suites
from ..node.ports import Reading
from ..node.proof.collected.positions import Positions
from ..node.proof.receipts import Collector
from ..reports import timeliness
from ..settings import Language
from ..wiring import MEMBER, Member, system_clock
from ..wiring.duties import Rounds
from . import speak
from .buying import serving
from .demo import output
from .live import working
from .place import DATABASE, Keys, LogSource, Place, fresh, log_vkey, write_whole
from .proof.auditing import Seen, beside_the_log, tell_unfit

if TYPE_CHECKING:
    from fastapi import FastAPI

Devices = Callable[[Reading], list[dict[str, Any]]]
Labels = Mapping[Language, Sequence[str]]
LEAST_FREE = 500_000_000  # bytes
END_SECONDS = 3  # that whoever follows a stream is waited for


def serve(place: Place, port: int, language: Language) -> int:
    """Serve the pages of the record in a folder until told to stop."""
    speaker = speak.Speaker(language)
    with ExitStack() as opened:
        with place.alone(), place.record() as member:
            if not serving.sells(member):
                return serve_member(
                    member,
                    speaker,
                    port,
                    devices_of(place),
                    known_of(place),
                    labels=labels_of(place),
                )
            opened.enter_context(place.database())  # the server stays up for what follows
        member = opened.enter_context(working(place))
        shop = opened.enter_context(serving.open_shop(place, member, language))
        told = {**shop.settings, **known_of(place)}
        return serve_member(member, speaker, port, devices_of(place), told, rounds=shop.rounds)


def pages_of(
    member: Member,
    heard: Devices | None = None,
    shop: Mapping[str, Any] | None = None,
    labels: Labels | None = None,
    *,
    language: Language,
) -> FastAPI:
    """The application that shows an open member's record, to be served.

    `shop`: what sells, and what else of the portal's settings this member knows. `labels`: what
    every reader is told, where that is not what is said of every replay.
    """
    from ..portal.build import build
    from ..portal.settings import Settings

    with member.node.reading() as (_, state):
        books = frozenset(key for key, _ in state.range("book", ""))
        replay = state.need("genesis", "it")["clock"] == "replay"
    usual = output.LABELS if replay else ()
    tongues: tuple[Language, ...] = ("zh", "en")
    texts = labels or {
        tongue: [speak.Speaker(tongue).refusal(Refusal(f"register.label_{x}")) for x in usual]
        for tongue in tongues
    }
    positions = Positions()  # what one receipt has read of the log is not read for the next
    settings = Settings(
        clock=lambda recorded: recorded if replay else system_clock(),
        devices=heard or (lambda _reading: []),
        receipts=lambda reading: Collector(
            reading, member.node.identity, member.certify, positions
        ),
        open_books=books if replay else frozenset(),  # the demonstration hides nothing
        member=member.node.identity.member,
        language=language,
        bank="sandbox",
        labels=texts,
        printed=output.printed(),
        **(shop or {}),
    )
    return build(member.node.store, settings)


def labels_of(place: Place) -> Labels | None:
    """What the demonstration in a folder has left to be said of it, if it has."""
    path = place.folder / "record.json"
    if not path.is_file():
        return None
    found: Labels | None = json.loads(path.read_bytes()).get("labels")
    return found


def known_of(place: Place) -> dict[str, Any]:
    """What a folder tells the pages: how far its record is anchored, asked anew for each of them,
    and of a consortium's member the genesis file.
    """
    return {"anchored": lambda: outbox.standing(place.folder), "genesis": place.genesis}


def devices_of(place: Place) -> Devices | None:
    """How the concentrators of a folder stand; None where it listens to no meters."""
    follow = trust.Following(place.folder)
    if follow.known is None:
        return None

    def rows(reading: Reading) -> list[dict[str, Any]]:
        known = follow.now()
        return [] if known is None else list(devices.rows(reading, known, system_clock()))

    return rows


def serve_member(
    member: Member,
    speaker: speak.Speaker,
    port: int,
    heard: Devices | None = None,
    shop: Mapping[str, Any] | None = None,
    *,
    labels: Labels | None = None,
    rounds: Rounds | None = None,
) -> int:
    """Serve an open member's pages; Ctrl-C ends it cleanly, and so does the end of its `rounds`."""
    app = pages_of(member, heard, shop, labels, language=speaker.language)
    return _listen(app, port, speaker, rounds)


def _listen(
    app: Callable[..., Any], port: int, speaker: speak.Speaker, rounds: Rounds | None = None
) -> int:
    """Serve an application on this machine; 3 where the port is taken.

    Nobody is served by a process whose duties have ended with a fault of ours.
    """
    import uvicorn

    from ..portal.settings import HOST

    try:
        listening = socket.create_server((HOST, port))
    except OSError:
        speak.note(speaker.text("port_in_use", port=port, next=port + 1))
        return 3
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=END_SECONDS,
    )  # fmt: skip
    with listening:
        speak.note(speaker.text("serving", address=f"http://{HOST}:{port}/"))
        try:
            server = uvicorn.Server(config)
            say_when_over(app, server)
            if rounds is not None:
                rounds.failed = lambda _: setattr(server, "should_exit", True)
                if rounds.duties.failed is not None:
                    return 0
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            speak.note(speaker.text("served"))
    return 0


def serve_map(folder: Path, port: int, language: Language) -> int:
    """Serve the node map of a net on this machine until told to stop."""
    from .net.plan import Net
    from .net.watching import standing

    net, speaker = Net.of(folder), speak.Speaker(language)
    from ..portal.members import build

    name = net.genesis["name"]

    def now() -> dict[str, object]:
        return {**standing(Net.of(folder)).as_json(), "name": name}

    return _listen(build(now, language), port, speaker)


def doctor(place: Place, *, as_json: bool, language: Language) -> int:
    """Look at everything a record needs; 1 where something would not work."""
    speaker = speak.Speaker(language)
    rows = []
    for name, look in _looks(place):
        try:
            found, good = look(), True
        except Refused as refused:
            found, good = speaker.refusal(refused.refusals[0]), False
        except (OutsideFault, OSError) as error:
            found, good = str(error), False
        rows.append({"what": name, "good": good, "found": found})
        if not as_json:
            speak.out(f"{'✓' if good else '✗'} {speaker.text(f'doctor_{name}')} {found}")
    if as_json:
        speak.show_json(rows)
    return 0 if all(row["good"] for row in rows) else 1


def _looks(place: Place) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "python", lambda: f"{platform.python_version()} ({sys.executable})"
    yield "folder", lambda: _folder(place)
    yield "space", lambda: _space(place)
    yield "postgres", lambda: place.dsn or str(binaries.find())
    yield "server", lambda: _server(place)
    yield "calendar", _calendar
    yield "record", lambda: _record(place)


def _folder(place: Place) -> str:
    place.make()
    return str(place.folder)


def _space(place: Place) -> str:
    near = next(p for p in (place.folder, *place.folder.parents) if p.exists())
    free = shutil.disk_usage(near).free
    if free < LEAST_FREE:
        raise OSError(f"{free // 1_000_000} MB")
    return f"{free // 1_000_000} MB"


def _server(place: Place) -> str:
    """Whether the server starts and answers; it is stopped again where it was down."""
    with place.database():
        return place.dsn or str(place.folder / "postgres")


def _calendar() -> str:
    from datetime import UTC, datetime

    year = datetime.fromtimestamp(system_clock(), UTC).year
    timeliness.is_working_day(f"{year}-06-01")
    return str(year)


def _record(place: Place) -> str:
    with place.record() as member, member.node.store.reading() as reading:
        head = checkpoint.verify(reading.checkpoint(), log_vkey(member))
        return f"{head.origin}, {head.size}"


def backup(place: Place, file: Path, *, language: Language) -> int:
    """Write a backup; the keys are not in it."""
    with place.keys() as keys, keys.store.reading() as reading:
        size = backups.write(file, reading, keys.identity, os.urandom)
    keys_file = f"{place.folder / 'keys.json'}, {master_key.FILE}, {ERASED}"
    speak.out(speak.Speaker(language).text("backed_up", file=str(file), entries=size))
    speak.note(speak.Speaker(language).text("backup_keys", keys=keys_file))
    return 0


def restore(place: Place, file: Path, *, unsigned: bool, language: Language) -> int:
    """Put a backup into a new folder that holds the record's keys.json, and check all of it; 4
    where what lies beside the log does not fit it."""
    speaker = speak.Speaker(language)
    keys = place.folder / "keys.json"
    erased = ErasureFile(place.folder).entries()
    if not keys.exists():
        raise Refused(Refusal("cli.restore_needs_keys", {"folder": str(place.folder)}))
    if place.dsn is None and (place.folder / "record.json").exists():
        raise Refused(Refusal("backup.not_empty", {"folder": str(place.folder)}))
    with place.alone(), place.database() as named:
        address = named if place.dsn else fresh(named, DATABASE)
        suites.use(suite_at(keys))
        vault = master_key.vault(place.folder, in_use=lambda: True)
        migrate(address, vault)
        store = PostgresStore(address, vault)
        try:
            with store.reading() as reading:
                if reading.head().size:
                    raise Refused(Refusal("backup.not_empty", {"folder": str(place.folder)}))
            identity = load_or_make(keys, MEMBER)
            seen = backups.restore(file, store, identity, erased, unsigned=unsigned)
            found = beside_the_log(Keys(identity, store)) if seen.same else seen.differences
        finally:
            store.close()
    if not seen.same:
        speak.refuse(seen.differences, language)
        return 4
    write_whole(place.folder / "record.json", b'{"restored": true}\n')
    speak.out(speaker.text("restored", entries=seen.leaves, folder=str(place.folder)))
    looked = Seen.of(found)
    tell_unfit(looked.unfit, language)
    if looked.damage:
        speak.refuse(looked.damage, language)
        speak.note(speaker.text("restored_differs", count=len(looked.damage)))
        return 4
    return 0


def export(place: Place, folder: Path, *, language: Language) -> int:
    """Write the log as static files (C2SP tlog-tiles), its key, and every blob as it is stored."""
    with place.keys() as keys, keys.store.reading() as reading:
        written = tile_files.write(folder / "log", LogSource(reading), whole=True)
        write_whole(folder / "log.vkey", (keys.vkey + "\n").encode("utf-8"), public=True)
        blobs = 0
        for name, data in reading.blobs():
            write_whole(folder / "blob" / name, data, public=True)
            blobs += 1
    speaker = speak.Speaker(language)
    speak.out(speaker.text("exported", folder=str(folder), entries=written.size, blobs=blobs))
    return 0
