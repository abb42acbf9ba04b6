"""Reading what a bank sent: hardened, bounded, checked against the published schema.

No document type, no entities, nothing fetched, no deep trees, UTF-8 only.
"""

from __future__ import annotations

import re
import threading
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path

from lxml import etree

from ...errors import OutsideFault

LARGEST = 64 * 1024 * 1024
SCHEMAS = Path(__file__).resolve().parents[2] / "data" / "iso20022"
# Of pain.002 the published file at hand is two versions younger than the message that is spoken;
# the types that are used are the same in both (docs/specs/bank.md).
KEPT_AS = {
    "pain.001.001.09": "pain.001.001.09",
    "pain.002.001.10": "pain.002.001.12",
    "camt.054.001.08": "camt.054.001.08",
}
MONEY = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,2})0*)?")
_lock = threading.Lock()


def unclear(what: str) -> OutsideFault:
    """What a bank said that is no clear word: silence, to be asked for again."""
    return OutsideFault(f"the bank's answer is unclear: {what}", retry=True)


@cache
def _schema(message: str) -> etree.XMLSchema:
    kept = KEPT_AS[message]
    text = (SCHEMAS / f"{kept}.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text.replace(kept.encode(), message.encode())))


def fault_of(message: str, root: etree._Element) -> str | None:
    """What the published schema says against a document, or None."""
    with _lock:  # one schema object, one log of errors
        try:
            _schema(message).assertValid(root)
        except etree.DocumentInvalid as error:
            return str(error)[:200]
        return None


def document(data: bytes, message: str) -> Part:
    """The one message in a document, all of it as the schema wants it.

    Errors   OutsideFault(retry=True) for anything else.
    """
    if len(data) > LARGEST:
        raise unclear(f"{len(data)} bytes, more than {LARGEST}")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        raise unclear("a document type or entities, which no message has")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise unclear(f"no XML ({type(error).__name__})") from None
    about = root.getroottree().docinfo
    if about.internalDTD is not None or (about.encoding or "UTF-8").upper() != "UTF-8":
        raise unclear("not plain UTF-8")
    if root.tag != f"{{urn:iso:std:iso:20022:tech:xsd:{message}}}Document":
        raise unclear(f"not {message}: {root.tag[:80]}")
    if (fault := fault_of(message, root)) is not None:
        raise unclear(f"{message}: {fault}")
    return Part(root[0])


class Part:
    """An element of a message, read by paths of plain names; the schema has seen to the rest."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element
        self._below: dict[str, list[Part]] | None = None

    def all(self, path: str) -> list[Part]:
        """Every element at the path."""
        found = [self]
        for name in path.split("/"):
            found = [below for part in found for below in part._named(name)]
        return found

    @property
    def own(self) -> str:
        """The text of this element itself."""
        return (self._element.text or "").strip()

    def text(self, path: str) -> str | None:
        """The text of the one element at the path; None where there is none.

        Errors   OutsideFault where there are several: which one is meant?
        """
        found = self.all(path)
        if len(found) > 1:
            raise unclear(f"{path} stands {len(found)} times")
        return found[0].own if found else None

    def need(self, path: str) -> str:
        """The text at the path. Errors   OutsideFault where there is none."""
        text = self.text(path)
        if not text:
            raise unclear(f"no {path}")
        return text

    def number(self, path: str) -> int:
        """A count. Errors   OutsideFault."""
        text = self.need(path)
        if not text.isascii() or not text.isdigit():
            raise unclear(f"{path} is no count")
        return int(text)

    def fen(self, path: str, currency: str | None = None) -> int:
        """Money in fen; with `currency` an amount that must be in it.

        Errors   OutsideFault, also for parts of a fen and another currency.
        """
        if currency is not None:
            found = self.all(path)
            said = found[0]._element.get("Ccy") if found else None
            if said != currency:
                raise unclear(f"{path} in {said}, not {currency}")
        return fen(self.need(path))

    def time(self, path: str) -> int:
        """UTC seconds of a date and time with its offset. Errors   OutsideFault."""
        try:
            at = _instant(self.need(path))
        except ValueError:
            raise unclear(f"{path} is no time") from None
        if at is None:
            raise unclear(f"{path} without an offset from UTC")
        return at

    def _named(self, name: str) -> list[Part]:
        if self._below is None:  # a message is read in one pass, however many paths are asked for
            self._below = {}
            for element in self._element:
                plain = element.tag.rpartition("}")[2]
                self._below.setdefault(plain, []).append(Part(element))
        return self._below.get(name, [])


class Flat(Part):
    """A small element of which much is asked, read in one pass: a message has thousands."""

    def __init__(self, part: Part) -> None:
        super().__init__(part._element)
        self._at: dict[str, list[etree._Element]] = {}
        self._gather(part._element, "")

    def all(self, path: str) -> list[Part]:
        """Every element at the path."""
        return [Part(element) for element in self._at.get(path, ())]

    def text(self, path: str) -> str | None:
        """As `Part.text`."""
        found = self._at.get(path)
        if found is None:
            return None
        if len(found) > 1:
            raise unclear(f"{path} stands {len(found)} times")
        return (found[0].text or "").strip()

    def _gather(self, element: etree._Element, above: str) -> None:
        for below in element:
            path = above + below.tag.rpartition("}")[2]
            self._at.setdefault(path, []).append(below)
            if len(below):
                self._gather(below, f"{path}/")


@lru_cache(maxsize=1_024)
def _instant(text: str) -> int | None:
    """UTC seconds; None without an offset. Errors   ValueError."""
    at = datetime.fromisoformat(text)
    return None if at.tzinfo is None else int(at.timestamp())


def fen(text: str) -> int:
    """Yuan with at most two decimals that count, as fen. Errors   OutsideFault."""
    found = MONEY.fullmatch(text)
    if found is None:
        raise unclear(f"the amount {text[:40]}")
    whole, part = found.groups()
    return int(whole) * 100 + int((part or "0").ljust(2, "0"))


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals."""
    return f"{fen // 100}.{fen % 100:02d}"
