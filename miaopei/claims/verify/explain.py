"""A verdict in plain sentences, zh or en: what it says, each check, and what rests on signatures.

The sentences stand in errors/texts/verify.toml; here facts become words (money, times, places).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...errors import Fact, Refusal, Refused
from ...errors.texts import Language, say, table
from ...measures.instant import beijing_text
from ...terms.wording.speech import money
from ..receipt import Kind
from .verdict import Check, Verdict

MARKS = {True: "✓", False: "✗"}


def explain(verdict: Verdict, language: Language = "en") -> list[str]:
    """The verdict, line by line; the first lines say whether it holds and what must be known."""
    lines = [_first(verdict, language)]
    if "no_receipt" in verdict.labels:
        return lines
    lines += [text(f"label_{label}", {}, language) for label in verdict.labels]
    lines += _subject(verdict, language)
    lines += [refusal_text(near, language) for near in verdict.near]
    lines.append(text("heading_checks", {"count": len(verdict.checks)}, language))
    lines += [check_text(check, language) for check in verdict.checks]
    if verdict.holds:
        lines.append(text("heading_rests", {}, language))
        lines += [f"- {text(f'rests_{name}', {}, language)}" for name in verdict.rests]
    return lines


def check_text(check: Check, language: Language) -> str:
    """One check as one line."""
    if check.ok:
        said = text(f"check_{check.name}", check.facts, language)
    else:
        why = check.why or Refusal("verify.unreached")
        failed = text(f"check_{check.name}_fails", why.facts, language)
        said = f"{failed} {refusal_text(why, language)}"
    return f"{MARKS[check.ok]} {check.name}: {said}"


def refusal_text(refusal: Refusal, language: Language) -> str:
    """A refusal with money and times in words."""
    return say(Refusal(refusal.code, in_words(refusal.facts, language)), language)


def text(name: str, facts: Mapping[str, Fact], language: Language) -> str:
    """One sentence of the table."""
    if name not in table("verify"):
        return name
    return refusal_text(Refusal(f"verify.{name}", facts), language)


def _first(verdict: Verdict, language: Language) -> str:
    if verdict.holds:
        return text("holds", {"count": len(verdict.checks)}, language)
    if verdict.lacks is not None:
        return text(f"not_checked_{verdict.lacks}", {}, language)
    if "no_receipt" in verdict.labels:
        return text("label_no_receipt", {}, language)
    failed = verdict.failed
    facts = {"failed": ", ".join(failed[:6]) + (", ..." if len(failed) > 6 else "")}
    return text("does_not_hold", {**facts, "count": len(failed)}, language)


def _subject(verdict: Verdict, language: Language) -> Iterator[str]:
    """What the receipt says; where it does not hold, as its own claim and no more."""
    about = verdict.about
    if not about or verdict.kind is None:
        return
    if not verdict.holds:
        yield text("says_only", {}, language)
    yield text("about_record", about, language)
    yield text("about_event", about, language)
    yield text("about_facts", about, language)
    if about.get("total_is"):
        yield text("about_total", about, language)
    if verdict.kind is Kind.PAYOUT:
        yield text("about_payout", about, language)
        paid = next((c.facts for c in verdict.checks if c.name == "payments" and c.ok), None)
        if paid is not None:
            yield text("about_paid", paid, language)
        return
    why = next((c.facts for c in verdict.checks if c.name == "reason" and c.ok), about)
    name = f"reason_{why.get('reason')}"
    facts = {**about, **why}
    yield text(name if name in table("verify") else "reason_other", facts, language)


def in_words(facts: Mapping[str, Fact], language: Language) -> dict[str, Fact]:
    """For sentences: `pay_fen` gives {pay} as money, `paid_at` {paid} as a time, `x_zh` {x}."""
    words: dict[str, Fact] = {}
    for name, value in facts.items():
        words[name] = _dash(value)
        stem, _, unit = name.rpartition("_")
        if unit == "fen" and type(value) is int:
            words[stem] = money(value, language)
        elif unit == "at":
            words[stem] = _moment(value)
        elif unit == language:
            words[stem] = _dash(value)
    spoken = {
        "role": f"role_{facts.get('role')}",
        "state": f"state_{facts.get('state')}",
        "benefit": f"benefit_{facts.get('benefit')}",
    }
    known = table("verify")
    words |= {name: known[code][language] for name, code in spoken.items() if code in known}
    return words


def _moment(value: Fact) -> Fact:
    """A time in words; the bare number where it is none of the calendar's, in a forged receipt."""
    try:
        return beijing_text(value) if type(value) is int else _dash(value)
    except Refused:
        return value


def _dash(value: Fact) -> Fact:
    return "—" if value is None else value
