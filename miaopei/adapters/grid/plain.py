"""The JSON form of a grid message, `miaopei.grid/1`: the same facts as the CIM form.

Keys stand once, numbers are whole, times carry their zone. Source: docs/specs/outage.md, section 6.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from ...errors import Refused
from ...measures.instant import from_utc_text
from .message import Back, Complaint, Message, Plan, Said, Scope, Tickets, Times, each, no

FORMAT = "miaopei.grid/1"
MEDIA = "application/json"
HEAD = {"format", "sandbox", "source", "sequence", "sent_at", "plans", "restorations", "tickets"}
PLAN = {
    *("number", "revision", "state", "published_at", "off_planned", "on_planned", "cause"),
    *("feeder", "replaces", "scope"),
}
BACK = {
    *("number", "revision", "published_at", "first_off", "last_on", "complete", "cause"),
    "customers",
}
TICKETS = {"number", "revision", "published_at", "customers"}


def read(data: bytes) -> Message:
    """A message from its bytes.

    Errors   Refused grid.not_text, grid.not_json, grid.key_twice, grid.fraction, grid.bad_field.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise no("not_text", wanted="UTF-8") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_once, parse_float=_fraction, parse_constant=_fraction
        )
    except Refused:
        raise
    except (ValueError, RecursionError) as error:
        raise no("not_json", why=type(error).__name__) from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise no("bad_field", field="format")
    _only(value, HEAD, {"sandbox", *READ})
    reads = [partial(read, part) for name, read in READ.items() for part in _list(value, name)]
    said, unread = each(enumerate(reads))
    return Message(
        source=_text(value, "source", 60),
        sequence=_whole(value, "sequence"),
        sent_at=_time(value, "sent_at"),
        media=MEDIA,
        said=said,
        unread=unread,
    )


def _plan(value: Any) -> Said:
    _only(value, PLAN, {"replaces"})
    scope = value["scope"]
    _only(scope, {"feeders", "transformers", "customers"}, {"feeders", "transformers", "customers"})
    state = value["state"]
    if state not in ("planned", "cancelled"):
        raise no("bad_field", field="state")
    return Plan(
        number=_text(value, "number", 60),
        revision=_whole(value, "revision"),
        cancelled=state == "cancelled",
        published_at=_time(value, "published_at"),
        off=_time(value, "off_planned"),
        on=_time(value, "on_planned"),
        cause=_whole(value, "cause"),
        feeder=_text(value, "feeder", 60),
        replaces=_texts(value, "replaces"),
        scope=Scope(
            _texts(scope, "feeders"), _texts(scope, "transformers"), _texts(scope, "customers")
        ),
    )


def _back(value: Any) -> Said:
    _only(value, BACK, {"customers"})
    given = value.get("customers")
    times = None if given is None else tuple(map(_times, _list(value, "customers")))
    if type(value["complete"]) is not bool:
        raise no("bad_field", field="complete")
    return Back(
        number=_text(value, "number", 60),
        revision=_whole(value, "revision"),
        published_at=_time(value, "published_at"),
        first_off=_time_or_none(value, "first_off"),
        last_on=_time_or_none(value, "last_on"),
        complete=value["complete"],
        cause=None if value["cause"] is None else _whole(value, "cause"),
        times=times,
    )


def _tickets(value: Any) -> Said:
    _only(value, TICKETS, set())
    return Tickets(
        number=_text(value, "number", 60),
        revision=_whole(value, "revision"),
        published_at=_time(value, "published_at"),
        complaints=tuple(map(_complaint, _list(value, "customers"))),
    )


def _complaint(value: Any) -> Complaint:
    _only(value, {"customer", "tickets"}, set())
    tickets = _whole(value, "tickets")
    if not tickets:
        raise no("bad_field", field="tickets")
    return Complaint(_text(value, "customer", 64), tickets)


def _times(value: Any) -> Times:
    _only(value, {"customer", "off", "on"}, set())
    customer = _text(value, "customer", 64)
    return Times(customer, _time_or_none(value, "off"), _time_or_none(value, "on"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise no("key_twice")
    return value


def _fraction(_text: str) -> NoReturn:
    raise no("fraction")


def _only(value: Any, known: set[str], free: set[str]) -> None:
    """Errors   Refused grid.bad_field naming the first field that is missing or not known."""
    if not isinstance(value, dict):
        raise no("bad_field", field="object")
    for name in sorted((known - free) - set(value)) + sorted(set(value) - known):
        raise no("bad_field", field=name[:40])


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name, [])
    if not isinstance(found, list):
        raise no("bad_field", field=name)
    return found


def _good(found: Any, longest: int) -> bool:
    """Text of a length that a person could read: no control characters, a NUL above all."""
    return (
        isinstance(found, str)
        and 0 < len(found) <= longest
        and not any(unicodedata.category(each) == "Cc" for each in found)
    )


def _text(value: dict[str, Any], name: str, longest: int) -> str:
    found = value[name]
    if not _good(found, longest):
        raise no("bad_field", field=name)
    return str(found)


def _texts(value: dict[str, Any], name: str) -> tuple[str, ...]:
    found = _list(value, name)
    if not all(_good(each, 64) for each in found):
        raise no("bad_field", field=name)
    return tuple(found)


def _whole(value: dict[str, Any], name: str) -> int:
    found = value[name]
    if type(found) is not int or not 0 <= found <= 2**53 - 1:
        raise no("bad_field", field=name)
    return found


def _time(value: dict[str, Any], name: str) -> int:
    return from_utc_text(_text(value, name, 40))


def _time_or_none(value: dict[str, Any], name: str) -> int | None:
    return None if value[name] is None else _time(value, name)


READ: Mapping[str, Callable[[Any], Said]] = {
    "plans": _plan,
    "restorations": _back,
    "tickets": _tickets,
}
