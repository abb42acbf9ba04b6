"""A book to be priced: the same files that are imported, as columns, with nothing issued."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import Refusal, Refused
from ...measures.instant import period_index
from ...pricing.years import Book
from ...terms.words import Declared, Terms
from .reading import Reader
from .tables import open_table

MOST_SAID = 20  # faults that are told at once
DAYS = ("2000-01-01", "2001-01-01")  # where a file gives none: a price is that of a year


def read_book(path: Path, terms: Terms) -> tuple[Book, int]:
    """What each policy of a file declares, and how many are in force for other than one year.

    Errors   Refused import.* with the faults of its rows, up to 20 at once: a part of a book is not
             priced as if it were the whole; pricing.bad_book where there is no row.
    """
    table = open_table(path)
    declared = [of for of in terms.inputs if isinstance(of, Declared)]
    reader = Reader(table.columns, declared, *DAYS)
    columns: dict[str, list[int]] = {of.name: [] for of in declared}
    policies, other, faults = 0, 0, list[Refusal]()
    for wanted, found in reader.all(table.rows()):
        faults += found
        if wanted is not None:
            policies += 1
            years = (period_index(at, wanted.since) for at in (wanted.until - 1, wanted.until))
            other += tuple(years) != (0, 1)
            for name, value in wanted.declared.items():
                columns[name].append(value)
    if faults:
        raise Refused(*faults[:MOST_SAID])
    if not policies:
        raise Refused(Refusal("pricing.bad_book", {"name": path.name, "rows": 0, "expected": 1}))
    arrays = {name: np.array(column, np.int64) for name, column in columns.items()}
    return Book(policies, arrays), other
