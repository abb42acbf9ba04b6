"""Refuses bad terms, all faults at once: kinds, tables, ranges, texts, bounds. Never a number.

`check` reads a value, `check_json` what a file said, `check_file` the bytes of a file of terms or
of a product, in any layout. Whatever they are given, they answer with refusals and raise nothing.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...errors import Refusal, Refused
from ...measures.identity import LARGEST
from .. import canonical as form
from .. import words as w
from ..bounds import Bounds
from .kinds import check_kinds
from .parts import check_parts
from .tables import check_tables
from .texts import check_texts

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
LARGEST_FILE = 4_000_000


def check(terms: w.Terms) -> tuple[Refusal, ...]:
    """Everything that is wrong with these terms, each fault once; empty where they can be filed."""
    try:
        found = [*_head(terms), *check_parts(terms), *check_texts(terms)]
        found += [*check_kinds(terms), *check_tables(terms)]
        if not found:
            found += _bounds(terms)
            form.filing_hash(terms)
    except Refused as refused:
        found = [*refused.refusals]
    except RecursionError:
        found = [Refusal("terms.too_large", {"at": "$", "words": 0, "most": form.MOST_WORDS})]
    return tuple({(r.code, tuple(r.facts.items())): r for r in found}.values())


def check_json(value: Any) -> tuple[Refusal, ...]:
    """The same for the JSON form of terms or of a product, faults of shape included."""
    from ..filing import read_product

    try:
        if isinstance(value, dict) and "versions" in value:
            product, faults = read_product(value)
            return (*faults, *(product.check() if product else ()))
        terms, faults = form.read(value)
    except RecursionError:
        return (Refusal("terms.too_large", {"at": "$", "words": 0, "most": form.MOST_WORDS}),)
    return (*faults, *(check(terms) if terms else ()))


def check_file(data: bytes) -> tuple[Refusal, ...]:
    """The same for the bytes of a JSON file, whatever its layout."""
    if len(data) > LARGEST_FILE:
        return (_not_json(f"{len(data)} bytes"),)
    try:
        value = json.loads(
            data, parse_float=_no_fraction, parse_constant=_no_fraction, object_pairs_hook=_once
        )
    except Refused as refused:
        return refused.refusals
    except (ValueError, RecursionError) as error:
        return (_not_json(str(error)[:80]),)
    return check_json(value)


def _not_json(why: str) -> Refusal:
    return Refusal("terms.not_json", {"why": why})


def _no_fraction(text: str) -> Any:
    raise Refused(Refusal("terms.not_whole", {"name": "$", "value": text[:40]}))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key stands twice: readers would differ on which one counts."""
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise Refused(Refusal("terms.name_twice", {"name": twice[:40]}))
    return value


def _head(terms: w.Terms) -> list[Refusal]:
    found = []
    if not NAME.fullmatch(terms.id):
        found.append(Refusal("terms.bad_name", {"name": terms.id[:40]}))
    if not 1 <= terms.version <= 10_000:
        found.append(_bad("version", terms.version))
    if terms.currency != "CNY":
        found.append(_bad("currency", terms.currency))
    if terms.governing not in {"zh", "en"}:
        found.append(_bad("governing", terms.governing))
    digest = terms.filed_wording_digest
    if digest is not None and not re.fullmatch(r"[0-9a-f]{64}", digest):
        found.append(_bad("filed_wording_digest", digest))
    names = [clause.name for clause in terms.benefits]
    if not names or len(set(names)) != len(names):
        found.append(_bad("benefits", ", ".join(names)))
    return found


def _bad(name: str, value: object) -> Refusal:
    return Refusal("terms.bad_value", {"at": f"$.{name}", "value": str(value)[:40]})


def _bounds(terms: w.Terms) -> list[Refusal]:
    """What each benefit can pay: never below zero, never beyond what the record can write."""
    found: list[Refusal] = []
    for benefit in terms.benefits:
        limits = Bounds()
        least, most = limits.of(benefit)
        found += limits.faults
        facts = {"benefit": benefit.name, "least": str(least), "most": str(most)}
        if least < 0:
            found.append(Refusal("terms.below_zero", facts))
        if most > LARGEST:
            found.append(Refusal("terms.pays_too_much", facts))
    return found
