"""Terms before the limits of the year: what an occurrence costs, whatever its year has spent.

Of each `least` at the top of a benefit, the parts that know what was spent are left out; what is
elsewhere stays. It is what a receipt calls uncut, and what the market calls the occurrence loss.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from . import words as w

W = TypeVar("W", bound=w.Word)


def uncut(terms: w.Terms, benefit: str) -> w.Terms:
    """The same terms with one benefit before its limits of the year.

    Errors   Refused terms.no_benefit. Same as  exact.settle(...).uncut_fen.
    """
    body = _bare(terms.benefit(benefit))
    benefits = tuple(body if each.name == benefit else each for each in terms.benefits)
    return replace(terms, benefits=benefits)


def _bare(node: W) -> W:
    if isinstance(node, w.Clause):
        return replace(node, body=_bare(node.body))
    if isinstance(node, w.Least):
        free = [i for i in node.items if not any(isinstance(n, w.Spent) for n in w.walk(i))]
        if free:
            return replace(node, items=tuple(_bare(item) for item in free))
    return node
