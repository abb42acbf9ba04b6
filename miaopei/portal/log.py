"""The log's public files under /log/ in C2SP tlog-tiles layout: checkpoint, tiles, entry bundles.

Read from the folder that is written after each commit where wiring hands one in, else made from
the snapshot, to the same bytes. Source: docs/specs/log.md, section 4.
"""

from __future__ import annotations

from starlette.responses import Response

from ..ledger.tiles import CHECKPOINT, HEIGHT, Tile, encode_bundle, read_path, tile_bytes
from .problems import Problem
from .views.desk import Desk, Desks

TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
NEVER_CHANGES = "public, max-age=31536000, immutable"


def file(desks: Desks, path: str) -> Response:
    """One file; the checkpoint is the only one that changes.

    Errors   Problem portal.not_found for any path that is not one of this log's.
    """
    tile = read_path(path)
    if path != CHECKPOINT and tile is None:
        raise Problem("not_found", what=path[:120])
    read = desks.settings.log
    if read is not None:
        data = read(path)
    else:
        with desks.open() as desk:
            data = _made(desk, tile)
    if data is None:
        raise Problem("not_found", what=path[:120])
    if tile is None:
        return Response(data, media_type=TEXT, headers={"Cache-Control": "no-cache"})
    return Response(data, media_type=BYTES, headers={"Cache-Control": NEVER_CHANGES})


def _made(desk: Desk, tile: Tile | None) -> bytes | None:
    """A file's bytes from the snapshot; None for what the log has not reached."""
    if tile is None:
        return desk.reading.checkpoint().encode("utf-8")
    level = tile.level or 0
    if tile.end > desk.head.size >> HEIGHT * level:
        return None
    if tile.level is None:
        return encode_bundle(desk.reading.leaves(tile.first, tile.end))
    nodes = (desk.reading.node(HEIGHT * level, index) for index in range(tile.first, tile.end))
    return tile_bytes(nodes)
