"""The OpenAPI schema, and the API held to it by schemathesis for a bounded number of examples."""

from __future__ import annotations

import warnings

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from .conftest import Played

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own dependencies, at import
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

EXAMPLES = 12


@pytest.fixture(scope="module")
def schema(client: httpx.Client) -> schemathesis.BaseSchema:
    """The schema that the running server gives."""
    return schemathesis.openapi.from_url(f"{client.base_url}/api/v1/openapi.json")


def test_the_api_keeps_to_its_schema(schema: schemathesis.BaseSchema) -> None:
    """Each operation, with whatever its own schema allows and what it does not."""
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [each for each in operations if each.path != "/api/v1/outages/events"]  # no end
    assert len(operations) >= 18
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(
            case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
            | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        )
        def keeps(case: schemathesis.Case) -> None:
            # Whatever is not a receipt is answered with a verdict that does not hold.
            left_out = [negative_data_rejection] if case.path == "/api/v1/verify" else []
            left_out += [positive_data_acceptance] if case.method == "POST" else []
            case.call_and_validate(headers={"Accept": "application/json"}, excluded_checks=left_out)

        keeps()


def test_the_schema_is_openapi_3_1_and_tells_everything(client: httpx.Client) -> None:
    body = client.get("/api/v1/openapi.json").json()
    assert body["openapi"].startswith("3.1")
    assert len(body["paths"]) >= 18
    for path, operations in body["paths"].items():
        assert path.startswith("/api/v1/")
        for method, operation in operations.items():
            assert operation["description"], path
            assert method in ("get", "post")
            if (told := operation["responses"].get("422")) is not None:  # a key used again
                assert path.endswith(("/applications", "/transactions", "/account")), path
                assert list(told["content"]) == ["application/problem+json"]
            for code in ("500", "503"):
                content = operation["responses"][code]["content"]
                assert list(content) == ["application/problem+json"], path
            for part in operation.get("parameters", ()):
                assert part["description"], (path, part["name"])
    problem = body["components"]["schemas"]["Problem"]["properties"]
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)


def test_the_schema_is_the_same_for_every_record(played: Played, waiting: Played) -> None:
    with played.served() as one, waiting.served() as other:
        found = [c.get("/api/v1/openapi.json").json() for c in (one, other)]
    assert found[0] == found[1]
