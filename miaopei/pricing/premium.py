"""From the pure premium to the price: loadings as data, every step shown, integers all the way.

Loadings on the pure premium and on the deviation are added; those on the price itself are found by
dividing by what they leave of it, and divided among themselves by largest remainder, so that the
parts add up to the price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..errors import Refusal, Refused
from ..measures.money import Rounding, divide, divide_fairly
from ..terms.filing import Text

WHOLE = 1_000_000  # parts per million


class Of(StrEnum):
    """What a loading is a share of."""

    PURE = "pure"
    DEVIATION = "deviation"
    PRICE = "price"
    FIXED = "fixed"  # an amount in fen


@dataclass(frozen=True)
class Loading:
    """One loading: parts per million of what it rests on, or fen where it is fixed."""

    id: str
    name: Text
    of: Of
    value: int
    source: Text


@dataclass(frozen=True)
class Step:
    """One line of the calculation: base x ppm / 1,000,000, rounded as named."""

    id: str
    name: Text
    of: str
    base_fen: int
    ppm: int | None
    amount_fen: int
    rounding: str
    source: Text

    def as_json(self) -> dict[str, Any]:
        """Integers, and text in both languages."""
        return {**vars(self), "name": self.name.as_json(), "source": self.source.as_json()}


@dataclass(frozen=True)
class Premium:
    """The price and the steps that lead to it; the steps' amounts add up to it."""

    pure_fen: int
    price_fen: int
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """Integers, and text in both languages."""
        return {
            "pure_fen": self.pure_fen,
            "price_fen": self.price_fen,
            "steps": [step.as_json() for step in self.steps],
        }


PURE_NAME = Text("纯保费", "pure premium")
PURE_SOURCE = Text("年均赔款，四舍五入到分", "the mean of a year, half up to the fen")


def premium(pure_fen: int, deviation_fen: int, loadings: Sequence[Loading]) -> Premium:
    """The price of a year's cover.

    Errors   Refused pricing.loading_too_high where loadings on the price leave nothing of it.
    """
    half_up = str(Rounding.HALF_UP)
    steps = [Step("pure", PURE_NAME, "mean", pure_fen, None, pure_fen, half_up, PURE_SOURCE)]
    bases = {Of.PURE: pure_fen, Of.DEVIATION: deviation_fen}
    for each in (loading for loading in loadings if loading.of is not Of.PRICE):
        base = bases.get(each.of, each.value)
        fixed = each.of is Of.FIXED
        amount = each.value if fixed else divide(base * each.value, WHOLE, Rounding.HALF_UP)
        ppm = None if fixed else each.value
        way = "none" if fixed else half_up
        steps.append(Step(each.id, each.name, each.of, base, ppm, amount, way, each.source))
    net = sum(step.amount_fen for step in steps)
    on_price = [loading for loading in loadings if loading.of is Of.PRICE]
    share = sum(loading.value for loading in on_price)
    if share >= WHOLE:
        raise Refused(Refusal("pricing.loading_too_high", {"ppm": share, "limit": WHOLE - 1}))
    price = divide(net * WHOLE, WHOLE - share, Rounding.HALF_UP)
    if share:
        parts = divide_fairly(price - net, [loading.value for loading in on_price])
        for each, part in zip(on_price, parts, strict=True):
            way = "largest_remainder"
            steps.append(Step(each.id, each.name, each.of, price, each.value, part, way,
                              each.source))  # fmt: skip
    return Premium(pure_fen, price, tuple(steps))


def loadings_from(value: object) -> tuple[Loading, ...]:
    """Loadings from data: a list of {id, name, of, ppm or fen, source}.

    Errors   Refused pricing.bad_plan naming the loading.
    """
    if not isinstance(value, list):
        raise _bad("loadings")
    found = [_loading(each, f"loadings[{number}]") for number, each in enumerate(value)]
    if len({loading.id for loading in found}) != len(found):
        raise _bad("loadings.id")
    return tuple(found)


def _loading(value: Any, at: str) -> Loading:
    if not isinstance(value, Mapping) or value.get("of") not in set(Of):
        raise _bad(f"{at}.of")
    of = Of(value["of"])
    unit = "fen" if of is Of.FIXED else "ppm"
    if set(value) != {"id", "name", "of", unit, "source"}:
        raise _bad(at)
    amount = value[unit]
    if type(amount) is not int or not 0 <= amount <= (10**15 if of is Of.FIXED else 10 * WHOLE):
        raise _bad(f"{at}.{unit}")
    if not isinstance(value["id"], str) or not value["id"]:
        raise _bad(f"{at}.id")
    name, source = (text_of(value[part], f"{at}.{part}") for part in ("name", "source"))
    return Loading(value["id"], name, of, amount, source)


def text_of(value: Any, at: str) -> Text:
    """{zh, en} as a text. Errors   Refused pricing.bad_plan."""
    if not isinstance(value, Mapping) or set(value) != {"zh", "en"}:
        raise _bad(at)
    if not all(isinstance(said, str) and said for said in value.values()):
        raise _bad(at)
    return Text(value["zh"], value["en"])


def _bad(at: str) -> Refused:
    return Refused(Refusal("pricing.bad_plan", {"at": at}))
