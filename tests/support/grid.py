"""A little grid for tests: plans, restorations and sealed lists, as the two systems report them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from miaopei.acts.rule_sets import RULES
from miaopei.evidence.observation import Observation
from miaopei.evidence.outage.lists import commitment
from miaopei.measures.identity import canonical
from miaopei.measures.instant import from_beijing
from miaopei.node.gateway import Row
from miaopei.node.ports import Store
from miaopei.node.vault.blobs import seal_blob
from miaopei.products.planned_outage import PRODUCT
from tests.support.facts import row
from tests.support.town import Town, good

COMMAND, METERS, SERVICE = "grid.command", "grid.meter", "grid.service"
OFF, ON = "2021-06-01 08:00:00", "2021-06-01 18:00:00"
PUBLISHED = "2021-05-29 09:00:00"
NUMBER = "YY-20210601-001"


def token(customer: str) -> str:
    """A subject token of a customer, as source and group would derive it."""
    return hashlib.sha256(f"subject {customer}".encode()).hexdigest()


def sealed(town: Town, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A sealed list: customer -> what stands beside its token."""
    listed = [
        {
            "v": 1,
            "salt": hashlib.sha256(f"salt {c}".encode()).hexdigest(),
            "token": token(c),
            **more,
        }
        for c, more in rows.items()
    ]
    listed.sort(key=lambda each: str(each["token"]))
    with town.store.writing() as block:
        return seal_blob(
            block, town.node, [canonical(each) for each in listed],
            [commitment(each) for each in listed], "miaopei/list/1", town.seals_for,
        )  # fmt: skip


def plan(town: Town, customers: Sequence[str], *, number: str = NUMBER, revision: int = 0,
         published: str = PUBLISHED, off: str = OFF, on: str = ON, state: str = "planned",
         cause: int = 1, replaces: Sequence[str] = (),
         feeder: str = "余姚 10kV 城东线") -> Row:  # fmt: skip
    """One revision of an outage's plan."""
    values = {
        "state": state,
        "published_at": from_beijing(published),
        "off_planned": from_beijing(off),
        "on_planned": from_beijing(on),
        "cause": cause,
        "feeder": feeder,
        "replaces": list(replaces),
        "list": sealed(town, {c: {} for c in customers}),
    }
    return row(Observation("outage", COMMAND, number, revision, "reviewed", values))


def back(town: Town, times: Mapping[str, str | None], *, source: str = COMMAND,
         number: str = NUMBER, revision: int = 0, off: str = OFF, cause: int | None = None,
         listed: bool = True, published: str | None = None) -> Row:  # fmt: skip
    """A report of restoration: customer -> when its power was back (None: not yet)."""
    known = [from_beijing(on) for on in times.values() if on is not None]
    last = max(known, default=None)
    complete = None not in times.values()
    on_list = {
        c: {"off": from_beijing(off), "on": None if on is None else from_beijing(on)}
        for c, on in times.items()
    }
    said_at = from_beijing(published) if published else (last or from_beijing(off)) + 60
    values = {
        "published_at": said_at,
        "first_off": from_beijing(off),
        "last_on": last,
        "complete": complete,
        "cause": cause,
        "list": sealed(town, on_list) if listed else None,
    }
    return row(Observation("restoration", source, number, revision, "reviewed", values))


def complained(
    town: Town, tickets: Mapping[str, int], *, number: str = NUMBER, revision: int = 0,
    published: str = "2021-06-02 09:00:00",
) -> Row:  # fmt: skip
    """Complaint tickets of an outage: customer -> how many."""
    values = {
        "published_at": from_beijing(published),
        "list": sealed(town, {c: {"tickets": count} for c, count in tickets.items()}),
    }
    return row(Observation("tickets", SERVICE, number, revision, "reviewed", values))


def register(town: Town) -> None:
    """The grid's systems as sources of a town."""
    key = {"key": town.me.acts.public_key().public_bytes_raw().hex(), "since": 0, "until": None}
    kinds = {COMMAND: ["outage", "restoration"], METERS: ["restoration"], SERVICE: ["tickets"]}
    sources = [
        town.act(
            "register_source",
            {
                "id": name, "operator": f"{name}.centre", "name": {"zh": name, "en": name},
                "kinds": which, "counted": True, "keys": [key], "box": None,
            },
            ref=name,
        )
        for name, which in kinds.items()
    ]  # fmt: skip
    good(town.node.submit(sources))


def grid_town(store: Store | None = None, rules: int = RULES, **listing: Any) -> tuple[Town, str]:
    """A town with the grid's systems and the planned-outage cover listed."""
    town = Town(store, rules=rules).set_up(())
    register(town)
    return town, town.list_product(PRODUCT, **listing)


def insure(town: Town, listing: str, customers: Sequence[str], since: str = "2021-01-01",
           until: str = "2022-01-01", deductible: int = 0) -> dict[str, str]:  # fmt: skip
    """A policy each; customer -> policy number."""
    rows = [
        replace(
            town.policy(listing, since, until, deductible=deductible, occurrence_limit=10_000_000),
            subject=token(customer),
        )
        for customer in customers
    ]
    town.issue(rows)
    return {c: r.policy for c, r in zip(customers, rows, strict=True)}
