"""What a member agrees to is shown to it in full, before it says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from miaopei.acts.state import State
from miaopei.cli.commands import app
from miaopei.cli.net.life import asked, commands, deciding
from miaopei.cli.net.own import acting, voicing
from miaopei.cli.net.plan import Net
from miaopei.errors import Refused
from miaopei.errors.texts import say
from tests.support.products import hills
from tests.support.town import ONE_CARRIER, Town

HASH, KEY = "ab" * 32, "cd" * 32
LISTING: dict[str, Any] = {
    "id": "yunnan_dali_2027", "book": "b" * 60, "payer": "insurer", "standby_payer": "agent",
    "deciders": ["puppet1", "puppet2"], "k": 2, "occurrence_cap_fen": 1234567, "solo": False,
    "placement": {"shares": [{"carrier": "picc", "ppm": 1000000}], "illustrative": True},
    "takeover_seconds": 7200,
}  # fmt: skip
SEEN = r"\u202e\u009b\u200b\u2028\u001b\n\u00a0\udb40\udc01"  # of what nobody would see
BODY = {"listing": LISTING, "product": HASH, "arrears": False}
WISH: dict[str, Any] = {
    "kind": "list_product", "what": "yunnan_dali_2027", "name": "ef" * 32, "body": BODY,
    "by": ["cloud"], "lacks": ["insurer"], "open": True, "votes": 1, "total": 4,
    "again": False,
    "about": {
        "operators": {"insurer": "insurer", "agent": "a2", "puppet1": "eve", "puppet2": "eve"},
        "product": {"zh": "云南地震", "en": "Yunnan quake"},
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_listing_is_shown_whole_to_who_would_be_bound(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr(commands, "_net", lambda _: None)
    monkeypatch.setattr(deciding, "waiting", lambda *_: [WISH])
    said = CliRunner().invoke(app, ["net", "agree", "DIR", "insurer", "--lang", language]).output
    flat = "".join(said.split())
    for told in ("insurer(insurer)", "agent(a2)", "puppet1(eve),puppet2(eve)", "picc1000000ppm",
                 "12,345.67", HASH, "ef" * 32, "listing.takeover_seconds=7200", "arrears=false",
                 WISH["about"]["product"][language].replace(" ", "")):  # fmt: skip
        assert told in flat, told


def test_a_wish_is_shown_with_its_keys_and_without_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [{"key": KEY, "since": 0, "until": None}]
    body = {"member": {"id": "icbc", "roles": ["bank"], "keys": keys}, "until": 5}
    wishes = [WISH, {**WISH, "kind": "admit_member", "body": body}]
    monkeypatch.setattr(voicing, "member_of", lambda folder: folder)
    monkeypatch.setattr(acting, "wishes", lambda _: wishes)
    monkeypatch.setattr(acting, "me", lambda _: "cloud")
    said = CliRunner().invoke(app, ["member", "wishes", str(Path("DIR")), "--lang", "en"]).output
    flat = "".join(said.split())
    for told in ('payer="insurer"', "b" * 60, KEY, 'member.roles.1="bank"', "until=5",
                 "notsaidyetby:insurer"):  # fmt: skip
        assert told in flat, told


def test_who_has_spoken_is_told_where_its_word_is_wanted_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not that it waits for members which, by the same sentence, have said so."""
    again = {**WISH, "by": ["cloud", "insurer"], "lacks": ["cloud", "insurer"], "again": True}
    monkeypatch.setattr(voicing, "member_of", lambda folder: folder)
    monkeypatch.setattr(acting, "wishes", lambda _: [again])
    monkeypatch.setattr(acting, "me", lambda _: "insurer")
    monkeypatch.setattr(commands, "_net", lambda _: None)
    monkeypatch.setattr(deciding, "waiting", lambda *_: [again])
    for asked_for in (["member", "wishes", "DIR"], ["net", "agree", "DIR", "insurer"]):
        said = CliRunner().invoke(app, [*asked_for, "--lang", "en"]).output
        assert "once more: cloud, insurer" in " ".join(said.split())
        assert "not said yet" not in said
        assert "waits for" not in said


def test_a_person_agrees_to_the_digest_of_what_was_shown_and_not_to_an_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another body may wait behind an id by the time that somebody agrees to it."""
    said: list[str] = []

    def call(_: object, ask: str, **asked: Any) -> Any:
        if ask != "agree":
            return [WISH] if WISH["name"].startswith(asked.get("begin", "")) else []
        said.append(asked["name"])
        return {"act": "1" * 64, "waits": []}

    monkeypatch.setattr(Net, "entered", staticmethod(lambda _: Here()))
    monkeypatch.setattr(deciding.control, "call", call)
    monkeypatch.setattr(deciding.voting, "need_block", lambda _: None)
    monkeypatch.setattr(acting, "me", lambda _: "insurer")
    with pytest.raises(Refused) as refused:
        acting.agree(Here(), "efef")  # type: ignore[arg-type]
    assert refused.value.refusals[0].code == "net.is_down"
    monkeypatch.setattr(deciding.control, "need", lambda *_: None)
    for what in ("yunnan_dali_2027", "ef", "ef" * 8, "ef" * 15 + "e"):
        with pytest.raises(Refused) as refused:
            deciding.agree(Here(), "insurer", what)  # type: ignore[arg-type]
        assert refused.value.refusals[0].code == "net.say_digest"
        assert "net agree DIR insurer" in say(refused.value.refusals[0], "en")
    for what in ("efef", "ef" * 8, "ef" * 15 + "e"):
        with pytest.raises(Refused) as refused:
            acting.agree(Here(), what)  # type: ignore[arg-type]
        assert refused.value.refusals[0].code == "net.say_digest"
    assert said == []
    with pytest.raises(Refused) as refused:
        acting.agree(Here(), "dead")  # type: ignore[arg-type]
    assert "32 digits" in say(refused.value.refusals[0], "en")
    done = deciding.agree(Here(), "insurer", "ef" * 16)  # type: ignore[arg-type]
    assert (said, done["what"]) == (["ef" * 32], "yunnan_dali_2027")


@pytest.mark.parametrize("digits", [32, 60])
def test_an_id_that_looks_like_a_number_stands_in_no_numbers_way(
    monkeypatch: pytest.MonkeyPatch, digits: int
) -> None:
    """Up to 60 digits are a lawful id: that of another's wish must not be agreed to by it."""
    number = WISH["name"][:digits]
    shadow = {**WISH, "what": number, "name": "cd" * 32}
    monkeypatch.setattr(deciding.voting, "need_block", lambda _: None)
    monkeypatch.setattr(deciding.control, "call", lambda *_, **asked: (
        {"name": asked["name"], "waits": []} if "name" in asked else [shadow, WISH]
    ))  # fmt: skip
    assert deciding.agree(Here(), "insurer", number)["name"] == WISH["name"]  # type: ignore[arg-type]
    monkeypatch.setattr(deciding.control, "call", lambda *_, **__: [shadow])
    with pytest.raises(Refused) as refused:
        deciding.agree(Here(), "insurer", number)  # type: ignore[arg-type]
    assert refused.value.refusals[0].code == "net.say_digest"


def test_two_numbers_that_begin_alike_are_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = {**WISH, "name": "ef" * 16 + "0" * 32}
    monkeypatch.setattr(deciding.control, "call", lambda *_, **__: [WISH, twin])
    with pytest.raises(Refused) as refused:
        deciding.agree(Here(), "insurer", "ef" * 16)  # type: ignore[arg-type]
    (refusal,) = refused.value.refusals
    assert refusal.code == "net.several_wait"
    assert refusal.facts["names"] == f"{WISH['name']}, {twin['name']}"


def test_nothing_that_is_shown_reorders_or_hides_what_stands_beside_it() -> None:
    odd = "\u202e\u009b\u200b\u2028\x1b\n\u00a0\U000e0001"
    body = {f"a{odd}": f"云{odd}南", "b = 1": [odd], "云": {"c-d_1": "é", "e.f": 'say "x"'}, "": 1}
    lines = list(deciding.spelled(body))
    assert all(line.isprintable() for line in lines)
    assert lines == [
        '  "" = 1',
        rf'  "a{SEEN}" = "云{SEEN}南"',
        rf'  "b = 1".1 = "{SEEN}"',
        '  "云".c-d_1 = "é"',
        r'  "云"."e.f" = "say \"x\""',
    ]
    terms = deciding.bound({**WISH, "about": {
        "operators": {"puppet1": f"eve{odd}"}, "product": {"zh": odd, "en": f"Quake{odd}"},
    }}, "en")  # fmt: skip
    assert terms is not None
    assert all(str(each).isprintable() for each in terms.values())
    assert str(terms["product"]).startswith(r"Quake\u202e")


class Here:
    """A net as far as it is asked where a member is."""

    folder = Path("DIR")

    def at(self, member: str) -> Path:
        return Path("DIR") / member


def test_the_record_says_who_runs_whom_a_listing_names() -> None:
    town = Town(name="agreed").set_up()
    name = town.list_product(hills(), placement=ONE_CARRIER)
    with town.store.reading() as reading:
        state = State(reading)
        listed = state.need("listing", name)
        body = {"listing": listed["listing"], "product": listed["product"], "arrears": False}
        told = asked._about(state, body)
    assert told["operators"][listed["listing"]["payer"]]
    assert told["product"] == hills().name.as_json()
