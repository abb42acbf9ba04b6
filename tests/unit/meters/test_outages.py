"""From signed readings to restorations and payouts; hostile and odd readings; nothing in plain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.meters import pages
from miaopei.adapters.meters.admitted.readers import Readers
from miaopei.adapters.meters.admitted.trust import Concentrators
from miaopei.adapters.meters.devices import Device, line_of
from miaopei.adapters.meters.outages import PATIENCE, Outages
from miaopei.adapters.meters.taking import Came, Meters, Taken
from miaopei.evidence.outage.lists import TIMES
from miaopei.measures.instant import DAY, HOUR, from_beijing, from_utc_text
from miaopei.node.effects.listed import open_list
from miaopei.node.vault.blobs import open_blob
from miaopei.node.vault.sealing import unframe
from tests.support import sayings as s
from tests.unit.grid.conftest import Grid
from tests.unit.meters.conftest import grid

KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
PUBLIC = KEY.public_key().public_bytes_raw().hex()
PEOPLE = ("0571001", "0571002", "0571003")
OFF, LATE = from_utc_text(s.OFF), from_utc_text(s.LATE)
Said = Sequence[tuple[str, str, int]]
__all__ = ["grid"]


def signed(value: dict[str, Any], key: Ed25519PrivateKey = KEY) -> bytes:
    body = json.dumps({"format": "miaopei.meters/1", "concentrator": "c1", **value}).encode()
    return key.sign(b"miaopei.meters/1\n" + body).hex().encode() + b"\n" + body


class Side:
    """Our side for one concentrator, without a broker between."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        read = {s.token(each): ((0, "c1"),) for each in (*PEOPLE, "0571009", "0579999")}
        self.known = Concentrators(
            s.METERS,
            "127.0.0.1",
            1,
            {"c1": (PUBLIC,)},
            Readers(read),
            unsealed=frozenset({"c1", "c2"}),
        )
        self.begin()

    def begin(self) -> None:
        """As a new process would."""
        self.outages = Outages(self.grid.town.node, self.known, s.names)
        self.meters = Meters(self.grid.town.node, self.known, s.names, self.outages.told)

    def say(self, number: int, said: Said, at: int, *, sent_at: int | None = None) -> Taken:
        sent = at if sent_at is None else sent_at
        value = {"kind": "batch", "sequence": number, "sent_at": sent, "readings": said}
        return self.take(signed(value), at)

    def take(self, payload: bytes, at: int) -> Taken:
        self.grid.town.at(max(at, self.grid.town.now))
        return self.meters.take([Came("c1", payload, self.grid.town.now)])

    def report(self, at: int | None = None) -> int:
        town = self.grid.town
        town.at(max(at or 0, town.now))
        self.outages.refresh(town.now)
        with town.store.reading() as reading:
            gaps = bool(line_of(reading, "c1").missing)
        return self.outages.report(self.grid.intake, town.now, gaps=gaps)

    def reports(self) -> list[dict[str, Any]]:
        found = [o["observation"] for o in self.grid.town.table("observation").values()]
        mine = [o for o in found if o["source"] == s.METERS]
        return sorted(mine, key=lambda o: o["revision"])

    def times(self) -> dict[str, tuple[int | None, int | None]]:
        """token -> off and on, of the last report."""
        with self.grid.town.store.reading() as reading:
            listed = self.reports()[-1]["values"]["list"]
            rows = open_list(reading, self.grid.town.me, listed, TIMES)
        return {row["token"]: (row["off"], row["on"]) for row in rows}


@pytest.fixture
def side(grid: Grid) -> Side:
    found = Side(grid)
    grid.take(s.message(1, plans=[s.plan(PEOPLE)]))
    return found


def off(*who: str, at: int = OFF) -> list[tuple[str, str, int]]:
    return [(each, "off", at) for each in who]


def on(*who: str, at: int = LATE) -> list[tuple[str, str, int]]:
    return [(each, "on", at) for each in who]


def test_both_systems_agree_and_who_is_insured_is_paid(side: Side) -> None:
    policies = side.grid.insure("0571001", "0571009")
    side.report()
    side.say(1, off(*PEOPLE), OFF + 5)
    assert side.report() == 1  # power is off: not yet complete
    side.say(2, on(*PEOPLE), LATE + 5)
    assert side.report() == 1
    first, last = side.reports()
    assert (first["values"]["complete"], first["values"]["last_on"]) == (False, None)
    assert (last["values"]["complete"], last["values"]["last_on"]) == (True, LATE)
    assert last["values"]["first_off"] == OFF
    side.grid.town.work()
    assert side.grid.paid() == {}
    times: dict[str, str | None] = dict.fromkeys(PEOPLE, s.LATE)
    said = s.message(2, restorations=[s.back(times)], sent_at=s.LATE)
    side.grid.take(said, "2021-06-01 19:31:00")
    side.grid.town.work()
    assert side.grid.paid() == {policies["0571001"]: 10_000}


def test_the_original_of_a_report_is_the_signed_batches_it_rests_on(side: Side) -> None:
    side.report()
    side.say(1, off(*PEOPLE), OFF)
    side.say(2, off("0579999"), OFF)  # of nobody in scope
    side.say(3, on(*PEOPLE), LATE)
    side.report()
    town = side.grid.town
    with town.store.reading() as reading:
        leaves = [json.loads(leaf) for leaf in reading.leaves(0, reading.head().size)]
        acts = [leaf["act"] for leaf in leaves if leaf["leaf"] == "act"]
        facts = [f for act in acts for f in act["body"].get("facts", ())]
        (made,) = [f for f in facts if f["observation"]["source"] == s.METERS]
        blob = made["attestation"]["original"]["file_sha256"]
        batches = unframe(open_blob(reading, blob, town.me))
    assert [json.loads(b.partition(b"\n")[2])["sequence"] for b in batches] == [1, 3]


def test_restored_in_steps_each_has_their_own_time(side: Side) -> None:
    side.report()
    side.say(1, off(*PEOPLE), OFF)
    for step, who in enumerate(PEOPLE):
        side.say(2 + step, on(who, at=LATE + 600 * step), LATE + 600 * step)
        side.report()
    assert side.times() == {
        s.token(who): (OFF, LATE + 600 * step) for step, who in enumerate(PEOPLE)
    }
    assert side.reports()[-1]["values"]["complete"] is True


def test_power_that_comes_and_goes_is_back_when_it_stays(side: Side) -> None:
    side.report()
    flaps = [*off("0571001"), *on("0571001", at=OFF + HOUR), *off("0571001", at=OFF + HOUR + 9)]
    side.say(1, [*flaps, *off(*PEOPLE[1:]), *on(*PEOPLE[1:], at=OFF + HOUR)], OFF + 2 * HOUR)
    side.report()
    assert side.reports()[-1]["values"]["complete"] is False
    side.say(2, on("0571001"), LATE)
    side.report()
    assert side.times()[s.token("0571001")] == (OFF, LATE)


def test_in_any_order_and_twice_it_is_the_same_report(side: Side) -> None:
    side.report()
    side.say(3, on(*PEOPLE[1:]), LATE)
    side.say(2, on(PEOPLE[0]), LATE)
    side.say(1, off(*PEOPLE), LATE)
    assert side.say(2, on(PEOPLE[0]), LATE).known == 1
    assert side.report(LATE + 1) == 1
    assert side.times() == dict.fromkeys(map(s.token, PEOPLE), (OFF, LATE))


def test_replayed_batches_change_nothing_and_another_under_a_number_is_refused(side: Side) -> None:
    side.report()
    first = signed({"kind": "batch", "sequence": 1, "sent_at": OFF, "readings": off(*PEOPLE)})
    assert side.take(first, OFF).readings == 3
    for later in (OFF + 1, OFF + DAY):
        assert side.take(first, later).known == 1
    again = side.say(1, on(*PEOPLE), LATE)
    assert [r.code for _, r in again.refused] == ["grid.sequence_reused"]
    assert again.readings == 0


def test_a_gap_filled_later_is_waited_for(side: Side) -> None:
    """All seem back, but a number is missing: what it holds may be another cut."""
    side.report()
    side.say(1, [*off(*PEOPLE), *on(*PEOPLE, at=OFF + HOUR)], OFF + HOUR)
    side.say(3, on(PEOPLE[0], at=LATE), LATE)
    assert side.report(LATE) == 0
    side.say(2, off(PEOPLE[0], at=OFF + HOUR + 60), LATE + 30)
    assert side.report(LATE + 30) == 1
    assert side.times()[s.token(PEOPLE[0])] == (OFF, LATE)


def test_a_gap_that_is_never_filled_holds_a_report_up_for_two_minutes(side: Side) -> None:
    side.report()
    side.say(2, [*off(*PEOPLE), *on(*PEOPLE)], LATE)
    assert side.report(LATE) == 0
    assert side.report(LATE + PATIENCE - 1) == 0
    assert side.report(LATE + PATIENCE) == 1
    lost = {"kind": "lost", "lost": [1, 77]}
    side.take(signed(lost), LATE + HOUR)
    with side.grid.town.store.reading() as reading:
        line = line_of(reading, "c1")
    assert (line.missing, line.lost, line.next) == ((), (1,), 3)


def test_forged_and_future_batches_are_refused_and_counted(side: Side) -> None:
    other = Ed25519PrivateKey.generate()
    value = {"kind": "batch", "sequence": 1, "sent_at": OFF, "readings": off(*PEOPLE)}
    forged = side.take(signed(value, other), OFF)
    future = side.say(1, off(*PEOPLE), OFF, sent_at=OFF + 301)
    unknown = side.meters.take([Came("c9", signed(value), OFF)])
    said = [r.code for taken in (forged, future, unknown) for _, r in taken.refused]
    assert said == ["grid.forged", "grid.in_future", "grid.unknown_concentrator"]
    with side.grid.town.store.reading() as reading:
        device = Device.of(reading, "c1")
    assert (device.refused, device.why) == (2, "grid.in_future")
    assert side.say(1, off(*PEOPLE), OFF + 301, sent_at=OFF + 301).readings == 3  # its time came


def test_a_future_dated_reading_is_left_out_and_its_neighbours_are_read(side: Side) -> None:
    side.report()
    taken = side.say(1, [*off(*PEOPLE), ("0571001", "on", OFF + 301)], OFF)
    assert taken.readings == 3
    with side.grid.town.store.reading() as reading:
        assert Device.of(reading, "c1").wrong == 1


def test_a_concentrator_whose_clock_is_wrong_is_held_as_a_conflict(side: Side) -> None:
    side.grid.insure("0571001")
    side.report()
    side.say(1, off(*PEOPLE), OFF)
    side.say(2, on(*PEOPLE, at=LATE - 45 * 60), LATE)  # 45 minutes slow
    side.report()
    times: dict[str, str | None] = dict.fromkeys(PEOPLE, s.LATE)
    said = s.message(2, restorations=[s.back(times)], sent_at=s.LATE)
    side.grid.take(said, "2021-06-01 19:31:00")
    side.grid.town.at(LATE + DAY + HOUR)
    side.grid.town.work()
    (case,) = side.grid.town.table("case").values()
    assert case["state"] == "held_conflict"
    assert side.grid.paid() == {}


@pytest.mark.parametrize(
    "reading",
    [
        ["0571001", "on"], ["0571001", "half", OFF], ["", "on", OFF], ["x" * 65, "on", OFF],
        ["0571001", "on", -1], ["0571001", "on", 1.5], ["0571001", "on", True], "0571001", None, 7,
        {"customer": "0571001"}, ["0571001", ["on"], OFF],
    ],
)  # fmt: skip
def test_a_reading_that_cannot_be_holds_up_no_neighbour(side: Side, reading: object) -> None:
    side.report()
    value = {"kind": "batch", "sequence": 1, "sent_at": OFF}
    taken = side.take(signed({**value, "readings": [reading, *off(*PEOPLE)]}), OFF)
    assert (taken.readings, taken.refused) == (3, [])


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "grid.forged"),
        (b"\xff\xfe" * 100, "grid.forged"),
        (b"0" * 128 + b"\n{}", "grid.forged"),
        (b"x" * (512 * 1024 + 1), "grid.too_large"),
        (signed({"kind": "batch"}), "grid.bad_field"),
        (signed({"kind": "nonsense"}), "grid.bad_field"),
        (signed({"kind": "batch", "sequence": 0, "sent_at": 0, "readings": [1]}), "grid.bad_field"),
        (signed({"kind": "batch", "sequence": 1, "sent_at": 0, "readings": []}), "grid.bad_field"),
        (signed({"kind": "state", "state": "asleep", "session": 0, "at": 0, "last": 0}),
         "grid.bad_field"),
        (signed({"kind": "batch", "concentrator": "c2"}), "grid.other_source"),
    ],
)  # fmt: skip
def test_payloads_that_cannot_be_are_refused_by_name(side: Side, payload: bytes, code: str) -> None:
    taken = side.take(payload, OFF)
    assert [r.code for _, r in taken.refused] == [code]
    assert taken.readings == 0


def test_a_restoration_before_the_outage_is_none(side: Side) -> None:
    side.report()
    side.say(1, on(*PEOPLE, at=OFF - 60), OFF)
    side.say(2, off(*PEOPLE), OFF + 5)
    side.report()
    assert side.reports()[-1]["values"]["complete"] is False
    assert side.times() == dict.fromkeys(map(s.token, PEOPLE), (OFF, None))


def test_two_outages_in_a_row_each_have_their_own_readings(side: Side) -> None:
    next_off = "2021-06-02T08:00:00+08:00"
    second = s.plan(PEOPLE, number="P-2", off_planned=next_off, on_planned=s.LATE.replace(
        "06-01", "06-02"))  # fmt: skip
    side.grid.take(s.message(2, plans=[second]))
    side.report()
    side.say(1, [*off(*PEOPLE), *on(*PEOPLE)], LATE)
    side.report()
    later = from_utc_text(next_off)
    side.say(2, [*off(*PEOPLE, at=later), *on(*PEOPLE, at=later + HOUR)], later + HOUR)
    assert side.report() == 1
    by_number = {r["event_key"]: r["values"] for r in side.reports() if r["values"]["complete"]}
    assert by_number[s.NUMBER]["last_on"] == LATE
    assert (by_number["P-2"]["first_off"], by_number["P-2"]["last_on"]) == (later, later + HOUR)


def test_started_early_and_across_midnight(side: Side) -> None:
    early, over = OFF - HOUR, from_beijing("2021-06-02 00:30:00")
    side.report()
    side.say(1, off(*PEOPLE, at=early), OFF)
    side.say(2, on(*PEOPLE, at=over), over)
    side.report()
    values = side.reports()[-1]["values"]
    assert (values["first_off"], values["last_on"], values["complete"]) == (early, over, True)


def test_a_cancelled_plan_gets_no_report(side: Side) -> None:
    gone = s.plan((), revision=1, state="cancelled", published_at="2021-05-30T09:00:00+08:00")
    taken = side.grid.take(
        s.message(2, plans=[gone], sent_at="2021-05-30T09:00:05+08:00"), "2021-05-30 09:00:10"
    )
    assert taken.refusals == ()
    side.say(1, [*off(*PEOPLE), *on(*PEOPLE)], LATE)
    assert side.report() == 0
    assert side.reports() == []


def test_a_new_process_reads_what_is_kept_again(side: Side) -> None:
    side.report()
    side.say(1, off(*PEOPLE), OFF)
    side.begin()
    side.report()
    side.begin()
    side.say(2, on(*PEOPLE), LATE)
    assert side.report() == 1
    assert side.times() == dict.fromkeys(map(s.token, PEOPLE), (OFF, LATE))
    assert side.report() == 0  # nothing new: no further revision
    side.begin()
    assert side.report() == 0


def test_a_plan_that_comes_after_its_readings_finds_them(grid: Grid) -> None:
    side = Side(grid)
    side.say(1, [*off(*PEOPLE), *on(*PEOPLE)], LATE)
    assert side.report() == 0
    grid.take(s.message(1, plans=[s.plan(PEOPLE)]), "2021-06-01 19:40:00")
    assert side.report() == 1


def test_pages_are_kept_sealed_and_go_away_in_time(side: Side) -> None:
    side.report()
    side.say(1, off(*PEOPLE), OFF)
    town = side.grid.town
    with town.store.reading() as reading:
        kept = reading.progress("meters/page/000000000001")
        assert kept is not None
        assert b"0571001" not in kept
        assert len(list(pages.each(reading, town.me))) == 1
    side.say(2, off("0579999", at=OFF + 8 * DAY), OFF + 8 * DAY)
    with town.store.reading() as reading:
        assert [page for page, _, _ in pages.each(reading, town.me)] == [2]


def test_no_customer_number_is_in_plain_anywhere(side: Side) -> None:
    side.report()
    side.say(1, [*off(*PEOPLE), *on(*PEOPLE)], LATE)
    side.report()
    store = side.grid.town.store
    assert isinstance(store, MemoryStore)
    held = repr(store._tables.rows)
    assert s.token(PEOPLE[0]) in held, "the search would find what is there to be found"
    assert all(who not in held for who in PEOPLE)
