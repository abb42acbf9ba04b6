"""One page in one language: what its template may say, and how numbers and times are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ...errors import Refusal
from ...measures.instant import beijing_text, utc_text
from ...measures.money import FEN_A_WAN, FEN_A_YUAN, as_yuan
from ...measures.place import degrees_text
from ...measures.suites import in_use
from ...settings import Language
from ...terms.wording.speech import money
from .. import texts
from ..views.desk import Desk

MENU = ("events", "buy", "products", "receipts", "accounts", "record")


@cache
def environment() -> Environment:
    """The templates; what is not defined is an error, what is text is escaped."""
    found = Environment(
        loader=PackageLoader("miaopei.portal", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["menu"] = MENU
    found.globals["in_use"] = in_use
    return found


@dataclass(frozen=True)
class Page:
    """What is asked for: language, address without it, the parts of the address, the desk."""

    language: Language
    path: str
    parts: Mapping[str, str]
    desk: Desk
    query: Mapping[str, str] = field(default_factory=dict)

    def link(self, *parts: object) -> str:
        """The address of another page in this language."""
        return "/" + "/".join((self.language, *map(str, parts)))

    def t(self, key: str, **facts: object) -> str:
        """A text of this language."""
        return texts.text(key, self.language, **facts)

    def has(self, key: str) -> bool:
        """Whether there is a text of this name."""
        return texts.has(key)

    @property
    def query_text(self) -> str:
        """The part of the address after the question mark that the other language keeps."""
        kept = {name: self.query[name] for name in ("page", "id") if self.query.get(name)}
        return f"?{urlencode(kept)}" if kept else ""

    def html(self, template: str, section: str = "", **values: Any) -> str:
        """The page from its template; `section` is the entry of the menu that it belongs to."""
        desk, member = self.desk, self.desk.settings.member
        return (
            environment()
            .get_template(template)
            .render(
                page=self,
                language=self.language,
                other=texts.other(self.language),
                t=self.t,
                link=self.link,
                section=section,
                marks=desk.marks,
                record_name=desk.genesis["name"],
                head=desk.head,
                labels=desk.settings.labels.get(self.language, ()),
                whose=desk.name_of(member, self.language) if member else "",
                vkey=desk.vkey,
                founding=desk.founding,
                **_writing(self),
                **values,
            )
        )


def _writing(page: Page) -> dict[str, Any]:
    """How this language writes amounts, times and names."""
    desk, language = page.desk, page.language
    return {
        "money": lambda fen: money(fen, language),
        "amount": lambda fen: amount(fen, language),
        "yuan": as_yuan,
        "when": when,
        "day": day,
        "magnitude": lambda tenths: f"{tenths // 10}.{tenths % 10}",
        "degrees": degrees_text,
        "short": short,
        "as_printed": as_printed,
        "name_of": lambda member: desk.name_of(member, language),
        "source_name": lambda source: desk.source_name(source, language),
        "sentence": lambda refusal: texts.sentence(in_words(refusal), language),
        "has_text": texts.has,
        "reviewed": lambda status: page.t(f"events.status_{status}"),
        "counted_reason": lambda reason: texts.sentence(Refusal(f"register.{reason}"), language),
    }


def amount(fen: int, language: Language) -> str:
    """A sum in a column: Chinese in 万元, to the fen where that is needed; English in yuan."""
    sign, size = ("-" if fen < 0 else ""), abs(fen)
    unit, least = (FEN_A_WAN, 3) if language == "zh" else (FEN_A_YUAN, 0)
    whole, rest = divmod(size, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0").ljust(least, "0")
    return f"{sign}{whole:,}.{digits}" if digits else f"{sign}{whole:,}"


def when(seconds: int | None) -> Markup:
    """An instant in Beijing time, with its zone and the same in UTC for machines.

    In a table the heading names the zone, and the style hides it here.
    """
    if seconds is None:
        return Markup("—")
    stamp = Markup('<time datetime="{}">{}<small> UTC+8</small></time>')
    return stamp.format(utc_text(seconds), beijing_text(seconds))


def day(seconds: int | None) -> Markup:
    """A day in Beijing."""
    if seconds is None:
        return Markup("—")
    text = beijing_text(seconds)[:10]
    return Markup('<time datetime="{0}">{0}</time>').format(text)


def short(id: str) -> Markup:
    """The beginning of an id; the whole of it stands in its title."""
    return Markup('<code class="id" title="{}">{}</code>').format(id, id[:10])


def as_printed(text: str) -> Markup:
    """Words as a source printed them, marked as Chinese where they are."""
    if text.isascii():
        return Markup("{}").format(text)
    return Markup('<span lang="zh-CN">{}</span>').format(text)


def in_words(refusal: Refusal) -> Refusal:
    """A reason whose instants are written as times."""
    facts = {
        name: beijing_text(value) if name in ("until", "instant") and type(value) is int else value
        for name, value in refusal.facts.items()
    }
    return Refusal(refusal.code, facts)
