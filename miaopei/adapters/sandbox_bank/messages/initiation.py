"""pain.001.001.09 as the bank reads it: hardened, by the schema, counted and summed twice."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lxml import etree

from .writing import fault_of, namespace

MESSAGE = "pain.001.001.09"
SPACE = f"{{{namespace(MESSAGE)}}}"
Tree = dict[str, Any]  # elements by name, as `plain` gives them


class NotAMessage(ValueError):
    """There is no message to answer: no XML, or not as the schema wants it."""


@dataclass(frozen=True)
class Initiation:
    """A message as it came. `parts` gives instructions by payment information, in order.

    `fault` is a reason code and a sentence where nothing of it can be taken.
    """

    id: str
    count: str
    total: str
    parts: list[tuple[str, list[dict[str, Any]]]]
    fault: tuple[str, str] | None

    @property
    def values(self) -> list[dict[str, Any]]:
        """All instructions, in the form in which the bank reads one."""
        return [value for _, values in self.parts for value in values]


def read(data: bytes) -> Initiation:
    """Errors   NotAMessage."""
    body = plain(_body(data))
    header = body["GrpHdr"][0]
    parts = [
        (text(part, "PmtInfId"), [_value(part, one) for one in part["CdtTrfTxInf"]])
        for part in body["PmtInf"]
    ]
    return Initiation(
        id=text(header, "MsgId"),
        count=text(header, "NbOfTxs"),
        total=text(header, "CtrlSum"),
        parts=parts,
        fault=_fault(header, body),
    )


def plain(element: etree._Element) -> Tree:
    """What is below an element: name -> each of that name; "" is its own text, "@" a currency."""
    tree: Tree = {}
    for child in element:
        below = plain(child) if len(child) else _leaf(child)
        tree.setdefault(child.tag.rpartition("}")[2], []).append(below)
    return tree or _leaf(element)


def _leaf(element: etree._Element) -> Tree:
    return {"": (element.text or "").strip(), "@": element.get("Ccy")}


def text(tree: Tree, path: str) -> str:
    """The text of the first element at the path, "" where there is none."""
    for name in path.split("/"):
        if name not in tree:
            return ""
        tree = tree[name][0]
    return str(tree.get("", ""))


def _body(data: bytes) -> etree._Element:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        raise NotAMessage("a message has no document type and no entities")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotAMessage(f"no XML: {type(error).__name__}") from None
    if (root.getroottree().docinfo.encoding or "UTF-8").upper() != "UTF-8":
        raise NotAMessage("send UTF-8")
    if root.tag != f"{SPACE}Document":
        raise NotAMessage(f"send {MESSAGE}")
    if (fault := fault_of(MESSAGE, root)) is not None:
        raise NotAMessage(fault)
    return root[0]


def _value(part: Tree, one: Tree) -> dict[str, Any]:
    amount = one["Amt"][0].get("InstdAmt", [None])[0]  # another kind of amount is none for us
    remittance = one.get("RmtInf", [{}])[0].get("Ustrd", [])
    value = {
        "id": text(one, "PmtId/InstrId"),
        "amount_fen": None if amount is None else _fen(amount[""]),
        "currency": None if amount is None else amount["@"],
        "debtor_account": _account(part, "DbtrAcct"),
        "creditor_account": _account(one, "CdtrAcct"),
        "remittance": "".join(each[""] for each in remittance),
        "end_to_end_id": text(one, "PmtId/EndToEndId"),
        "uetr": text(one, "PmtId/UETR"),
    }
    name = text(one, "Cdtr/Nm")
    return {**value, "creditor_name": name} if name else value


def _fault(header: Tree, body: Tree) -> tuple[str, str] | None:
    """Counts and sums, of the message and of each payment information, against what is there."""
    parts = body["PmtInf"]
    for level, below in ((header, parts), *((part, [part]) for part in parts)):
        amounts = [
            Decimal(text(one, "Amt/InstdAmt") or 0) for part in below for one in part["CdtTrfTxInf"]
        ]
        count, total = text(level, "NbOfTxs"), text(level, "CtrlSum")
        if count and int(count) != len(amounts):
            return "AM18", f"{count} transactions announced, {len(amounts)} found"
        if total and Decimal(total) != sum(amounts):
            return "AM10", f"control sum {total}, the amounts make {sum(amounts)}"
    return None


def _fen(amount: str) -> int | None:
    """None for parts of a fen."""
    fen = Decimal(amount) * 100
    return int(fen) if fen == int(fen) else None


def _account(tree: Tree, path: str) -> str:
    return text(tree, f"{path}/Id/Othr/Id") or text(tree, f"{path}/Id/IBAN")
