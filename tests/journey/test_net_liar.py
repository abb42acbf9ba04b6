"""The carrier's software pays less than the terms say: outvoted, and named with both traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from miaopei.cli.net import control
from miaopei.errors import Refused
from miaopei.measures.instant import from_beijing
from tests.support import nets
from tests.support.nets import Running

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
UNTIL, RIGHT = "2015-11-10", 753_760_000
LATER, YUNLONG = "2016-06-01", 2_800_000_000
SAID = ("--by", "insurer", "--by", "regulator", "--reason", "a doubt about the source")


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Insurer, government cloud, regulator and notary; the insurer is the carrier and pays."""
    with nets.running("liar", 4, "--replay") as made:
        yield made


def test_a_wrong_carrier_is_outvoted_at_once_and_named_in_status(four: Running) -> None:
    four.miaopei("lie", "insurer", "--amounts")
    rows = nets.as_json(four.miaopei("demo", "--until", UNTIL, "--json"))
    assert [row["payout_fen"] for row in rows if row["payout_fen"]] == [RIGHT]

    def shown(standing: nets.Standing) -> bool:
        return any(len(one["shown"]) == 2 for one in standing.differences)

    standing = four.until(shown)
    named = [(one["member"], one["settlement"] is not None) for one in standing.differences]
    assert set(named) == {("insurer", True)}
    (both,) = [one["shown"] for one in standing.differences if len(one["shown"]) == 2]
    wrong, right = both["insurer"]["opened"], both[next(iter(set(both) - {"insurer"}))]["opened"]
    assert right["amount_fen"] == RIGHT
    assert RIGHT * 98 // 100 < wrong["amount_fen"] < RIGHT  # rounded as the terms say
    assert wrong["trace"] != right["trace"]
    said = four.miaopei("status", "--lang", "en").stdout
    assert "insurer decided otherwise than" in said
    assert str(RIGHT) in said
    assert standing.goes_on


def not_sold(four: Running) -> str:
    """Why a further batch of policies is not taken, empty as it is."""
    body = {"book": "yunnan_dali", "rows": {}, "commitments": {}, "totals": {}}
    asked = {"kind": "admit_batch", "ref": f"batch-{four.standing().rows[0].height}", "body": body}
    with pytest.raises(Refused) as refused:
        control.call(four.net.at("insurer"), "act", seconds=60, **asked)
    return refused.value.refusals[0].code


def test_two_members_pause_a_listing_and_nothing_more_is_sold_of_it(four: Running) -> None:
    assert not_sold(four) != "act.listing_paused"
    one = four.miaopei("pause", "yunnan_dali", *SAID[:2], *SAID[4:], "--person", "Li", check=False)
    assert one.returncode == 1, "one member alone pauses nothing, and nobody is told otherwise"
    assert "1" in one.stdout
    assert "insurer" in one.stdout
    assert not_sold(four) != "act.listing_paused"
    told = four.miaopei("pause", "yunnan_dali", *SAID, "--person", "Wang", "--json")
    assert nets.as_json(told)["what"] == "paused", "whose word stands is not asked again"
    assert not_sold(four) == "act.listing_paused"
    again = four.miaopei(
        "pause", "yunnan_dali", *SAID, "--person", "Li", "--lang", "en", check=False
    )
    assert again.returncode == 1
    assert "stands so already (1 is paused" in again.stderr


def test_where_no_two_agree_a_case_is_held_and_decided_once_more_when_the_fault_is_mended(
    four: Running,
) -> None:
    """Three deciders, three amounts; and the pause that is in force stops no payout."""
    for _ in range(2):
        four.miaopei("lie", "regulator", "--amounts")
    none = four.miaopei("reopen-round", "--lang", "en", check=False)
    assert none.returncode == 1
    until = from_beijing(LATER)
    control.call(four.net.at("cloud"), "play", seconds=600, until=until, language="en")
    (held,) = control.call(four.net.at("notary"), "held", case="")
    assert held["reason"] == "deciders_differ"
    four.miaopei("kill", "insurer", "regulator")  # they are started again, as they should be
    four.whole(120)
    opened = nets.as_json(four.miaopei("reopen-round", "yunnan_dali", "--json"))
    assert (opened["what"], opened["round"], opened["case"]) == ("round_opened", 2, held["case"])
    paid = {"2015-10-30": RIGHT, "2016-05-18": YUNLONG}
    four.until(lambda _: register(four) == paid)
    assert control.call(four.net.at("notary"), "held", case="") == []


def register(four: Running) -> dict[str, int]:
    """What was paid, by the day of its shock."""
    rows = control.call(four.net.at("insurer"), "register", seconds=60)
    return {row["date"]: row["payout_fen"] for row in rows if row["paid_at"]}


def test_two_members_sell_it_again(four: Running) -> None:
    assert not_sold(four) == "act.listing_paused"
    told = nets.as_json(four.miaopei("resume", "yunnan_dali", *SAID, "--person", "Li", "--json"))
    assert (told["what"], told["listing"]) == ("resumed", "yunnan_dali")
    assert not_sold(four) != "act.listing_paused"


def test_a_listing_of_one_operator_binds_nobody_before_each_has_agreed(four: Running) -> None:
    """The cloud alone lists what the insurer would pay: it waits until all have agreed."""
    listed = control.call(four.net.at("cloud"), "listed", listing="yunnan_dali")
    value = {**listed["listing"], "id": "second", "book": "second"}
    body = {"listing": value, "product": listed["product"], "arrears": False}
    control.call(
        four.net.at("cloud"), "act", kind="list_product", ref="second", body=body, seconds=60
    )
    four.whole()
    (one,) = four.standing().waiting
    assert (one["what"], one["by"]) == ("second", ["cloud"])
    assert one["lacks"] == ["insurer", "notary", "regulator"]
    said = four.miaopei("status", "--lang", "en").stdout
    assert "waits for insurer, notary, regulator" in " ".join(said.split())
    assert "second" in four.miaopei("agree", "insurer").stdout
    for member in ("insurer", "regulator"):
        told = nets.as_json(four.miaopei("agree", member, "second", "--json"))
        assert told["what"] == "agreed_waits"
    assert not control.call(four.net.at("notary"), "listed", listing="second")
    assert nets.as_json(four.miaopei("agree", "notary", "second", "--json"))["what"] == "agreed"
    assert control.call(four.net.at("notary"), "listed", listing="second")["listing"] == value
    four.whole()
    assert four.standing().waiting == ()
    again = four.miaopei("agree", "notary", "second", check=False)
    assert again.returncode == 1
