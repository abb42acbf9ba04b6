"""`python -m bench [NAME ...] [--json FILE]`: run measurements and print a table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import consortium, journey, paying, portfolio, portfolio_mass, pricing

SUITES = {
    "consortium": (consortium.run,),
    "journey": (journey.run, paying.run),
    "portfolio": (portfolio.run, pricing.run, portfolio_mass.run),
}


def main() -> None:
    """Run the named suites (all without a name), print the rows, write them where asked."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("suite", nargs="*", choices=[*SUITES, []], help="which; all without one")
    parser.add_argument("--json", type=Path, help="write the rows to a file")
    wanted = parser.parse_args()
    rows = [row for name in (wanted.suite or SUITES) for suite in SUITES[name] for row in suite()]
    table = Table("id", "work", "value", "unit", "aim", "met")
    for row in rows:
        met = "" if row["met"] is None else ("yes" if row["met"] else "no")
        table.add_row(row["id"], row["work"], f"{row['value']:,.4g}", row["unit"], row["aim"], met)
    Console().print(table)
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":  # workers of a mass import this module and must not run it
    main()
