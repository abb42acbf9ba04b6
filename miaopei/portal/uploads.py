"""What is sent here to be checked: a receipt, and the key or genesis file that holds it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..claims.verify import is_genesis
from ..errors import Refused
from ..ledger.checkpoint import read_verifier_key
from .guard import GENESIS_MAX, UPLOAD_MAX
from .problems import Problem

JSON, PARTS = "application/json", "multipart/form-data"
RECEIPT, GENESIS = "receipt", "genesis"


@dataclass(frozen=True)
class Sent:
    """A receipt's bytes, and what it is to be held against; None where that was not sent."""

    receipt: bytes
    vkey: str | None
    genesis: bytes | None


async def of_page(request: Request) -> Sent:
    """What the form of the page sends: a file or pasted text, a key, a genesis file.

    Errors   Problem portal.no_file, too_large, genesis_too_large, not_a_genesis, bad_key.
    """
    try:
        async with request.form(max_files=2, max_fields=4, max_part_size=UPLOAD_MAX) as form:
            text, vkey = form.get("text"), form.get("vkey")
            data, genesis = [await _file(form.get(name)) for name in ("file", GENESIS)]
    except HTTPException as error:
        raise _told(error) from None
    if not data and isinstance(text, str):
        data = text.strip().encode("utf-8", "replace")
    # A field of a file that nobody has chosen comes as one of no bytes.
    return _good(data, vkey if isinstance(vkey, str) else None, genesis or None)


async def of_program(request: Request, vkey: str | None) -> Sent:
    """What a program sends: the receipt as the body, or receipt and genesis file as two parts.

    Errors   Problem as `of_page`, and portal.wrong_media, portal.bad_request.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == JSON:
        return _good(await request.body(), vkey, None, empty=True)
    if media != PARTS:
        raise Problem("wrong_media")
    try:
        async with request.form(max_files=2, max_fields=2, max_part_size=UPLOAD_MAX) as form:
            found = await _parts(form)
    except HTTPException as error:
        raise _told(error) from None
    return _good(found.get(RECEIPT, b""), vkey, found.get(GENESIS))


async def _parts(form: FormData) -> dict[str, bytes]:
    """Each part by its name, once. Errors   Problem portal.bad_request."""
    found: dict[str, bytes] = {}
    for name, value in form.multi_items():
        if name not in (RECEIPT, GENESIS):
            raise Problem("bad_request", field=name[:60], why="no such part")
        if name in found:
            raise Problem("bad_request", field=name, why="sent twice")
        sent = value.encode("utf-8", "replace") if isinstance(value, str) else await _file(value)
        found[name] = sent
    return found


async def _file(value: object) -> bytes:
    """What was uploaded; nothing where no file was chosen."""
    return await value.read() if isinstance(value, UploadFile) else b""


def _told(error: HTTPException) -> Exception:
    """A form that could not be read; one of its parts may have been too large."""
    return Problem("too_large", limit=UPLOAD_MAX) if "size" in str(error.detail) else error


def _good(data: bytes, vkey: str | None, genesis: bytes | None, *, empty: bool = False) -> Sent:
    """What was sent, where it can be looked at. A receipt may be anything: its verdict says so."""
    if not data and not empty:
        raise Problem("no_file")
    if len(data) > UPLOAD_MAX:
        raise Problem("too_large", limit=UPLOAD_MAX)
    if genesis is not None and len(genesis) > GENESIS_MAX:
        raise Problem("genesis_too_large", limit=GENESIS_MAX, length=len(genesis))
    if genesis is not None and not is_genesis(genesis):
        raise Problem("not_a_genesis", length=len(genesis))
    return Sent(data, good_key(vkey), genesis)


def good_key(vkey: str | None) -> str | None:
    """A log key as given, None where none was. Errors   Problem portal.bad_key."""
    given = (vkey or "").strip()
    if not given:
        return None
    try:
        read_verifier_key(given)
    except Refused:
        raise Problem("bad_key") from None
    return given
