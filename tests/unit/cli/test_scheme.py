"""A scheme put on a record: once, whole, in shares that add up, and never over something else."""

from __future__ import annotations

import copy
import itertools
import json
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei.acts.approvals import LONGEST
from miaopei.errors import Refused
from miaopei.errors.texts import say
from miaopei.market.listing import Listing
from miaopei.measures.instant import from_beijing
from miaopei.node import scheme
from miaopei.node.node import genesis_value
from miaopei.node.ports import Identity
from miaopei.products.shelf import shelf
from miaopei.wiring import Member, in_memory
from tests.support.products import hills
from tests.support.seating import Six
from tests.support.town import ONE_CARRIER
from tests.unit.node.test_signed_again import Away


class Book:
    """The accounts of a bank, as a scheme opens them."""

    def __init__(self) -> None:
        self.accounts: dict[str, tuple[str, int]] = {}

    def open_accounts(self, accounts: Any) -> None:
        for number, name, fen in accounts:
            self.accounts.setdefault(number, (name, fen))


@pytest.fixture
def member() -> Member:
    identity = Identity(
        "operator",
        Ed25519PrivateKey.generate(),
        Ed25519PrivateKey.generate(),
        X25519PrivateKey.generate(),
    )
    made = in_memory(identity)
    value = genesis_value(
        "test", identity, clock="replay", time=from_beijing("2015-01-01"),
        origin="miaopei.invalid/test", member_name={"zh": "测试", "en": "test"},
    )  # fmt: skip
    made.node.found(value)
    return made


def state_of(member: Member) -> dict[str, Any]:
    with member.node.reading() as (_, state):
        names = ("member", "source", "area", "product", "listing", "book", "batch", "in_force")
        return {name: dict(state.range(name, "")) for name in names}


def test_the_same_scheme_twice_changes_nothing(member: Member) -> None:
    value, bank = scheme.load("yunnan"), Book()
    first = scheme.apply(member.node, value, shelf(), bank)
    member.work()
    before, size = state_of(member), member.node.store
    with size.reading() as reading:
        head = reading.head()
    assert first.policies == 2
    again = scheme.apply(member.node, value, shelf(), bank)
    member.work()
    assert (again.acts, again.policies) == (0, 0)
    assert state_of(member) == before
    with size.reading() as reading:
        assert reading.head().root == head.root
    assert {book["size"] for book in before["book"].values()} == {1}


def test_a_scheme_is_listed_with_who_stands_by_and_after_how_long() -> None:
    value = scheme.load("yunnan")
    parties = scheme.Parties("insurer", ("insurer", "regulator", "notary"), 2, "agent", 24 * 3600)
    body = scheme._listing(value, value["listings"][0], shelf(), parties)
    named = {key: body["listing"][key] for key in ("payer", "standby_payer", "takeover_seconds")}
    assert named == {"payer": "insurer", "standby_payer": "agent", "takeover_seconds": 86_400}
    carriers = [share["carrier"] for share in body["listing"]["placement"]["shares"]]
    members = {name: name for name in ("insurer", "regulator", "notary", "agent", *carriers)}
    assert Listing.from_json(body["listing"]).check(members) == []


def test_policies_are_issued_once_though_the_first_try_was_cut_short(member: Member) -> None:
    """The batch was written down and never sent: the same act goes out at the next try."""
    value = scheme.load("yunnan")
    empty = {**value, "listings": [{**entry, "policies": []} for entry in value["listings"]]}
    scheme.apply(member.node, empty, shelf())
    wanted = [scheme.Wanted(0, 10**9, 0, 100, {"account": "a", "name": "b"}, {})]
    submit, sent = member.node.submit, itertools.count()

    def cut(acts: Any, **more: Any) -> Any:
        if next(sent) == 0:
            raise KeyboardInterrupt
        return submit(acts, **more)

    member.node.submit = cut  # type: ignore[method-assign]  # the process is stopped here
    with pytest.raises(KeyboardInterrupt):
        scheme.issue(member.node, "yunnan_dali", wanted, "scheme/test")
    assert scheme.issue(member.node, "yunnan_dali", wanted, "scheme/test") == 1
    assert scheme.issue(member.node, "yunnan_dali", wanted, "scheme/test") == 0
    member.work()
    assert state_of(member)["book"]["yunnan_dali"]["size"] == 1


def test_premium_is_split_to_the_last_fen_and_policy_numbers_are_random(member: Member) -> None:
    bank = Book()
    scheme.apply(member.node, scheme.load("yunnan"), shelf(), bank)
    member.work()
    batches = list(state_of(member)["batch"].values())
    for batch in batches:
        totals = batch["totals"]
        assert sum(part["premium_fen"] for part in totals["carriers"]) == totals["premium_fen"]
    with member.node.store.reading() as reading:
        rows = [*reading.rows("yunnan_dali", 1), *reading.rows("yunnan_yuxi", 1)]
        payees = [reading.payee(f"policy/{row.row.policy}") for row in rows]
    assert len({row.row.policy for row in rows} | {row.row.salt for row in rows}) == 4
    assert [payee["name"] for payee in payees if payee] == ["大理州人民政府", "玉溪市人民政府"]
    assert {payee["account"] for payee in payees if payee} <= set(bank.accounts)


def test_nothing_private_is_in_the_log(member: Member) -> None:
    scheme.apply(member.node, scheme.load("yunnan"), shelf(), Book())
    member.work()
    with member.node.store.reading() as reading:
        rows = reading.rows("yunnan_dali", 1)
        log = b"".join(reading.leaves(0, reading.head().size))
    assert rows[0].row.policy.encode() not in log
    assert b"6200-DALI-0001" not in log


def test_another_value_under_the_same_name_is_refused_and_nothing_is_written(
    member: Member,
) -> None:
    value = scheme.load("yunnan")
    scheme.apply(member.node, value, shelf())
    before = state_of(member)
    other = copy.deepcopy(value)
    other["placements"]["co_insurance"]["shares"][0]["ppm"] += 1
    other["placements"]["co_insurance"]["shares"][1]["ppm"] -= 1
    with pytest.raises(Refused) as refused:
        scheme.apply(member.node, other, shelf())
    (refusal,) = refused.value.refusals
    assert refusal.code == "scheme.differs"
    assert "yunnan_dali" in say(refusal, "zh")
    assert state_of(member) == before


def test_who_is_a_member_with_keys_and_these_roles_already_is_not_admitted_again(
    member: Member,
) -> None:
    value = copy.deepcopy(scheme.load("yunnan"))
    with member.node.reading() as (_, state):
        held = state.need("member", "operator")
    itself = {"id": "operator", "name": {"zh": "又名", "en": "another name"}}
    value["members"].append({**itself, "roles": [held["roles"][0]]})
    scheme.apply(member.node, value, shelf())
    assert state_of(member)["member"]["operator"] == held
    value["members"][-1]["roles"] = [*held["roles"], "policyholder"]
    with pytest.raises(Refused) as refused:
        scheme.apply(member.node, value, shelf())
    assert refused.value.refusals[0].code == "scheme.differs"


def test_a_listing_says_what_becomes_of_money_paid_too_much(member: Member) -> None:
    """Only a cover that takes nothing back refuses it: the Yunnan cover decides shock by shock."""
    value = scheme.load("yunnan")
    wrong = {**value, "listings": [{**value["listings"][0], "overpaid": "taken"}]}
    asked = {**value, "listings": [{**value["listings"][0], "overpaid": "receivable"}]}
    for given, code in ((wrong, "scheme.bad_field"), (asked, "act.nothing_asked_back")):
        with pytest.raises(Refused) as refused:
            scheme.apply(member.node, given, shelf())
        assert [r.code for r in refused.value.refusals] == [code]
    other = {"id": "outage", "product": "power_restoration", "placement": "co_insurance"}
    other |= {"policies": [], "overpaid": "receivable"}
    scheme.apply(
        member.node, {**value, "listings": [other], "products": ["power_restoration"]}, shelf()
    )
    listed = state_of(member)["listing"]["outage"]["listing"]
    assert listed["kept_or_receivable"] == "receivable"


def test_made_up_figures_say_so() -> None:
    value = scheme.load("yunnan")
    assert all(placement["illustrative"] for placement in value["placements"].values())
    shares = value["placements"]["co_insurance"]["shares"]
    assert sum(share["ppm"] for share in shares) == 1_000_000
    assert {"chengtai", "picc", "pingan", "continent", "united"} == {s["carrier"] for s in shares}
    assert any("made up" in label for label in value["labels"]["en"])
    assert any("虚构" in label for label in value["labels"]["zh"])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "scheme.unreadable"),
        (b"[]", "scheme.bad_field"),
        (b'{"format": "other/1"}', "scheme.bad_field"),
        (json.dumps({"format": scheme.FORMAT}).encode(), "scheme.bad_field"),
    ],
)
def test_a_file_that_is_no_scheme_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        scheme.read(data)
    assert refused.value.refusals[0].code == code


def test_an_unknown_scheme_names_those_there_are() -> None:
    with pytest.raises(Refused) as refused:
        scheme.load("../yunnan")
    assert "yunnan" in say(refused.value.refusals[0], "en")


Several = tuple[Six, Any, Away, dict[str, Any], Any, scheme.Parties]


def listed_by_several() -> Several:
    """A scheme with one listing that three would be bound by, at the insurer's node."""
    six, product = Six(), hills()
    away = Away(six)
    entry = {"id": product.id, "product": product.id, "placement": "one", "policies": []}
    value = {"placements": {"one": ONE_CARRIER.as_json()}, "listings": [entry]}
    value |= {"members": [], "sources": [], "areas": [], "products": []}
    there: Any = SimpleNamespace(find=lambda _: product)
    parties = scheme.Parties("insurer", ("insurer", "regulator", "notary"), 2)
    for share in ONE_CARRIER.shares:
        name = {"zh": "承保人", "en": share.carrier}
        body = {"id": share.carrier, "name": name, "operator": share.carrier,
                "roles": ["carrier"], "keys": []}  # fmt: skip
        assert six.say("utility", "admit_member", body) == ""
    assert six.say("utility", "file_product", {"product": product.as_json()}) == ""
    return six, product, away, value, there, parties


def test_a_listing_is_proposed_again_where_the_first_word_had_no_effect() -> None:
    """It was the same act, done for ever, and nothing came of it."""
    six, product, away, value, there, parties = listed_by_several()
    body = scheme._listing(value, value["listings"][0], there, parties)
    for again in range(3):
        away.learn()
        counts = [scheme.set_up(away.node, value, there, parties) for _ in range(2)]
        assert counts == [1, 0], f"{again}: once, and while it waits not again"
        if again == 0:
            assert six.take_back("insurer", "list_product", body) == ""
        if again == 1:
            away.put(later=LONGEST)
    assert six.all_say(["regulator", "notary"], "list_product", body) == ["", ""]
    with six.state() as state:
        assert state.has("listing", product.id)
    assert scheme.set_up(away.node, value, there, parties) == 0


def test_a_listing_is_agreed_to_again_where_the_first_words_were_forgotten() -> None:
    six, product, away, value, there, parties = listed_by_several()
    body = scheme._listing(value, value["listings"][0], there, parties)
    for later in (LONGEST, 1):
        assert six.say("utility", "list_product", body) == ""
        away.learn()
        assert [scheme.agree(away.node, value, there, parties) for _ in range(2)] == [1, 0]
        away.put(later=later)
    assert six.all_say(["regulator", "notary"], "list_product", body) == ["", ""]
    with six.state() as state:
        assert state.has("listing", product.id)
