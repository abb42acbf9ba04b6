"""How long each part of the tests took: `script/test --parts ...`, and every whole run says it.

Seconds are those of the tests themselves, set-up and end included, added up over all processes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

# Part -> its files, below tests/; the first that fits counts. What fits none goes by its folder.
PARTS = {
    "consortium": (
        *("town/*", "faults/test_net*", "faults/test_take_over*", "faults/test_undecided*"),
        *("faults/test_anchor*", "journey/test_net*", "journey/test_members_life*"),
        *("journey/test_own_machines*", "journey/test_anchor*", "journey/test_gm*"),
        *("laws/test_audit*", "laws/test_order*", "unit/anchor/*", "unit/engine/*"),
        *("unit/order/*", "unit/peers/*", "unit/receipts/*", "unit/node/test_granted*"),
        *("unit/wiring/*", "unit/cli/test_granting*", "unit/cli/test_leaving*"),
        "unit/cli/test_seat_files*",
    ),
    "outage line": (
        *("journey/test_outage*", "journey/test_meters*", "journey/test_connect_a_grid*"),
        *("journey/test_past_outages*", "journey/test_plaintext*", "journey/test_policy_line*"),
        *("faults/test_outage*", "faults/test_selling*", "laws/test_outage*"),
        *("laws/test_selling*", "unit/grid/*", "unit/meters/*", "unit/metering/*"),
        *("unit/persons/*", "unit/selling/*", "unit/underwriting/*", "unit/node/test_outage*"),
        *("unit/node/test_persons*", "unit/claims/test_outage*", "unit/portal/test_buying*"),
        *("unit/portal/test_every_route*", "unit/portal/test_schema*", "unit/reports/*outage*"),
    ),
}


def part(file: str) -> str:
    """The part that a test file belongs to."""
    below = file.removeprefix("tests/")
    for name, patterns in PARTS.items():
        if any(fnmatchcase(below, pattern) for pattern in patterns):
            return name
    return f"tests/{below.split('/')[0]}" if "/" in below else file


def table(times: Iterable[tuple[str, float]]) -> Iterator[str]:
    """A line a part, from the times of phases of tests with their files, then the longest files."""
    files, parts = defaultdict[str, float](float), defaultdict[str, float](float)
    for file, seconds in times:
        files[file] += seconds
        parts[part(file)] += seconds
    for name, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        count = sum(part(file) == name for file in files)
        yield f"{seconds / 60:6.1f} min  {name}  ({count} files)"
    for file, seconds in sorted(files.items(), key=lambda item: -item[1])[:15]:
        yield f"{seconds:6.0f} s    {file}"
