"""The portal's own words, in zh and en: one table a page, each entry in both languages.

Sentences for refusals and reasons stand in `errors/texts`; wording of terms in `terms.wording`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from ...errors import Refusal
from ...errors.texts import Language, say, table

LANGUAGES: tuple[Language, Language] = ("zh", "en")


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Every text by `table.name`."""
    found: dict[str, Mapping[str, str]] = {}
    for path in (files("miaopei.portal") / "texts").iterdir():
        if path.name.endswith(".toml"):
            room = path.name.removesuffix(".toml")
            entries = tomllib.loads(path.read_text("utf-8"))
            found.update({f"{room}.{name}": entry for name, entry in entries.items()})
    return found


def has(key: str) -> bool:
    """Whether there is a text of this name."""
    return key in texts()


def text(key: str, language: Language, /, **facts: object) -> str:
    """One text with its facts filled in.

    Errors   KeyError for a text or fact that is not there: a page never shows a bare key.
    """
    return texts()[key][language].format_map(facts)


def sentence(refusal: Refusal, language: Language) -> str:
    """A refusal or reason in words; one whose code has no text is named by its code."""
    room, _, name = refusal.code.partition(".")
    if name in table(room):
        return say(refusal, language)
    return text("common.reason_unknown", language, code=refusal.code)


def other(language: Language) -> Language:
    """The other language."""
    return "en" if language == "zh" else "zh"


def preferred(header: str | None, otherwise: Language = "zh") -> Language:
    """The language that an Accept-Language header asks for; `otherwise` where it asks for none."""
    best: tuple[float, Language] = (0.0, otherwise)
    for part in (header or "")[:400].split(","):
        name, _, weight = part.strip().partition(";q=")
        primary = name.strip().lower().partition("-")[0]
        try:
            size = float(weight) if weight else 1.0
        except ValueError:
            size = 0.0
        if primary == "zh" and size > best[0]:
            best = (size, "zh")
        elif primary == "en" and size > best[0]:
            best = (size, "en")
    return best[1]
