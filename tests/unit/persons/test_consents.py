"""Consents and grants: what may be read, by whom, for what, until when; every use is on the record.

Rows X-05, C-10.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from miaopei.acts.consents import allowed, granted
from miaopei.acts.log_uses import logged
from miaopei.errors.texts import say
from miaopei.measures.instant import DAY
from miaopei.node.vault.uses import Logger, Use, note, recorded
from tests.support.town import CARRIERS, Town, codes

WHO, LEAD = "0a" * 32, CARRIERS[0]
ABOUT = {"subject": WHO, "purpose": "underwriting", "grantee": LEAD}


@pytest.fixture
def town() -> Town:
    return Town().set_up()


def consent(town: Town, **changes: Any) -> dict[str, Any]:
    span = {"since": town.now, "until": town.now + 10 * DAY}
    return {**ABOUT, "scope": ["meter", "outage"], **span, "document": "0b" * 32, **changes}


def answer(town: Town, at: int | None = None, *scope: str, **changes: str) -> str | None:
    """The code that a data call is answered with now, or at another time."""
    with town.state() as state:
        asked = {**ABOUT, **changes}
        no = allowed(state, at=town.now if at is None else at, scope=scope, **asked)
    if no is not None:
        assert say(no, "zh")
        assert say(no, "en")
    return no and no.code


def test_data_are_used_with_consent_and_neither_before_nor_beyond_nor_after(town: Town) -> None:
    assert answer(town) == "consent.none"
    given = consent(town, since=town.now + DAY)
    assert town.send(town.act("consent", given)).ok
    assert answer(town) == "consent.not_yet"
    town.at(given["since"])
    assert answer(town) is None
    assert answer(town, None, "outage", "meter") is None
    assert answer(town, None, "outage", "account") == "consent.out_of_scope"
    for changes in ({"purpose": "marketing"}, {"grantee": CARRIERS[1]}, {"subject": "0c" * 32}):
        assert answer(town, **changes) == "consent.none"
    assert answer(town, given["until"] - 1) is None
    assert answer(town, given["until"]) == "consent.expired"
    body = dict(ABOUT)
    assert town.send(town.act("revoke_consent", body)).ok
    assert answer(town) == "consent.revoked"
    assert codes(town.send(town.act("revoke_consent", body, "2"))) == ["consent.nothing_to_revoke"]
    assert town.send(town.act("consent", consent(town, scope=["account"]), "again")).ok
    assert answer(town, None, "account") is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": "张三"}, "consent.bad_subject"),
        ({"subject": "13812340000"}, "consent.bad_subject"),
        ({"grantee": "stranger"}, "act.member_unknown_named"),
        ({"purpose": "any purpose"}, "act.bad_body"),
        ({"scope": []}, "act.bad_body"),
        ({"scope": ["b", "a"]}, "act.bad_body"),
        ({"scope": ["a", "a"]}, "act.bad_body"),
        ({"scope": ["a/b"]}, "act.bad_body"),
        ({"since": 5, "until": 5}, "act.bad_body"),
        ({"since": 0, "until": 1}, "act.bad_body"),
        ({"document": "signed"}, "act.bad_body"),
    ],
)
def test_what_is_no_consent_is_refused_and_a_name_is_not_repeated(
    town: Town, changes: dict[str, Any], code: str
) -> None:
    result = town.send(town.act("consent", consent(town, **changes)))
    assert codes(result) == [code]
    assert changes.get("subject", "张三") not in say(result.refusals[0], "en")
    assert town.table("consent") == {}


def test_a_holder_grants_by_role_and_purpose_and_takes_it_back(town: Town) -> None:
    def may(role: str = "clerk", purpose: str = "claims", at: int = 0, *scope: str) -> str | None:
        with town.state() as state:
            no = granted(state, "miaopei", LEAD, role, purpose, at or town.now, scope)
        if no is not None:
            assert say(no, "zh")
        return no and no.code

    role = {"grantee": LEAD, "role": "clerk", "purpose": "claims"}
    body = {**role, "scope": ["account", "name"], "until": town.now + DAY}
    assert may() == "grant.none"
    assert town.send(town.act("grant", body)).ok
    assert may() is None
    assert may("clerk", "claims", 0, "name") is None
    assert may("clerk", "claims", 0, "phone") == "grant.out_of_scope"
    assert [may("auditor"), may("clerk", "marketing")] == ["grant.none", "grant.none"]
    assert may(at=town.now + DAY) == "grant.expired"
    assert town.send(town.act("end_grant", role)).ok
    assert may() == "grant.ended"
    assert codes(town.send(town.act("end_grant", role, "2"))) == ["grant.nothing_to_end"]
    assert codes(town.send(town.act("grant", {**body, "until": 1}, "2"))) == ["act.bad_body"]
    wrong = {**body, "grantee": "stranger"}
    assert codes(town.send(town.act("grant", wrong, "3"))) == ["act.member_unknown_named"]


USE = Use(1, WHO, "claims", "miaopei", "clerk", "li", "shown", ("account", "name"))


def test_every_use_is_on_the_record_once_and_found_by_its_person(town: Town) -> None:
    other = replace(USE, subject="0d" * 32, purpose="paying")
    for uses in ([USE, other, USE], [other]):
        with town.store.writing() as block:
            note(block, uses)
        assert Logger(town.node).run() == len(uses)
    assert Logger(town.node).run() == 0
    with town.store.reading() as reading:
        assert not reading.uses()
        found = list(recorded(reading, town.me))
        mine = list(recorded(reading, town.me, WHO))
    assert [row["number"] for row in found] == [1, 2, 3, 4]
    assert [row["number"] for row in mine] == [1, 3]
    assert {name: mine[0][name] for name in USE.as_json()} == USE.as_json()
    acts = list(town.table("used", "miaopei/").values())
    assert [said["purposes"] for said in acts] == [{"claims": 2, "paying": 1}, {"paying": 1}]
    assert WHO.encode() not in b"".join(town.leaves())  # only that there were so many, and for what


def test_uses_logged_before_a_stop_are_not_logged_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with town.store.writing() as block:
        note(block, [USE, USE])
    with monkeypatch.context() as patch:

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        accept = town.node.accept
        patch.setattr(town.node, "accept", lambda *a: (accept(*a), stop()))
        with pytest.raises(KeyboardInterrupt):
            Logger(town.node).run()
    with town.store.writing() as block:
        assert len(block.uses()) == 2
        note(block, [USE])
    assert Logger(town.node).run() == 1
    with town.state() as state:
        assert logged(state, "miaopei") == 3
    with town.store.reading() as reading:
        assert [row["number"] for row in recorded(reading, town.me)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"first": 2}, "act.uses_not_next"),
        ({"purposes": [{"purpose": "claims", "uses": 2}]}, "act.totals_differ"),
        ({"purposes": [{"purpose": "a b", "uses": 1}]}, "act.bad_body"),
        ({"uses": {}}, "act.bad_body"),
    ],
)
def test_a_log_that_does_not_fit_is_refused(town: Town, changes: dict[str, Any], code: str) -> None:
    root = {"blob": "0e" * 32, "length": 9, "count": 1, "root": "0f" * 32}
    body = {"first": 1, "uses": {**root, "media": "miaopei/uses/1"}}
    body |= {"purposes": [{"purpose": "claims", "uses": 1}], **changes}
    assert codes(town.send(town.act("log_uses", body))) == [code]
    assert town.table("used") == {}


def test_a_person_is_erased_when_the_last_who_must_keep_them_no_longer_must(town: Town) -> None:
    town.admit("utility", "data_provider")
    day, later = town.now + DAY, town.now + 3 * DAY
    assert town.send(town.act("consent", consent(town))).ok
    kept = {"subject": WHO, "until": later, "ground": "open_claim"}
    assert town.send(town.act_of("utility", "retain", kept)).ok
    body = {"subject": WHO, "kept_until": day, "reason": "request"}
    told = town.send(town.act("erase", body)).refusals[0]
    assert (told.code, told.facts["who"]) == ("persons.retained", "utility")
    assert told.facts["until"] == "2015-01-03T16:00:00Z"
    assert town.send(town.act_of("utility", "retain", {**kept, "until": 0}, "2")).ok
    told = town.send(town.act("erase", body, "2")).refusals[0]
    assert (told.facts["who"], told.facts["until"]) == ("miaopei", "2015-01-01T16:00:00Z")
    assert answer(town) is None
    town.at(day)
    assert town.send(town.act("erase", body, "3")).ok
    assert answer(town) == "consent.erased"
    assert codes(town.send(town.act("erase", body, "4"))) == ["persons.erased"]
    assert codes(town.send(town.act("consent", consent(town), "4"))) == ["persons.erased"]
    assert codes(town.send(town.act("retain", kept, "4"))) == ["persons.erased"]
    with town.store.reading() as reading:
        everything = b"".join(reading.leaves(0, reading.head().size))
    assert b"open_claim" in everything
