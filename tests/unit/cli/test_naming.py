"""A newcomer is on the record before its seat is wanted, by whoever may name it so."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from miaopei.cli.net.life import voting
from miaopei.cli.net.own import acting
from miaopei.errors import Refused

NEWCOMER: dict[str, Any] = {"id": "icbc", "roles": ["decider"], "keys": [{"key": "cd" * 32}]}


class Here:
    """A net as far as it is asked where a member is, and which are here."""

    here, own = ("insurer",), "its folder"

    def at(self, member: str) -> Path:
        return Path("DIR") / member


class Record:
    """What a member answers that is asked for its record: whether votes name a newcomer, and what
    becomes of one operator's word.
    """

    def __init__(self, *, by_votes: bool, waits: bool = False, operator: bool = True) -> None:
        self.by_votes, self.waits, self.said = by_votes, waits, list[str]()
        self.entry: dict[str, Any] | None = None
        self.roles = ["operator"] if operator else ["decider"]

    def call(self, _: object, ask: str, **asked: Any) -> Any:
        """As `control.call`."""
        if ask == "act":
            self.said.append(f"{asked['kind']} {asked['ref'].split('-')[0]}")
            self.entry = None if self.waits else NEWCOMER
            return {"act": "1" * 64, "new": True}
        if ask == "status":
            seats = [{"member": m, "power": 1, "roles": self.roles} for m in ("insurer", "notary")]
            return {"height": 7, "seats": seats, "member": "insurer"}
        if ask == "word":
            self.said.append(f"{asked['kind']} {asked['kind']}")
            return {"act": "1" * 64, "waits": []}
        said = {"by": ["insurer"], "done": None}
        answers = {"entry": self.entry, "by_votes": self.by_votes, "approval": said, "others": {}}
        return answers[ask]


@pytest.mark.parametrize(("record", "said"), [
    (Record(by_votes=True), ["admit_member admit_member"]),
    (Record(by_votes=True, operator=False), ["admit_member admit_member"]),
    (Record(by_votes=False, waits=True), ["admit_member member", "admit_member admit_member"]),
])  # fmt: skip
def test_a_newcomer_whose_id_waits_for_votes_is_not_taken_for_named(
    monkeypatch: pytest.MonkeyPatch, record: Record, said: list[str]
) -> None:
    """However plain its roles: its seat is wanted only when it is on the record."""
    monkeypatch.setattr(voting.control, "call", record.call)
    monkeypatch.setattr(acting, "me", lambda _: "insurer")
    file = SimpleNamespace(id="icbc", member=NEWCOMER, wish={"member": "icbc"}, key="cd" * 32)
    voted = acting.admit(Here(), file)  # type: ignore[arg-type]
    assert (voted.done, voted.by, voted.votes, voted.total) == (False, ("insurer",), 1, 2)
    assert record.said == said


def test_a_newcomer_that_needs_no_votes_is_named_by_an_operator_and_by_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = Record(by_votes=False)
    monkeypatch.setattr(voting.control, "call", record.call)
    assert voting.put_named(Here(), "insurer", NEWCOMER).done  # type: ignore[arg-type]
    assert record.said == ["admit_member member"]
    record.entry = None
    monkeypatch.setattr(acting, "me", lambda _: "insurer")
    record.roles = ["decider"]
    file = SimpleNamespace(id="icbc", member=NEWCOMER)
    with pytest.raises(Refused) as refused:
        acting.admit(Here(), file)  # type: ignore[arg-type]
    assert refused.value.refusals[0].code == "net.not_named"
