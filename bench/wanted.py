"""Which rows of a benchmark are asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """Ids as given (`P4` stands for P4.B as well), none for all; whether P0 looks at every row."""

    ids: tuple[str, ...] = ()
    every: bool = False

    def row(self, key: str) -> bool:
        """Whether a row is asked for."""
        return not self.ids or any(f"{key}.".startswith(f"{each}.") for each in self.ids)

    def part(self, *keys: str, but: tuple[str, ...] = ()) -> bool:
        """Whether a part that gives rows under these ids is to be run; `but` come elsewhere."""
        ids = [each for each in self.ids if each not in but]
        within = any(f"{each}.".startswith(f"{key}.") for key in keys for each in ids)
        return within or any(self.row(key) for key in keys)
