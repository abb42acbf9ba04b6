"""An independent audit of a whole log served as files: checkpoint, tiles, entry bundles.

Rebuilds everything from the entries by code that shares with the writer only `leaf_hash` and
`node_hash`, compares every file, and lets the signed root say which of two files is right. It
reads through a port, so it works on a folder, over HTTP or over a database that answers with tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .finding import Fault, Field, Finding, Outcome
from .judge import CHECKPOINT, Judge
from .note import read_head, read_key
from .rebuild import Progress, Read, Rebuild

__all__ = ["Fault", "Field", "Finding", "Outcome", "Progress", "Read", "audit", "examine"]

_MOST_GAPS = 256


def audit(read: Read, vkey: str, names: Iterable[str] = ()) -> Iterator[Finding]:
    """Every difference in the log, none for a good one. See `examine`."""
    yield from examine(read, vkey, names).findings


def examine(
    read: Read, vkey: str, names: Iterable[str] = (), progress: Progress | None = None
) -> Outcome:
    """Audit the whole log against its verifier key.

    `names` are the files known to lie there: the partial tiles of earlier sizes are then checked
    too, and files of no log are named. A file beyond the checkpoint's size is checked as far as the
    size reaches. `progress` gets (entries read, size).
    Errors   Refused ledger.vkey_malformed; whatever `read` raises.
    """
    key = read_key(vkey)
    data = read(CHECKPOINT)
    if data is None:
        return Outcome(None, None, False, (Finding(CHECKPOINT, Field.MISSING),))
    head, spoilt = read_head(data, key)
    findings: list[Finding] = []
    if spoilt is not None:
        findings.append(Finding(CHECKPOINT, Field(spoilt.part), None, spoilt.offset, spoilt.bit))
    if head is None:
        return Outcome(None, None, False, tuple(findings))
    log = Rebuild(read, head.size)
    if not log.run(1 if not head.signed else _MOST_GAPS, progress):
        findings.append(Finding(CHECKPOINT, Field.CUT, log.entries))
        return Outcome(head.size, None, head.signed, tuple(findings))
    judge = Judge(log, head.root)
    findings.extend(judge.findings())
    findings.extend(judge.others(names))
    return Outcome(head.size, log.root(), head.signed, tuple(findings))
