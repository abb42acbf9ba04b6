"""How long what belongs to a contract must be kept: by law, from the day on which the cover ended.

Source: Insurance Law of the PRC (中华人民共和国保险法), article 87: at least five years where the
period of insurance was a year or less, ten where it was longer, from the end of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..measures.instant import years_after
from .row import PolicyRow, Transaction

SHORT, LONG = 5, 10  # years


def kept_until(rows: Iterable[PolicyRow]) -> int:
    """The last day, over the policies of these rows, before which none of them may go.

    Units   UTC seconds; 0 where there are no rows. A cancelled policy ended when the cancelling
            row begins.
    """
    policies: dict[str, list[PolicyRow]] = {}
    for row in rows:
        if row.gone is None:
            policies.setdefault(row.policy, []).append(row)
    return max((_until(found) for found in policies.values()), default=0)


def _until(rows: list[PolicyRow]) -> int:
    begin, end = min(row.since for row in rows), 0
    for row in sorted(rows, key=lambda each: each.number):
        end = row.since if row.transaction is Transaction.CANCEL else max(end, row.until)
    return years_after(end, SHORT if end <= years_after(begin, 1) else LONG)
