"""Files served as they are: style, mark, the page that checks receipts, what follows a day."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePosixPath

from starlette.responses import Response

MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
# Of the pages that run a script, only this folder's own. The one that checks receipts reaches
# nobody; those that follow the record ask this server again.
SCRIPTED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'none'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
FOLLOWS = SCRIPTED.replace("connect-src 'none'", "connect-src 'self'").replace(
    "form-action 'none'", "form-action 'self'"
)


def answer(name: str) -> Response | None:
    """One file of this folder; None where it holds no such."""
    media = MEDIA.get(PurePosixPath(name).suffix)
    path = files(__name__) / name
    if media is None or not path.is_file():
        return None
    headers = {"Cache-Control": "max-age=300"}
    if name.endswith(".html"):
        headers["Content-Security-Policy"] = SCRIPTED
    return Response(path.read_bytes(), media_type=media, headers=headers)
