"""The log's public files under /log/ in C2SP tlog-tiles layout: checkpoint, tiles, entry bundles.

Read from the folder that is written after each commit where wiring hands one in, else made from
the snapshot, to the same bytes. Source: docs/specs/log.md, section 4.
"""

from __future__ import annotations

from starlette.responses import Response

from ..ledger.tiles import CHECKPOINT, HEIGHT, read_path
from ..node.proof.stored import log_files
from .problems import Problem
from .views.desk import Desks

TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
NEVER_CHANGES = "public, max-age=31536000, immutable"


def file(desks: Desks, path: str) -> Response:
    """One file; the checkpoint is the only one that changes.

    Errors   Problem portal.not_found for any path that is not one of this log's.
    """
    tile = read_path(path)
    if path != CHECKPOINT and tile is None:
        raise Problem("not_found", what=path[:120])
    with desks.open() as desk:
        reached = tile is None or tile.end <= desk.head.size >> HEIGHT * (tile.level or 0)
        read = desks.settings.log or log_files(desk.reading)
        data = read(path) if reached else None
    if data is None:
        raise Problem("not_found", what=path[:120])
    if tile is None:
        return Response(data, media_type=TEXT, headers={"Cache-Control": "no-cache"})
    return Response(data, media_type=BYTES, headers={"Cache-Control": NEVER_CHANGES})
