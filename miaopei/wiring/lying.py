"""What a corrupted member does, told to do so for rehearsals: see `miaopei net lie`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..terms import words as w


@dataclass(frozen=True)
class Less:
    """Terms as software reads them that pays a hundredth less, so many times."""

    times: int

    def __call__(self, terms: w.Terms) -> w.Terms:
        """The terms so read."""
        for _ in range(self.times):
            terms = a_hundredth_less(terms)
        return terms


def a_hundredth_less(terms: w.Terms) -> w.Terms:
    """Terms as software reads them that pays a hundredth less than every band says."""

    def change(word: w.Word) -> w.Word:
        if isinstance(word, w.Band) and word.kind is w.Kind.MONEY:
            rows = tuple(
                replace(row, value=None if row.value is None else row.value * 99 // 100)
                for row in word.rows
            )
            return replace(word, rows=rows)
        return w.rebuild(word, change)

    return replace(terms, benefits=tuple(w.rebuild(each, change) for each in terms.benefits))
