"""Of a recorded history the fetcher and the audit find the same blobs, and each that was named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from miaopei.acts.blobs import REFERENCE
from miaopei.acts.state import State
from miaopei.measures.identity import canonical
from miaopei.node.fetching.missing import named_in
from miaopei.node.proof.named.references import references

from .test_history import HISTORIES, SEATED, leaves_of


class Anything:
    """State in which all is known, of one listing: whom a blob is sealed for is not looked at."""

    def need(self, table: str, key: str) -> dict[str, Any]:
        entry = {"listing": "one", "trigger": "one", "kind": "refund"}
        return {**entry, "settlement": entry}


def written(value: Any) -> Iterator[str]:
    """The blobs that stand anywhere in an act: of an original the digest beside its null."""
    if isinstance(value, dict):
        if set(value) == REFERENCE:
            yield value["blob"]
        if "bytes_b64" in value and value["bytes_b64"] is None:
            yield value["sha256"]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from written(part)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: p.name)
def test_what_the_acts_name_is_fetched_and_looked_for(path: Any) -> None:
    leaves = leaves_of(path)
    values = [json.loads(leaf) for leaf in leaves]
    taken = [each for each in values if each["leaf"] == "act" and each["result"]["ok"]]
    state = cast(State, Anything())
    fetched = {each.blob for leaf in leaves for each in named_in(leaf, state)}
    assert fetched == {each.reference["blob"] for each in references(values)}
    assert fetched == {blob for each in taken for blob in written(each["act"])}
    assert fetched or path.name in SEATED, "of that one nothing is named"


def test_a_name_that_stands_deeper_is_found_by_both() -> None:
    """No kind of act has one today; where one comes, what is fetched is looked for too."""
    names = [f"{number:064x}" for number in range(3)]
    one, other, no_digest = (
        {"blob": name, "length": 1, "count": 1, "root": "", "media": "x"}
        for name in (*names[:2], "q" * 64)
    )
    body = {"parts": [{"uses": one}, {"bytes_b64": None, "part": "all", "sha256": names[2]}],
            "uses": other, "more": no_digest}  # fmt: skip
    act = {"kind": "log_uses", "by": "cloud", "body": body}
    value = {"leaf": "act", "act": act, "result": {"ok": True, "notes": []}}
    fetched = named_in(canonical(value), cast(State, Anything()))
    assert sorted(each.blob for each in fetched) == names
    assert sorted(each.reference["blob"] for each in references([value])) == names
