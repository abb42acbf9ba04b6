"""A vote that the engine takes (ZIP-215) and RFC 8032 does not spoils no certificate."""

from __future__ import annotations

from typing import Any

import pytest

from miaopei.errors import Refused
from miaopei.ledger import quorum
from miaopei.ledger.certificate import founders, from_json, readable
from miaopei.measures.identity import content_id
from tests.support.consortium import SIX
from tests.unit.receipts import certified


def made(monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], dict[str, Any]]:
    """A genesis and a certificate that all of six, then seven, have signed."""
    monkeypatch.setattr(certified, "FIVE", len(SIX) + 1)
    genesis = {"name": "it", "seats": certified.seats()}
    return genesis, certified.certificate(genesis, b"r" * 32, SIX)


def checked(genesis: dict[str, Any], certificate: dict[str, Any]) -> quorum.Certified:
    chain = quorum.engine_name(content_id("chain", genesis))
    return quorum.check(from_json(certificate), chain, founders(genesis))


def spoil(commit: dict[str, Any], place: int) -> dict[str, Any]:
    vote = commit["votes"][place]
    sig = vote["sig"][:-2] + f"{int(vote['sig'][-2:], 16) ^ 1:02x}"
    return {**commit, "votes": [{**v, "sig": sig} if v is vote else v for v in commit["votes"]]}


def test_one_member_cannot_spoil_what_the_others_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the last commit, and under a change of the set, which stands in each later receipt."""
    genesis, whole = made(monkeypatch)
    assert checked(genesis, whole).signed == 70
    change = whole["changes"][0]
    bad = {
        **whole,
        "commit": spoil(whole["commit"], 3),
        "changes": [{**change, "commit": spoil(change["commit"], 2)}],
    }
    with pytest.raises(Refused, match="quorum_signature"):
        checked(genesis, bad)
    six = [{"key": v.key.hex(), "power": v.power} for v in quorum.ordered(founders(genesis))]
    (told,) = bad["changes"]
    mended = {
        **bad,
        "commit": readable(bad["header"], bad["commit"], bad["voters"]),
        "changes": [{**told, "commit": readable(told["header"], told["commit"], six)}],
    }
    assert checked(genesis, mended).signed == 60
    assert mended["commit"]["votes"][3] is None
    assert mended["changes"][0]["commit"]["votes"][2] is None


def test_what_is_good_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = made(monkeypatch)
    assert readable(whole["header"], whole["commit"], whole["voters"]) == whole["commit"]


def test_exactly_two_thirds_of_the_votes_certify_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four of six; five are enough."""
    genesis = {"name": "it", "seats": certified.seats()}
    monkeypatch.setattr(certified, "FIVE", 4)
    with pytest.raises(Refused, match="quorum_too_few"):
        checked(genesis, certified.certificate(genesis, b"r" * 32, SIX, joins=None))
    monkeypatch.setattr(certified, "FIVE", 5)
    assert checked(genesis, certified.certificate(genesis, b"r" * 32, SIX, joins=None)).signed == 50
