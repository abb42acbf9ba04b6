"""Laws of evidence: order never matters, identity is content, reading never raises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from miaopei.adapters.feeds import read, shipped
from miaopei.errors.texts import say, table
from miaopei.evidence.attestation import Attestation, Original, attest, verify
from miaopei.evidence.findings import Found, Gathered, find
from miaopei.evidence.grouping import Fact, Occurrence, group
from miaopei.evidence.observation import Observation, check
from miaopei.evidence.source import Key, Source
from miaopei.measures.instant import HOUR, beijing_text, from_beijing
from miaopei.measures.place import degrees_text
from tests.unit.evidence.facts import CATALOGUE_AFTER, DALI, OPERATORS, RULE, rule, shock

START = from_beijing("2021-05-21 12:00:00")
SOURCES = st.sampled_from(["cenc.rapid", "cenc.catalogue", "usgs.comcat"])


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """Shocks crowded in time and place, so that they meet in every way."""
    time = START + draw(st.integers(0, 100)) * draw(st.sampled_from([10, 600, 3 * HOUR]))
    lat = 25_000_000 + draw(st.integers(0, 90)) * 10_000
    lon = 99_500_000 + draw(st.integers(0, 90)) * 10_000
    return shock(
        beijing_text(time),
        f"{draw(st.integers(30, 69)) / 10:.1f}",
        degrees_text(lat),
        degrees_text(lon),
        source=draw(SOURCES),
        kind=draw(st.sampled_from(["Ms", "M", "ML"])),
    )


def facts_of(found: list[Observation]) -> list[Fact]:
    unique = {o.id: o for o in found}
    return [
        Fact(o, o.instant + CATALOGUE_AFTER, n, OPERATORS[o.source], o.source != "usgs.comcat")
        for n, o in enumerate(unique.values())
    ]


FACTS = st.lists(observations(), max_size=14).map(facts_of)


@given(FACTS, st.randoms(use_true_random=False))
def test_the_order_of_facts_never_changes_a_sequence(facts: list[Fact], random) -> None:
    again = list(facts)
    random.shuffle(again)
    found = group(facts, RULE)
    assert group(again, RULE) == found
    assert [Occurrence.from_json(o.as_json()) for o in found] == found


@given(FACTS)
def test_no_observation_is_in_two_shocks_and_no_shock_holds_two_keys_of_one_source(
    facts: list[Fact],
) -> None:
    found = group(facts, RULE)
    ids = [i for o in found for s in o.shocks for i in s.observations]
    assert len(ids) == len(set(ids))
    by_id = {f.observation.id: f.observation for f in facts}
    for occurrence in found:
        for one in occurrence.shocks:
            words = [by_id[i] for i in one.observations]
            assert one.id == one.observations[0]
            assert len({w.source for w in words}) == len({(w.source, w.event_key) for w in words})
            assert all(0 <= w.instant - occurrence.origin + 60 <= 72 * HOUR + 120 for w in words)


@given(FACTS, st.data())
def test_what_is_pinned_keeps_its_name_window_and_observations(
    facts: list[Fact], data: st.DataObject
) -> None:
    early = facts[: data.draw(st.integers(0, len(facts)))]
    pinned = group(early, RULE)
    later = {o.id: o for o in group(facts, RULE, pinned)}
    for before in pinned:
        after = later[before.id]
        assert (after.founding, after.origin, after.lat_udeg, after.lon_udeg) == (
            before.founding,
            before.origin,
            before.lat_udeg,
            before.lon_udeg,
        )
        homes = {i: s.id for s in after.shocks for i in s.observations}
        for one in before.shocks:
            assert {homes[i] for i in one.observations} == {one.id}


@given(FACTS, st.integers(0, 400))
def test_a_settled_value_is_found_again_whatever_comes_later(facts: list[Fact], hours: int) -> None:
    now = START + hours * HOUR
    early = [f for f in facts if f.recorded_at <= now]
    how = rule("shock.magnitude")
    pinned = group(early, RULE)
    later = {o.id: o for o in group(facts, RULE, pinned)}
    for occurrence in pinned:
        before = find(how, occurrence, DALI, Gathered(early, (), RULE), now, {})
        if not isinstance(before, Found):
            continue
        used = before.detail["used"]
        assert used[before.detail["main"]][1] == before.value
        context = Gathered(facts, (), RULE)
        after = find(how, later[occurrence.id], DALI, context, START + 9999 * HOUR, used)
        assert isinstance(after, Found)
        assert after.value >= before.value
        assert {k: v for k, v in after.detail["used"].items() if k in used} == used


@given(observations(), st.integers(0, 10**6))
def test_an_observation_is_its_content(observation: Observation, revision: int) -> None:
    again = Observation.from_json(observation.as_json())
    assert again.id == observation.id
    assert check(observation, None, observation.instant) == []
    if revision != observation.revision:
        assert replace(observation, revision=revision).id != observation.id


PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
KEY = Key(PRIVATE.public_key().public_bytes_raw().hex(), 0)
SEEN = shock("2021-05-21 21:48:35", "6.5")
SOURCE = Source(SEEN.source, "cenc", {"zh": "台网", "en": "CENC"}, ("shock",), True, (KEY,))
SIGNED = attest(PRIVATE, SEEN, "g", SEEN.instant, Original.of(b"row", "text/csv", "ab", "line 1"))


@given(st.integers(0, 511), st.sampled_from(["sig", "key"]))
def test_no_flipped_bit_of_signature_or_key_verifies(bit: int, field: str) -> None:
    data = bytearray.fromhex(getattr(SIGNED, field))
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    spoilt = Attestation.from_json({**SIGNED.as_json(), field: data.hex()})
    known = replace(SOURCE, keys=(KEY, Key(spoilt.key, 0)))
    assert verify(SIGNED, SEEN, known, SEEN.instant) is None
    assert verify(spoilt, SEEN, known, SEEN.instant) is not None


CATALOGUE = shipped.earthquake_file("cenc_catalogue_2015_2021.csv")[:1500]
RAPID = shipped.earthquake_file("cenc_rapid_reports.csv")
LOSSES = shipped.earthquake_file("loss_items_yangbi_2021.csv")
STARTS = (b"", b"<", b"{", b'{"type":"FeatureCollection","mag":', b"\xef\xbb\xbf", CATALOGUE[:120])


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_reading_never_raises_whatever_the_bytes(start: bytes, rest: bytes) -> None:
    found = read(start + rest, now=1_700_000_000)
    for refusal in found.refusals:
        assert say(refusal, "zh")
        assert not say(refusal).startswith(refusal.code)


@given(st.sampled_from([CATALOGUE, RAPID, LOSSES]), st.data())
def test_a_spoilt_feed_gives_what_it_gave_or_a_refusal_for_every_other_row(
    whole: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    spoilt = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :]
    found = read(spoilt, now=1_700_000_000)
    for row in found.rows:
        assert (row.observation is None) == bool(row.refusals)
        if row.observation is not None:
            assert check(row.observation, None, 1_700_000_000) == []


@pytest.mark.parametrize("code", ["no_rapid_report", "roles_differ", "no_reading"])
def test_reasons_have_sentences(code: str) -> None:
    assert set(table("evidence")[code]) == {"zh", "en"}
