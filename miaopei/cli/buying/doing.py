"""What `miaopei policy` does: everything goes through the same shop as the API and the pages."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import Any

from ...acts.facts import product_of
from ...acts.file_offer import offer_of
from ...acts.state import State
from ...adapters.grid.connections import connection_of
from ...adapters.sandbox_bank.starter import RunningBank
from ...errors import Refusal, Refused
from ...measures.instant import from_beijing, period_of
from ...measures.money import fen_of
from ...node.ports import Reading
from ...node.selling.asking import Desk, Wanted, keep_list
from ...node.selling.shop import Shop
from ...reports.lineage import became, latest_of
from ...terms.words import Declared, Kind
from ...wiring import Member, system_clock
from ..live import with_bank
from ..outage.taking import names_of
from ..place import Place, write_whole

CHANNELS = "channels.json"


@contextmanager
def selling(place: Place) -> Iterator[tuple[Member, RunningBank, Shop]]:
    """A live record with its bank, and its shop; the record's time is this machine's."""
    with with_bank(place) as (member, bank):
        member.node.pass_time(system_clock())
        yield member, bank, shop_of(place, member)


def shop_of(place: Place, member: Member, turn: Any = None) -> Shop:
    """The shop of a member: customers are named by the keys that lie here.

    `turn` is held while it works, where others work with the same record.
    """
    return Shop(Desk(member.node, names_of(place), connection_of), turn or RLock())


def file_offer(place: Place, name: str) -> dict[str, Any]:
    """File an offer from a file, or one of the package by its name; its number follows the last."""
    value = _json(_given("offers", name, "selling.no_offer_file"))
    with selling(place) as (member, _, shop):
        shop.demand_ours(str(value.get("listing")))
        with member.node.reading() as (_, state):
            before = sum(1 for _ in state.range("offer", f"{value.get('listing')}/"))
        value["number"] = before + 1
        member.node.accept("file_offer", f"offer-{value['listing']}-{before + 1}", {"offer": value})
    return {"listing": value["listing"], "number": before + 1}


def file_list(place: Place, name: str) -> dict[str, Any]:
    """File a version of a sanctions list and keep it; a file, or one of the package by its name."""
    data = _given("sanctions", name, "selling.no_list_file")
    with selling(place) as (member, _, _):
        version = keep_list(member.node, data)
    return {"list": _json(data)["id"], "version": version}


def _given(folder: str, name: str, code: str) -> bytes:
    """The bytes of a file, or of what the package holds under a name.

    Errors   Refused with the code, naming what the package holds.
    """
    path, there = Path(name), files("miaopei") / "data" / folder
    if path.is_file():
        return path.read_bytes()
    known = {each.name.removesuffix(".json"): each for each in there.iterdir()}
    if name not in known:
        raise Refused(Refusal(code, {"name": name[:80], "known": ", ".join(sorted(known))}))
    return known[name].read_bytes()


def pause(place: Place, listing: str, reason: str, person: str, *, resume: bool) -> dict[str, Any]:
    """Stop selling a listing, or sell it again: in a record of one operator its word is enough."""
    kind = "resume_listing" if resume else "pause_listing"
    with selling(place) as (member, _, _):
        body = {"listing": listing, "reason": reason, "person": person}
        member.node.accept(kind, f"{kind}-{listing}-{member.node.time()}", body)
    return {"listing": listing, "paused": not resume}


def apply(place: Place, file: Path, channel: str, agent: str | None, key: str) -> dict[str, Any]:
    """Take an application from a file, as an agent keys it or a person brings it."""
    value = _json(file.read_bytes())
    try:
        since = value["since"]
        start = from_beijing(since) if isinstance(since, str) else int(since)
        wanted = Wanted(
            listing=str(value["listing"]),
            channel=channel,
            since=start,
            until=period_of(start, start)[1],
            facts=dict(value["facts"]),
            declared=dict(value["declared"]),
            person=dict(value["person"]),
            feeder=value.get("feeder"),
            agent=agent,
            order=value.get("order"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(Refusal("selling.bad_file", {"why": str(error)[:80]})) from None
    with selling(place) as (_, _, shop):
        return shop.apply(wanted, key or sha256(file.read_bytes()).hexdigest())


def change(
    place: Place,
    policy: str,
    transaction: str,
    day: str,
    given: Sequence[str],
    channel: str,
    agent: str | None,
    key: str,
) -> dict[str, Any]:
    """Take a change of a policy; what needs no premium is brought in force at once."""
    at = from_beijing(day)
    with selling(place) as (member, _, shop):
        whole = _whole(member, "policy", policy)
        declared = figures(given, _money_in(member, whole))
        name = key or f"{transaction} {policy} {day} {json.dumps(declared, sort_keys=True)}"
        value = shop.change(whole, transaction, at, declared, channel, name, agent=agent)
        member.work()
        return _now(member, value["id"])


def answer(
    place: Place, name: str, *, accept: bool, loading: int, reason: str, person: str
) -> dict[str, Any]:
    """A person answers a referred application."""
    with selling(place) as (member, _, _):
        whole = _whole(member, "application", name)
        body = {"application": whole, "accept": accept, "loading_ppm": loading}
        body |= {"reason": reason, "person": person}
        member.node.accept("answer_application", f"answer-{whole}", body)
        member.work()
        return _now(member, whole)


def place_credit(
    place: Place, credit: str, reference: str, reason: str, person: str
) -> dict[str, Any]:
    """A person says whom an unmatched credit was for."""
    with selling(place) as (member, _, _):
        whole = _whole(member, "credit", credit)
        body = {"credit": whole, "reference": reference, "reason": reason, "person": person}
        member.node.accept("place_credit", f"place-{whole}", body)
        member.work()
        with member.node.reading() as (_, state):
            return {"credit": whole, **state.need("credit", whole)}


def collect(place: Place) -> dict[str, Any]:
    """Ask the bank for credits, bring in force what is paid, pay what goes back."""
    with selling(place) as (member, _, _):
        done = member.work()
        with member.node.reading() as (reading, state):
            return {"done": done, "refused_refunds": list(refused(reading, state))}


def refused(reading: Reading, state: State) -> Iterator[dict[str, Any]]:
    """Refunds whose last order the bank has refused: they wait for a corrected account."""
    for debt, payment in state.range("payment", ""):
        if payment["kind"] != "refund":
            continue
        for row in latest_of(reading.instructions(debt)):
            if became(row) == "refused":
                yield {name: row[name] for name in ("payout", "policy", "amount_fen", "code")}


def pay_in(place: Place, reference: str, fen: int | None) -> dict[str, Any]:
    """In the sandbox somebody transfers the premium to its carrier, or another sum."""
    with selling(place) as (member, bank, _):
        with member.node.reading() as (reading, state):
            name = state.get("due", reference)
            if name is None:
                raise Refused(Refusal("act.reference_not_known", {"reference": reference[:40]}))
            value = state.need("application", name)
            collector = offer_of(state, value["listing"], value["offer"]).collector
            payee = reading.payee(f"carrier/{collector}")
        if payee is None:
            raise Refused(Refusal("selling.no_account", {"carrier": collector}))
        sum_fen = value["premium_fen"] if fen is None else fen
        bank.control.pay_in(payee["account"], sum_fen, reference)
        member.work()
        return _now(member, name)


def token(place: Place, channel: str) -> dict[str, Any]:
    """Make a token for a channel's API; it is shown once, its digest is kept."""
    kept = tokens(place)
    secret = secrets.token_urlsafe(24)
    kept = {digest: name for digest, name in kept.items() if name != channel}
    kept[sha256(secret.encode()).hexdigest()] = channel
    write_whole(place.folder / CHANNELS, json.dumps(kept, sort_keys=True).encode())
    return {"channel": channel, "token": secret}


def tokens(place: Place) -> dict[str, str]:
    """Channels by the digest of their token."""
    path = place.folder / CHANNELS
    return dict(_json(path.read_bytes())) if path.is_file() else {}


def collecting(member: Member) -> dict[str, str]:
    """By carrier the account that premium is paid to."""
    with member.node.reading() as (reading, state):
        names = {v["offer"]["collector"] for _, v in state.range("offer", "")}
        found = {name: reading.payee(f"carrier/{name}") for name in sorted(names)}
    return {name: str(payee["account"]) for name, payee in found.items() if payee is not None}


def figures(given: Sequence[str], money: Collection[str]) -> dict[str, int]:
    """`name=value` as declared figures; those in `money` are written in yuan.

    Errors   Refused selling.bad_figure, money.not_yuan.
    """
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        if name in money:
            found[name] = fen_of(value)
            continue
        if not name or not value.isascii() or not value.isdigit():
            raise Refused(Refusal("selling.bad_figure", {"given": text[:60]}))
        found[name] = int(value)
    return found


def _money_in(member: Member, policy: str) -> set[str]:
    with member.node.reading() as (_, state):
        return money_of(state, state.need("policy", policy)["listing"])


def money_of(state: State, listing: str) -> set[str]:
    """The declared figures of a listing's product that are money, by any version of its terms."""
    versions = product_of(state, state.need("listing", listing)["product"]).versions
    inputs = (of for version in versions for of in version.terms.inputs)
    return {of.name for of in inputs if isinstance(of, Declared) and of.kind is Kind.MONEY}


def _whole(member: Member, table: str, begun: str) -> str:
    """The whole number of what begins so.

    Errors   Refused selling.not_one.
    """
    with member.node.reading() as (_, state):
        return whole(state, table, begun)


def whole(state: State, table: str, begun: str) -> str:
    """As `_whole`, in a snapshot."""
    found = [key for key, _ in state.range(table, begun)] if len(begun) >= 8 else []
    if len(found) != 1:
        raise Refused(Refusal("selling.not_one", {"begun": begun[:60], "count": len(found)}))
    return found[0]


def _now(member: Member, name: str) -> dict[str, Any]:
    with member.node.reading() as (_, state):
        return dict(state.need("application", name))


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Refused(Refusal("selling.bad_file", {"why": str(error)[:80]})) from None
    if not isinstance(value, dict):
        raise Refused(Refusal("selling.bad_file", {"why": "no object"}))
    return value
