"""A scheme: all that an operator puts on a record to run covers, as data. Applied, it becomes acts.

Members, sources, areas, products, listings, policies and the accounts of a sandbox bank. The same
scheme applied twice changes nothing. The schemes themselves lie in `data/schemes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple, Protocol

from ..acts.envelope import Act, from_bytes
from ..acts.state import State
from ..acts.wishes import waiting
from ..claims.confirm import Spread, alone
from ..errors import Fact, Refusal, Refused
from ..evidence.area import AreaSet
from ..market.listing import Listing, Overpaid
from ..market.placement import Placement
from ..measures.identity import content_id
from ..measures.instant import from_beijing
from ..measures.money import yuan
from ..measures.suites import public_hex
from ..policies.row import PolicyRow, Transaction
from ..products.shelf import Shelf
from .mass.bringing import body_of
from .node import Node
from .ports import Writing

FORMAT = "miaopei.scheme/1"
PARTS = (
    "format", "id", "name", "labels", "members", "sources", "areas", "products", "placements",
    "listings", "carrier_accounts",
)  # fmt: skip
SAID = frozenset({"admit_member", "list_product"})  # of these others may have to say so too
OPTIONAL = ("provider_accounts",)  # where those who bill carriers are paid


class Accounts(Protocol):
    """Where a scheme's accounts are opened: a sandbox bank."""

    def open_accounts(self, accounts: Iterable[tuple[str, str, int]]) -> None:
        """Open accounts: (number, name, opening balance in fen). Repeating it changes nothing."""


@dataclass(frozen=True)
class Applied:
    """What a scheme brought: the number of new acts, and of policies issued by them."""

    acts: int
    policies: int


@dataclass(frozen=True)
class Parties:
    """Who decides and who pays what a scheme lists: how many equal decisions settle; who takes over
    what the payer leaves open, so many seconds after a settlement.
    """

    payer: str
    deciders: tuple[str, ...]
    k: int
    standby: str | None = None
    takeover_seconds: int | None = None


class Wanted(NamedTuple):
    """A policy to issue. Half-open [since, until) in UTC seconds; `payee` is {account, name}."""

    since: int
    until: int
    year_from: int
    premium_fen: int
    payee: dict[str, str]
    declared: Mapping[str, int]
    subject: str | None = None  # token of the person whose name stands on sealed lists


def load(name: str) -> dict[str, Any]:
    """A scheme that comes with the package.

    Errors   Refused scheme.unknown, naming those there are.
    """
    folder = files("miaopei") / "data" / "schemes"
    known = sorted(p.name.removesuffix(".json") for p in folder.iterdir() if ".json" in p.name)
    if name not in known:
        raise _refused("unknown", name=name[:60], known=", ".join(known))
    return read((folder / f"{name}.json").read_bytes())


def read(data: bytes) -> dict[str, Any]:
    """A scheme from the bytes of its file.

    Errors   Refused scheme.unreadable, scheme.bad_field.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _refused("unreadable", why=str(error)[:80]) from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise _refused("bad_field", field="format", why=f"is not {FORMAT}")
    for name in sorted(set(PARTS) ^ (set(value) - set(OPTIONAL))):
        raise _refused("bad_field", field=name[:60], why="missing or not known")
    return value


def apply(
    node: Node, value: Mapping[str, Any], shelf: Shelf, bank: Accounts | None = None
) -> Applied:
    """Submit the acts that are not on the record yet, in one block, then the policies.

    Batches are in force when the deciders have held them: run the decider afterwards.
    Errors   Refused scheme.differs where the record holds something else under the same name, and
             whatever the record says against an act.
    """
    me = node.identity.member
    acts = set_up(node, value, shelf, Parties(me, (me,), 1))
    issued = issue_all(node, value, bank)
    return Applied(acts + issued, issued)


def set_up(node: Node, value: Mapping[str, Any], shelf: Shelf, parties: Parties) -> int:
    """Submit the acts that the record does not hold yet, without the policies; how many.

    Errors   as `apply`.
    """
    with node.reading() as (reading, state):
        head = reading.head()
        said = [
            (one.wish.kind, one.wish.body)
            for one in waiting(state, head.time, head.height)
            if node.identity.member in one.wish.by
        ]
        wanted = [
            (kind, ref, body)
            for kind, ref, body in _set_up(node, state, value, shelf, parties)
            if (kind, body) not in said
        ]
    # What was said before and had no effect is said by another act, else it would be done already.
    acts = [
        node.act(kind, node.unsaid(kind, ref, body) if kind in SAID else ref, body)
        for kind, ref, body in wanted
    ]
    _submit(node, acts)
    return len(acts)


def agree(node: Node, value: Mapping[str, Any], shelf: Shelf, parties: Parties) -> int:
    """Say that we agree to the listings of a scheme that wait for our word; how many did.

    Each is held against our own copy of the scheme: what somebody else proposed under the same name
    is another body, and is not agreed to.
    """
    with node.reading() as (reading, state):
        head = reading.head()
        named = [_listing(value, entry, shelf, parties) for entry in value["listings"]]
        wanted = [
            one.wish.body
            for one in waiting(state, head.time, head.height)
            if node.identity.member in one.lacks and one.wish.body in named
        ]
    kind = "list_product"
    acts = [node.act(kind, node.word(kind, body), body) for body in wanted]
    return _submit(node, acts)


def issue_all(
    node: Node, value: Mapping[str, Any], bank: Accounts | None = None, again: str = ""
) -> int:
    """Open the accounts of a scheme and issue its policies, once for each `again`; how many were.

    Of several members the one that pays does it: it keeps whom to pay and where.
    """
    if bank is not None:
        _open_accounts(node, value, bank)
    issued = 0
    for entry in value["listings"]:
        wanted = [_wanted(value, policy) for policy in entry["policies"]]
        name = f"scheme/{value['id']}/{entry['id']}{again and '/' + again}"
        issued += issue(node, entry["id"], wanted, name)
    return issued


def issue(
    node: Node, book: str, wanted: Sequence[Wanted], name: str, spread: Spread = alone
) -> int:
    """Issue policies in one batch under fresh random numbers, once for each `name`; how many.

    What is sent is written down first, so that a kill anywhere sends the same act again. `spread`
    uses the cores for many.
    """
    if not wanted:
        return 0
    with node.store.writing() as block:
        kept = block.progress(name)
        if kept is not None:
            act = from_bytes(kept)
        else:
            act = _batch(block, node, book, wanted, spread)
            block.put_progress(name, act.to_bytes())
    return len(wanted) if _submit(node, [act]) else 0


def _batch(block: Writing, node: Node, book: str, wanted: Sequence[Wanted], spread: Spread) -> Act:
    rows = []
    payees: list[tuple[str, dict[str, Any]]] = []
    drawn = node.random(48 * len(wanted)).hex()
    for at, policy in enumerate(wanted):
        row = PolicyRow(
            book=book,
            policy=drawn[96 * at : 96 * at + 32],
            transaction=Transaction.ISSUE,
            number=1,
            since=policy.since,
            until=policy.until,
            year_from=policy.year_from,
            premium_fen=policy.premium_fen,
            salt=drawn[96 * at + 32 : 96 * at + 96],
            declared=policy.declared,
            subject=policy.subject,
        )
        rows.append(row)
        if policy.payee:  # who has no account yet is ordered to be paid, and told of
            payees.append((f"policy/{row.policy}", policy.payee))
    block.put_payees(payees, spread)
    body = body_of(block, node, book, rows)
    return node.act("admit_batch", f"batch-{body['rows']['root'][:24]}", body)


def _set_up(
    node: Node, state: State, value: Mapping[str, Any], shelf: Shelf, parties: Parties
) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, name and body of acts for what the record does not hold yet."""
    wanted: list[tuple[str, str, str, Any, Any]] = []
    for member in value["members"]:
        body = {**member, "operator": member["id"], "keys": []}
        body["roles"] = sorted(body["roles"])
        if _acts_itself(state, body):
            continue
        wanted.append(("admit_member", "member", body["id"], body, state.get("member", body["id"])))
    for source in value["sources"]:
        raw = public_hex(node.identity.acts)
        body = {**_source(source), "keys": [{"key": raw, "since": 0, "until": None}]}
        held = state.get("source", body["id"])
        wanted.append(("register_source", "source", body["id"], body, held))
    for code in value["areas"]:
        body = area(code).as_json()
        held = state.get("area", f"{body['set']}/{code}")
        held = None if held is None else {k: v for k, v in held.items() if k != "act"}
        wanted.append(("file_area", "area", code, body, held))
    for name in value["products"]:
        product = shelf.find(name)
        body = {"product": product.as_json()}
        held = state.get("product", product.hash)
        held = None if held is None else {"product": held["product"]}
        wanted.append(("file_product", "product", name, body, held))
    for entry in value["listings"]:
        body = _listing(value, entry, shelf, parties)
        held = state.get("listing", entry["id"])
        held = None if held is None else {name: held[name] for name in body}
        wanted.append(("list_product", "listing", entry["id"], body, held))
    for _, what, name, body, held in wanted:
        if held is not None and held != body:
            raise _refused("differs", what=what, name=name)
    return [
        (kind, f"{what}-{content_id('scheme', body)[:24]}", body)
        for kind, what, _, body, held in wanted
        if held is None
    ]


def _acts_itself(state: State, member: Mapping[str, Any]) -> bool:
    """Whether the record has this member already, with keys of its own and all of these roles."""
    held = state.get("member", member["id"])
    return held is not None and bool(held["keys"]) and set(member["roles"]) <= set(held["roles"])


def _listing(
    value: Mapping[str, Any], entry: Mapping[str, Any], shelf: Shelf, parties: Parties
) -> dict[str, Any]:
    """A listing that these parties decide and pay."""
    product = shelf.find(entry["product"])
    listing = Listing(
        id=entry["id"],
        product=product.id,
        book=entry["id"],
        placement=Placement.from_json(value["placements"][entry["placement"]]),
        payer=parties.payer,
        standby_payer=parties.standby,
        takeover_seconds=parties.takeover_seconds,
        deciders=parties.deciders,
        k=parties.k,
        kept_or_receivable=_overpaid(entry),
        occurrence_cap_fen=None,
        solo=len(parties.deciders) == 1,
    )
    return {"listing": listing.as_json(), "product": product.hash, "arrears": False}


def _overpaid(entry: Mapping[str, Any]) -> Overpaid:
    """What becomes of what was paid too much: kept, where a listing does not say.

    Errors   Refused scheme.bad_field.
    """
    said = entry.get("overpaid", str(Overpaid.KEPT))
    if said not in tuple(map(str, Overpaid)):
        known = ", ".join(Overpaid)
        raise _refused("bad_field", field="overpaid", why=f"{ascii(said)[:40]} is none of {known}")
    return Overpaid(said)


def _open_accounts(node: Node, value: Mapping[str, Any], bank: Accounts) -> None:
    """The carriers' accounts, funded, the providers' and the payees'; kept by their names."""
    names = {member["id"]: member["name"]["zh"] for member in value["members"]}
    accounts, payees = [], {}
    for part in value["carrier_accounts"]:
        name = names[part["carrier"]]
        accounts.append((part["account"], name, yuan(part["funds_yuan"])))
        payees[f"carrier/{part['carrier']}"] = {"account": part["account"], "name": name}
    for part in value.get("provider_accounts", ()):
        name = names[part["provider"]]
        accounts.append((part["account"], name, 0))
        payees[f"provider/{part['provider']}"] = {"account": part["account"], "name": name}
    for entry in value["listings"]:
        accounts += [(p["account"], names[p["holder"]], 0) for p in entry["policies"]]
    bank.open_accounts(accounts)
    with node.store.writing() as block:
        for subject, payee in payees.items():
            if block.payee(subject) != payee:
                block.put_payee(subject, payee)


def _wanted(value: Mapping[str, Any], policy: Mapping[str, Any]) -> Wanted:
    name = next(m["name"]["zh"] for m in value["members"] if m["id"] == policy["holder"])
    since = from_beijing(policy["since"])
    return Wanted(
        since=since,
        until=from_beijing(policy["until"]),
        year_from=since,
        premium_fen=yuan(policy["premium_yuan"]),
        payee={"account": policy["account"], "name": name},
        declared=policy.get("declared", {}),
    )


def _source(given: Any) -> dict[str, Any]:
    """A source's entry: as it stands in the scheme, or by its id from those of the package."""
    if isinstance(given, dict):
        return given
    shipped = json.loads((files("miaopei") / "data" / "sources.json").read_bytes())
    known = {entry["id"]: entry for entry in shipped}
    if given not in known:
        raise _refused("no_source", id=str(given)[:60], known=", ".join(known))
    return dict(known[given])


def area(code: str) -> AreaSet:
    """An area set that comes with the package.

    Errors   Refused scheme.no_area.
    """
    path = files("miaopei") / "data" / "areas" / f"{code}.json"
    if not path.is_file():
        raise _refused("no_area", code=code[:20])
    return AreaSet.from_json(json.loads(path.read_bytes()))


def _submit(node: Node, acts: Sequence[Act]) -> int:
    """Submit in one block; the number that were new.

    Errors   Refused with all that the record said against them.
    """
    results = node.submit(acts) if acts else []
    if refusals := [refusal for result in results for refusal in result.refusals]:
        raise Refused(*refusals)
    return sum(result.new for result in results)


def _refused(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"scheme.{code}", facts))
