"""Who brings a batch and keeps the key of one row back makes no policy that nobody ever counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from miaopei.measures.identity import canonical
from miaopei.node.vault.blobs import seal_blob
from miaopei.node.vault.rowkeys import READER, destroyed

from .court import Court
from .founding import CARRIERS, rows_of

DECIDERS = ("insurer", "regulator", "notary")


def test_a_batch_whose_row_has_no_key_is_held_by_nobody_until_the_key_comes() -> None:
    """It looks erased, and nobody erased it; whoever reads it asks for the key again."""
    court = Court()
    cloud, before = court.by["cloud"], court.table("book")["hills"]["size"]
    tokens = ["a1" * 32, "b2" * 32, "c3" * 32]
    rows = [replace(r, subject=t) for r, t in zip(rows_of("hills", "x"), tokens, strict=True)]
    marks = [row.commitment() for row in rows]
    with cloud.disk.writing() as block:
        bodies = [canonical(row.as_json()) for row in rows]
        sealed = seal_blob(block, cloud.node, bodies, marks, "miaopei/rows/1", "hills")
        slots = block.wrapped(sealed["blob"], READER)
        assert slots is not None
        block.put_wrap(sealed["blob"], READER, destroyed(slots, 0))
        plain = block.put_blob(b"".join(marks), "miaopei/commitments/1")
    public = {"blob": plain, "length": 96, "count": 3, "root": sealed["root"]}
    total = sum(row.premium_fen for row in rows)

    def body(premium: int) -> dict[str, Any]:
        return {
            "book": "hills",
            "rows": sealed,
            "commitments": {**public, "media": "miaopei/commitments/1"},
            "totals": {
                "premium_fen": premium,
                "carriers": [{"carrier": CARRIERS[0], "premium_fen": premium}],
            },
        }

    left_out = total - rows[0].premium_fen  # as if the row had never brought a premium
    assert court.say("cloud", "admit_batch", body(left_out)) == []
    assert court.say("cloud", "admit_batch", body(total), "whole") == []
    court.pass_by(300)
    assert court.table("book")["hills"]["size"] == before
    for name in DECIDERS:
        said = list(court.by[name].decider.refusals().values())
        assert [s[0]["code"] for s in said] == ["net.sealed_unfit"] * 2
        assert {s[0]["facts"]["why"] for s in said} == {"the key of a row is missing"}
        assert list(court.by[name].fetcher.missing) == [sealed["blob"]]
    with cloud.disk.writing() as block:
        block.put_wrap(sealed["blob"], READER, slots)
    court.pass_by(7_200)
    assert court.table("book")["hills"]["size"] == before + 3
    assert [list(court.by[name].fetcher.missing) for name in DECIDERS] == [[]] * 3
    assert [member.alarms for member in court.by.values() if member.alarms] == []
