"""Both forms of a grid message say the same, and whatever is wrong is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from miaopei.adapters.grid import cim, plain
from miaopei.adapters.grid.intake import read
from miaopei.adapters.grid.message import Message
from miaopei.cli.outage.listening import Listener
from miaopei.errors import Refused
from miaopei.errors.texts import say
from tests.support import sayings as s


def codes(found: Message) -> list[str]:
    return [refusal.code for bad in found.unread for refusal in bad.refusals]


def refused(data: bytes) -> str:
    with pytest.raises(Refused) as error:
        read(data)
    for refusal in error.value.refusals:
        for language in ("zh", "en"):
            assert not say(refusal, language).startswith(refusal.code)
    return error.value.refusals[0].code


def test_both_forms_say_the_same() -> None:
    times = {"0571001": s.LATE, "0571002": s.ON}
    one = read(
        s.message(7, plans=[s.plan(["0571001", "0571002"])], restorations=[s.back(dict(times))])
    )
    other = read(s.cim(7, s.cim_plan(["0571001", "0571002"]) + s.cim_back(times)))
    assert (one.media, other.media) == (plain.MEDIA, cim.MEDIA)
    assert replace(one, media="") == replace(other, media="")
    assert len(one.said) == 2


def test_a_message_says_nothing_of_customers_when_it_is_printed() -> None:
    found = read(
        s.message(1, plans=[s.plan(["0571001"])], restorations=[s.back({"0571001": None})])
    )
    assert "0571001" not in repr(found)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": "other/1"}, "grid.bad_field"),
        ({"sequence": -1}, "grid.bad_field"),
        ({"sequence": True}, "grid.bad_field"),
        ({"sent_at": "2021-05-29 09:00:05"}, "instant.no_zone"),
        ({"sent_at": "yesterday"}, "instant.not_a_time"),
        ({"source": ""}, "grid.bad_field"),
        ({"plans": {}}, "grid.bad_field"),
        ({"unknown": 1}, "grid.bad_field"),
        ({"sequence": 1.0}, "grid.fraction"),
        ({"sequence": float("nan")}, "grid.fraction"),
    ],
)
def test_a_bad_head_refuses_the_message(change: dict[str, Any], code: str) -> None:
    assert refused(json.dumps({**json.loads(s.message(1)), **change}).encode()) == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "grid.not_json"),
        (b"{", "grid.not_json"),
        (b'{"a": 1, "a": 2}', "grid.key_twice"),
        (b"[" * 100_000, "grid.not_json"),
        (b"\xff\xfe{\x00}\x00", "grid.not_text"),
        ("{'中'}".encode("gb18030"), "grid.not_text"),
        (b"<a/>", "grid.other_xml"),
        (b"<a>", "grid.not_xml"),
        (s.cim(1, "").replace(b"UTF-8", b"GBK", 1), "grid.xml_encoding"),
        (s.cim(1, "").decode().replace("UTF-8", "UTF-16", 1).encode("utf-16"), "grid.not_json"),
        (s.cim(1, "").replace(b"<Noun>Outages", b"<Noun>Meters"), "grid.bad_field"),
        (s.cim(1, "<PlannedOutage/>"), "grid.bad_field"),
        (s.cim(1, "").replace(b"2016/Outages#", b"other"), "grid.other_xml"),
        (
            b'<!DOCTYPE a [<!ENTITY a "aaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>',
            "grid.entities",
        ),
        (b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "grid.entities"),
        (b'{"format":"' + b"x" * (33 * 1024 * 1024), "grid.too_large"),
    ],
)
def test_bad_bytes_are_refused_by_name(data: bytes, code: str) -> None:
    assert refused(data) in (code, "grid.not_text" if code == "grid.not_json" else code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "perhaps"}, "grid.bad_field"),
        ({"number": ""}, "grid.bad_field"),
        ({"off_planned": None}, "grid.bad_field"),
        ({"on_planned": "2021-02-30T00:00:00+08:00"}, "instant.not_a_time"),
        ({"scope": {"customers": ["1", "1"]}}, "grid.customer_twice"),
        ({"scope": {"customers": [1]}}, "grid.bad_field"),
        ({"scope": {"customers": [str(n) for n in range(200_001)]}}, "grid.too_many_customers"),
        ({"price": 1}, "grid.bad_field"),
    ],
)
def test_a_bad_plan_is_refused_and_its_neighbour_is_read(change: dict[str, Any], code: str) -> None:
    found = read(s.message(1, plans=[s.plan(["1"], **change), s.plan(["2"], number="other")]))
    assert codes(found) == [code]
    assert [said.number for said in found.said] == ["other"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<end>", "<end><b/>"),
        ("<revisionNumber>0<", "<revisionNumber>-1<"),
        ("<revisionNumber>0<", "<revisionNumber>٣<"),
        ("<cause>1</cause>", "<cause>1</cause><cause>2</cause>"),
        ("<cause>1</cause>", ""),
        ("<UsagePoint><mRID>1<", "<UsagePoint><mRID> <"),
    ],
)
def test_a_bad_element_of_cim_is_refused_and_its_neighbour_is_read(old: str, new: str) -> None:
    good = s.cim_plan(["1"])
    assert old in good
    found = read(s.cim(1, good.replace(old, new) + good.replace(s.NUMBER, "other")))
    assert codes(found) == ["grid.bad_field"]
    assert [said.number for said in found.said] == ["other"]


def test_very_many_outages_in_one_message_are_cut_by_name() -> None:
    found = read(s.message(1, plans=[s.plan(["1"], number=f"n{n}") for n in range(1_010)]))
    assert len(found.said) == 1_000
    assert codes(found) == ["grid.too_many_said"]


@pytest.mark.parametrize("letter", ["\x00", "\n", "\x1b", "\x85"])
def test_a_control_character_in_what_people_read_is_refused(letter: str) -> None:
    for change in ({"number": f"P{letter}1"}, {"feeder": f"F{letter}"}):
        (bad,) = read(s.message(1, plans=[{**s.plan(["0571001"]), **change}])).unread
        assert [r.code for r in bad.refusals] == ["grid.bad_field"]


def test_what_a_silent_source_says_is_told_once_until_it_is_heard() -> None:
    said: list[str] = []
    listener = Listener(None, None, {}, None, 900, said.append, None)  # type: ignore[arg-type]
    for what in ("silent", "silent", "refused", "silent"):
        listener._tell_once("grid.command", what)
    assert said == ["silent", "refused", "silent"]
