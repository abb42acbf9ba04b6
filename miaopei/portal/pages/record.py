"""The record: its head, signed checkpoint, files, members and sources; and the accounts."""

from __future__ import annotations

from collections.abc import Sequence

from ...accounts.chart import CHART
from ...errors import Refusal
from ...errors.texts import say
from ...ledger.tiles import CHECKPOINT, WIDTH, Tile, growth
from ..anchors import anchored
from ..views.accounts import accounts as added_up
from .page import Page

FILES = 12


def record(page: Page) -> str:
    """Where the record stands, and how a stranger checks it."""
    desk = page.desk
    files = list(growth(0, desk.head.size))
    return page.html(
        "record.html",
        "record",
        genesis=desk.genesis,
        checkpoint=desk.reading.checkpoint(),
        anchored=anchored(desk),
        undone=_undone(page),
        signing=desk.signing,
        files=_files(page, files[:FILES]),
        more_files=max(0, len(files) - FILES),
        members=[value for _, value in desk.state.range("member", "")],
        sources=[value for _, value in desk.state.range("source", "")],
    )


def _undone(page: Page) -> list[tuple[str, str]]:
    """What keeps duties of this process from being done: the duty's name, and the code."""
    return [
        (say(Refusal(f"duties.name_{told['duty']}"), page.language), told["code"])
        for told in page.desk.settings.duties()
    ]


def accounts(page: Page) -> str:
    """The trial balance of every owner."""
    listings = (value["listing"] for _, value in page.desk.state.range("listing", ""))
    return page.html(
        "accounts.html",
        "accounts",
        accounts=added_up(page.desk),
        chart=CHART,
        made_up=any(listing["placement"]["illustrative"] for listing in listings),
    )


def _files(page: Page, tiles: Sequence[Tile]) -> list[tuple[str, str]]:
    rows = [(CHECKPOINT, page.t("record.file_checkpoint"))]
    for tile in tiles:
        first, last = tile.index * WIDTH, tile.index * WIDTH + tile.width - 1
        if tile.level is None:
            rows.append((tile.path, page.t("record.file_entries", first=first, last=last)))
        else:
            said = page.t("record.file_hashes", level=tile.level, first=first, last=last)
            rows.append((tile.path, said))
    return rows
