"""Files that are served as they are: style, mark, and the page that checks receipts by itself."""

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
# Of the one page that runs a script: only this folder's own, and it may reach nobody.
SCRIPTED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'none'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
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
