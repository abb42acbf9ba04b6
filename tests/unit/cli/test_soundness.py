"""What `audit` and `rebuild` see in a record in memory: nothing, or the place that differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from miaopei.adapters.memory_store import MemoryStore
from miaopei.cli.demo import history
from miaopei.cli.place import log_vkey
from miaopei.cli.proof import auditing
from miaopei.errors import Refusal
from miaopei.errors.texts import Language, say
from miaopei.ledger.audit import examine
from miaopei.measures.identity import canonical
from miaopei.measures.instant import from_beijing
from miaopei.node import scheme
from miaopei.node.node import genesis_value
from miaopei.node.ports import Identity
from miaopei.node.proof.inspect import inspect
from miaopei.node.proof.rebuild import rebuild
from miaopei.node.proof.stored import log_files
from miaopei.node.replay import replay
from miaopei.products.shelf import shelf
from miaopei.wiring import Member, in_memory


@pytest.fixture(scope="module")
def member() -> Member:
    """Two quakes that paid, up to 2016."""
    identity = Identity(
        "miaopei",
        Ed25519PrivateKey.generate(),
        Ed25519PrivateKey.generate(),
        X25519PrivateKey.generate(),
    )
    made = in_memory(identity)
    value = genesis_value(
        "test", identity, clock="replay", time=from_beijing("2015-01-01"),
        origin="miaopei.invalid/test", member_name={"zh": "测试", "en": "test"},
    )  # fmt: skip
    made.node.found(value)
    scheme.apply(made.node, scheme.load("yunnan"), shelf())
    made.work()
    end = from_beijing("2016-06-01")
    coming = [
        arrival
        for arrival in history.arrivals(history.shipped_readings())
        if arrival.at <= end and arrival.row.observation.values.get("magnitude_tenths", 50) >= 45
    ]
    for _ in replay(made.node, coming, end, made.work):
        pass
    return made


@dataclass
class Spoilt:
    """A snapshot that answers as it should but for one method."""

    reading: Any
    method: str
    change: Callable[..., Any]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.reading, name)
        if name != self.method:
            return found
        return lambda *given: self.change(found, *given)


@contextmanager
def spoilt(member: Member, method: str, change: Callable[..., Any]) -> Iterator[Any]:
    with member.node.store.reading() as reading:
        yield Spoilt(reading, method, change)


def flipped(data: bytes, at: int = -7) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def test_a_sound_record_shows_nothing(member: Member) -> None:
    with member.node.store.reading() as reading:
        assert list(inspect(reading, member.node)) == []
        seen = rebuild(reading, MemoryStore())
        assert seen.same
        assert seen.leaves == reading.head().size
        outcome = examine(log_files(reading), log_vkey(member))
    assert outcome.signed
    assert outcome.findings == ()


def test_rebuilding_knows_the_field_that_a_leaf_differs_in(member: Member) -> None:
    def change(leaves: Any, start: int, end: int) -> Iterator[bytes]:
        for position, leaf in enumerate(leaves(start, end), start):
            value = json.loads(leaf)
            if value["leaf"] == "made" and value["what"] == "settlement":
                value["value"]["totals"]["pay_fen"] += 1
                places.append(position)
            yield canonical(value)

    places: list[int] = []
    with spoilt(member, "leaves", change) as reading:
        seen = rebuild(reading, MemoryStore())
    (refusal,) = seen.differences
    assert refusal.code == "rebuild.leaf_differs"
    assert refusal.facts["position"] == places[0]
    assert refusal.facts["field"] == "$.value.totals.pay_fen"
    assert str(places[0]) in say(refusal, "zh")


@pytest.mark.parametrize("at", [0, 40, 200, -2])
def test_a_flipped_bit_in_any_leaf_is_told_with_its_position(member: Member, at: int) -> None:
    with member.node.store.reading() as reading:
        size = reading.head().size
    for wanted in (0, 5, size // 2, size - 1):

        def change(leaves: Any, start: int, end: int, wanted: int = wanted) -> Iterator[bytes]:
            for position, leaf in enumerate(leaves(start, end), start):
                yield flipped(leaf, at % len(leaf)) if position == wanted else leaf

        with spoilt(member, "leaves", change) as reading:
            findings = examine(log_files(reading), log_vkey(member)).findings
            assert any(finding.position == wanted for finding in findings)
            assert not rebuild(reading, MemoryStore()).same


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("rebuild.row_differs", lambda rows: [(rows[0][0], flipped(rows[0][1])), *rows[1:]]),
        ("rebuild.row_lacking", lambda rows: rows[1:]),
        ("rebuild.row_too_many", lambda rows: [*rows, ("zz", b"1")]),
    ],
)
def test_state_that_no_act_made_is_told_by_table_and_key(
    member: Member, code: str, change: Callable[[Any], Any]
) -> None:
    def range_(found: Any, table: str, first: str, *more: Any) -> Any:
        rows = list(found(table, first, *more))
        return iter(change(rows) if table == "settlement" else rows)

    with spoilt(member, "range", range_) as reading:
        seen = rebuild(reading, MemoryStore())
    (refusal,) = seen.differences
    assert refusal.code == code
    assert refusal.facts["table"] == "settlement"


@pytest.mark.parametrize(
    ("method", "change", "code"),
    [
        ("nodes", lambda f, *at: [flipped(n) for n in f(*at)], "node_altered"),
        ("places", lambda f, names: {}, "place_altered"),
        ("blob", lambda f, name: flipped(f(name)), "blob_sealed"),
        ("wrapped", lambda f, name, reader: flipped(f(name, reader)), "blob_sealed"),
        ("blobs", lambda f: iter(()), "blob_missing"),
        ("blobs", lambda f: ((n, flipped(d)) for n, d in f()), "blob_altered"),
        ("rows", lambda f, book, size: [], "row_altered"),
        ("claims", lambda f, trigger: [{**c, "pay_fen": 1} for c in f(trigger)], "claim_altered"),
        ("claims", lambda f, trigger: [], "claim_altered"),
    ],
)
def test_what_lies_beside_the_log_is_told_when_it_differs(
    member: Member, method: str, change: Callable[..., Any], code: str
) -> None:
    with spoilt(member, method, change) as reading:
        found = list(inspect(reading, member.node))
    assert f"inspect.{code}" in {refusal.code for refusal in found}
    assert all("?" not in say(refusal, "zh") for refusal in found)


@pytest.mark.parametrize(
    ("language", "last", "never"),
    [
        ("en", "Not all here yet: 1 things are being asked", ("Sound:", "Damaged")),
        ("zh", "尚未齐全：1 处内容还在向其他成员索取", ("完好", "有损坏")),
    ],
)
def test_what_is_asked_of_the_others_is_told_apart_and_gives_a_status_of_its_own(
    member: Member,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: Language,
    last: str,
    never: tuple[str, ...],
) -> None:
    waits = Refusal("inspect.waits_orders", {"debt": "d" * 64, "why": "a blob"})
    monkeypatch.setattr(auditing, "stages", lambda *_: {"beside": lambda: [waits]})
    keys: Any = SimpleNamespace(store=member.node.store, identity=member.node.identity, vkey="")
    assert auditing.audit_of(keys, None, {}, as_json=False, language=language) == 1
    said = capsys.readouterr().out
    assert last in said
    assert say(waits, language) in said
    assert not [each for each in never if each in said]
    assert auditing.audit_of(keys, None, {}, as_json=True, language=language) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["sound"], told["findings"]) == (False, [])
    assert [each["code"] for each in told["waiting"]] == ["inspect.waits_orders"]
