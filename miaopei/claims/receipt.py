"""The receipt 回执: one file with all that a stranger needs to check a payout, or a refusal, alone.

Its shape, bytes and signing input. Collecting its parts is the node's work, checking them that of
`verify`. Source: docs/specs/receipt.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ..errors import Refusal, Refused
from ..measures.identity import canonical, read_canonical
from ..measures.shape import Types, misfit

LARGEST_BYTES = 16_000_000
DOMAIN = b"miaopei/v1/receipt\0"

# What the leaves of each role are: the kind of act, or "made " and what was made.
ROLES: Mapping[str, str] = {
    "genesis": "genesis",
    "members": "admit_member",
    "product": "file_product",
    "listing": "list_product",
    "batch": "admit_batch",
    "hold": "hold_batch",
    "areas": "file_area",
    "sources": "register_source",
    "facts": "record_facts",
    "resolution": "resolve",
    "trigger": "made trigger",
    "decisions": "decide",
    "settlement": "made settlement",
    "payments": "confirm_payments",
    "case": "made case",
    "blocks": "block",
    "release": "release",
    "keys": "change_key",
}
OPTIONAL = ("release", "keys")  # roles that stand in a receipt only where it has such leaves


class Kind(StrEnum):
    """What a receipt proves."""

    PAYOUT = "payout"  # this policy was owed, and perhaps paid, so much
    REFUSAL = "refusal"  # nothing was paid, and why


@dataclass(frozen=True)
class Shown:
    """One leaf of the log: its position, what it says, and its path to the checkpoint's root."""

    index: int
    leaf: dict[str, Any]
    path: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """{index, leaf, path}."""
        return {"index": self.index, "leaf": self.leaf, "path": list(self.path)}


@dataclass(frozen=True)
class OpenedRow:
    """One policy row with its place in the book and its path to the trigger's book root."""

    row: dict[str, Any]
    position: int
    path: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """{row, position, path}."""
        return {"row": self.row, "position": self.position, "path": list(self.path)}


@dataclass(frozen=True)
class OpenedClaim:
    """One claim leaf with its path to the settlement's claims root (a tree of `count` leaves)."""

    claim: dict[str, Any]
    index: int
    count: int
    path: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """{claim, index, count, path}."""
        return {
            "claim": self.claim,
            "index": self.index,
            "count": self.count,
            "path": list(self.path),
        }


@dataclass(frozen=True)
class Paid:
    """What the bank said of one payout: the outcome and its path in the outcomes of one act."""

    outcome: dict[str, Any]
    act: str
    index: int
    count: int
    path: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """{outcome, act, index, count, path}."""
        return {
            "outcome": self.outcome,
            "act": self.act,
            "index": self.index,
            "count": self.count,
            "path": list(self.path),
        }


@dataclass(frozen=True)
class Part:
    """One carrier's payout of the claim, with the bank's last final answer where there is one."""

    payout: dict[str, Any]
    amount_fen: int
    paid: Paid | None

    def as_json(self) -> dict[str, Any]:
        """{payout, amount_fen, paid}."""
        return {
            "payout": self.payout,
            "amount_fen": self.amount_fen,
            "paid": None if self.paid is None else self.paid.as_json(),
        }


@dataclass(frozen=True)
class Line:
    """Rows of a sealed list (`count` rows) opened for one input: the policy's own, or the one or
    two neighbours between which it would stand. Each row is `{row, index, path}`."""

    input: str
    source: str
    count: int
    rows: tuple[tuple[dict[str, Any], int, tuple[str, ...]], ...]

    def as_json(self) -> dict[str, Any]:
        """{input, source, count, rows: [{row, index, path}]}."""
        rows = [{"row": r, "index": i, "path": list(path)} for r, i, path in self.rows]
        return {"input": self.input, "source": self.source, "count": self.count, "rows": rows}


@dataclass(frozen=True)
class Receipt:
    """The whole file. `before`: the version that stood before, where `row` was recorded late.

    `certificate` stands only in a consortium's: what its members' engines have signed together.
    """

    kind: Kind
    vkey: str
    checkpoint: str
    leaves: Mapping[str, tuple[Shown, ...]]
    row: OpenedRow | None
    before: OpenedRow | None
    claim: OpenedClaim | None
    payouts: tuple[Part, ...]
    signer: str
    sig: str = ""
    certificate: Mapping[str, Any] | None = None
    lines: tuple[Line, ...] = ()

    def unsigned(self) -> dict[str, Any]:
        """The part that the signer signs: everything but the signature."""
        certified = {} if self.certificate is None else {"certificate": dict(self.certificate)}
        listed = {"lines": [line.as_json() for line in self.lines]} if self.lines else {}
        return {
            **certified,
            **listed,
            "v": 1,
            "receipt": str(self.kind),
            "vkey": self.vkey,
            "checkpoint": self.checkpoint,
            "leaves": {
                role: [shown.as_json() for shown in self.leaves.get(role, ())]
                for role in ROLES
                if role not in OPTIONAL or self.leaves.get(role)
            },
            "row": None if self.row is None else self.row.as_json(),
            "before": None if self.before is None else self.before.as_json(),
            "claim": None if self.claim is None else self.claim.as_json(),
            "payouts": [part.as_json() for part in self.payouts],
            "signer": self.signer,
        }

    def signing_input(self) -> bytes:
        """The bytes under the signature."""
        return DOMAIN + canonical(self.unsigned())

    def signed(self, sign: Callable[[bytes], bytes]) -> Receipt:
        """The receipt with its signature; `sign` is the private key's own."""
        return replace(self, sig=sign(self.signing_input()).hex())

    def to_bytes(self) -> bytes:
        """The file: canonical bytes, no newline at the end."""
        return canonical({**self.unsigned(), "sig": self.sig})


def from_bytes(data: bytes) -> Receipt:
    """Read a receipt strictly: every field there, each of its kind, nothing else.

    Errors   Refused verify.too_long, verify.malformed, identity.* for bytes that are not canonical.
    """
    if len(data) > LARGEST_BYTES:
        raise Refused(Refusal("verify.too_long", {"length": len(data), "limit": LARGEST_BYTES}))
    return from_json(read_canonical(data))


def from_json(value: Any) -> Receipt:
    """A receipt from its JSON form.

    Errors   Refused verify.malformed naming the place.
    """
    certificate = value.get("certificate") if isinstance(value, dict) else None
    certified: dict[str, type] = {} if certificate is None else {"certificate": dict}
    if isinstance(value, dict) and "lines" in value:
        certified |= {"lines": list}
    given = _fields(
        value,
        "$",
        **certified,
        v=int, receipt=str, vkey=str, checkpoint=str, leaves=dict, row=(dict, type(None)),
        before=(dict, type(None)), claim=(dict, type(None)), payouts=list, signer=str, sig=str,
    )  # fmt: skip
    if given["v"] != 1 or given["receipt"] not in list(Kind):
        raise _malformed("$.receipt")
    roles = [role for role in ROLES if role not in OPTIONAL or given["leaves"].get(role)]
    leaves = _fields(given["leaves"], "$.leaves", **dict.fromkeys(roles, list))
    return Receipt(
        kind=Kind(given["receipt"]),
        vkey=given["vkey"],
        checkpoint=given["checkpoint"],
        leaves={
            role: tuple(
                _shown(item, f"$.leaves.{role}[{i}]") for i, item in enumerate(leaves.get(role, ()))
            )
            for role in ROLES
        },
        row=_row(given["row"], "$.row"),
        before=_row(given["before"], "$.before"),
        claim=_claim(given["claim"]),
        payouts=tuple(_part(item, f"$.payouts[{i}]") for i, item in enumerate(given["payouts"])),
        signer=given["signer"],
        sig=given["sig"],
        lines=tuple(_line(item, f"$.lines[{i}]") for i, item in enumerate(given.get("lines", ()))),
        certificate=certificate,
    )


def _shown(value: Any, at: str) -> Shown:
    given = _fields(value, at, index=int, leaf=dict, path=list)
    return Shown(_natural(given, "index", at), given["leaf"], _path(given["path"], at))


def _row(value: Any, at: str) -> OpenedRow | None:
    if value is None:
        return None
    given = _fields(value, at, row=dict, position=int, path=list)
    return OpenedRow(given["row"], _natural(given, "position", at), _path(given["path"], at))


def _line(value: Any, at: str) -> Line:
    given = _fields(value, at, input=str, source=str, count=int, rows=list)
    rows = []
    for i, item in enumerate(given["rows"]):
        here = f"{at}.rows[{i}]"
        row = _fields(item, here, row=dict, index=int, path=list)
        rows.append((row["row"], _natural(row, "index", here), _path(row["path"], here)))
    return Line(given["input"], given["source"], _natural(given, "count", at), tuple(rows))


def _claim(value: Any) -> OpenedClaim | None:
    if value is None:
        return None
    at = "$.claim"
    given = _fields(value, at, claim=dict, index=int, count=int, path=list)
    index, count = _natural(given, "index", at), _natural(given, "count", at)
    return OpenedClaim(given["claim"], index, count, _path(given["path"], at))


def _part(value: Any, at: str) -> Part:
    given = _fields(value, at, payout=dict, amount_fen=int, paid=(dict, type(None)))
    return Part(given["payout"], _natural(given, "amount_fen", at), _paid(given["paid"], at))


def _paid(value: Any, at: str) -> Paid | None:
    if value is None:
        return None
    at = f"{at}.paid"
    given = _fields(value, at, outcome=dict, act=str, index=int, count=int, path=list)
    index, count = _natural(given, "index", at), _natural(given, "count", at)
    return Paid(given["outcome"], given["act"], index, count, _path(given["path"], at))


def _fields(value: Any, at: str, **kinds: Types) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise _malformed(at)
    if wrong := misfit(value, kinds):
        raise _malformed(f"{at}.{wrong[0]}")
    return value


def _natural(given: Mapping[str, Any], name: str, at: str) -> int:
    number: int = given[name]
    if number < 0:
        raise _malformed(f"{at}.{name}")
    return number


def _path(value: list[Any], at: str) -> tuple[str, ...]:
    if len(value) > 64 or not all(type(step) is str and len(step) == 64 for step in value):
        raise _malformed(f"{at}.path")
    return tuple(value)


def _malformed(at: str) -> Refused:
    return Refused(Refusal("verify.malformed", {"at": at}))
