"""`miaopei meters`: the broker run, concentrators admitted, and how they stand."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from ...adapters.keys import load_or_make
from ...adapters.meters import broker, sealed
from ...adapters.meters import devices as standing
from ...adapters.meters.admitted import certificates, readers, trust
from ...errors import OutsideFault, Refusal, Refused
from ...measures.instant import beijing_text, from_utc_text
from ...settings import Language
from ...wiring import MEMBER, system_clock
from .. import speak
from ..place import Place
from .listening import BROKER
from .sources import now_of
from .taking import names_of

SHOWN = ("next", "missing", "lost", "refused", "foreign_readings")


def run_broker(
    place: Place, source: str, host: str, port: int, *, init: bool, language: Language
) -> int:
    """Make what the broker needs, once, and run it until Ctrl-C."""
    place.make()
    folder = place.folder / BROKER
    broker.make(folder, host)
    known = trust.load(place.folder) or trust.Concentrators(source, host, port)
    trust.keep(place.folder, replace(known, source=source, host=host, port=port))
    speaker = speak.Speaker(language)
    if init:
        speak.out(speaker.text("broker_made", folder=str(folder)))
        return 0
    while True:
        listed = broker.listed(folder)
        with broker.running(folder, port, host) as process:
            speak.out(speaker.text("broker_up", address=f"mqtts://{host}:{port}"))
            try:
                while process.poll() is None and broker.listed(folder) == listed:
                    time.sleep(0.2)
            except KeyboardInterrupt:
                speak.note(speaker.text("served"))
                return 0
            if process.poll() is not None:
                raise OutsideFault(f"the broker ended with {process.returncode}", retry=True)


def admit(
    place: Place, name: str, key: str, into: Path | None, *, unsealed: bool, language: Language
) -> int:
    """Let a concentrator speak: its key beside those it has, a new certificate, for whom it seals.

    `unsealed`: its batches are taken although they are not sealed; without it no more.
    """
    known = _known(place)
    keys = tuple(dict.fromkeys((*known.keys.get(name, ()), key)))
    trust.check(name, keys)
    if key in known.revoked:
        raise Refused(Refusal("grid.revoked", {"concentrator": name}))
    if not (place.folder / "keys.json").exists():
        raise Refused(Refusal("cli.no_record", {"folder": str(place.folder)}))
    place.choose(None)
    where = into or place.folder / BROKER / "clients"
    certificates.issue(place.folder / BROKER, where, name)
    sealed.hand(where, load_or_make(place.folder / "keys.json", MEMBER))
    plain = known.unsealed | {name} if unsealed else known.unsealed - {name}
    trust.keep(place.folder, replace(known, keys={**known.keys, name: keys}, unsealed=plain))
    speak.out(speak.Speaker(language).text("admitted", who=name, folder=str(where)))
    return 0


def bind(place: Place, file: bytes, *, language: Language) -> int:
    """Say which customers a concentrator reads, from when: a CSV, whole or not at all."""
    known = _known(place)
    bound, said = readers.bind(known.readers, file, names_of(place), known.keys)
    readers.keep(place.folder, bound)
    speak.out(speak.Speaker(language).text("readers_bound", **vars(said)))
    return 0


def revoke(place: Place, name: str, since: str | None, *, language: Language) -> int:
    """Take a concentrator's keys and certificates away: lost, stolen, or out of use."""
    known = _known(place)
    if name not in known.keys:
        raise Refused(Refusal("grid.unknown_concentrator", {"concentrator": name[:60]}))
    at = system_clock() if since is None else from_utc_text(since)
    trust.keep(place.folder, known.revoke(name, at))
    count = certificates.revoke(place.folder / BROKER, name)
    told = speak.Speaker(language)
    speak.out(told.text("revoked", who=name, at=beijing_text(at), certificates=count))
    return 0


def devices(place: Place, *, as_json: bool, language: Language) -> int:
    """A row a concentrator."""
    known = _known(place)
    with place.record() as member, member.node.store.reading() as reading:
        rows = list(standing.rows(reading, known, now_of(member)))
    if as_json:
        speak.show_json(rows)
        return 0
    speaker = speak.Speaker(language)
    columns = [
        (speaker.pick("集中器", "Concentrator"), "left"),
        (speaker.pick("状态", "State"), "left"),
        (speaker.pick("最后收到", "Last heard"), "left"),
        (speaker.pick("下一序号", "Next"), "right"),
        (speaker.pick("缺失", "Missing"), "right"),
        (speaker.pick("已失", "Lost"), "right"),
        (speaker.pick("拒绝", "Refused"), "right"),
        (speaker.pick("非所属", "Not its own"), "right"),
    ]
    told = [
        [
            row["id"],
            speaker.text(f"device_{row['state']}"),
            "-" if row["heard_at"] is None else beijing_text(row["heard_at"]),
            *(str(row[each]) for each in SHOWN),
        ]
        for row in rows
    ]
    speak.show_table("", columns, told)
    return 0


def _known(place: Place) -> trust.Concentrators:
    known = trust.load(place.folder)
    if known is None:
        raise Refused(Refusal("cli.no_broker", {"folder": str(place.folder)}))
    return known
