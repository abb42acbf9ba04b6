"""Calling data of a person at a source outside, with their consent."""

from __future__ import annotations

import getpass
from dataclasses import dataclass

from ...adapters.permitted import DataOverHttp
from ...measures.instant import beijing_text, from_beijing
from ...node.permitted.calls import Asked, call
from ...node.permitted.kinds import KINDS
from ...settings import Language
from ...wiring import system_clock
from .. import speak
from ..place import Place
from . import reading


@dataclass(frozen=True)
class Wanted:
    """What is asked for, where, and from which day to before which (Beijing)."""

    kind: str
    source: str
    since: str
    until: str


def fetch(
    place: Place, who: reading.Asked, wanted: Wanted, *, as_json: bool, language: Language
) -> int:
    """The rows; those that are not what they should be are told beside them."""
    span = from_beijing(wanted.since), from_beijing(wanted.until)
    caller = (who.caller or getpass.getuser())[:60]
    asked = Asked(wanted.kind, who.who, who.purpose, who.role, caller, *span)
    with place.alone(), place.record() as member:
        with member.node.reading() as (_, state):
            replayed = state.need("genesis", "it")["clock"] == "replay"
        now = 0 if replayed else system_clock()
        answer = call(member.node, DataOverHttp(wanted.source.rstrip("/")), asked, now)
    speaker = speak.Speaker(language)
    refusals = [speaker.refusal(each) for each in answer.refused]
    if as_json:
        told = [{"code": each.code, **each.facts} for each in answer.refused]
        speak.show_json({"kind": asked.kind, "rows": list(answer.rows), "refused": told})
        return 0
    kind = KINDS[asked.kind]
    speak.out(kind.zh if language == "zh" else kind.en)
    for row in answer.rows:
        rest = "  ".join(str(value) for name, value in row.items() if name != "at")
        speak.out(f"  {beijing_text(row['at'])}  {rest}")
    for said in refusals:
        speak.note(said)
    speak.note(speaker.text("person_fetched", count=len(answer.rows), refused=len(refusals)))
    return 0
