"""Terms before the limits of the year: what an occurrence costs, whatever its year has spent.

What is paid in the end is followed down through clauses, choices, `least` and `most`; of each
`least` met there the limits are left out: what is something less what was spent, or at least
nothing. Where else terms ask for it, nothing has been spent. It is what a trace calls uncut, and
what the market calls the occurrence loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from . import words as w


class Step(Protocol):
    """A step of a trace."""

    @property
    def word(self) -> str: ...
    @property
    def value(self) -> int: ...
    @property
    def children(self) -> Sequence[Any]: ...


def uncut(terms: w.Terms, benefit: str) -> w.Terms:
    """The same terms with one benefit before its limits of the year; no `spent` is left in it.

    Errors   Refused terms.no_benefit. Same as  exact.settle(..., spent 0).uncut_fen.
    """
    bare = _unspent(_bare(terms.benefit(benefit)))
    assert isinstance(bare, w.Clause), "a clause stays one"
    benefits = tuple(bare if each.name == benefit else each for each in terms.benefits)
    return replace(terms, benefits=benefits)


def uncut_of(step: Step) -> int:
    """The same of a trace: fen before the limits of the year."""
    match step.word:
        case "clause":
            return uncut_of(step.children[0])
        case "either":
            return uncut_of(step.children[1])
        case "most":
            return max(map(uncut_of, step.children))
        case "least":
            kept = [child for child in step.children if not _limits(child)]
            return min(map(uncut_of, kept or step.children))
    return step.value


def _bare(node: w.Word) -> w.Word:
    match node if _asks(node) else None:
        case w.Clause() as clause:
            return replace(clause, body=_bare(clause.body))
        case w.Either() as either:
            return replace(either, then=_bare(either.then), otherwise=_bare(either.otherwise))
        case w.Most(items):
            return w.Most(tuple(map(_bare, items)))
        case w.Least(items):
            kept = tuple(item for item in items if not _is_limit(item))
            return w.Least(tuple(map(_bare, kept or items)))
    return node


def _unspent(node: w.Word) -> w.Word:
    if isinstance(node, w.Spent):
        return w.Fixed(0, w.Kind.MONEY)
    return w.rebuild(node, _unspent) if _asks(node) else node


def _is_limit(node: w.Word) -> bool:
    match node:
        case w.Clause():
            return _is_limit(node.body)
        case w.Most():
            return any(map(_is_limit, node.items))
        case w.Minus():
            return _asks(node.right)
    return False


def _asks(node: w.Word) -> bool:
    return any(isinstance(below, w.Spent) for below in w.walk(node))


def _limits(step: Step) -> bool:
    if step.word in {"clause", "most"}:
        return any(map(_limits, step.children))
    return step.word == "minus" and _spent_in(step.children[1])


def _spent_in(step: Step) -> bool:
    return step.word == "spent" or any(map(_spent_in, step.children))
