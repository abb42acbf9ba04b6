"""A listing whose times nobody lives to see, or that cannot be looked at, is its own affair."""

from __future__ import annotations

import pytest

from miaopei.acts import list_product, rounds, settling
from miaopei.acts.base import Made, Moment, Outcome
from miaopei.acts.rule_sets import RULES
from miaopei.acts.state import State
from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import Refusal, Refused
from miaopei.market.listing import MOST, Listing, Overpaid
from miaopei.measures.instant import DAY

from .court import Court
from .founding import DECIDERS, ONE_CARRIER, batch, products

LONGEST = 2**53 - 1


def listed(court: Court, **times: int) -> list[str]:
    """Have the product of a book listed once more, by all that the listing would bind; the codes
    of the first that is refused.
    """
    product = products()["hills"]
    listing = Listing(
        id="far", product=product.id, book="far", placement=ONE_CARRIER, payer="insurer",
        standby_payer="agent", deciders=DECIDERS, k=2,
        kept_or_receivable=Overpaid.KEPT, occurrence_cap_fen=None, solo=False, **times,
    )  # fmt: skip
    body = {"listing": listing.as_json(), "product": product.hash, "arrears": False}
    for who in ("cloud", "agent", *DECIDERS):
        codes = court.say(who, "list_product", body)
        if codes not in ([], ["act.waits_for"]):
            return codes
    return codes


@pytest.mark.parametrize("name", MOST)
def test_a_listing_names_no_time_beyond_what_a_listing_may(name: str) -> None:
    court = Court()
    assert listed(court, **{name: MOST[name] + 1}) == ["market.too_long"]
    assert listed(court, **{name: LONGEST}) == ["market.too_long"]
    assert listed(court, **{name: MOST[name]}) == []


def settled(court: Court) -> set[str]:
    """The books of which something has settled, some hours after a shock."""
    court.shake()
    court.pass_by(3 * 7_200)
    return {s["settlement"]["book"] for s in court.table("settlement").values()}


def older(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    """A book of a listing that an older rule set has taken."""
    with monkeypatch.context() as patched:
        patched.setattr(list_product, "BOUNDED_SINCE", 99)
        assert listed(court, decide_seconds=LONGEST, hold_seconds=LONGEST) == []
    assert court._submit(court.by["insurer"], batch(court.by["insurer"], "far")) == []
    court.pass_by(900)


def test_an_older_listing_goes_by_the_bounds_from_rule_set_4_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court = Court()
    older(court, monkeypatch)
    assert settled(court) == {"hills", "far"}
    ends = {t for t in court.table("round_due") if int(t[:12]) > court.world.clock + 30 * DAY}
    assert len(ends) == 2, "of the far book alone, and both can be written"


def test_a_listing_that_cannot_be_looked_at_is_held_by_name_and_others_pay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of a quake's facts were refused for it, and no listing paid."""
    monkeypatch.setattr(rounds, "BOUNDED_SINCE", 99)
    court = Court()
    older(court, monkeypatch)
    assert settled(court) == {"hills"}
    case = court.case("far")
    assert (case["state"], case["reason"]) == ("refused", "identity.too_large")
    assert case["owner"] == "operator"
    court.go()


def test_what_cannot_ripen_stops_no_block_and_nothing_else_that_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It leaves nothing half done."""
    outcome = Outcome()
    bad = {"one": Refused(Refusal("identity.too_large", {})), "two": KeyError("x")}

    def look(state: State, outcome: Outcome, trigger: str, _now: Moment) -> None:
        state.put("looked", trigger, 1)
        outcome.made.append(Made("case", trigger, {}))
        if trigger in bad:
            raise bad[trigger]

    monkeypatch.setattr(rounds, "due", lambda *_: iter(("one", "good", "two", "other")))
    monkeypatch.setattr(settling, "look", look)
    with MemoryStore().reading() as reading:
        state = State(reading)
        settling.ripen(state, outcome, Moment(1, 1, RULES, "time"))
        assert [key for key, _ in state.range("looked", "")] == ["good", "other"]
    assert [made.id for made in outcome.made] == ["good", "other"]
