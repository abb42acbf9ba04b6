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
BODY = {"listing": LISTING, "product": HASH, "arrears": False}
WISH: dict[str, Any] = {
    "kind": "list_product", "what": "yunnan_dali_2027", "name": "ef" * 32, "body": BODY,
    "by": ["cloud"], "lacks": ["insurer"], "open": True, "votes": 1, "total": 4,
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
    said = CliRunner().invoke(app, ["member", "wishes", str(Path("DIR")), "--lang", "en"]).output
    flat = "".join(said.split())
    for told in ('payer="insurer"', "b" * 60, KEY, 'member.roles.1="bank"', "until=5"):
        assert told in flat, told


def test_a_person_agrees_to_the_digest_of_what_was_shown_and_not_to_an_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another body may wait behind an id by the time that somebody agrees to it."""
    said: list[str] = []

    def call(_: object, ask: str, **asked: Any) -> Any:
        if ask != "agree":
            return [WISH]
        said.append(asked["name"])
        return {"act": "1" * 64, "waits": []}

    monkeypatch.setattr(Net, "entered", staticmethod(lambda _: Here()))
    monkeypatch.setattr(deciding.control, "call", call)
    monkeypatch.setattr(acting, "me", lambda _: "insurer")
    for what in ("yunnan_dali_2027", "ef", "ef" * 7 + "e"):
        with pytest.raises(Refused) as refused:
            deciding.agree(Here(), "insurer", what)  # type: ignore[arg-type]
        assert refused.value.refusals[0].code == "net.say_digest"
        assert "net agree DIR insurer" in say(refused.value.refusals[0], "en")
    for what in ("efef", "ef" * 7 + "e"):
        with pytest.raises(Refused) as refused:
            acting.agree(Here(), what)  # type: ignore[arg-type]
        assert refused.value.refusals[0].code == "net.say_digest"
    assert said == []
    done = deciding.agree(Here(), "insurer", "ef" * 8)  # type: ignore[arg-type]
    assert (said, done["what"]) == (["ef" * 32], "yunnan_dali_2027")


class Here:
    """A net as far as it is asked where a member is."""

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
