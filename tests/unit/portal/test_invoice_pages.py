"""The pages of invoices: lines open to their calls, sums are the record's, disputes are shown."""

from __future__ import annotations

import asyncio
import csv
from typing import Any

import httpx
import pytest
from lxml.html import HtmlElement, document_fromstring

from miaopei.portal.build import build
from miaopei.portal.settings import Settings
from tests.unit.metering.test_paying import JUNE, MAY, USERS, Paid


class Shown:
    """A town that pays invoices, and its pages."""

    def __init__(self) -> None:
        self.paid = Paid("pages")
        settings = Settings(receipts=lambda _: None, bank="sandbox")  # type: ignore[arg-type,return-value]
        self.app = build(self.paid.town.store, settings)

    def get(self, path: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                return await client.get(path)

        found = asyncio.run(asked())
        assert found.status_code == 200, path
        return found

    def page(self, path: str) -> HtmlElement:
        return document_fromstring(self.get(path).text)

    def only(self) -> dict[str, Any]:
        (found,) = self.get("/api/v1/invoices").json()["items"]
        return dict(found)


@pytest.fixture
def shown() -> Shown:
    return Shown()


def test_an_invoice_goes_from_open_to_held_to_paid(shown: Shown) -> None:
    assert shown.get("/api/v1/invoices").json()["items"] == []
    assert "还没有账单" in shown.get("/zh/invoices").text
    paid = shown.paid
    invoice = paid.month(0, MAY, JUNE)
    whole = 40 * 12 + 60 * 3 + 500_000
    assert (shown.only()["state"], shown.only()["left_fen"]) == ("open", whole)
    risk = 30 * 12 + 40 * 3
    assert paid.contest(invoice, USERS, paid.run(1)).ok
    paid.bank.silent = True
    paid.pay(invoice)
    assert (shown.only()["state"], shown.only()["held_fen"]) == ("held", risk)
    assert "not ours" in shown.get(f"/en/invoices/{invoice}").text
    assert paid.settle(f"{invoice}/001").ok
    paid.pay(invoice)
    assert (shown.only()["state"], shown.only()["paid_fen"]) == ("ordered", 0)
    paid.bank.silent = False
    assert paid.town.payer is not None
    paid.town.payer.run()
    assert (shown.only()["state"], shown.only()["paid_fen"]) == ("paid", whole)


def test_each_line_opens_to_its_calls_in_both_languages(shown: Shown) -> None:
    paid = shown.paid
    invoice = paid.month(0, MAY, JUNE)
    for language, item in (("zh", "数据调用，按户数"), ("en", "Data calls, by users")):
        page = shown.page(f"/{language}/invoices/{invoice}")
        opened = page.xpath("//details")
        assert len(opened) == 2, "rent has no calls"
        users = [int(cell.text_content()) for cell in opened[0].xpath(".//tbody/tr/td[5]")]
        assert sorted(users) == [10, 30]
        text = page.text_content()
        assert item in text
        assert "invoices." not in text
        assert f"/{language}/invoices/{invoice}" in shown.get(f"/{language}/invoices").text
        assert "/api/v1/invoices/csv" in page.xpath("//a/@href")
    rows = list(csv.DictReader(shown.get("/api/v1/invoices/csv").text.splitlines()))
    assert sum(int(row["amount_fen"]) for row in rows) == shown.only()["total_fen"]
