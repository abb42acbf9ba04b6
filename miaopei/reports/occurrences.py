"""An occurrence as people see it: its main shock, its role for a product, the loss it brought.

Reads the shared state through the port `Records` and asks `evidence` again where a case stopped
before it needed a fact, so that a register can show what a payout did not rest on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..evidence.area import AreaSet
from ..evidence.findings import Found, Gathered, find
from ..evidence.grouping import Fact, Occurrence, nearby
from ..evidence.kinds import ATTACHED, EARTHQUAKE, GROUPED, SHOCK
from ..terms.filing import InputRule, Product

LOSS, ROLE = "loss.area", "shock.role"


class Records(Protocol):
    """The shared state, to read: tables of keys and JSON values."""

    def get(self, table: str, key: str) -> Any | None:
        """The value at a key, or None."""

    def need(self, table: str, key: str) -> Any:
        """The value at a key that must be there."""

    def range(self, table: str, prefix: str) -> Iterator[tuple[str, Any]]:
        """All keys that begin with `prefix`, in byte order."""

    def between(self, table: str, first: str, last: str) -> Iterator[tuple[str, Any]]:
        """Keys from `first` (inclusive) to `last` (exclusive), in byte order."""


@dataclass(frozen=True)
class Scene:
    """One occurrence for one product: main shock as far as it is known, and all facts near it.

    `main` are the values of the main shock, or of the founding reading where it is none of shocks;
    `magnitude` is then None.
    """

    product: Product
    occurrence: Occurrence
    main: Mapping[str, Any]
    magnitude: int | None
    context: Gathered
    now: int
    found: dict[str, int | None] = field(default_factory=dict)

    @property
    def tenths(self) -> int:
        """The main shock's magnitude; only a sequence of shocks is asked for it."""
        assert self.magnitude is not None, "an occurrence of readings has no magnitude"
        return self.magnitude

    def measured(self, measure: str) -> int | None:
        """What the facts on file say for a measure today, whether a case needed it or not."""
        if measure not in self.found:
            rule = next((r for r in self.product.inputs if r.measure == measure), None)
            self.found[measure] = None if rule is None else self._ask(rule)
        return self.found[measure]

    def _ask(self, rule: InputRule) -> int | None:
        product, occurrence = self.product, self.occurrence
        answer = find(rule.as_json(), occurrence, product.area, self.context, self.now, {})
        return answer.value if isinstance(answer, Found) else None


class Scenes:
    """Makes scenes of one record at one moment; areas and products are read once."""

    def __init__(self, records: Records, now: int) -> None:
        self.records, self.now = records, now
        self._areas = tuple(AreaSet.from_json(value) for _, value in records.range("area", ""))
        self._products: dict[str, Product] = {}

    def of(self, case: Mapping[str, Any]) -> Scene | None:
        """What a case is about; None where an earlier sequence has taken its shocks."""
        stored = self.records.get("occurrence", case["at"])
        if stored is None:
            return None
        occurrence = Occurrence.from_json(stored)
        entry = self.records.need("listing", case["listing"])
        product = self.product(entry["product"])
        context = self._gathered(entry["rule"], product.grouping, occurrence)
        main, magnitude = _main(occurrence, context, case)
        return Scene(product, occurrence, main, magnitude, context, self.now)

    def listed(self, listing: str) -> Product:
        """The product of a listing."""
        return self.product(self.records.need("listing", listing)["product"])

    def product(self, hash: str) -> Product:
        """A filed product."""
        if hash not in self._products:
            filed = self.records.need("product", hash)["product"]
            self._products[hash] = Product.from_json(filed)
        return self._products[hash]

    def _gathered(
        self, rule_id: str, grouping: Mapping[str, Any], occurrence: Occurrence
    ) -> Gathered:
        """The facts, areas and neighbours that findings may look at."""
        low, high = nearby(grouping, occurrence)
        keys: list[str] = []
        for kind in (*GROUPED, *ATTACHED):
            span = self.records.between("seen", f"{kind}/{low:012d}", f"{kind}/{high:012d}")
            keys += [key.rpartition("/")[2] for key, _ in span]
        first, last = f"{rule_id}/{low:012d}", f"{rule_id}/{high:012d}"
        near = self.records.between("occurrence", first, last)
        return Gathered(
            on_file=[Fact.on_file(self.records.need("observation", key)) for key in keys],
            areas=self._areas,
            grouping=grouping,
            occurrences=tuple(Occurrence.from_json(value) for _, value in near),
        )


def place_of(seen: Scene, case: Mapping[str, Any]) -> int | None:
    """0 outside, 1 own area, 2 surrounding; None while it is not decided."""
    fact = _fact_of(seen.product, case, ROLE)
    return seen.measured(ROLE) if fact is None else int(fact["value"])


def own_loss(seen: Scene, case: Mapping[str, Any]) -> int | None:
    """The own area's assessed loss in 0.1 万元: the trigger's, else that of a report on file."""
    fact = _fact_of(seen.product, case, LOSS)
    return seen.measured(LOSS) if fact is None else int(fact["value"])


def smaller(records: Records) -> dict[str, int]:
    """Shocks on file that open no occurrence, counted by the reason; each observation once."""
    rules = [rule for _, rule in records.range("rule", "") if "threshold_tenths" in rule]
    if not rules:
        return {}
    least = min(rule["threshold_tenths"] for rule in rules)
    types = {name for rule in rules for name in rule.get("counted_types", ())}
    occurrences = [value["shocks"] for _, value in records.range("occurrence", "")]
    inside = {each for shocks in occurrences for shock in shocks for each in shock}
    counts: Counter[str] = Counter()
    for id, entry in records.range("observation", ""):
        observation = entry["observation"]
        if observation["kind"] != SHOCK:
            continue
        values = observation["values"]
        if not entry["counted"]:
            counts["source_not_counted"] += 1
        elif id in inside:
            counts["within_a_sequence"] += 1
        elif values["event_type"] != EARTHQUAKE:
            counts["not_an_earthquake"] += 1
        elif values["magnitude_type"] not in types:
            counts["magnitude_type_not_counted"] += 1
        elif values["magnitude_tenths"] < least:
            counts["below_threshold"] += 1
    return dict(sorted(counts.items()))


def _fact_of(product: Product, case: Mapping[str, Any], measure: str) -> Mapping[str, Any] | None:
    names = [rule.name for rule in product.inputs if rule.measure == measure]
    return next((case["facts"][n] for n in names if n in case["facts"]), None)


def _main(
    occurrence: Occurrence, context: Gathered, case: Mapping[str, Any]
) -> tuple[Mapping[str, Any], int | None]:
    """The main shock's values and magnitude: as the case found it, else the largest on file."""
    founder = context.fact(occurrence.founding)
    if founder is not None and founder.observation.kind != SHOCK:
        return founder.observation.values, None
    for fact in case["facts"].values():
        detail = fact.get("detail", {}) if isinstance(fact, dict) else {}
        on_file = context.fact(detail.get("observation") or "")
        if on_file is not None and on_file.observation.kind == SHOCK:
            values = on_file.observation.values
            used = [tenths for _, tenths in detail.get("used", {}).values()]
            return values, max(used, default=int(values["magnitude_tenths"]))
    types = context.grouping["counted_types"]
    on_file_all = [context.fact(each) for shock in occurrence.shocks for each in shock.observations]
    counted = [
        fact.observation.values
        for fact in on_file_all
        if fact is not None and fact.counted and fact.observation.values["magnitude_type"] in types
    ]
    values = min(counted, key=lambda v: (-v["magnitude_tenths"], v["origin"]))
    return values, int(values["magnitude_tenths"])
