"""A concentrator speaks of its own customers only, and of nobody once it is revoked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.adapters.meters.admitted import readers, trust
from miaopei.adapters.meters.admitted.readers import Readers
from miaopei.adapters.meters.devices import Device, rows
from miaopei.adapters.meters.taking import Came
from miaopei.errors import Refused
from miaopei.node.vault.tokens import SubjectKeys
from tests.support import sayings as s
from tests.unit.meters.conftest import grid
from tests.unit.meters.test_outages import (
    KEY,
    LATE,
    OFF,
    PEOPLE,
    Side,
    off,
    on,
    side,
    signed,
)

__all__ = ["grid", "side"]
OTHER = Ed25519PrivateKey.from_private_bytes(b"d" * 32)
KNOWN = {"c1": (), "c2": ()}
HEAD = "concentrator,customer,since\n"


def bound(text: str, before: Readers | None = None) -> Readers:
    keys = SubjectKeys("grid", {1: s.KEY})
    data = (HEAD + text).encode()
    return readers.bind(before or Readers(), data, lambda c: [keys.token(c)], KNOWN)[0]


def reader(of: Readers, customer: str, at: int) -> str:
    return of.reader(s.names(customer), at)


def knows(side: Side, of: Readers) -> None:
    public = OTHER.public_key().public_bytes_raw().hex()
    side.known = replace(side.known, readers=of, keys=side.known.keys | {"c2": (public,)})
    side.meters.known = side.known
    side.outages.knows(side.known)


def say(side: Side, name: str, number: int, said: list[tuple[str, str, int]], at: int) -> None:
    key = KEY if name == "c1" else OTHER
    value = {"concentrator": name, "kind": "batch", "sequence": number, "sent_at": at}
    payload = signed(value | {"readings": said}, key)
    side.grid.town.at(max(at, side.grid.town.now))
    taken = side.meters.take([Came(name, payload, side.grid.town.now)])
    assert (taken.batches, taken.refused) == (1, [])


def device(side: Side, name: str) -> Device:
    with side.grid.town.store.reading() as reading:
        return Device.of(reading, name)


def test_one_false_off_of_another_concentrator_holds_nothing_up(side: Side) -> None:
    """The attack: everybody is back, and a concentrator of elsewhere says one of them is cut."""
    knows(side, bound("c1,0571001,\nc1,0571002,\nc1,0571003,\nc2,0579001,\n"))
    side.report()
    say(side, "c1", 1, [*off(*PEOPLE), *on(*PEOPLE)], LATE + 5)
    say(side, "c2", 1, [*off("0579001"), *off(PEOPLE[0], at=LATE + 1)], LATE + 5)
    assert side.report() == 1
    (report,) = side.reports()
    assert report["values"]["complete"] is True
    assert side.times()[s.token(PEOPLE[0])] == (OFF, LATE)
    kept = device(side, "c2")
    assert (kept.foreign, kept.refused, kept.why) == (1, 0, "grid.not_its_customer")
    assert device(side, "c1").foreign == 0


def test_whom_nobody_is_bound_to_nobody_may_speak_of(side: Side) -> None:
    knows(side, bound("c1,0571001,\n"))
    side.report()
    say(side, "c1", 1, off(*PEOPLE), OFF + 5)
    assert device(side, "c1").foreign == 2
    assert side.report() == 1
    assert set(side.times().values()) == {(OFF, None), (None, None)}


def test_a_customer_that_moves_is_read_by_each_in_its_time(side: Side) -> None:
    at = "2021-06-01T12:00:00+08:00"
    knows(side, bound(f"c2,0571001,{at}\n", bound("c1,0571001,\nc1,0571002,\nc1,0571003,\n")))
    side.report()
    say(side, "c1", 1, [*off(*PEOPLE), *on(*PEOPLE)], LATE + 5)
    assert side.report() == 1
    assert side.times()[s.token(PEOPLE[0])] == (OFF, None), "after the move c1 is not believed"
    say(side, "c2", 1, [*off(PEOPLE[0], at=OFF + 60), *on(PEOPLE[0])], LATE + 6)
    assert side.report() == 1
    assert side.times()[s.token(PEOPLE[0])] == (OFF, LATE), "nor c2 before it"
    assert [device(side, each).foreign for each in ("c1", "c2")] == [1, 1]


def test_who_is_bound_late_is_read_from_what_was_kept(side: Side) -> None:
    knows(side, bound("c1,0571001,\nc1,0571002,\n"))
    side.report()
    say(side, "c1", 1, [*off(*PEOPLE), *on(*PEOPLE)], LATE + 5)
    side.report()
    assert side.times()[s.token(PEOPLE[2])] == (None, None)
    knows(side, bound("c1,0571003,\n", side.known.readers))
    side.report(LATE + 400)
    assert side.times()[s.token(PEOPLE[2])] == (OFF, LATE)


def test_the_last_word_about_a_time_counts() -> None:
    first = bound("c1,0571001,\nc2,0571001,1970-01-01T00:01:40Z\n")
    assert [reader(first, "0571001", at) for at in (0, 99, 100, 101)] == ["c1", "c1", "c2", "c2"]
    moved = bound(",0571001,1970-01-01T00:03:20Z\n", first)  # nobody from then on
    assert [reader(moved, "0571001", at) for at in (99, 199, 200)] == ["c1", "c2", ""]
    anew = bound("c2,0571001,1970-01-01T00:00:50Z\n", moved)  # what was said of later gives way
    assert [reader(anew, "0571001", at) for at in (49, 50, 300)] == ["c1", "c2", "c2"]
    assert reader(anew, "0571002", 300) == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("c1,0571001,\nc2,0571001,\n", "grid.bound_twice"),
        ("c9,0571001,\n", "grid.unknown_concentrator"),
        ("c1,0571001\n", "grid.bad_line"),
        ("c1,,\n", "grid.bad_line"),
        ("c1,0571001,2021-06-01 12:00\n", "grid.bad_line"),
        ("c1,0571001,\nc1,\u4f59\u59da,\n", "subject.bad_number"),
    ],
)
def test_a_faulty_file_is_refused_whole_and_by_name(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        bound(text)
    assert [each.code for each in refused.value.refusals] == [code]
    assert "0571001" not in str(refused.value)


def test_the_register_on_disk_holds_tokens_and_reads_the_same(tmp_path: Path) -> None:
    made = bound("c1,0571001,\nc2,0571001,2021-06-01T00:00:00Z\n")
    readers.keep(tmp_path, made)
    path = tmp_path / readers.FILE
    assert b"0571001" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert readers.load(tmp_path) == made
    path.write_text("{}")
    with pytest.raises(Refused, match=r"grid\.bad_trust"):
        readers.load(tmp_path)


def test_revoked_from_an_instant_on_what_came_before_counts(side: Side) -> None:
    side.report()
    say(side, "c1", 1, off(*PEOPLE), OFF + 5)
    known = side.known.revoke("c1", OFF + 100)
    side.meters.known = known
    side.outages.knows(known)
    side.report()
    assert side.times()[s.token(PEOPLE[0])] == (OFF, None), "it came before"
    said = {"kind": "batch", "sequence": 2, "sent_at": LATE, "readings": on(*PEOPLE)}
    taken = side.take(signed(said), LATE + 5)
    assert [refusal.code for _, refusal in taken.refused] == ["grid.revoked"]
    assert taken.batches == 0
    with side.grid.town.store.reading() as reading:
        (row,) = rows(reading, known, LATE + 5)
    assert (row["state"], row["refused"], row["why"]) == ("revoked", 1, "grid.revoked")
    anew = replace(
        known, keys={"c1": (*known.keys["c1"], OTHER.public_key().public_bytes_raw().hex())}
    )
    side.meters.known = anew
    taken = side.take(signed(said, OTHER), LATE + 6)
    assert (taken.batches, taken.refused) == (1, []), "with a new key it is believed again"


def test_revoking_again_never_makes_it_later() -> None:
    known = trust.Concentrators("grid.meter", "127.0.0.1", 1, {"c1": ("a" * 64,)})
    once = known.revoke("c1", 100)
    assert once.revoke("c1", 200).revoked == {"a" * 64: 100}
    assert (once.keys_at("c1", 99), once.keys_at("c1", 100)) == (("a" * 64,), ())


def test_the_register_is_followed_while_it_changes(tmp_path: Path) -> None:
    known = trust.Concentrators("grid.meter", "127.0.0.1", 1, {"c1": ("a" * 64,)})
    trust.keep(tmp_path, known)
    following = trust.Following(tmp_path)
    trust.keep(tmp_path, known.revoke("c1", 7))
    readers.keep(tmp_path, bound("c1,0571001,\n"))
    now = following.now()
    assert now is not None
    assert (now.revoked, reader(now.readers, "0571001", 0)) == ({"a" * 64: 7}, "c1")
    assert following.now() is now
    (tmp_path / trust.FILE).write_text("no JSON")
    assert following.now() is now, "what was known stays"
    assert json.loads((tmp_path / readers.FILE).read_text())
