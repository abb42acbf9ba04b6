"""One row of a file as a policy to issue, or every fault of it: row, column, value, limit.

Two layouts, told apart by the columns: ours (`policy_number`, `since`, `until`, `premium_yuan`,
`account`, `name`, `customer` and one column an input that the terms read; money in yuan under
`<input>_yuan`) and OED location files (`LocNumber`, `BuildingTIV`, `LocCurrency`, `Latitude`,
`Longitude`, with `AccNumber`, `LocInceptionDate` and `LocExpiryDate` where they stand). No fraction
is computed with: decimals are read digit by digit, positions by the one rule of `measures.place`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from unicodedata import normalize

from ...claims.confirm import Spread, alone
from ...errors import Fact, Refusal, Refused
from ...measures.instant import from_beijing
from ...measures.place import latitude, longitude, unit_vector
from ...node.scheme import Wanted
from ...terms.words import Declared, Kind
from .tables import TORN

# A comma stands between groups of three digits and nowhere else: "500000,00" is no number.
DECIMAL = re.compile(
    r"([+-]?)([0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.([0-9]{1,18}))?", re.ASCII
)
CURRENCY = "CNY"
CUSTOMER = "customer"  # the number at the utility, kept as a token only
STATED = ("premium_yuan", "account", "name")  # read where they stand
OED = ("LocNumber", "BuildingTIV")
PLACE = ("place_x", "place_y", "place_z")  # inputs that are a position as an integer unit vector
WORLD = {"Latitude": (latitude, 90), "Longitude": (longitude, 180)}  # degrees
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST = 500  # characters of what is known of a person
AT_ONCE = 8_192  # rows that one worker reads at a time
Cells = Mapping[str, str]
Found = tuple[Wanted | None, list[Refusal]]


class Reader:
    """Reads the rows of one file for one listing, and knows which numbers it has had.

    `token` makes the subject token of a `customer`, under a key that stays in this process.
    """

    def __init__(
        self,
        columns: Sequence[str],
        declared: Sequence[Declared],
        since: str = "",
        until: str = "",
        token: Callable[[str], str] | None = None,
    ) -> None:
        self.layout = Layout(columns, declared, since, until)
        self._token = token
        self._seen: dict[str, int] = {}

    def read(self, row: int, cells: Cells) -> Found:
        """The policy that a row asks for, or all that is wrong with it."""
        return self._whole(*read_part(self.layout, [(row, cells)])[0])

    def all(self, rows: Iterable[tuple[int, Cells]], spread: Spread = alone) -> Iterator[Found]:
        """Every row in order; `spread` uses the cores. Numbers count from the first row again."""
        self._seen.clear()
        each = iter(rows)
        parts = iter(lambda: list(islice(each, AT_ONCE)), [])
        for found in spread(read_part, ((self.layout, part) for part in parts)):
            for one in found:
                yield self._whole(*one)

    def _whole(
        self, row: int, number: str, customer: str, wanted: Wanted | None, faults: list[Refusal]
    ) -> Found:
        """What a row alone does not say: whether its number stood before, whom it is about.

        The customer's number is in no refusal.
        """
        if customer and self._token is not None:
            try:
                subject = self._token(customer)
                wanted = None if wanted is None else wanted._replace(subject=subject)
            except Refused:
                facts: dict[str, Fact] = {"row": row, "column": CUSTOMER, "value": ""}
                fault = Refusal("import.bad_customer", {**facts, "limit": "1 - 64"})
                wanted, faults = None, [*faults, fault]
        if number and (before := self._seen.get(number)) is not None:
            column = self.layout.names["number"]
            facts = {"row": row, "column": column, "value": number[:60], "limit": str(before)}
            return None, [Refusal("import.number_twice", facts), *faults]
        if wanted is not None:
            self._seen[number] = row
        return wanted, faults


@dataclass
class Layout:
    """How the cells of a row are read: a function of the row alone, whatever stands around it.

    `declared` is what the product's terms read from a policy; `since` and `until` (Beijing days)
    stand for those that a file does not give.
    """

    columns: Sequence[str]
    declared: Sequence[Declared]
    since: str = ""
    until: str = ""
    _days: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.oed = all(name in self.columns for name in OED)
        names = {"number": "policy_number", "since": "since", "until": "until"}
        if self.oed:
            names = dict(
                zip(names, ("LocNumber", "LocInceptionDate", "LocExpiryDate"), strict=True)
            )
        self.names = names
        self._place = {of.name for of in self.declared} >= set(PLACE)
        self._inputs = {of.name: self._column(of) for of in self.declared}
        if self._place:  # from the position, by the one rule for it
            for name, column in zip(PLACE, (*WORLD, "Longitude"), strict=True):
                self._inputs[name] = column
        wanted = [names["number"], *self._inputs.values()]
        wanted += [names[n] for n in ("since", "until") if not getattr(self, n)]
        missing = [name for name in wanted if name not in self.columns]
        if missing:
            facts: dict[str, Fact] = {"missing": ", ".join(missing)[:200]}
            facts["found"] = ", ".join(self.columns)[:200]
            raise Refused(Refusal("import.columns_missing", facts))

    @property
    def unused(self) -> list[str]:
        """The columns of the file that nothing is read from: a misspelt heading is among them."""
        used = {*self.names.values(), *self._inputs.values(), *WORLD, CUSTOMER, *STATED}
        used |= {"AccNumber", "LocCurrency"} if self.oed else set()
        return [name for name in self.columns if name not in used]

    @property
    def assumes_currency(self) -> bool:
        """Whether a location file says nothing of its currency, which is then taken for CNY."""
        return self.oed and "LocCurrency" not in self.columns

    def named(self, digest: str) -> str:
        """What a file's batches are known by: its digest, and the days that it leaves to others.

        A file whose rows state their days is the same file whatever days are said beside it.
        """
        days = [(name, getattr(self, name)) for name in ("since", "until")]
        given = ["" if self.names[name] in self.columns else day for name, day in days]
        return "/".join([digest, *(given if any(given) else ())])

    def read(self, row: int, cells: Cells) -> tuple[str, Wanted | None, list[Refusal]]:
        """The number that a row names, and the policy that it asks for or all that is wrong."""
        if (torn := cells.get(TORN)) is not None:
            facts: dict[str, Fact] = {"row": row, "column": "", "value": torn}
            code = "import.torn" if torn else "import.unsplit"
            return "", None, [Refusal(code, {**facts, "limit": str(len(self.columns))})]
        one = _Row(row, cells)
        number = one.text(self.names["number"])
        if self.oed:
            number = f"{cells.get('AccNumber', '').strip()}/{number}"
        since, until = (self._instant(one, name) for name in ("since", "until"))
        if since is not None and until is not None and until <= since:
            one.fault("ends_before_start", self.names["until"], self.names["since"])
        position = {name: one.degrees(name) for name in WORLD if name in cells}
        if self.oed and cells.get("LocCurrency", CURRENCY).strip() != CURRENCY:
            one.fault("currency", "LocCurrency", CURRENCY)
        asked = [of for of in self.declared if not (self._place and of.name in PLACE)]
        declared = {of.name: self._declared(one, of) for of in asked}
        lat, lon = (position.get(name) for name in WORLD)
        if self._place and lat is not None and lon is not None:
            declared |= dict(zip(PLACE, unit_vector(lat, lon), strict=True))
        premium = 0
        if cells.get("premium_yuan"):
            premium = one.decimal("premium_yuan", 2, 0, 10**10) or 0
        payee = {name: one.person(name) for name in ("account", "name") if cells.get(name)}
        if one.faults or since is None or until is None:
            return number, None, one.faults
        values = {name: value for name, value in declared.items() if value is not None}
        return number, Wanted(since, until, since, premium, payee, values), []

    def _instant(self, one: _Row, name: str) -> int | None:
        text = one.cells.get(self.names[name], "").strip() or getattr(self, name)
        if text not in self._days:  # a book has few different days
            try:
                self._days[text] = from_beijing(text)
            except Refused:
                one.fault("not_a_day", self.names[name], "2025-01-31")
                return None
        return self._days[text]

    def _column(self, of: Declared) -> str:
        """The column of an input: OED names the sum insured and nothing else that terms read."""
        money = [each for each in self.declared if each.kind is Kind.MONEY]
        if self.oed and money == [of]:
            return "BuildingTIV"
        return f"{of.name}_yuan" if of.kind is Kind.MONEY else of.name

    def _declared(self, one: _Row, of: Declared) -> int | None:
        column = self._inputs[of.name]
        if of.kind is Kind.MONEY:
            return one.decimal(column, 2, of.low, of.high, scaled=True)
        return one.decimal(column, 0, of.low, of.high)


def read_part(
    layout: Layout, part: Sequence[tuple[int, Cells]]
) -> list[tuple[int, str, str, Wanted | None, list[Refusal]]]:
    """Some rows, each with its place in the file, its number and whom it is about."""
    found = []
    for row, cells in part:
        number, wanted, faults = layout.read(row, cells)
        found.append((row, number, cells.get(CUSTOMER, "").strip(), wanted, faults))
    return found


@dataclass
class _Row:
    """One row while it is read, and what is wrong with it."""

    row: int
    cells: Mapping[str, str]
    faults: list[Refusal] = field(default_factory=list)

    def text(self, column: str) -> str:
        text = self.cells.get(column, "").strip()
        if not text:
            self.fault("empty", column, "")
        if CONTROL.search(text):
            self.fault("control", column, "")
        return text

    def person(self, column: str) -> str:
        """What is said of who is paid, in the one form that can be compared."""
        text = normalize("NFC", self.text(column))
        if len(text) > LONGEST:
            self.fault("too_long", column, str(LONGEST))
        return text

    def decimal(
        self, column: str, places: int, low: int, high: int, *, scaled: bool = False
    ) -> int | None:
        """A number as an integer of its last place; limits in whole units, or `scaled` as well."""
        text = self.text(column)
        if not text:
            return None
        found = DECIMAL.fullmatch(text)
        if found is None:
            self.fault("not_a_number", column, "")
            return None
        sign, whole, part = found.groups()
        rest = (part or "").rstrip("0")
        if len(rest) > places:
            self.fault("too_fine", column, str(places))
            return None
        value = int(f"{sign}{whole.replace(',', '')}{rest.ljust(places, '0')}")
        unit = 1 if scaled else 10**places
        if not low * unit <= value <= high * unit:
            shown = 10**places if scaled else 1
            self.fault("out_of_range", column, f"{low // shown} - {high // shown}")
            return None
        return value

    def degrees(self, column: str) -> int | None:
        """A position's latitude or longitude in micro-degrees, as bulletins are read."""
        read, limit = WORLD[column]
        if not (text := self.text(column)):
            return None
        try:
            return read(text)
        except Refused as refused:
            outside = refused.refusals[0].code == "place.out_of_range"
            shown = f"-{limit} - {limit}" if outside else ""
            self.fault("out_of_range" if outside else "not_a_number", column, shown)
            return None

    def fault(self, code: str, column: str, limit: str) -> None:
        """One more thing that is wrong."""
        value = self.cells.get(column, "")[:60]
        facts: dict[str, Fact] = {"row": self.row, "column": column, "value": value}
        self.faults.append(Refusal(f"import.{code}", {**facts, "limit": limit}))
