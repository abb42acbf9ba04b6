"""Rotation while the member runs: keys of persons under an older master key are wrapped again."""

from __future__ import annotations

from ..node import Node

AT_ONCE = 1_000  # persons of one transaction, so that nobody waits for long


class Renewer:
    """Wraps again what an older version of the master key wraps."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def run(self, limit: int | None = None) -> int:
        """Wrap again, all or about so many; how many were. Reads go on meanwhile.

        Errors   Refused persons.no_master_version, RecordDamaged (alarm).
        """
        done = 0
        with self.node.store.reading() as reading:
            if not reading.kept("", 1):
                return 0
        while limit is None or done < limit:
            with self.node.store.writing() as block:
                renewed = block.renew_persons(AT_ONCE)
            done += renewed
            if renewed < AT_ONCE:
                break
        return done
