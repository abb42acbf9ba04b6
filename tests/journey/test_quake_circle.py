"""A cover by distance, listed and paid end to end on the record: a made-up book around Yangbi."""

from __future__ import annotations

import pytest

from miaopei.adapters.kernels import Kernels
from miaopei.claims.verify import verify
from miaopei.errors import Refused
from miaopei.measures.money import yuan
from miaopei.measures.place import latitude, longitude, unit_vector
from miaopei.node.proof.receipts import Collector
from miaopei.products.quake_circle import PRODUCT
from miaopei.terms.exact import settle
from tests.support.facts import quake
from tests.support.rails import PaperBank
from tests.support.town import CARRIERS, ONE_CARRIER, Town

EPICENTRE = ("25.70", "99.88", "云南漾濞")  # M 6.4: 40, 25, 10 and 0 percent by ring
# Where, the sum insured in yuan, and the share that is owed; distances in the note.
BOOK = (
    ("25.70", "99.88", 500_000, 40),  # at the epicentre
    ("25.90", "99.88", 1_000_000, 40),  # 22 km
    ("26.00", "99.88", 333_333, 25),  # 33 km
    ("26.40", "99.88", 200_000, 10),  # 78 km
    ("27.20", "99.88", 900_000, 0),  # 167 km: in reach, nothing at this magnitude
    ("39.90", "116.40", 5_000_000, 0),  # Beijing
)


def declared(lat: str, lon: str, insured: int) -> dict[str, int]:
    x, y, z = unit_vector(latitude(lat), longitude(lon))
    return {"place_x": x, "place_y": y, "place_z": z, "sum_insured": yuan(insured)}


def town() -> tuple[Town, list[str]]:
    """Listed by one carrier, a policy for each row of the book; no area is filed."""
    town = Town(rail=PaperBank()).set_up(areas=())
    book = town.list_product(PRODUCT, placement=ONE_CARRIER)
    town.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    rows = [town.policy(book, **declared(*where[:3])) for where in BOOK]
    town.issue(rows)
    return town, [row.policy for row in rows]


def test_each_policy_is_paid_by_its_distance_and_no_more_in_a_year() -> None:
    there, policies = town()
    there.at("2021-05-21 22:00:00")
    there.tell(quake("2021-05-21 21:48:35", "6.4", EPICENTRE))
    there.work()
    owed = {p: yuan(where[2]) * where[3] // 100 for p, where in zip(policies, BOOK, strict=True)}
    (settlement,) = there.settlements(PRODUCT.id)
    claims = {c.policy: c.pay_fen for c in there.claims(settlement["trigger"])}
    assert claims == {policy: fen for policy, fen in owed.items() if fen}
    assert there.executed_fen() == sum(owed.values())
    there.balance()

    there.at("2021-09-01 12:00:00")  # a second one, stronger, in the same policy year
    there.tell(quake("2021-09-01 11:30:00", "7.6", EPICENTRE))
    there.work()
    second = there.settlements(PRODUCT.id)[1]
    claims = {c.policy: c for c in there.claims(second["trigger"])}
    assert claims[policies[0]].pay_fen == yuan(500_000) - owed[policies[0]]  # the sum insured
    assert claims[policies[0]].state == "cut"
    assert claims[policies[4]].pay_fen == yuan(900_000) * 30 // 100
    assert policies[5] not in claims


# Two shocks of one sequence, 45 km and half an hour apart. What each alone gives, in percent of a
# million yuan, at four places on the meridian of both; the greater of the two is owed.
SHOCKS = (
    quake("2021-05-21 21:48:35", "6.4", ("25.70", "99.88", "云南漾濞")),
    quake("2021-05-21 22:18:35", "6.5", ("26.10", "99.88", "云南洱源")),
)
ALONE = (("25.70", 40, 40), ("25.50", 40, 20), ("25.90", 40, 60), ("25.40", 25, 20))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["smaller-first", "larger-first"])
@pytest.mark.parametrize("at_once", [True, False], ids=["read-together", "one-by-one"])
def test_two_shocks_of_a_sequence_pay_the_same_in_any_order(
    order: tuple[int, int], at_once: bool
) -> None:
    there = Town(rail=PaperBank()).set_up(areas=())
    book = there.list_product(PRODUCT, placement=ONE_CARRIER)
    there.accounts({f"carrier/{carrier}": f"C-{carrier}" for carrier in CARRIERS})
    rows = [there.policy(book, **declared(lat, "99.88", 1_000_000)) for lat, *_ in ALONE]
    there.issue(rows)
    there.at("2021-05-21 23:00:00")
    for shock in order:
        there.tell(SHOCKS[shock])
        if not at_once:
            there.work()
        there.at(there.now + 60)
    there.work()
    paid = dict.fromkeys((row.policy for row in rows), 0)
    for settlement in there.settlements(PRODUCT.id):
        for claim in there.claims(settlement["trigger"]):
            paid[claim.policy] += claim.pay_fen
    assert list(paid.values()) == [yuan(10_000) * max(shares) for _, *shares in ALONE]
    assert there.executed_fen() == yuan(1_650_000)
    there.balance()


def test_its_receipts_can_be_checked_by_a_stranger() -> None:
    there, policies = town()
    there.at("2021-05-21 22:00:00")
    there.tell(quake("2021-05-21 21:48:35", "6.4", EPICENTRE))
    there.work()
    (settlement,) = there.settlements(PRODUCT.id)
    with there.node.reading() as (reading, _):
        collector = Collector(reading, there.me)
        paid = collector.payout(settlement["id"], policies[2])
        refused = [collector.policy_refusal(settlement["id"], p) for p in policies[4:]]
    for receipt in (paid, *refused):
        verdict = verify(receipt.to_bytes(), receipt.vkey)
        assert verdict.holds, verdict.failed
    far = verify(refused[1].to_bytes(), refused[1].vkey)
    assert not far.near  # no other magnitude would have paid in Beijing
    close = verify(refused[0].to_bytes(), refused[0].vkey)
    assert [note.facts["needed_en"] for note in close.near] == ["6.5"]


def test_a_place_that_is_none_is_refused_with_the_policy_named() -> None:
    there, _ = town()
    nowhere = declared(*BOOK[0][:3]) | {"place_z": 5}
    row = there.policy(PRODUCT.id, **nowhere)
    before = there.table("batch")
    there.issue([row])
    (batch,) = [b for name, b in there.table("batch").items() if name not in before]
    assert batch["first"] is None
    assert there.executed_fen() == 0


def test_the_kernel_says_the_same(tmp_path: pytest.TempPathFactory) -> None:
    """The book of the journey, thousandfold, by the compiled kernel and one by one."""
    import numpy as np

    kernels = Kernels(tmp_path)  # type: ignore[arg-type]  # a path
    terms = PRODUCT.versions[0].terms
    kernels.prepare(terms)
    x, y, z = unit_vector(latitude(EPICENTRE[0]), longitude(EPICENTRE[1]))
    seen = {"centre_x": x, "centre_y": y, "centre_z": z, "magnitude": 64}
    rows = [declared(*where[:3]) for where in BOOK] * 1_000
    columns = {name: np.array([row[name] for row in rows], dtype=np.int64) for name in rows[0]}
    none = np.zeros(len(rows), dtype=np.int64)
    amounts = kernels.settle_many(terms, "circle", seen, columns, none)
    for row, amount in zip(rows[:6], amounts[:6].tolist(), strict=True):
        assert settle(terms, "circle", seen, row, {"circle": 0}).amount_fen == amount
    assert amounts.reshape(-1, 6).std(axis=0).max() == 0
    columns["sum_insured"][7] = -1
    with pytest.raises(Refused):
        kernels.settle_many(terms, "circle", seen, columns, none)
