"""Every route of the OpenAPI schema, on a record with outages, an invoice and a dispute: no 5xx.

`test_schema` asks a record of earthquakes, `test_buying` one that sells; streams end here because
their server says that it is about to end. Ids are drawn from those that the record holds, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from miaopei import portal
from miaopei.node.proof.receipts import Collector
from tests.support import grid
from tests.support.portals import serving
from tests.support.town import CARRIERS, ONE_CARRIER, good
from tests.unit.metering.test_paying import JUNE, MAY, USERS, Paid

EXAMPLES = 6
WORD = re.compile(r'"([\w./-]{5,200})"')
# Of these the record holds one: with the right name of it they answer 200.
HELD = ("occurrences", "products", "settlements", "receipts", "why", "caused")
LATE = "2021-06-01 19:30:00"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A record on which an insurer was billed and contests, and a planned outage was paid."""
    paid = Paid("routes")
    town = paid.town
    invoice = paid.month(0, MAY, JUNE)
    assert paid.contest(invoice, USERS, paid.run(1)).ok
    paid.pay(invoice)
    grid.register(town)
    listing = town.list_product(grid.PRODUCT, placement=ONE_CARRIER)
    town.accounts({f"carrier/{CARRIERS[0]}": "C"})
    town.at("2021-05-01 00:00:00")
    grid.insure(town, listing, ["a", "b"])
    good(town.tell(grid.plan(town, ["a", "b", "c"]), at="2021-05-29 09:00:05"))
    back = dict.fromkeys(["a", "b", "c"], LATE)
    good(town.tell(grid.back(town, back), at="2021-06-01 19:40:00"))
    good(town.tell(grid.back(town, back, source=grid.METERS), at="2021-06-01 19:41:00"))
    town.work()
    asked = portal.Settings(
        receipts=lambda reading: Collector(reading, town.me),
        bank="sandbox",
        open_books=frozenset({paid.listing}),
    )
    application = portal.app(town.store, asked)
    application.state.over = lambda: True
    with serving(application) as found:
        yield found


def test_no_route_answers_any_request_with_a_fault_of_its_own(client: httpx.Client) -> None:
    schema = schemathesis.openapi.from_url(f"{client.base_url}/api/v1/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    told = {
        (method.upper(), path)
        for path, methods in client.get("/api/v1/openapi.json").json()["paths"].items()
        for method in methods
    }
    lists = [path for method, path in told if method == "GET" and "{" not in path]
    seen = "".join(client.get(path).text for path in sorted(lists))
    known = sorted(set(WORD.findall(seen)))
    assert len(known) > 50
    assert client.get("/api/v1/invoices").json()["items"]
    assert client.get("/api/v1/outages").json()["items"]
    asked, reached = set(), set()
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(
            case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
            | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
            drawn=st.lists(st.sampled_from(known), min_size=4, max_size=4),
            held=st.booleans(),
        )
        def keeps(case: schemathesis.Case, drawn: list[str], held: bool) -> None:
            left_out = [negative_data_rejection, positive_data_acceptance]
            if held and case.path_parameters:
                names = sorted(case.path_parameters)
                case.path_parameters.update(zip(names, drawn, strict=False))
            answer = case.call_and_validate(
                headers={"Accept": "application/json"}, excluded_checks=left_out
            )
            assert answer.status_code < 500
            asked.add((case.method.upper(), case.path))

        keeps()
        names = re.findall(r"{(\w+)}", operation.path)
        if operation.path.split("/")[3] in HELD and len(names) == 1:
            for word in known:
                answer = operation.Case(path_parameters={names[0]: word}).call()
                assert answer.status_code in (200, 400, 404), (operation.path, word)
                if answer.status_code == 200:
                    reached.add(operation.path)
    assert asked == told
    held = {path for _, path in told if path.split("/")[3] in HELD and "{" in path}
    assert len(held) >= 8
    assert held <= reached
    for case in client.get("/api/v1/cases").json()["items"]:
        path = "/".join(str(case[name]) for name in ("listing", "occurrence", "benefit"))
        assert client.get(f"/api/v1/cases/{path}").status_code == 200
