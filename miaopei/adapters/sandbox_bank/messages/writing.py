"""What every message of the bank is made with: elements by path, amounts, times, the schema."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

SCHEMAS = Path(__file__).resolve().parents[3] / "data" / "iso20022"
# The message that is spoken -> the schema it is checked with. Of pain.002 the published file at
# hand is two versions younger; the types used here are the same in both (docs/specs/bank.md).
KEPT_AS = {
    "pain.001.001.09": "pain.001.001.09",
    "pain.002.001.10": "pain.002.001.12",
    "camt.054.001.08": "camt.054.001.08",
}
_lock = threading.Lock()


def namespace(message: str) -> str:
    """The XML namespace of a message such as "camt.054.001.08"."""
    return f"urn:iso:std:iso:20022:tech:xsd:{message}"


@cache
def _schema(message: str) -> etree.XMLSchema:
    kept = KEPT_AS[message]
    text = (SCHEMAS / f"{kept}.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text.replace(kept.encode(), message.encode())))


def fault_of(message: str, root: etree._Element) -> str | None:
    """What the published schema says against a document, or None."""
    with _lock:
        try:
            _schema(message).assertValid(root)
        except etree.DocumentInvalid as error:
            return str(error)[:200]
        return None


class Document:
    """A message being written. Elements are put in the order in which they are to stand."""

    def __init__(self, message: str, kind: str) -> None:
        self.message, self._space = message, f"{{{namespace(message)}}}"
        spaces: dict[Any, str] = {None: namespace(message)}  # the default one has no prefix
        self._root = etree.Element(f"{self._space}Document", nsmap=spaces)
        self.body = self.put(self._root, kind)

    def put(self, parent: etree._Element, path: str, text: str | None = None) -> etree._Element:
        """A new element below `parent` by a path of names, all of them new."""
        for name in path.split("/"):
            parent = etree.SubElement(parent, self._space + name)
        parent.text = text
        return parent

    def amount(self, parent: etree._Element, path: str, fen: int, currency: str = "CNY") -> None:
        """Money with its currency."""
        self.put(parent, path, yuan(fen)).set("Ccy", currency)

    def data(self) -> bytes:
        """The bytes that go out. A message of ours that the schema refuses is a fault of ours."""
        fault = fault_of(self.message, self._root)
        if fault is not None:
            raise AssertionError(f"{self.message} written against its schema: {fault}")
        return etree.tostring(self._root, xml_declaration=True, encoding="UTF-8")


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals."""
    return f"{fen // 100}.{fen % 100:02d}"


def when(at: int) -> str:
    """UTC seconds as an ISO date and time."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
