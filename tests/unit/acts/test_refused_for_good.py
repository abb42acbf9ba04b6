"""An act that the record has refused is nobody's to put again when it would be taken."""

from __future__ import annotations

from dataclasses import replace

from tests.support.seating import Six


def test_a_word_refused_today_counts_for_nobody_who_brings_it_again() -> None:
    """Its words were one member's, of one day; another member's engine has them for ever."""
    six = Six()
    six.admit("seventh")
    wish = six.act("utility", "seat_member", {**six.wish("seventh"), "until": six.now - 1})
    (first,) = six.put(wish)
    assert not first.ok
    assert first.new
    size = len(six.leaves())
    (second,) = six.put(wish)
    assert (second.ok, second.new) == (False, False)
    assert [r.code for r in second.refusals] == ["act.refused_before"]
    assert len(six.leaves()) == size, "no leaf, no write, no block"


def test_whoever_spoils_the_signature_does_not_stand_in_the_way_of_the_act() -> None:
    """The signature is not part of an act's id: a member could have it refused in advance."""
    six = Six()
    six.admit("seventh")
    wish = six.act("utility", "seat_member", six.wish("seventh"))
    (spoilt,) = six.put(replace(wish, sig="00" * 64))
    assert [r.code for r in spoilt.refusals] == ["act.signature_bad"]
    (own,) = six.put(wish)
    assert own.ok
    assert own.new


def test_under_older_rules_it_is_as_it_was() -> None:
    """Records that were made under them replay to the same leaves."""
    six = Six(rules=3)
    six.admit("seventh")
    wish = six.act("utility", "seat_member", {**six.wish("seventh"), "until": six.now - 1})
    assert [six.put(wish)[0].new for _ in range(2)] == [True, True]
