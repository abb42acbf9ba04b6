"""O-02: one notice a customer in scope, insured or not; none for an unchanged plan; sent once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miaopei.adapters.grid.intake import Intake
from miaopei.errors import OutsideFault
from miaopei.measures.identity import canonical, read_canonical
from miaopei.node.effects.notices import (
    ATTEMPTS,
    CLOSED,
    PAGES,
    SUMS,
    Notifier,
    Said,
    Text,
    confirm,
    counts,
)
from miaopei.node.vault.blobs import open_blob
from miaopei.node.vault.sealing import unframe
from tests.support import sayings as s
from tests.support.grid import grid_town
from tests.unit.grid.conftest import Grid


class Paper:
    """A gateway on paper: what it says of each id, and how often it was sent what."""

    def __init__(self, *plan: str) -> None:
        self.plan = list(plan)  # what each sending ends as; "delivered" once it is used up
        self.sent: list[str] = []
        self.said: dict[str, str] = {}
        self.silent = False

    def send(self, texts: Sequence[Text]) -> list[Said]:
        if self.silent:
            raise OutsideFault("silent", retry=True)
        for text in texts:
            if text.id not in self.said:
                self.sent.append(text.token)
                self.said[text.id] = self.plan.pop(0) if self.plan else "delivered"
        refused = [t.id for t in texts if self.said[t.id] == "refused"]
        return [Said(t.id, "refused" if t.id in refused else "accepted") for t in texts]

    def ask(self, ids: Sequence[str]) -> list[Said]:
        return [Said(i, self.said.get(i, "unknown")) for i in ids]


def stand(grid: Grid) -> dict[str, int]:
    with grid.town.store.reading() as reading:
        return counts(reading)


def test_one_a_customer_in_scope_insured_or_not(grid: Grid) -> None:
    grid.insure("0571001")
    customers = [f"0571{n:04d}" for n in range(1, 1_203)]
    grid.take(s.message(1, plans=[s.plan(customers)]))
    gateway = Paper()
    notifier = Notifier(grid.town.node, gateway)
    assert notifier.run() == 1_202
    assert notifier.run() == 1_202
    assert notifier.run() == 0
    assert sorted(gateway.sent) == sorted(map(s.token, customers))
    assert stand(grid) == {"delivered": 1_202}


@pytest.mark.parametrize(
    ("change", "notices"),
    [
        ({}, 0),
        ({"cause": 2}, 0),
        ({"on_planned": "2021-06-01T19:00:00+08:00"}, 2),
        ({"off_planned": "2021-06-01T09:00:00+08:00"}, 2),
        ({"state": "cancelled"}, 2),
    ],
)
def test_unchanged_plan_none_revised_plan_a_new_one(
    grid: Grid, change: dict[str, str], notices: int
) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001", "0571002"])]))
    revised = s.plan(["0571001", "0571002"], revision=1, **change)
    taken = grid.take(s.message(2, plans=[revised]))
    assert (taken.recorded, taken.notices) == (1, notices)
    assert stand(grid) == {"new": 2 + notices}


def test_a_revision_that_a_newer_one_has_overtaken_makes_no_notice(grid: Grid) -> None:
    """Sent again late: the newest text is what customers keep in hand."""
    later = {"on_planned": "2021-06-01T19:00:00+08:00"}
    customers = ["0571001", "0571002"]
    assert grid.take(s.message(1, plans=[s.plan(customers, revision=3, **later)])).notices == 2
    older = grid.take(s.message(2, plans=[s.plan([*customers, "0571003"], revision=2)]))
    assert (older.recorded, older.notices) == (1, 0)
    assert grid.take(s.message(3, plans=[s.plan(customers, revision=4)])).notices == 2
    assert stand(grid) == {"new": 4}


def test_a_wider_scope_is_a_new_notice(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    taken = grid.take(s.message(2, plans=[s.plan(["0571001", "0571002"], revision=1)]))
    assert taken.notices == 2


def test_accepted_and_then_failed_is_sent_again_and_given_up_in_the_end(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    gateway = Paper(*["failed"] * ATTEMPTS)
    notifier = Notifier(grid.town.node, gateway)
    for _ in range(10):
        notifier.run()
    assert gateway.sent == [s.token("0571001")] * ATTEMPTS
    assert stand(grid) == {"undeliverable": 1}


def test_accepted_failed_once_then_delivered(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    notifier = Notifier(grid.town.node, Paper("failed"))
    for _ in range(4):
        notifier.run()
    assert stand(grid) == {"delivered": 1}


def test_who_has_no_phone_is_undeliverable_and_holds_up_nobody(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001", "0571002"])]))
    notifier = Notifier(grid.town.node, Paper("refused"))
    notifier.run()
    notifier.run()
    assert stand(grid) == {"undeliverable": 1, "delivered": 1}


def test_a_silent_gateway_keeps_the_outbox_and_is_asked_again(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    gateway = Paper()
    gateway.silent = True
    notifier = Notifier(grid.town.node, gateway)
    assert notifier.run() == 0
    assert stand(grid) == {"new": 1}
    gateway.silent = False
    notifier.run()
    notifier.run()
    assert (gateway.sent, stand(grid)) == ([s.token("0571001")], {"delivered": 1})


def test_the_sentence_names_the_outage_and_no_customer(grid: Grid) -> None:
    texts: list[Text] = []

    class Reading(Paper):
        def send(self, given: Sequence[Text]) -> list[Said]:
            texts.extend(given)
            return super().send(given)

    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    Notifier(grid.town.node, Reading()).run()
    assert texts[0].zh == (
        "停电通知：余姚 10kV 城东线计划于2021-06-01 08:00停电，2021-06-01 18:00复电（北京时间）。"
        f"编号{s.NUMBER}，第1版。"
    )
    assert "0571001" not in texts[0].zh + texts[0].en


def confirmed(grid: Grid) -> list[tuple[int, int, int, int]]:
    """Number, delivered, undeliverable and open of each plan on the record."""
    names = ("number", "delivered", "undeliverable", "open")
    return [tuple(v[n] for n in names) for v in grid.town.table("notices").values()]  # type: ignore[misc]


def test_the_outcome_goes_on_the_record_once_with_a_row_for_each_customer(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001", "0571002", "0571003"])]))
    notifier = Notifier(grid.town.node, Paper("refused"))
    assert confirm(grid.town.node) == 0  # nothing is sent yet
    while notifier.run():
        pass
    assert confirm(grid.town.node) == 1
    assert confirm(grid.town.node) == 0
    assert confirmed(grid) == [(1, 2, 1, 0)]
    (value,) = grid.town.table("notices").values()
    with grid.town.store.reading() as reading:
        rows = unframe(open_blob(reading, value["outcomes"]["blob"], grid.town.me))
    told = {row["token"]: row["state"] for row in map(read_canonical, rows)}
    assert sorted(told) == sorted(s.token(f"057100{n}") for n in (1, 2, 3))
    assert sorted(told.values()) == ["delivered", "delivered", "undeliverable"]


def test_what_is_open_when_the_outage_begins_is_said_so_and_said_again(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001", "0571002"])]))
    gateway = Paper()
    gateway.silent = True
    notifier = Notifier(grid.town.node, gateway)
    notifier.run()
    assert confirm(grid.town.node) == 0
    grid.town.at("2021-06-01 08:00:00")
    assert confirm(grid.town.node) == 1
    assert confirmed(grid) == [(1, 0, 0, 2)]
    gateway.silent = False
    while notifier.run():
        pass
    assert confirm(grid.town.node) == 1
    assert confirmed(grid) == [(2, 2, 0, 0)]


def test_a_kill_before_the_outcome_is_recorded_sends_the_same_act(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    notifier = Notifier(grid.town.node, Paper())
    while notifier.run():
        pass

    def kill(_acts: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(grid.town.node, "submit", kill)
        with pytest.raises(KeyboardInterrupt):
            confirm(grid.town.node)
    assert confirmed(grid) == []
    assert confirm(grid.town.node) == 1
    assert confirm(grid.town.node) == 0
    assert confirmed(grid) == [(1, 1, 0, 0)]


def test_an_outcome_that_cannot_be_is_refused(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001"])]))
    notifier = Notifier(grid.town.node, Paper())
    while notifier.run():
        pass
    assert confirm(grid.town.node) == 1
    (value,) = grid.town.table("notices").values()
    names = ("observation", "number", "outcomes", "delivered", "undeliverable", "open")
    body = {**{n: value[n] for n in names}, "number": 2}
    other = {"observation": "0" * 64}
    for change, code in (
        (other, "act.no_such_plan"),
        ({"number": 1}, "act.bad_body"),
        ({"number": 3}, "act.bad_body"),
        ({"delivered": 2}, "act.totals_differ"),
        ({"delivered": 2, "open": -1}, "act.totals_differ"),
        ({"outcomes": {}}, "act.bad_body"),
    ):
        result = grid.town.send(grid.town.act("confirm_notices", {**body, **change}, str(change)))
        assert [r.code for r in result.refusals] == [code], change
    assert confirmed(grid) == [(1, 1, 0, 0)]


def kept(grid: Grid, name: str) -> dict[str, bool]:
    with grid.town.store.reading() as reading:
        return dict(read_canonical(reading.progress(name) or b"{}"))


def by_hand(grid: Grid) -> tuple[Counter[str], set[str]]:
    """Every page of every plan on the record, added up; and the pages of plans not closed."""
    found, left = Counter[str](), set[str]()
    with grid.town.store.reading() as reading:
        for observation in grid.town.table("observation"):
            closed = reading.progress(f"notice/confirmed/{observation}") == CLOSED
            for number in range(10):
                page = f"notice/page/{observation}/{number:06d}"
                if (value := reading.progress(page)) is not None:
                    found.update(row[1] for row in read_canonical(value)["rows"])
                    left |= set() if closed else {page}
    return found, left


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    plans=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    ends=st.lists(st.sampled_from(["delivered", "failed", "refused"]), max_size=12),
    steps=st.lists(st.sampled_from(["plan", "send", "confirm", "begin"]), max_size=12),
)
def test_counts_stay_right_and_the_list_holds_what_is_not_closed(
    plans: list[int], ends: list[str], steps: list[str]
) -> None:
    town, listing = grid_town()
    grid = Grid(town, listing, Intake(town.node, s.names))
    notifier, waiting, made = Notifier(town.node, Paper(*ends)), list(plans), 0
    for step in [*steps, *["plan"] * len(plans), *["send", "confirm"] * 4]:
        if step == "plan" and waiting:
            made += 1
            customers = [f"0571{made:02d}{n:02d}" for n in range(waiting.pop())]
            grid.take(s.message(made, plans=[s.plan(customers, number=f"YY-{made}")]))
        elif step == "send":
            notifier.run()
        elif step == "confirm":
            confirm(town.node)
        elif step == "begin":
            town.at("2021-06-01 08:00:00")
        found, left = by_hand(grid)
        assert Counter(stand(grid)) == found
        assert set(kept(grid, PAGES)) == left
    assert sum(stand(grid).values()) == sum(plans)
    with town.store.reading() as reading:
        each = [counts(reading, name) for name in town.table("observation")]
    assert sum((Counter(one) for one in each), Counter()) == Counter(stand(grid))


def test_a_list_that_an_earlier_version_kept_is_cleared_once_and_counts_stay(grid: Grid) -> None:
    grid.take(s.message(1, plans=[s.plan(["0571001", "0571002"])]))
    notifier = Notifier(grid.town.node, Paper("refused"))
    before = kept(grid, PAGES)
    while notifier.run():
        pass
    assert confirm(grid.town.node) == 1
    with grid.town.store.writing() as block:  # as it stood before lists were cleared
        block.put_progress(PAGES, canonical(dict.fromkeys(before, False)))
        block.put_progress(SUMS, None)
    for _ in range(2):
        assert confirm(grid.town.node) == 0
        assert kept(grid, PAGES) == {}
        assert stand(grid) == {"undeliverable": 1, "delivered": 1}
