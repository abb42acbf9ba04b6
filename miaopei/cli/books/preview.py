"""What an import would do: the first rows as they would be issued, and counts of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...measures.instant import beijing_day
from ...measures.money import as_yuan
from ...measures.place import degrees_text, position
from ...terms.wording import speech
from ...terms.words import Declared, Kind
from .sheet import Sheet

if TYPE_CHECKING:
    from ...adapters.books.reading import Reader
    from ...adapters.books.tables import Table
    from ...claims.confirm import Spread
    from ...node.scheme import Wanted

SHOWN = 5  # rows of a preview


def preview_of(
    table: Table, reader: Reader, sheet: Sheet, spread: Spread, speaker: Any
) -> dict[str, Any]:
    """Read every row, and tell how many could be issued, are refused, state no premium."""
    first, free = list[str](), list[int]()
    told: dict[str, Any] = {"rows": 0, "issued": 0, "refused": 0, "first": first}
    for row, faults in counted(reader.all(table.rows(), spread), free):
        if row is not None and told["rows"] < SHOWN:
            first.append(_shown(row, reader.layout.declared, speaker))
        told["rows"] += 1
        told["issued" if row is not None else "refused"] += 1
        if faults:
            sheet.add(faults)
    told["without_premium"] = len(free)
    return told


def _shown(row: Wanted, declares: Sequence[Declared], speaker: Any) -> str:
    """A row as it would be issued, in a line: money in yuan, a place in degrees as it is fixed."""
    from ...adapters.books.reading import PLACE

    shown, parts = list[str](), [row.declared[name] for name in PLACE if name in row.declared]
    placed = len(parts) == len(PLACE)
    if placed:
        x, y, z = parts
        lat, lon = (degrees_text(udeg) for udeg in position((x, y, z)))
        shown.append(speaker.pick(f"北纬 {lat}，东经 {lon}", f"{lat} N, {lon} E"))
    for of in declares:
        if placed and of.name in PLACE:
            continue
        if (value := row.declared.get(of.name)) is not None:
            text = speech.said(value, of.kind, speaker.language)
            if of.kind is Kind.MONEY:
                text = f"{as_yuan(value)}{speaker.pick('元', ' yuan')}"
            shown.append(f"{speaker.pick(of.zh, of.en)} {text}")
    declared = speaker.pick("，", ", ").join(shown)
    since, until = (beijing_day(at) for at in (row.since, row.until))
    premium, account = as_yuan(row.premium_fen), row.payee.get("account", "—")
    said: str = speaker.text(
        "import_row", since=since, until=until, premium=premium, account=account, declared=declared
    )
    return said


def counted(rows: Iterator[Any], free: list[int]) -> Iterator[Any]:
    """The rows; the places of those that would be in force for no premium go to `free`."""
    for at, (wanted, faults) in enumerate(rows):
        if wanted is not None and not wanted.premium_fen:
            free.append(at)
        yield wanted, faults
