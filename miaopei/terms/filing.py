"""What is filed beside the wording: versions with their dates, grouping, area, rules of evidence.

Frozen values and their JSON form. Not here: the figures themselves (`products`), how evidence is
read by these rules (`evidence`). Source: docs/specs/terms.md, section 6.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..errors import Refusal, Refused
from ..measures.identity import canonical, content_id, read_canonical
from ..measures.suites import OfSuite
from . import canonical as form
from .words import Observed, Params, Terms

FORMAT = "miaopei.product/1"


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in both languages."""

    zh: str
    en: str

    def as_json(self) -> dict[str, str]:
        """{zh, en}."""
        return {"zh": self.zh, "en": self.en}


class Revision(StrEnum):
    """What a later value of the same fact does."""

    FIRST_SETTLES = "first_settles"  # the value that settled stands; later ones are shown
    REVISION_COUNTS = "revision_counts"  # a later value makes an adjustment


@dataclass(frozen=True, slots=True)
class InputRule:
    """Which evidence one observed input rests on.

    Units    tolerance in the unit of the input; freeze and close in seconds after the origin.
    """

    name: str
    measure: str
    params: Params
    sources: tuple[str, ...]
    operators: int
    tolerance: int
    freeze_seconds: int
    fallback: tuple[str, ...]
    close_after_seconds: int | None
    revision: Revision
    definition: Text

    def as_json(self) -> dict[str, Any]:
        """The filed form."""
        return {
            "name": self.name,
            "measure": self.measure,
            "params": dict(self.params),
            "sources": list(self.sources),
            "operators": self.operators,
            "tolerance": self.tolerance,
            "freeze_seconds": self.freeze_seconds,
            "fallback": list(self.fallback),
            "close_after_seconds": self.close_after_seconds,
            "revision": str(self.revision),
            "definition": self.definition.as_json(),
        }


def input_rule(
    of: Observed,
    *,
    freeze_seconds: int,
    revision: Revision,
    operators: int = 1,
    tolerance: int = 0,
    close_after_seconds: int | None = None,
) -> InputRule:
    """The rule of one observed input; what the terms already say of it is taken from them."""
    return InputRule(
        of.name, of.measure, of.params, of.sources, operators, tolerance, freeze_seconds,
        of.fallback, close_after_seconds, revision, Text(of.definition_zh, of.definition_en),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """Terms and when they are in force: [since, until), UTC seconds; until None: no known end."""

    number: int
    terms: Terms
    since: int | None
    until: int | None
    provenance: Text

    def holds_at(self, instant: int) -> bool:
        """Whether these terms are in force at an instant. A start not known is never in force."""
        return (
            self.since is not None
            and self.since <= instant
            and (self.until is None or instant < self.until)
        )

    def as_json(self) -> dict[str, Any]:
        """The filed form."""
        return {
            "number": self.number,
            "terms": form.as_json(self.terms),
            "since": self.since,
            "until": self.until,
            "provenance": self.provenance.as_json(),
        }


@dataclass(frozen=True)
class Product:
    """A cover as it is filed. `grouping` and `area` are plain data that evidence reads."""

    id: str
    name: Text
    peril: str
    versions: tuple[Version, ...]
    grouping: Mapping[str, Any]
    area: Mapping[str, Any]
    inputs: tuple[InputRule, ...]
    benefits: tuple[str, ...]
    illustrative: bool
    notes: Text
    policy_period: str = "year"

    def as_json(self) -> dict[str, Any]:
        """The filed form, plain data that shares nothing with this value."""
        return {
            "format": FORMAT,
            "id": self.id,
            "name": self.name.as_json(),
            "peril": self.peril,
            "versions": [version.as_json() for version in self.versions],
            "grouping": copy.deepcopy(dict(self.grouping)),
            "area": copy.deepcopy(dict(self.area)),
            "inputs": [rule.as_json() for rule in self.inputs],
            "benefits": list(self.benefits),
            "illustrative": self.illustrative,
            "notes": self.notes.as_json(),
            "policy_period": self.policy_period,
        }

    @classmethod
    def from_json(cls, value: Any) -> Product:
        """A product from its filed form.

        Errors   Refused with every fault of shape; `check` says what the values lack.
        """
        product, refusals = read_product(value)
        if product is None or refusals:
            raise Refused(*refusals)
        return product

    @classmethod
    def from_bytes(cls, data: bytes) -> Product:
        """A product from its canonical bytes."""
        return cls.from_json(read_canonical(data))

    def to_bytes(self) -> bytes:
        """The canonical bytes of the filed form."""
        return canonical(self.as_json())

    @OfSuite
    def hash(self) -> str:
        """Content id of the filing; listings name it."""
        return content_id("product", self.as_json())

    def version_at(self, instant: int) -> Version | None:
        """The version in force at an instant (UTC seconds), or None."""
        return next((v for v in self.versions if v.holds_at(instant)), None)

    def version(self, number: int) -> Version:
        """One version by its number; Refused terms.no_version."""
        for version in self.versions:
            if version.number == number:
                return version
        raise Refused(Refusal("terms.no_version", {"product": self.id, "number": number}))

    def rule(self, name: str) -> InputRule:
        """The evidence rule of one input; Refused terms.no_rule."""
        for rule in self.inputs:
            if rule.name == name:
                return rule
        raise Refused(Refusal("terms.no_rule", {"product": self.id, "name": name}))

    def check(self) -> tuple[Refusal, ...]:
        """Everything that is wrong with this filing, at once."""
        from .check.filed import check_product

        return check_product(self)


def _no(code: str, **facts: str | int | None) -> Refusal:
    return Refusal(f"terms.{code}", facts)


# Reading -----------------------------------------------------------------------------------------


def read_product(value: Any) -> tuple[Product | None, list[Refusal]]:
    """A product and the faults of its shape; the product is None where it cannot be made out."""
    refusals: list[Refusal] = []
    try:
        product = _product(value, refusals)
        if not refusals and canonical(product.as_json()) != canonical(value):
            refusals.append(_no("not_filed_form", at="$"))
        return product, refusals
    except Refused as refused:
        return None, [*refusals, *refused.refusals]
    except RecursionError:
        return None, [_no("too_large", at="$", words=0, most=form.MOST_WORDS)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return None, [*refusals, _no("bad_value", at="$", value=str(error)[:40])]


def _product(value: Any, refusals: list[Refusal]) -> Product:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Refused(_no("not_terms", expected=FORMAT))
    unknown = set(map(str, value)) - {"format", *Product.__dataclass_fields__}
    refusals.extend(_no("unknown_field", at="$", name=name[:40]) for name in sorted(unknown))
    return Product(
        id=_typed(value, "id", str),
        name=_text(value["name"]),
        peril=_typed(value, "peril", str),
        versions=tuple(_version(item, refusals) for item in _typed(value, "versions", list)),
        grouping=copy.deepcopy(_typed(value, "grouping", dict)),
        area=copy.deepcopy(_typed(value, "area", dict)),
        inputs=tuple(_rule(item) for item in _typed(value, "inputs", list)),
        benefits=tuple(_names(value, "benefits")),
        illustrative=_typed(value, "illustrative", bool),
        notes=_text(value["notes"]),
        policy_period=_typed(value, "policy_period", str),
    )


def _version(value: Any, refusals: list[Refusal]) -> Version:
    terms, faults = form.read(value["terms"])
    refusals.extend(faults)
    if terms is None:
        raise Refused
    return Version(
        number=_typed(value, "number", int),
        terms=terms,
        since=_typed(value, "since", int, None),
        until=_typed(value, "until", int, None),
        provenance=_text(value["provenance"]),
    )


def _rule(value: Any) -> InputRule:
    params = _typed(value, "params", dict)
    return InputRule(
        name=_typed(value, "name", str),
        measure=_typed(value, "measure", str),
        params=tuple(sorted(params.items())),
        sources=tuple(_names(value, "sources")),
        operators=_typed(value, "operators", int),
        tolerance=_typed(value, "tolerance", int),
        freeze_seconds=_typed(value, "freeze_seconds", int),
        fallback=tuple(_names(value, "fallback")),
        close_after_seconds=_typed(value, "close_after_seconds", int, None),
        revision=Revision(_typed(value, "revision", str)),
        definition=_text(value["definition"]),
    )


def _text(value: Any) -> Text:
    return Text(_typed(value, "zh", str), _typed(value, "en", str))


def _names(value: Any, name: str) -> list[str]:
    items: list[str] = _typed(value, name, list)
    if any(type(item) is not str for item in items):
        raise Refused(_no("bad_value", at=name, value=str(items)[:40]))
    return items


def _typed(value: Any, name: str, kind: type[Any], *others: None) -> Any:
    given = value[name]
    if type(given) is not kind and not (others and given is None):
        raise Refused(_no("bad_value", at=name, value=str(given)[:40]))
    return given
