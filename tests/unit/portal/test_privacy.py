"""Nothing of a person, an account or a closed book is shown to anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from miaopei.portal.views.desk import Desk
from miaopei.portal.views.lineage import OpenTrail

from .conftest import Played


@pytest.fixture(scope="module")
def closed(played: Played) -> Iterator[httpx.Client]:
    """The same record with no book open to everybody."""
    with played.served(is_open=False) as found:
        yield found


def private(played: Played) -> set[str]:
    """Policy numbers, payouts and bank references of this record."""
    found = set()
    with played.node.reading() as (reading, state):
        for id, entry in state.range("settlement", ""):
            for row in reading.instructions(id):
                found |= {row["payout"], row["policy"], row["ref"]}
            found |= {claim["salt"] for claim in reading.claims(entry["settlement"]["trigger"])}
    return found


def shown(client: httpx.Client, played: Played) -> Iterator[tuple[str, str]]:
    """Every page and answer that could speak of payments."""
    with played.node.reading() as (_, state):
        settlements = [key for key, _ in state.range("settlement", "")]
        cases = [key for key, value in state.range("case", "") if value["settlement"]]
    paths = ["/zh/", "/en/receipts", "/en/accounts", "/api/v1/accounts", "/api/v1/settlements"]
    paths += ["/api/v1/receipts?limit=200", "/api/v1/cases?limit=200"]
    for id in settlements:
        paths += [f"/api/v1/settlements/{id}", f"/api/v1/settlements/{id}/payouts"]
        paths += [f"/api/v1/caused/{id}"]
    paths += [f"/en/cases/{key}" for key in cases]
    for path in paths:
        yield path, client.get(path).text


def test_a_closed_book_shows_totals_only(closed: httpx.Client, played: Played) -> None:
    secrets = private(played)
    assert len(secrets) > 60
    for path, text in shown(closed, played):
        told = {secret for secret in secrets if secret in text or secret[:16] in text}
        assert not told, (path, told)
    case = next(t for p, t in shown(closed, played) if p.startswith("/en/cases/"))
    assert "only totals are shown" in case


def test_receipts_and_payouts_of_a_closed_book_are_not_given_out(
    closed: httpx.Client, client: httpx.Client
) -> None:
    open_names = client.get("/api/v1/receipts?limit=200").json()["items"]
    paid = [item["name"] for item in open_names if item["state"] == "settled"]
    assert paid
    for name in paid:
        assert closed.get(f"/api/v1/receipts/{name}").status_code == 404
        assert closed.get(f"/en/receipts/{name}").status_code == 404
    id = client.get("/api/v1/settlements").json()["items"][0]["settlement"]
    payout = client.get(f"/api/v1/settlements/{id}/payouts").json()["items"][0]["id"]
    assert closed.get(f"/api/v1/why/{payout}").status_code == 404


def test_the_story_of_a_settlement_is_told_without_its_rows(
    closed: httpx.Client, client: httpx.Client
) -> None:
    id = client.get("/api/v1/settlements").json()["items"][0]["settlement"]
    answer = closed.get(f"/en/why/{id}")
    assert answer.status_code in (200, 404)
    assert answer.status_code == 200 or "not public" in answer.text


@pytest.mark.parametrize(
    ("subjects", "is_open", "whole"),
    [
        ((None, None), True, True),
        ((None, "person"), True, False),
        (("person", "person"), True, False),
        ((None, None), False, False),
    ],
)
def test_sums_of_payouts_are_told_only_where_every_payout_is(
    subjects: tuple[str | None, ...], is_open: bool, whole: bool
) -> None:
    """What a person is paid is told to nobody: the rest is then no "paid 0" of the whole."""
    kept = [{"policy": str(number)} for number in range(len(subjects))]
    held = [
        SimpleNamespace(row=SimpleNamespace(policy=str(number), subject=subject))
        for number, subject in enumerate(subjects)
    ]
    values = {
        ("settlement", "debt"): {"settlement": {"trigger": "why"}},
        ("trigger", "why"): {"book": "town", "book_size": 2},
        ("payment", "debt"): {"due_fen": 2},
    }
    at = cast(Callable[..., Any], lambda table, key: values[table, key])
    reading = SimpleNamespace(
        rows=lambda *_: held, claims=lambda _: kept, instructions=lambda _: kept
    )
    desk = SimpleNamespace(
        state=SimpleNamespace(get=at, need=at),
        reading=reading,
        settings=SimpleNamespace(open_books={"town"} if is_open else set()),
    )
    assert OpenTrail(cast(Desk, desk)).pays("debt") is whole


def test_no_account_and_no_name_of_a_payee_is_shown(client: httpx.Client, played: Played) -> None:
    for path, text in shown(client, played):
        assert not re.search(r"6[12]00-", text), path
        assert "a carrier" not in text, path
