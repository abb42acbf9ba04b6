"""How a record's grid sources stand: whose keys count, what came, what is missing, who is heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...acts.source_state import hearing
from ...acts.state import State
from ...adapters.grid.hearing import last_heard
from ...adapters.grid.line import Line
from ...adapters.grid.push import trust as trusted
from ...errors import Refusal, Refused
from ...evidence.kinds import KEYED
from ...measures.instant import beijing_text
from ...node.ports import Reading
from ...settings import Language
from ...wiring import Member, system_clock
from .. import speak
from ..place import Place


def trust(place: Place, source: str, key: str, url: str | None, *, language: Language) -> int:
    """Take a key for a source's word, and say where the source is asked again."""
    with place.record() as member, member.node.reading() as (_, state):
        known = [name for name, entry in state.range("source", "") if _of_the_grid(entry)]
    if source not in known:
        facts = {"source": source[:60], "known": ", ".join(known)}
        raise Refused(Refusal("cli.not_a_grid_source", facts))
    found = trusted.add(place.folder, source, key, url)
    said = speak.Speaker(language)
    url = found.url or "-"
    speak.out(said.text("trusted", source=source, keys=len(found.keys), url=url))
    return 0


def show(place: Place, *, as_json: bool, language: Language) -> int:
    """Every source that outages are read from, in a row."""
    speaker = speak.Speaker(language)
    with place.record() as member, member.node.reading() as (reading, state):
        rows = list(rows_of(reading, state, trusted.load(place.folder), now_of(member)))
    if as_json:
        speak.show_json(rows)
        return 0
    columns = [
        (speaker.pick("数据源", "Source"), "left"),
        (speaker.pick("状态", "State"), "left"),
        (speaker.pick("最后收到", "Last heard"), "left"),
        (speaker.pick("公钥", "Keys"), "right"),
        (speaker.pick("下一序号", "Next"), "right"),
        (speaker.pick("缺失", "Missing"), "right"),
        (speaker.pick("已失", "Lost"), "right"),
        (speaker.pick("补召地址", "Asked again at"), "left"),
    ]
    told = [
        [
            f"{row['id']}\n{row['name'][language]}",
            speaker.text(f"source_{row['state']}"),
            "-" if row["heard_at"] is None else beijing_text(row["heard_at"]),
            str(row["keys"]),
            *(str(row[name]) for name in ("next", "missing", "lost")),
            row["url"] or "-",
        ]
        for row in rows
    ]
    speak.show_table("", columns, told)
    return 0


def now_of(member: Member) -> int:
    """The time of a record: this machine's where it is live, else its own."""
    genesis = member.node.genesis or {}
    return system_clock() if genesis.get("clock") == "live" else member.node.time()


def rows_of(
    reading: Reading, state: State, known: dict[str, trusted.Trusted], now: int
) -> Iterator[dict[str, Any]]:
    """One row a source: `state` is heard, silent or unwatched (nobody listens to it)."""
    for name, entry in state.range("source", ""):
        if not _of_the_grid(entry):
            continue
        line, last = Line.of(reading, name), last_heard(reading, name)
        how, silence = hearing(state, name, now)
        who = known.get(name, trusted.Trusted((), None))
        yield {
            "id": name,
            "name": entry["name"],
            "operator": entry["operator"],
            "state": how,
            "since": silence.since if silence else None,
            "heard_at": None if last is None else last["at"],
            "keys": len(who.keys),
            "url": who.url,
            "next": line.next,
            "missing": len(line.missing),
            "lost": len(line.lost),
        }


def _of_the_grid(entry: dict[str, Any]) -> bool:
    return bool(set(KEYED) & set(entry["kinds"]))
