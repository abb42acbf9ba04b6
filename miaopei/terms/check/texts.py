"""Texts say what the tree holds: the same names in both languages, no number typed by hand."""

from __future__ import annotations

import re
import unicodedata

from ...errors import Refusal
from .. import words as w

MENTION = re.compile(r"\{([^{}]*)\}")


def mentions(text: str) -> list[str]:
    """The names that a text mentions, in order."""
    return MENTION.findall(text)


def check_texts(terms: w.Terms) -> list[Refusal]:
    """Every text that is empty, types a digit, or mentions other names than its body uses."""
    found: list[Refusal] = []
    seen: set[int] = set()
    for benefit in terms.benefits:
        for node in w.walk(benefit):
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, w.Clause):
                found += _clause(node)
            elif isinstance(node, w.Figure | w.Declared | w.Observed):
                found += _display(node.name, node.zh, node.en)
                if not isinstance(node, w.Figure):
                    found += _definition(node)
                for code in node.codes if isinstance(node, w.Observed) else ():
                    found += _display(f"{node.name}.{code.name}", code.zh, code.en)
    return found


def used(clause: w.Clause) -> tuple[set[str], set[str]]:
    """What the body of a clause uses: figures and clauses, which its texts must mention, and
    inputs, which they may. What a cited clause uses is its own affair."""
    must: set[str] = set()
    may: set[str] = set()
    for node in w.inside(clause.body):
        if isinstance(node, w.Figure | w.Clause):
            must.add(node.name)
        elif isinstance(node, w.Declared | w.Observed):
            may.add(node.name)
    return must, may


def _clause(clause: w.Clause) -> list[Refusal]:
    found = _display(clause.name, clause.zh, clause.en)
    must, may = used(clause)
    said = {"zh": set(mentions(clause.zh)), "en": set(mentions(clause.en))}
    for language, text in (("zh", clause.zh), ("en", clause.en)):
        for name in sorted(must - said[language]):
            found.append(_no("text_lacks", clause=clause.name, language=language, name=name))
        for name in sorted(said[language] - must - may):
            found.append(_no("text_beyond", clause=clause.name, language=language, name=name[:40]))
        if re.search(r"[{}]", MENTION.sub("", text)):
            found.append(_no("text_braces", clause=clause.name, language=language))
    if said["zh"] != said["en"]:
        only = ", ".join(sorted(said["zh"] ^ said["en"]))
        found.append(_no("texts_differ", clause=clause.name, names=only[:80]))
    return found


def _definition(node: w.Declared | w.Observed) -> list[Refusal]:
    """A number that a definition names (a unit's epoch) stands in both languages."""
    if not isinstance(node, w.Observed) or not (node.definition_zh and node.definition_en):
        return []  # that one is missing is said by `parts`
    zh, en = (re.findall(r"[0-9]+", text) for text in (node.definition_zh, node.definition_en))
    if sorted(zh) == sorted(en):
        return []
    only = ", ".join(sorted({*zh} ^ {*en})) or ", ".join(sorted(zh))
    return [_no("definitions_differ", name=node.name, numbers=only[:80])]


def _display(name: str, zh: str, en: str) -> list[Refusal]:
    found = []
    for language, text in (("zh", zh), ("en", en)):
        if not text.strip():
            found.append(_no("text_missing", name=f"{name}.{language}"))
        digits = [c for c in MENTION.sub("", text) if unicodedata.category(c) in {"Nd", "No", "Nl"}]
        if digits:
            found.append(
                _no("text_digit", name=name, language=language, digits="".join(digits)[:20])
            )
    return found


def _no(code: str, **facts: str | int) -> Refusal:
    return Refusal(f"terms.{code}", facts)
