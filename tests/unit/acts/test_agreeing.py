"""A listing binds who has agreed; roles that weigh and sources in force are for votes to give."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.acts.approvals import LONGEST
from miaopei.acts.base import Moment
from miaopei.acts.rule_sets import RULES
from miaopei.acts.state import State
from miaopei.acts.voted import member as voted_member
from miaopei.acts.wishes import name_of, waiting
from miaopei.cli.net.life.asked import named_by_votes
from miaopei.market.listing import Listing, Overpaid
from miaopei.measures.instant import DAY
from tests.support.consortium import SIX
from tests.support.products import hills
from tests.support.seating import Six, lived
from tests.support.town import ONE_CARRIER, identity

PUPPETS = ("px", "py", "pz")
Body = dict[str, Any]


def listed(six: Six, deciders: tuple[str, ...] = PUPPETS, **changes: Any) -> Body:
    """The body of a listing of a product that is filed already or is filed by it."""
    product = hills()
    given: Body = {
        "id": "evil", "product": product.id, "book": "evil", "placement": ONE_CARRIER,
        "payer": "insurer", "standby_payer": "agent", "deciders": deciders, "k": 2,
        "kept_or_receivable": Overpaid.KEPT, "occurrence_cap_fen": None, "solo": False,
    }  # fmt: skip
    with six.state() as state:
        filed = state.has("product", product.hash)
    if not filed:
        for share in ONE_CARRIER.shares:
            named = {"id": share.carrier, "name": {"zh": "承保人", "en": share.carrier},
                     "operator": share.carrier, "roles": ["carrier"], "keys": []}  # fmt: skip
            assert not six.say("utility", "admit_member", named)
        assert not six.say("utility", "file_product", {"product": product.as_json()})
    listing = Listing(**{**given, **changes})
    return {"listing": listing.as_json(), "product": product.hash, "arrears": False}


def named(six: Six, member: str, *roles: str, keys: bool = True) -> Body:
    public = identity(member).acts.public_key().public_bytes_raw().hex()
    held = [{"key": public, "since": 0, "until": None}] if keys else []
    return {"id": member, "name": {"zh": member, "en": member}, "operator": member,
            "roles": list(roles), "keys": held}  # fmt: skip


def source(key: str, **changes: Any) -> Body:
    held = [{"key": identity(key).acts.public_key().public_bytes_raw().hex(), "since": 0,
             "until": None}]  # fmt: skip
    return {"id": "cenc.rapid", "operator": "cenc", "name": {"zh": "源", "en": "source"},
            "kinds": ["shock"], "counted": True, "keys": held, "box": None, **changes}  # fmt: skip


def there(six: Six, table: str, key: str) -> bool:
    with six.state() as state:
        return state.has(table, key)


def lacking(six: Six) -> list[tuple[str, ...]]:
    with six.state() as state:
        return [one.lacks for one in waiting(state, six.now, six.height)]


def test_one_operator_with_members_of_its_own_making_binds_no_insurer() -> None:
    six = Six()
    for puppet in PUPPETS:
        six.admit(puppet, ("decider",))
    body = listed(six)
    assert six.all_say(["cloud", *PUPPETS], "list_product", body) == [""] * 4
    assert not there(six, "listing", "evil")
    assert not there(six, "book", "evil")
    assert lacking(six) == [("agent", "insurer")]
    assert six.say("insurer", "list_product", {**body, "arrears": True}) == "", "another body"
    assert six.say("agent", "list_product", body) == ""
    assert sorted(lacking(six)) == [("agent", *PUPPETS), ("insurer",)]
    assert not there(six, "listing", "evil")


@pytest.mark.parametrize("last", ["insurer", "agent", "regulator", "notary", "utility"])
def test_whoever_is_last_to_agree_lists_it_and_is_told_nothing_waits(last: str) -> None:
    six = Six()
    body = listed(six, ("utility", "regulator", "notary"))
    asked = [m for m in ("insurer", "agent", "regulator", "notary", "utility") if m != last]
    for member in asked:
        (result,) = six.put(six.act(member, "list_product", body))
        assert [note.code for note in result.notes] == ["act.waits_for"]
        assert last in str(result.notes[0].facts["who"])
    assert not there(six, "listing", "evil")
    (result,) = six.put(act := six.act(last, "list_product", body))
    assert (result.ok, result.notes) == (True, ())
    with six.state() as state:
        assert state.need("listing", "evil")["act"] == act.id
        assert state.need("book", "evil")["size"] == 0
    assert lacking(six) == []
    assert six.say(asked[0], "list_product", body) == "act.listing_taken"


def test_a_carrier_that_can_speak_is_asked_and_one_without_a_key_is_not() -> None:
    six = Six()
    six.admit("reinsurer", ("carrier",))
    body = listed(six)
    shares = body["listing"]["placement"]["shares"]
    shares[0]["carrier"] = "reinsurer"
    for puppet in PUPPETS:
        six.admit(puppet, ("decider",))
    asked = ("insurer", "agent", *PUPPETS)
    assert six.all_say(asked, "list_product", body) == [""] * 5
    assert lacking(six) == [("reinsurer",)]
    assert six.say("reinsurer", "list_product", body) == ""
    assert there(six, "listing", "evil")


def test_who_is_neither_asked_nor_an_operator_nor_a_carrier_proposes_nothing() -> None:
    six = Six()
    body = listed(six, ("utility", "regulator", "notary"))
    six.admit("stranger", ("decider",))
    assert six.say("stranger", "list_product", body) == "act.role_missing"
    assert lacking(six) == []
    assert six.say("cloud", "list_product", body) == "", "an operator proposes, bound to nothing"
    assert six.say("cloud", "list_product", body) == "act.approved_before"
    assert lacking(six) == [("agent", "insurer", "notary", "regulator", "utility")]


def test_words_wait_ninety_days_and_then_count_no_more() -> None:
    six = Six()
    body = listed(six, ("utility", "regulator", "notary"))
    assert six.all_say(("insurer", "agent", "utility"), "list_product", body) == [""] * 3
    assert six.say("regulator", "list_product", body, later=LONGEST) == "", "a word of its own"
    with six.state() as state:
        assert list(state.need("approval", name_of("list_product", body))["by"]) == ["regulator"]
    assert six.all_say(("notary", "insurer", "agent"), "list_product", body) == [""] * 3
    assert not there(six, "listing", "evil")
    assert six.say("utility", "list_product", body) == ""
    assert there(six, "listing", "evil")


@pytest.mark.parametrize("role", ["operator", "regulator", "gateway", "bank"])
def test_a_role_that_weighs_needs_more_than_two_thirds_of_the_votes(role: str) -> None:
    six = Six()
    body = named(six, "puppet", role, "decider")
    assert six.all_say(SIX[:4], "admit_member", body) == [""] * 4
    assert not there(six, "member", "puppet")
    assert six.say("puppet", "file_product", {"product": {}}) == "act.member_unknown"
    (result,) = six.put(six.act(SIX[4], "admit_member", body))
    assert (result.ok, result.notes) == (True, ())
    assert there(six, "member", "puppet")
    assert six.say(SIX[5], "admit_member", body) == "act.member_taken"


def test_a_carrier_an_agent_and_one_without_a_key_are_named_by_one_operator() -> None:
    six = Six()
    six.admit("plain", ("carrier", "decider", "channel", "payer"))
    assert six.say("cloud", "admit_member", named(six, "paper", "bank", keys=False)) == ""
    assert there(six, "member", "paper")
    assert six.say("plain", "admit_member", named(six, "other")) == "act.role_missing"
    assert six.say("plain", "admit_member", named(six, "other", "operator")) == "act.no_vote"


def test_an_id_that_waits_for_votes_is_no_other_operators_to_give() -> None:
    """Who reads the waiting wish names somebody of its own so: the newcomer could never come."""
    six, old = Six(), Six(rules=4)
    for each, left in ((six, []), (old, ["bank", "taken"])):
        wanted = named(each, "icbc", "bank")
        assert each.say(SIX[0], "admit_member", wanted) == ""
        squat = {**named(each, "icbc", keys=False), "roles": ["bank"]}
        assert each.say("cloud", "admit_member", squat) == ""
        assert there(each, "member", "icbc") is bool(left), "as it was before"
    assert six.say("cloud", "admit_member", squat) == "act.approved_before"
    carrier = named(six, "icbc", "carrier")
    assert six.say("cloud", "admit_member", carrier) == "", "with a key of its own as well"
    assert six.all_say(SIX[1:5], "admit_member", named(six, "icbc", "bank")) == [""] * 4
    with six.state() as state:
        assert state.need("member", "icbc")["roles"] == ["bank"]
        assert state.need("member", "icbc")["keys"]


def test_an_id_waits_for_votes_as_long_as_the_wish_and_no_longer() -> None:
    six = Six()
    assert six.say(SIX[0], "admit_member", named(six, "icbc", "bank")) == ""
    paper = named(six, "icbc", "bank", keys=False)
    assert six.say("cloud", "admit_member", paper, later=LONGEST - DAY) == ""
    assert not there(six, "member", "icbc")
    six.say("cloud", "admit_member", named(six, "other"), later=LONGEST)
    assert six.say("cloud", "admit_member", {**paper, "operator": "another"}) == ""
    assert there(six, "member", "icbc")


def test_one_vote_keeps_no_id_for_ever_from_what_an_operator_may_name() -> None:
    """Every text is another body: words without end, each a lawful one, must not renew it."""
    six = Six()
    plain, liar = named(six, "icbc", "decider"), SIX[0]
    assert six.say(liar, "admit_member", named(six, "icbc", "bank")) == ""
    ends = six.now + LONGEST
    for word in range(1, 9):
        lie = {**named(six, "icbc", "bank"), "operator": f"other {word}"}
        assert six.say(liar, "admit_member", lie, later=10 * DAY) == ""
        assert six.say("cloud", "admit_member", {**plain, "operator": f"o{word}"}) == ""
    assert not there(six, "member", "icbc"), "the eightieth day"
    assert six.say("cloud", "admit_member", plain, later=ends - six.now - 1) == ""
    assert not there(six, "member", "icbc"), "the last second; and no word of this sort renews it"
    last = {**named(six, "icbc", "bank"), "operator": "once more"}
    assert six.say(liar, "admit_member", last) == "", "at the end: it keeps nothing any more"
    assert six.say("cloud", "admit_member", plain) == ""
    assert there(six, "member", "icbc")


def test_a_member_keeps_an_id_for_votes_again_only_ninety_days_after_and_others_as_well() -> None:
    six = Six()
    began = six.now

    def kept(by: str, days: int) -> bool:
        """Whether an id is for votes right after a word of this member for it, on this day."""
        body = {**named(six, "icbc", "bank"), "operator": f"{by} {days}"}
        assert six.say(by, "admit_member", body, later=began + days * DAY - six.now) == ""
        with six.state() as state:
            now = Moment(six.height + 1, six.now, RULES, "")
            return voted_member.by_votes(state, named(six, "icbc", "decider"), now)

    said = [
        (SIX[0], 1, True), (SIX[0], 92, False), (SIX[0], 180, False), (SIX[0], 181, True),
        (SIX[1], 200, True), (SIX[0], 280, True), (SIX[1], 300, False), (SIX[0], 361, True),
        (SIX[2], 600, True),
    ]  # fmt: skip
    assert [kept(by, day) for by, day, _ in said] == [held for _, _, held in said]
    with six.state() as state:
        held = state.need(voted_member.RESERVED, "icbc")
    assert {by: (at - began) // DAY for by, at in held.items()} == {SIX[2]: 600}, "no more"


def test_a_member_is_asked_by_votes_as_the_record_has_it_now() -> None:
    """By which the commands know whether one operator is enough."""
    six, old = Six(), Six(rules=4)
    plain = named(six, "icbc", "decider")
    for each, kept in ((six, True), (old, False), (Six(rules=3), None)):
        told = []
        for body in (plain, named(each, "icbc", "bank"), named(each, "x", "bank", keys=False)):
            with each.store.reading() as reading:
                told.append(named_by_votes(State(reading), body, reading.head()))
        assert told == [False, kept is not None, False]
        if kept is not None:
            assert each.say(SIX[0], "admit_member", named(each, "icbc", "bank")) == ""
            with each.store.reading() as reading:
                assert named_by_votes(State(reading), plain, reading.head()) is kept


def test_carriers_without_keys_are_listed_by_nobody_that_has_no_seat() -> None:
    """Payer and deciders of one operator's making, and the names of real carriers."""
    six, old = Six(), Six(rules=4)
    for each in (six, old):
        for puppet in PUPPETS:
            each.admit(puppet, ("decider", "payer"))
        body = listed(each, payer="px", standby_payer=None)
        assert each.all_say(("cloud", *PUPPETS), "list_product", body) == [""] * 4
    assert there(old, "listing", "evil"), "as it was before"
    assert not there(six, "listing", "evil")
    assert lacking(six) == [tuple(m for m in sorted(SIX) if m != "cloud")]
    (result,) = six.put(six.act("notary", "list_product", body))
    assert [note.code for note in result.notes] == ["act.waits_votes"]
    others = [m for m in SIX if m not in ("cloud", "notary")]
    assert six.all_say(others[:2], "list_product", body) == [""] * 2
    assert not there(six, "listing", "evil"), "exactly two thirds are not enough"
    (result,) = six.put(six.act(others[2], "list_product", body))
    assert (result.ok, result.notes) == (True, ())
    assert there(six, "listing", "evil")


def test_votes_do_not_list_what_a_party_has_not_agreed_to() -> None:
    six = Six()
    for puppet in PUPPETS:
        six.admit(puppet, ("decider", "payer"))
    body = listed(six, payer="px", standby_payer=None)
    assert six.all_say(SIX, "list_product", body) == [""] * 6
    assert lacking(six) == [PUPPETS]
    assert six.all_say(PUPPETS[:2], "list_product", body) == [""] * 2
    assert not there(six, "listing", "evil")
    assert six.say(PUPPETS[2], "list_product", body) == ""
    assert there(six, "listing", "evil")


def test_a_carrier_with_keys_and_a_seat_answers_for_those_that_have_none() -> None:
    six = Six()
    for puppet in PUPPETS:
        six.admit(puppet, ("decider", "payer"))
    body = listed(six, payer="px", standby_payer=None)
    shares = body["listing"]["placement"]["shares"]
    half = {**shares[0], "ppm": shares[0]["ppm"] // 2}
    shares[:1] = [{**half, "carrier": "insurer", "ppm": shares[0]["ppm"] - half["ppm"]}, half]
    assert six.all_say(("cloud", *PUPPETS), "list_product", body) == [""] * 4
    assert lacking(six) == [("insurer",)]
    assert six.say("insurer", "list_product", body) == ""
    assert there(six, "listing", "evil")


def test_a_source_in_force_changes_by_votes_and_a_new_one_by_one_word() -> None:
    six = Six()
    ours, theirs = source("gate"), source("thief")
    assert six.say("cloud", "register_source", ours) == ""
    assert six.say("cloud", "register_source", theirs) == ""
    assert six.say("cloud", "register_source", {**ours, "operator": "another"}) == ""
    with six.state() as state:
        assert state.need("source", "cenc.rapid") == ours
    assert six.say("utility", "register_source", ours) == "", "as it stands: nothing changes"
    others = [member for member in SIX if member != "cloud"]
    assert six.all_say(others[:3], "register_source", theirs) == [""] * 3
    with six.state() as state:
        assert state.need("source", "cenc.rapid") == ours, "four of six"
    for wanted, by in ((theirs, others[3:4]), (ours, SIX[:5]), (theirs, SIX[:5])):
        assert six.all_say(by, "register_source", wanted) == [""] * len(by), "wanted anew"
        with six.state() as state:
            assert state.need("source", "cenc.rapid") == wanted


def test_an_older_rule_set_goes_on_by_one_word() -> None:
    six = Six(rules=3)
    body = listed(six, ("utility", "regulator", "notary"))
    assert six.say("cloud", "list_product", body) == ""
    assert there(six, "listing", "evil")
    assert six.say("cloud", "admit_member", named(six, "puppet", "operator")) == ""
    assert six.say("cloud", "register_source", source("gate")) == ""
    assert six.say("cloud", "register_source", source("thief")) == ""
    with six.state() as state:
        assert state.need("source", "cenc.rapid") == source("thief")
        assert not list(state.range("approval", ""))


def test_a_pause_counts_no_word_of_one_that_has_lost_its_seat() -> None:
    for rules, paused in ((3, True), (4, False)):
        six = Six(rules=rules)
        said = {"listing": six.list_product(), "reason": "a doubt", "person": "Li"}
        assert six.say("utility", "pause_listing", said) == ""
        gone = {"member": "utility", "reason": "a thief", "until": six.now + DAY}
        assert (
            six.all_say([m for m in SIX if m != "utility"], "unseat_member", gone)[:4] == [""] * 4
        )
        assert six.say("agent", "pause_listing", said) == ""
        with six.state() as state:
            assert state.need("pause", said["listing"])["paused"] is paused
        assert bool(six.say("notary", "pause_listing", said)) is paused


def test_the_life_of_members_has_words_that_waited() -> None:
    with lived().state() as state:
        kinds = {value["kind"] for _, value in state.range("approval", "")}
    assert {"list_product", "seat_member"} <= kinds
