"""The commands by which a member wants something, takes its word back and says it again."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from miaopei.acts.approvals import LONGEST
from miaopei.acts.raise_rules import FARTHEST
from miaopei.acts.rule_sets import RULES
from miaopei.acts.wishes import name_of
from miaopei.cli.commands import app
from miaopei.cli.net.life import asked, commands, deciding, voting
from miaopei.cli.net.own import acting, voicing
from miaopei.errors import Refused
from miaopei.measures.instant import DAY
from tests.support.consortium import SIX
from tests.support.seating import Six
from tests.unit.acts.test_agreeing import listed, named, source
from tests.unit.node.test_signed_again import Away, leaves_of

ME = "insurer"
OTHERS = [member for member in SIX if member != ME]


class Here:
    """The insurer's folder, as far as commands ask where a member is."""

    own, here, members, folder = True, (ME,), SIX, Path("DIR")

    def at(self, member: str) -> Path:
        return Path("DIR") / member


class Insurer:
    """The insurer's running node over a record in memory, asked over its control socket."""

    def __init__(self, six: Six) -> None:
        self.six, self.away = six, Away(six)
        seated: Any = SimpleNamespace(member=self.away, meet=None)
        self.answers = asked.answers(seated)

    def call(self, _: object, ask: str, **asked: Any) -> Any:
        """As `control.call`."""
        asked.pop("seconds", None)
        if ask == "act":
            done = self.away.node.accept(asked["kind"], asked["ref"], asked["body"])
            return {"act": done.act, "new": done.new}
        if ask == "others":
            return {member: {"knows": RULES + 1} for member in OTHERS}
        if ask == "status":
            seats = [{"member": m, "power": p, "roles": []} for m, p in self.six.powers().items()]
            rules = self.six.value["rules"]
            return {"height": self.six.height, "seats": seats, "member": ME, "time": self.six.now,
                    "rules": rules, "knows": RULES + 1}  # fmt: skip
        return self.answers[ask](lambda _: None, asked)

    def others_say(self, count: int, kind: str, body: dict[str, Any]) -> None:
        """So many of the others want it."""
        assert self.six.all_say(OTHERS[:count], kind, body) == [""] * count
        self.away.learn()

    def stands(self, kind: str, body: dict[str, Any]) -> list[str]:
        """Whose words do."""
        found: list[str] = self.answers["approval"](lambda _: None, {"kind": kind, "body": body})[
            "by"
        ]
        return found


@pytest.fixture
def six() -> Six:
    """Six members, and one that may come."""
    made = Six()
    made.admit("seventh")
    return made


@pytest.fixture
def insurer(six: Six, monkeypatch: pytest.MonkeyPatch) -> Insurer:
    """It answers every command."""
    made = Insurer(six)
    monkeypatch.setattr(voting.control, "call", made.call)
    monkeypatch.setattr(deciding.control, "need", lambda *_: None)
    monkeypatch.setattr(acting, "me", lambda _: ME)
    monkeypatch.setattr(voicing, "member_of", lambda _: Here())
    monkeypatch.setattr(commands, "_net", lambda _: Here())
    return made


NET: Any = Here()


def test_a_word_is_said_once_taken_back_and_said_again_whatever_is_repeated(
    six: Six, insurer: Insurer
) -> None:
    wish = six.wish("seventh")
    number = name_of("seat_member", wish)
    insurer.others_say(3, "seat_member", wish)
    for count in (1, 2, 3):
        for _ in range(2):
            voted = voting.want(NET, "seat_member", wish)
            assert (voted.votes, voted.done) == (4, False)
        done = deciding.withdraw(NET, ME, number[:8])
        assert (done["kind"], done["name"]) == ("seat_member", number)
        assert insurer.stands("seat_member", wish) == sorted(OTHERS[:3])
        assert len(leaves_of(six)) == 2 * count, "nothing is sent that the record holds"
        assert all(ok for _, ok in leaves_of(six))
    insurer.others_say(4, "unseat_member", gone := _gone(six))
    assert voting.want(NET, "unseat_member", gone).done
    assert voting.want(NET, "unseat_member", gone).done, "and said once more it is done as it was"


def _gone(six: Six) -> dict[str, Any]:
    return {"member": OTHERS[-1], "reason": "left", "until": six.now + DAY}


def test_a_word_that_is_enough_since_a_seat_was_lost_is_said_under_another_name(
    six: Six, insurer: Insurer
) -> None:
    wish, gone = six.wish("seventh"), _gone(six)
    insurer.others_say(3, "seat_member", wish)
    assert not voting.want(NET, "seat_member", wish).done
    insurer.others_say(4, "unseat_member", gone)
    assert voting.want(NET, "unseat_member", gone).done
    (waits,) = insurer.answers["waiting"](lambda _: None, {})
    assert waits["again"]
    assert voting.want(NET, "seat_member", wish).done
    assert "seventh" in six.powers()


def test_what_a_listing_would_bind_agrees_takes_it_back_and_agrees(
    six: Six, insurer: Insurer
) -> None:
    body = listed(six, ("utility", "regulator", "notary"))
    assert six.all_say(["utility", "agent"], "list_product", body) == ["", ""]
    insurer.away.learn()
    number = name_of("list_product", body)
    for _ in range(3):
        assert deciding.agree(NET, ME, number[:32])["waits"]
        assert ME in insurer.stands("list_product", body)
        deciding.withdraw(NET, ME, number)
        assert ME not in insurer.stands("list_product", body)
    deciding.agree(NET, ME, number)
    assert six.all_say(["regulator", "notary"], "list_product", body) == ["", ""]
    with six.state() as state:
        assert state.has("listing", "evil")


def test_one_word_is_one_act_by_whichever_command_it_is_said(six: Six, insurer: Insurer) -> None:
    body = listed(six, ("utility", "regulator", "notary"))
    assert six.say("utility", "list_product", body) == ""
    insurer.away.learn()
    number = name_of("list_product", body)
    deciding.agree(NET, ME, number)
    (first,) = leaves_of(six)
    voting.want(NET, "list_product", body)
    assert leaves_of(six) == [first]
    deciding.withdraw(NET, ME, number)
    voting.want(NET, "list_product", body)
    refs = [ref for ref in _refs(six) if ref.startswith("list_product-")]
    assert refs == [name := f"list_product-{number[:24]}", f"{name}-2"]


def _refs(six: Six) -> list[str]:
    leaves = [json.loads(leaf) for leaf in six.leaves()]
    return [each["act"]["ref"] for each in leaves if each["leaf"] == "act"]


@pytest.mark.parametrize("away", [LONGEST, 91 * DAY])
def test_what_names_no_end_is_agreed_to_again_after_its_longest_time(
    six: Six, insurer: Insurer, away: int
) -> None:
    body = named(six, "icbc", "bank")
    insurer.others_say(1, "admit_member", body)
    deciding.agree(NET, ME, number := name_of("admit_member", body))
    insurer.away.put(later=away)
    assert voting.want(NET, "admit_member", body).by == (ME,), "the first words are forgotten"
    assert six.all_say(OTHERS[:3], "admit_member", body) == [""] * 3
    insurer.away.learn()
    with six.state() as state:
        assert not state.has("member", "icbc")
    insurer.away.put(later=away)
    insurer.others_say(4, "admit_member", body)
    deciding.agree(NET, ME, number)
    with six.state() as state:
        assert state.has("member", "icbc")


def test_a_wish_whose_end_is_past_is_wanted_anew(six: Six, insurer: Insurer) -> None:
    assert six.say("cloud", "register_source", source("gate")) == ""
    insurer.away.learn()
    body = source("thief")
    assert voting.want(NET, "register_source", body).by == (ME,)
    insurer.away.put(later=91 * DAY)
    insurer.others_say(2, "register_source", body)
    assert set(voting.want(NET, "register_source", body).by) == {ME, *OTHERS[:2]}


def test_what_is_no_word_of_ours_is_named_and_nothing_is_sent(six: Six, insurer: Insurer) -> None:
    wish, other = six.wish("seventh"), named(six, "icbc", "bank")
    insurer.others_say(1, "seat_member", wish)
    voting.want(NET, "admit_member", other)
    before = leaves_of(six)
    for what in (name_of("seat_member", wish), "ffff", name_of("admit_member", other)[:3]):
        with pytest.raises(Refused) as refused:
            deciding.withdraw(NET, ME, what)
        assert refused.value.refusals[0].code == "net.no_such_word"
    with pytest.raises(Refused) as refused:
        insurer.answers["withdraw"](lambda _: None, {"name": name_of("seat_member", wish)})
    assert refused.value.refusals[0].code == "act.no_approval"
    assert [ok for _, ok in leaves_of(six)] == [ok for _, ok in before] + [False]


def test_under_older_rules_it_says_which_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    six = Six(rules=6)
    insurer = Insurer(six)
    monkeypatch.setattr(voting.control, "call", insurer.call)
    voting.want(NET, "admit_member", body := named(six, "icbc", "bank"))
    with pytest.raises(Refused) as refused:
        deciding.withdraw(NET, ME, name_of("admit_member", body))
    (refusal,) = refused.value.refusals
    assert (refusal.code, refusal.facts) == ("net.no_withdrawing", {"rules": 6, "wanted": 7})


@pytest.mark.parametrize(("language", "said", "back"), [
    ("en", "insurer has said so", "taken back its word for seat_member"),
    ("zh", "insurer 已表示同意", "已撤回对 seat_member"),
])  # fmt: skip
def test_wishes_name_our_word_and_the_commands_take_it_back(
    six: Six, insurer: Insurer, language: str, said: str, back: str
) -> None:
    wish = six.wish("seventh")
    insurer.others_say(2, "seat_member", wish)
    number = name_of("seat_member", wish)

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--lang", language])
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    assert said not in run("member", "wishes", "DIR")
    for words in (("member", "withdraw", "DIR"), ("net", "withdraw", "DIR", ME)):
        voting.want(NET, "seat_member", wish)
        assert said in run("member", "wishes", "DIR")
        assert number in run("net", "withdraw", "DIR", ME).replace(" ", "")
        assert back in run(*words, number[:12])
        assert ME not in insurer.stands("seat_member", wish)
    assert number not in run("net", "withdraw", "DIR", ME).replace(" ", "")


def test_raised_rules_are_moved_only_by_a_height_that_is_named(
    six: Six, insurer: Insurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows = {member: {"knows": RULES + 1} for member in OTHERS}
    monkeypatch.setattr(deciding.elsewhere, "others", lambda *_: knows)
    body = {"rules": RULES + 1, "height": 10**7}
    insurer.others_say(5, "raise_rules", body)
    sent = leaves_of(six)
    kept, voted = deciding.raise_rules(NET, None, 20)
    assert (kept, voted.done, leaves_of(six)) == (body, True, sent)
    near = {**body, "height": six.height + 90}
    moved, voted = deciding.raise_rules(NET, near["height"], 20)
    assert (moved, voted.done, voted.by) == (near, False, (ME,))
    kept, voted = deciding.raise_rules(NET, None, 20)
    assert (kept, voted.done) == (body, True), "what one wants moves nothing yet"
    insurer.others_say(4, "raise_rules", near)
    kept, voted = deciding.raise_rules(NET, None, 20)
    assert (kept, voted.done) == (near, True)


@pytest.mark.parametrize("rules", [6, RULES])
def test_a_height_that_nobody_can_have_meant_is_not_sent(
    rules: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under rule set 6 the record would take it, and stay with 6 until then."""
    monkeypatch.setattr(deciding, "_lacking", lambda *_: ())
    monkeypatch.setattr(deciding.voting, "ask", lambda _: {"rules": rules, "height": 40})
    monkeypatch.setattr(deciding.voting, "want", lambda _net, _kind, body, _by: body)
    far = 40 + FARTHEST + 1
    with pytest.raises(Refused) as refused:
        deciding.raise_rules(NET, far, 20)
    (refusal,) = refused.value.refusals
    assert (refusal.code, refusal.facts["last"]) == ("act.rules_too_far", far - 1)
    wanted = {"rules": rules + 1, "height": far}
    assert deciding.raise_rules(NET, far, 20, anyway=True) == (wanted, wanted)
    near = {**wanted, "height": far - 1}
    assert deciding.raise_rules(NET, far - 1, 20) == (near, near)
