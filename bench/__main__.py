"""`python -m bench [NAME ...] [--rows ID] [--json FILE]`: run measurements and print a table."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from . import (
    anchors,
    consortium,
    facts,
    journey,
    meters,
    outage,
    paying,
    portfolio,
    queries,
    suites,
)
from .wanted import Wanted

SUITES: dict[str, tuple[Callable[..., Iterable[dict[str, Any]]], ...]] = {
    "anchors": (anchors.run,),
    "consortium": (consortium.run,),
    "journey": (journey.run, paying.run, facts.run),
    "meters": (meters.run,),
    "outage": (outage.run,),
    "queries": (queries.run,),
    "portfolio": (portfolio.run,),
    "suites": (suites.run,),
}


def main() -> None:
    """Run the named suites (all without a name), print the rows, write them where asked."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("suite", nargs="*", choices=[*SUITES, []], help="which; all without one")
    parser.add_argument("--rows", action="append", default=[], metavar="ID",
                        help="only these rows, P4 for all of P4.*; may be given again")  # fmt: skip
    parser.add_argument("--every", action="store_true",
                        help="P0 over every policy and pair, not over samples")  # fmt: skip
    parser.add_argument("--json", type=Path, help="write the rows to a file")
    given = parser.parse_args()
    wanted = Wanted(tuple(given.rows), every=given.every)
    rows: list[dict[str, Any]] = []
    for suite in [each for name in given.suite or SUITES for each in SUITES[name]]:
        for row in suite(wanted) if suite in (portfolio.run, consortium.run) else suite():
            if wanted.row(row["id"]):
                rows.append(row)
                _write(rows, given.json)  # what has been measured stays, whatever comes
    table = Table("id", "work", "value", "unit", "aim", "met")
    for row in rows:
        met = "" if row["met"] is None else ("yes" if row["met"] else "no")
        table.add_row(row["id"], row["work"], f"{row['value']:,.4g}", row["unit"], row["aim"], met)
    Console().print(table)


def _write(rows: list[dict[str, Any]], file: Path | None) -> None:
    if file is not None:
        file.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":  # workers of a mass import this module and must not run it
    main()
