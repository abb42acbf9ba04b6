"""Data of a person at a source outside: nothing without consent, every call on the record.

Rows X-05, C-10. The source is a sandbox process that plays made-up rows again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from miaopei.adapters.permitted import DataOverHttp
from miaopei.adapters.sandbox_grid.starter import Running, start
from miaopei.errors import OutsideFault, Refused
from miaopei.errors.texts import say
from miaopei.measures.instant import DAY, from_beijing
from miaopei.node.permitted.calls import Answer, Asked, call
from miaopei.node.permitted.kinds import KINDS, MOST
from miaopei.node.vault.uses import recorded
from tests.support.town import Town

WHO, OTHER = "0a" * 32, "0b" * 32
YEAR = (from_beijing("2021-01-01"), from_beijing("2022-01-01"))
ROWS = {"logistics": 6, "transactions": 4, "customs": 3}  # of customer A, counted in the files
ASKED = Asked("logistics", WHO, "underwriting", "underwriter", "li", *YEAR)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start("trade", tmp_path_factory.mktemp("trade")) as running:
        running.customers([(WHO, "A"), (OTHER, "B")])
        yield running


@pytest.fixture
def town() -> Town:
    return Town().set_up()


def consent(town: Town, *scope: str, mark: str = "1", **changes: Any) -> None:
    span = {"since": town.now, "until": town.now + 10 * DAY, "document": None}
    about = {"subject": WHO, "purpose": "underwriting", "grantee": town.me.member}
    body = {**about, **span, "scope": sorted(scope), **changes}
    assert town.send(town.act("consent", body, mark)).ok


def asking(town: Town, platform: Running, **changes: Any) -> Answer:
    source = DataOverHttp(platform.address, seconds=5.0)
    return call(town.node, source, replace(ASKED, **changes), 0)


def code(town: Town, platform: Running, **changes: Any) -> str:
    with pytest.raises(Refused) as no:
        asking(town, platform, **changes)
    (refusal,) = no.value.refusals
    assert say(refusal, "zh")
    assert say(refusal, "en")
    return refusal.code


def uses(town: Town) -> list[tuple[str, list[str]]]:
    with town.store.reading() as reading:
        assert not reading.uses(), "what was used stands on the record"
        return [(row["what"], row["fields"]) for row in recorded(reading, town.me, WHO)]


def test_x05_refused_without_consent_given_with_it_refused_once_revoked(
    town: Town, platform: Running
) -> None:
    before = platform.about()["asked"]
    for kind in KINDS:
        assert code(town, platform, kind=kind) == "consent.none"
    assert platform.about()["asked"] == before, "nobody was asked"
    assert uses(town) == [("refused", [])] * 3
    consent(town, "logistics", "transactions")
    assert len(asking(town, platform).rows) == ROWS["logistics"]
    assert code(town, platform, kind="customs") == "consent.out_of_scope"
    assert code(town, platform, purpose="marketing") == "consent.none"
    assert code(town, platform, subject=OTHER) == "consent.none"
    town.at(town.now + 10 * DAY)
    assert code(town, platform) == "consent.expired"
    consent(town, *KINDS, mark="2")
    assert len(asking(town, platform, kind="customs").rows) == ROWS["customs"]
    asked = platform.about()["asked"]
    about = {"subject": WHO, "purpose": "underwriting", "grantee": town.me.member}
    assert town.send(town.act("revoke_consent", about)).ok
    assert code(town, platform, kind="customs") == "consent.revoked"
    assert platform.about()["asked"] == asked
    assert uses(town)[3:] == [
        ("called", ["logistics"]), ("refused", []), ("refused", []), ("refused", []),
        ("called", ["customs"]), ("refused", []),
    ]  # fmt: skip
    assert WHO.encode() not in b"".join(
        leaf for leaf in town.leaves() if b"log_uses" in leaf
    )  # in public only how many, and for what


def test_three_kinds_are_read_whole_and_only_of_the_time_and_person_asked_for(
    town: Town, platform: Running
) -> None:
    consent(town, *KINDS)
    for kind, count in ROWS.items():
        answer = asking(town, platform, kind=kind)
        assert (len(answer.rows), answer.refused) == (count, ())
        assert all(set(row) == set(KINDS[kind].fields) for row in answer.rows)
    june = asking(town, platform, since=from_beijing("2021-06-01"))
    assert [row["milestone"] for row in june.rows] == ["arrived", "delivered"]
    assert platform.about()["sandbox"] is True
    with town.store.reading() as reading:
        kept = b"".join(reading.leaves(0, reading.head().size))
    assert b"YY-2101-01" not in kept


GOOD = {"shipment": "S1", "at": YEAR[0], "place": "CNNGB", "milestone": "departed"}


class Says:
    """A source that says what it is told to."""

    def __init__(self, *rows: Any) -> None:
        self.rows = rows

    def fetch(self, *_: Any) -> list[Any]:
        return list(self.rows)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({**GOOD, "at": str(YEAR[0])}, "at"),
        ({**GOOD, "at": True}, "at"),
        ({**GOOD, "at": YEAR[1]}, "at"),  # beyond what was asked for
        ({**GOOD, "place": "Ningbo"}, "place"),
        ({**GOOD, "milestone": "lost"}, "milestone"),
        ({**GOOD, "phone": "13812340000"}, "unknown"),
        ({name: GOOD[name] for name in ("shipment", "at", "place")}, "milestone"),
        ("a line", "row"),
    ],
)
def test_a_row_that_is_none_is_named_and_the_others_stand(town: Town, row: Any, field: str) -> None:
    consent(town, "logistics")
    answer = call(town.node, Says(GOOD, row, GOOD), ASKED, 0)
    assert answer.rows == (GOOD, GOOD)
    (refusal,) = answer.refused
    assert (refusal.code, refusal.facts["number"]) == ("permitted.bad_row", 2)
    assert refusal.facts["field"] == field
    assert "13812340000" not in say(refusal, "zh") + str(refusal.facts)


def test_what_is_no_question_is_refused_before_anything_is_logged(town: Town) -> None:
    for changes, expected in (
        ({"kind": "weather"}, "permitted.unknown_kind"),
        ({"subject": "13812340000"}, "consent.bad_subject"),
        ({"until": YEAR[0]}, "permitted.bad_span"),
    ):
        with pytest.raises(Refused) as no:
            call(town.node, Says(), replace(ASKED, **changes), 0)
        assert no.value.refusals[0].code == expected
    assert uses(town) == []
    consent(town, "logistics")
    with pytest.raises(Refused) as no:
        call(town.node, Says(*[GOOD] * (MOST + 1)), ASKED, 0)
    assert no.value.refusals[0].code == "permitted.too_many"


def test_a_source_that_is_silent_or_lies_is_told_so_and_the_call_is_on_the_record(
    town: Town, platform: Running
) -> None:
    consent(town, "logistics")
    platform.misbehave("silent", uses=1)
    with pytest.raises(OutsideFault):
        asking(town, platform)
    platform.misbehave("lie", uses=1, minutes=1)
    lied = asking(town, platform)
    assert (lied.rows, {each.facts["field"] for each in lied.refused}) == ((), {"at"})
    platform.behave()
    assert len(asking(town, platform).rows) == ROWS["logistics"]
    assert uses(town) == [("called", ["logistics"])] * 3
