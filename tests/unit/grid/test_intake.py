"""Messages into the record: numbers in line, duplicates, gaps, scope, and no number kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from miaopei.adapters.grid import connections
from miaopei.adapters.grid.intake import Intake, Taken
from miaopei.errors import Refusal, Refused
from miaopei.evidence.outage.lists import SCOPE
from miaopei.measures.instant import DAY, from_beijing
from miaopei.node.effects.listed import open_list
from miaopei.node.effects.notices import counts
from miaopei.node.vault.blobs import open_blob
from miaopei.node.vault.sealing import unframe
from tests.support import sayings as s
from tests.unit.grid.conftest import Grid

BACK_AT = "2021-06-01 19:35:00"
BACK_SENT = "2021-06-01T19:30:05+08:00"
TWO_FEEDERS = (
    b"feeder,transformer,customer\nF1,T11,0571001\nF1,T11,0571002\nF1,T12,0571003\nF2,T21,0571004\n"
)


def codes(taken: Taken) -> list[str]:
    return [refusal.code for refusal in taken.refusals]


def report(
    sequence: int, times: dict[str, str | None], source: str = s.COMMAND, **more: object
) -> bytes:
    return s.message(
        sequence, restorations=[s.back(times, **more)], source=source, sent_at=BACK_SENT
    )


def scope_of(grid: Grid, number: str = s.NUMBER) -> set[str]:
    """Tokens on the scope list of the newest plan on record."""
    found = [
        o["observation"]
        for o in grid.town.table("observation").values()
        if o["observation"]["kind"] == "outage" and o["observation"]["event_key"] == number
    ]
    newest = max(found, key=lambda o: o["revision"])
    with grid.town.store.reading() as reading:
        rows = open_list(reading, grid.town.me, newest["values"]["list"], SCOPE)
    return {row["token"] for row in rows}


def test_a_plan_and_both_reports_pay_who_is_insured_in_scope_and_late(grid: Grid) -> None:
    policies = grid.insure("0571001", "0571003", "0571009")
    plan = grid.take(s.cim(1, s.cim_plan(["0571001", "0571002", "0571003"])))
    assert (plan.recorded, plan.notices, plan.refusals) == (1, 3, ())
    times: dict[str, str | None] = {"0571001": s.LATE, "0571002": s.LATE, "0571003": s.ON}
    grid.take(report(2, times), BACK_AT)
    grid.take(
        s.cim(
            1,
            s.cim_back({k: v or "" for k, v in times.items()}),
            source=s.METERS,
            sent_at=BACK_SENT,
        ),
        BACK_AT,
    )
    grid.town.work()
    assert grid.paid() == {policies["0571001"]: 10_000}  # ninety minutes: two hours begun


def test_no_customer_number_is_kept_anywhere(grid: Grid) -> None:
    numbers = [f"33028100{n:04d}" for n in range(50)]
    grid.take(s.message(1, plans=[s.plan(numbers)]))
    grid.take(report(2, dict.fromkeys(numbers, s.LATE)), BACK_AT)
    kept = repr(vars(grid.town.store)).encode() + b"".join(grid.town.leaves())
    with grid.town.store.reading() as reading:
        kept += b"".join(data for _, data in reading.blobs())
    assert not [number for number in numbers if number.encode() in kept]
    assert s.token(numbers[0]).encode() not in b"".join(grid.town.leaves())


def test_the_original_is_sealed_and_can_be_opened_by_its_keeper(grid: Grid) -> None:
    data = s.message(1, plans=[s.plan(["0571001"])])
    grid.take(data)
    (act,) = [leaf for leaf in grid.town.leaves() if b'"bytes_b64":null' in leaf]
    original = json.loads(act)["act"]["body"]["facts"][0]["attestation"]["original"]
    with grid.town.store.reading() as reading:
        assert unframe(open_blob(reading, original["sha256"], grid.town.me)) == [data]


def test_scope_by_feeder_transformer_and_number(grid: Grid) -> None:
    with grid.town.store.writing() as block:
        kept = connections.keep(block, TWO_FEEDERS, s.names)
    assert (kept.feeders, kept.transformers, kept.customers) == (2, 3, 4)
    for sequence, (scope, who) in enumerate(
        [
            ({"feeders": ["F1"]}, ["0571001", "0571002", "0571003"]),
            ({"transformers": ["T12", "T21"]}, ["0571003", "0571004"]),
            (
                {"feeders": ["F2"], "transformers": ["T12"], "customers": ["0571009", "0571004"]},
                ["0571003", "0571004", "0571009"],
            ),
        ],
        start=1,
    ):
        plan = s.plan(number=f"n{sequence}", scope=scope)
        assert grid.take(s.message(sequence, plans=[plan])).recorded == 1
        assert scope_of(grid, f"n{sequence}") == {s.token(customer) for customer in who}


def test_an_unknown_transformer_is_refused_by_name_and_taken_once_it_is_known(grid: Grid) -> None:
    unknown = s.plan(number="n1", scope={"transformers": ["T11"]})
    data = s.message(1, plans=[unknown, s.plan(["0571009"])])
    first = grid.take(data)
    assert codes(first) == ["grid.unknown_transformer"]
    assert dict(first.refusals[0].facts) == {"transformer": "T11", "part": 0}
    assert first.recorded == 1
    with grid.town.store.writing() as block:
        connections.keep(block, TWO_FEEDERS, s.names)
    again = grid.take(data)
    assert (again.known, again.recorded, again.unchanged) == (True, 1, 1)
    assert scope_of(grid, "n1") == {s.token("0571001"), s.token("0571002")}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"feeder,transformer,customer\nF1,T1\n", "grid.bad_line"),
        (b"feeder,transformer,customer\nF1,T1,a\nF2,T2,a\n", "grid.customer_moved"),
        (b"feeder,transformer,customer\nF1,T1,a\nF2,T1,b\n", "grid.transformer_moved"),
        ("feeder,transformer,customer\nF1,T1,电\n".encode("gb18030"), "grid.not_text"),
    ],
)
def test_bad_connections_are_refused_whole(grid: Grid, data: bytes, code: str) -> None:
    assert connections.is_connections(data)
    with pytest.raises(Refused) as refused, grid.town.store.writing() as block:
        connections.keep(block, data, s.names)
    assert refused.value.refusals[0].code == code
    with grid.town.store.reading() as reading:
        assert reading.progress(connections.INDEX) is None


def test_the_same_message_again_changes_nothing(grid: Grid) -> None:
    data = s.message(1, plans=[s.plan(["0571001"])])
    grid.take(data)
    before = grid.town.leaves()
    again = grid.take(data)
    assert (again.known, again.recorded, again.unchanged, again.notices) == (True, 0, 1, 0)
    assert [leaf for leaf in grid.town.leaves() if b"record_facts" in leaf] == [
        leaf for leaf in before if b"record_facts" in leaf
    ]


def test_another_message_under_a_used_number_is_refused(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    with pytest.raises(Refused) as refused:
        grid.take(s.message(1, plans=[s.plan(["0571001"], cause=3)]))
    assert refused.value.refusals[0].code == "grid.sequence_reused"


def test_another_content_under_a_used_revision_is_refused(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    taken = grid.take(s.message(2, plans=[s.plan(["0571001", "0571002"])]))
    assert (taken.recorded, codes(taken)) == (0, ["grid.revision_differs"])


def test_a_gap_is_noted_filled_late_and_out_of_order(grid: Grid) -> None:
    grid.take(s.message(1))
    taken = grid.take(s.message(4, plans=[s.plan(["0571001"], revision=2)]))
    assert taken.missing == (2, 3)
    assert grid.take(s.message(3, plans=[s.plan(["0571001"], revision=1)])).missing == (2,)
    assert grid.take(s.message(2, plans=[s.plan(["0571001"])])).missing == ()
    assert grid.take(s.message(5)).missing == ()


def test_a_gap_that_is_never_filled_stays_in_sight_and_holds_nothing_up(grid: Grid) -> None:
    policies = grid.insure("0571001")
    grid.take(s.message(3, plans=[s.plan(["0571001"])]))
    assert grid.intake.line(s.COMMAND).missing == (1, 2)
    line = grid.intake.lost(s.COMMAND, [1, 2, 9])
    assert (line.missing, line.lost) == ((), (1, 2))
    grid.take(report(4, {"0571001": s.LATE}), BACK_AT)
    grid.take(report(1, {"0571001": s.LATE}, source=s.METERS), BACK_AT)
    grid.town.work()
    assert grid.paid() == {policies["0571001"]: 10_000}
    assert grid.take(s.message(2)).missing == ()  # it turns up after all


def another_gateway(grid: Grid) -> None:
    """From now on another member takes messages in: on the same record, nothing of its own yet."""
    progress = grid.town.store._tables.rows["progress"]
    for name in [name for name in progress if name.startswith("grid/")]:
        del progress[name]


@pytest.mark.parametrize("late", ["never", "sent again", "from both"])
def test_a_number_that_one_gateway_lacks_is_no_gap_of_the_record(grid: Grid, late: str) -> None:
    """What another gateway took is on every member's record, by the order: nothing waits for the
    number, and where the source sends it to this one as well, nothing is doubled.
    """
    policies = grid.insure("0571001", "0571003")
    plan = s.message(1, plans=[s.plan(["0571001", "0571003"])])
    times: dict[str, str | None] = {"0571001": s.LATE, "0571003": s.ON}
    command, meters = report(2, times), report(1, times, source=s.METERS)
    grid.take(plan)
    another_gateway(grid)
    assert grid.take(command, BACK_AT).missing == (1,)
    if late == "from both":  # each gateway has taken each message
        for message in (plan, command, meters):
            grid.take(message, BACK_AT)
        another_gateway(grid)
        for message in (plan, command):
            grid.take(message, BACK_AT)
    grid.take(meters, BACK_AT)
    grid.town.work()
    assert grid.paid() == {policies["0571001"]: 10_000}
    if late == "sent again":
        assert grid.take(plan, BACK_AT).missing == ()
    grid.town.work()
    assert grid.paid() == {policies["0571001"]: 10_000}
    grid.town.balance()  # a copy may have it decided once more, and then owes nothing more


@pytest.mark.parametrize(("sequence", "code"), [(0, "bad_sequence"), (10_002, "gap_too_wide")])
def test_numbers_that_cannot_be_are_refused(grid: Grid, sequence: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        grid.take(s.message(sequence))
    assert refused.value.refusals[0].code == f"grid.{code}"
    assert grid.intake.line(s.COMMAND).next == 1


def test_a_message_or_plan_from_the_future_is_refused(grid: Grid) -> None:
    with pytest.raises(Refused) as refused:
        grid.take(s.message(1, sent_at="2021-05-29T09:05:11+08:00"))
    assert refused.value.refusals[0].code == "grid.in_future"
    ahead = s.plan(["0571001"], published_at="2021-05-30T00:00:00+08:00")
    taken = grid.take(s.message(1, plans=[ahead]))
    assert (taken.recorded, codes(taken)) == (0, ["evidence.in_future"])
    # The same bytes are taken when that time has come: nothing was marked as said.
    again = grid.take(s.message(1, plans=[ahead]), "2021-05-30 00:00:00")
    assert (again.recorded, again.notices) == (1, 1)


@pytest.mark.parametrize(
    ("times", "more", "code"),
    [
        ({"a": "2021-06-01T07:00:00+08:00"}, {}, "grid.back_before_off"),
        ({"a": None}, {"complete": True, "last_on": s.LATE}, "grid.not_complete"),
        ({"a": s.LATE}, {"last_on": s.ON}, "grid.after_the_last"),
        ({"a": s.LATE}, {"first_off": "2021-06-01T23:00:00+08:00"}, "evidence.wrong_order"),
        ({"a": s.LATE}, {"published_at": s.ON}, "evidence.wrong_order"),
        ({"a b": s.LATE}, {}, "subject.bad_number"),
    ],
)
def test_reports_that_cannot_be_are_refused(
    grid: Grid, times: dict[str, str | None], more: dict[str, object], code: str
) -> None:
    def strict(customer: str) -> list[str]:
        if " " in customer:
            raise Refused(Refusal("subject.bad_number", {"length": len(customer)}))
        return s.names(customer)

    grid.intake = Intake(grid.town.node, strict)
    taken = grid.take(report(1, times, **more), BACK_AT)
    assert (taken.recorded, codes(taken)) == (0, [code])


def test_a_meter_system_may_not_plan_and_a_stranger_says_nothing(grid: Grid) -> None:
    taken = grid.take(s.message(1, plans=[s.plan(["0571001"])], source=s.METERS))
    assert codes(taken) == ["grid.kind_not_allowed"]
    with pytest.raises(Refused) as refused:
        grid.take(s.message(1, source="grid.other"))
    assert refused.value.refusals[0].code == "grid.unknown_source"
    with pytest.raises(Refused) as refused:
        grid.intake.take(s.message(1), grid.town.now, sender=s.METERS)
    assert refused.value.refusals[0].code == "grid.other_source"


def test_a_kill_between_writing_down_and_recording_loses_and_doubles_nothing(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def kill(_acts: object) -> None:
        raise Killed

    data = s.message(1, plans=[s.plan(["0571001"])])
    grid.town.at("2021-05-29 09:00:10")
    with monkeypatch.context() as patched:
        patched.setattr(grid.town.node, "submit", kill)
        with pytest.raises(Killed):
            grid.intake.take(data, grid.town.now)
    assert not grid.town.table("observation")
    again = Intake(grid.town.node, s.names)  # the process that comes after it
    assert again.take(data, grid.town.now).unchanged == 1
    assert len(grid.town.table("observation")) == 1
    again.resume(s.COMMAND)
    assert len(grid.town.table("observation")) == 1
    with grid.town.store.reading() as reading:
        assert counts(reading) == {"new": 1}


def test_a_source_dead_over_the_freeze_settles_on_the_other_and_late_data_adjusts(
    grid: Grid,
) -> None:
    policies = grid.insure("0571001")
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    grid.take(report(1, {"0571001": s.LATE}, source=s.METERS), BACK_AT)
    grid.town.work()
    assert grid.paid() == {}
    grid.town.at(from_beijing(BACK_AT) + DAY)
    grid.town.work()
    assert grid.paid() == {policies["0571001"]: 10_000}
    later, sent = "2021-06-01T20:30:00+08:00", "2021-06-03T08:00:00+08:00"
    for source, revision in ((s.COMMAND, 0), (s.METERS, 1)):
        said = s.back({"0571001": later}, revision=revision, published_at=later)
        grid.take(
            s.message(2, restorations=[said], source=source, sent_at=sent), "2021-06-03 08:00:10"
        )
    grid.town.work()
    assert grid.paid() == {policies["0571001"]: 15_000}


MANY = """
import resource, sys
sys.path.insert(0, {root!r})
from tests.support import sayings as s
from tests.support.grid import grid_town
from miaopei.adapters.grid.intake import Intake
from miaopei.measures.instant import from_beijing
town, _ = grid_town()
town.at("2021-05-29 09:00:10")
intake = Intake(town.node, s.names)
numbers = [f"33028{{n:07d}}" for n in range(100_000)]
data = s.cim(1, s.cim_plan(numbers))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
taken = intake.take(data, town.now)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(taken.recorded, taken.notices, len(data), grown // 1024)
"""


def test_a_plan_with_a_hundred_thousand_customers_is_taken_in_bounded_memory() -> None:
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", MANY.format(root=root)], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    recorded, notices, length, megabytes = map(int, done.stdout.split())
    assert (recorded, notices) == (1, 100_000)
    assert length > 4_000_000
    assert megabytes < 600
