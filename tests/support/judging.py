"""Three who decide one book of a town: they differ, show why, and agree in the next round."""

from __future__ import annotations

from typing import Any

from miaopei.acts.blobs import TRACE
from miaopei.acts.envelope import from_json
from miaopei.claims.case import words_at
from miaopei.measures.identity import canonical, content_id, read_canonical
from miaopei.measures.instant import DAY, beijing_text
from miaopei.node.vault.blobs import open_blob, seal_blob
from miaopei.node.vault.sealing import unframe
from tests.support.facts import quake
from tests.support.products import hills
from tests.support.town import Town, good

OTHERS = ("second", "third")


def judge(town: Town) -> None:
    """From listing to settlement, each step an act."""
    for member in OTHERS:
        town.admit(member, "decider")
    book = town.list_product(hills("court"), deciders=("miaopei", *OTHERS), k=2)
    good(town.node.submit([town.batch([town.policy(book, "2014-06-01") for _ in range(2)])]))
    town.decider.run()
    batch, entry = next((k, b) for k, b in town.table("batch").items() if b["book"] == book)
    held = {"batch": batch, **entry["statements"]["miaopei"]}
    good([town.send(town.act_of("second", "hold_batch", held))])
    good([town.send(town.act_of("third", "hold_batch", held))])  # late: it counts from now on
    town.at(town.now + 10 * DAY)
    town.tell(quake(beijing_text(town.now), "6.1", key="court"))
    town.decider.run()
    trigger = town.table("book")[book]["open"]
    assert trigger is not None, "the court's trigger is open"
    first = our_word(town, trigger, 1)
    for member in OTHERS:
        word = {**first, "claims": otherwise(town, first["claims"], member)}
        good([town.send(town.act_of(member, "decide", word))])
    for difference, value in town.table("difference").items():
        with town.store.writing() as block:
            trace = {"v": 1, "by": value["member"]}
            commitment = bytes.fromhex(content_id("trace", trace))
            blob = seal_blob(block, town.node, [canonical(trace)], [commitment], TRACE)
        shown = {"difference": difference, "policy": "ab" * 16, "position": 0, "trace": blob}
        good([town.send(town.act_of(value["member"], "show_difference", shown))])
    good([town.send(town.act_of("third", "open_round", {"trigger": trigger, "round": 2}))])
    town.decider.run()
    again = our_word(town, trigger, 2)
    good([town.send(town.act_of("second", "decide", again, "again"))])
    assert town.settlements(book)[0]["round"] == 2


def otherwise(town: Town, claims: dict[str, Any], member: str) -> dict[str, Any]:
    """Claims that differ from ours in every salt, sealed as a member seals its own."""
    with town.store.writing() as block:
        rows = map(read_canonical, unframe(open_blob(block, claims["blob"], town.me)))
        salt = (member.encode().hex() * 9)[:64]
        others = [{**row, "salt": salt} for row in rows]
        commitments = [bytes.fromhex(content_id("claim", row)) for row in others]
        sealed = seal_blob(
            block, town.node, list(map(canonical, others)), commitments, claims["media"]
        )
    return dict(sealed)


def our_word(town: Town, trigger: str, number: int) -> dict[str, Any]:
    """The body of our own decision in a round."""
    counter = town.table("book")["court"]["counter"]
    with town.store.reading() as reading:
        kept = reading.progress(f"decide/{words_at(trigger, counter, number)}miaopei")
    assert kept is not None
    return from_json(read_canonical(kept)).body
