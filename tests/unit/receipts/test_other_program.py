"""Two programs, one specification: conformance/receipt (Go) and ours say the same of every receipt.

Good receipts of every kind; receipts of the forger who holds every key, down to the log's, so that
nothing is left but the reading of the contract; and each named forgery of test_verify_forged.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from miaopei.claims.receipt import Receipt
from miaopei.claims.verify import check_names
from miaopei.errors import Refused
from tests.unit.claims.forging import forged
from tests.unit.claims.test_verify_forged import FORGERIES, payout
from tests.unit.receipts.gathered import Held, gathered, put_off, quakes, signed_by, solo
from tests.unit.receipts.go_program import build, failed

DRAWN = 240


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("go"))


def test_good_receipts_of_every_kind_hold_in_both(program: Path, tmp_path: Path) -> None:
    names = {held.name.split(" ")[0] for held in gathered()}
    assert {"printed", "declared", "three", "outage", "dated", "consortium"} <= names
    assert {"house", "deaths"} <= names
    for held, found in zip(gathered(), failed(program, gathered(), tmp_path), strict=True):
        assert held.verdict().holds
        assert found == (), held.name


def test_named_forgeries_fail_in_both_by_the_same_checks(program: Path, tmp_path: Path) -> None:
    made = [solo(name, forged(payout("yunnan_dali"), FORGERIES[name][0])) for name in FORGERIES]
    for held, found in zip(made, failed(program, made, tmp_path), strict=True):
        assert set(found) == set(held.verdict().failed), held.name


def test_an_end_is_signed_in_both(program: Path, tmp_path: Path) -> None:
    assert put_off().verdict().failed == ("acts",)
    assert failed(program, [put_off()], tmp_path) == [("acts",)]


def test_exactly_two_thirds_of_the_votes_are_too_few_in_both(program: Path, tmp_path: Path) -> None:
    """Four of six; five are enough."""
    held = [signed_by(4), signed_by(5)]
    assert [each.verdict().failed for each in held] == [("certificate",), ()]
    assert failed(program, held, tmp_path) == [("certificate",), ()]


def test_a_forger_with_every_key_is_judged_alike(program: Path, tmp_path: Path) -> None:
    """Each verdict is the same; where it is no, a check that fails in one fails in the other."""
    made = list(drawn(DRAWN, seed=7))
    verdicts = [held.verdict() for held in made]
    told = failed(program, made, tmp_path)
    for held, verdict, found in zip(made, verdicts, told, strict=True):
        assert verdict.holds == (not found), (held.name, verdict.failed, found)
        assert verdict.holds or set(found) & set(verdict.failed), (held.name, verdict.failed, found)
    alike = sum(set(v.failed) == set(f) for v, f in zip(verdicts, told, strict=True))
    assert alike >= 0.97 * DRAWN  # the rest: one more check that could not be made
    assert DRAWN // 10 < sum(v.holds for v in verdicts) < DRAWN  # a forged log can be sound
    assert {name for v in verdicts for name in v.failed} > {"amount", "facts", "claim", "decisions"}


def test_nothing_of_a_receipt_vouches_for_itself(program: Path, tmp_path: Path) -> None:
    held = gathered()[0]
    bare = Held(held.name, held.data)
    assert failed(program, [bare], tmp_path) == [("log_key", "checkpoint", "genesis")]
    assert bare.verdict().failed == ("log_key",)  # ours tries the key inside, and says so


def test_every_check_of_the_specification_is_in_the_program() -> None:
    source = (Path(__file__).parents[3] / "conformance/receipt/main.go").read_text()
    kinds = {quakes()["printed 0"].kind, quakes()["house outside_area"].kind}
    names = {name for kind in kinds for name in check_names(kind)} | {"genesis_file", "certificate"}
    assert {name for name in names if f'"{name}"' not in source} == set()


# The forger ---------------------------------------------------------------------------------------


@cache
def _single() -> list[tuple[str, Receipt]]:
    """Receipts whose book has one claim, which is what the forger knows how to make again."""
    found = []
    for name, receipt in quakes().items():
        if receipt.claim is None or receipt.claim.count == 1:
            found.append((name, receipt))
    return found


def drawn(count: int, seed: int) -> Iterator[Held]:
    """Receipts after one or two changes, all else made to fit, or the change left as it is."""
    draw, made = random.Random(seed), 0
    while made < count:
        name, receipt = draw.choice(_single())
        said: list[str] = []

        def change(value: Any, said: list[str] = said) -> None:
            said.extend(_change(value, draw) for _ in range(draw.choice((1, 1, 1, 2))))

        late: Callable[[Any], object] = draw.choice((change, lambda _: None))
        early = change if late is not change else (lambda _: None)
        try:
            receipt = forged(receipt, early, late)
        except (Refused, LookupError, TypeError, ValueError, AttributeError, AssertionError):
            continue  # what was changed is needed to make the rest
        made += 1
        yield solo(f"{name}: {said}", receipt)


def _change(value: Any, draw: random.Random) -> str:
    """One value somewhere in one part, the parts being equally likely."""
    found = [
        place for place in _places(value, ()) if len(place) > (4 if place[0] == "leaves" else 1)
    ]
    parts = sorted({str(place[1]) if place[0] == "leaves" else place[0] for place in found})
    part = draw.choice([p for p in parts if p not in ("checkpoint", "receipt", "sig", "v", "vkey")])
    where = draw.choice([p for p in found if part in (p[0], p[1])])
    holder = value
    for step in where[:-1]:
        holder = holder[step]
    last, old = where[-1], holder[where[-1]]
    if draw.random() < 0.15:
        del holder[last]
        return f"{where} left out"
    if draw.random() < 0.2:
        holder[last] = draw.choice((None, 0, -1, 10**6, 2**53 - 1, "", "0", "f" * 64, [], {}))
        return f"{where} is {holder[last]!r}"
    holder[last] = _near(old, draw)
    return f"{where} near"


def _near(old: Any, draw: random.Random) -> Any:
    match old:
        case bool():
            return not old
        case int():
            return old + draw.choice((1, -1, 60, 3_600, 86_400, -86_400, 10**6))
        case str() if old:
            at = draw.randrange(len(old))
            return old[:at] + draw.choice("0a1f9zZ云 +") + old[at + 1 :]
        case list():
            return draw.choice((old[1:], old[::-1], old + old[:1]))
        case dict():
            return {**old, "more": 1}
        case _:
            return draw.choice((0, 1, "x", [], {}))


def _places(value: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value[:4]))
    for name, item in inner:
        yield (*at, name)
        yield from _places(item, (*at, name))


def test_the_drawn_changes_are_real() -> None:
    first = next(drawn(1, seed=3))
    assert json.loads(first.data)
    assert first.data not in {held.data for held in gathered()}
