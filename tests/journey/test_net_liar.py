"""The carrier's software pays less than the terms say: outvoted, and named with both traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import nets
from tests.support.nets import Running

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
UNTIL, RIGHT = "2015-11-10", 753_760_000


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Insurer, government cloud, regulator and notary; the insurer is the carrier and pays."""
    with nets.running("liar", 4, "--replay") as made:
        yield made


def test_a_wrong_carrier_is_outvoted_at_once_and_named_in_status(four: Running) -> None:
    four.miaopei("lie", "insurer", "--amounts")
    rows = nets.as_json(four.miaopei("demo", "--until", UNTIL, "--json"))
    assert [row["payout_fen"] for row in rows if row["payout_fen"]] == [RIGHT]

    def shown(standing: nets.Standing) -> bool:
        return any(len(one["shown"]) == 2 for one in standing.differences)

    standing = four.until(shown)
    named = [(one["member"], one["settlement"] is not None) for one in standing.differences]
    assert set(named) == {("insurer", True)}
    (both,) = [one["shown"] for one in standing.differences if len(one["shown"]) == 2]
    wrong, right = both["insurer"]["opened"], both[next(iter(set(both) - {"insurer"}))]["opened"]
    assert right["amount_fen"] == RIGHT
    assert RIGHT * 98 // 100 < wrong["amount_fen"] < RIGHT  # rounded as the terms say
    assert wrong["trace"] != right["trace"]
    said = four.miaopei("status", "--lang", "en").stdout
    assert "insurer decided otherwise than" in said
    assert str(RIGHT) in said
    assert standing.goes_on
