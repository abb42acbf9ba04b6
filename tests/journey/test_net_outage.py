"""The outage's day on six real members: each figure as on one member."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from miaopei.cli.net.plan import PARTS as FOUNDERS
from tests.support import nets
from tests.support.nets import Running

pytestmark = pytest.mark.timeout(1500)
PARTS = tuple(part.id for part in FOUNDERS)
TOWN = "200"  # customers in scope
OWN_FIGURES = ("seconds_trigger_to_accepted", "seconds_push_to_last_accepted")


@pytest.fixture(scope="module")
def six() -> Iterator[Running]:
    """All six parts."""
    with nets.running("outage", 6, "--replay") as made:
        yield made


@pytest.fixture(scope="module")
def day(six: Running) -> dict[str, Any]:
    """What the day told that was played on the net, each member doing its own part."""
    told: dict[str, Any] = nets.as_json(
        six.miaopei("demo", "outage", "--customers", TOWN, "--json")
    )
    return told


def test_o04_the_outage_pays_on_six_members_what_it_pays_on_one(
    six: Running, day: dict[str, Any], server: str, template: str, tmp_path: Path
) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(b"create database outage_solo template template0")
    here = ("--data", str(tmp_path / "solo"), "--dsn", make_conninfo(server, dbname="outage_solo"))
    alone = ("demo", "outage", "--once", "--customers", TOWN, "--json", "-", *here)
    solo = {k: v for k, v in nets.as_json(nets.miaopei(*alone)).items() if k not in OWN_FIGURES}
    assert {name: day[name] for name in solo} == solo
    assert day["payouts"] == day["insured_late_in_scope"] > 10
    assert day["notices"] == day["customers_in_scope"] == int(TOWN)
    assert 0 < day["executed_fen"] == day["payout_fen"]
    assert day["invoice_fen"] == day["recount_fen"] == day["invoice_paid_fen"] > 0
    assert set(PARTS) <= set(day["members"])
    assert set(day["members"].values()) == {day["root"]}
    again = six.miaopei("demo", "outage", "--lang", "en", check=False)
    assert (again.returncode, "Make a new one" in again.stderr) == (1, True)
