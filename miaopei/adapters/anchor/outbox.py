"""The outbox of anchoring: a small SQLite file beside the member's keys.

It lies apart from the record's database on purpose. A member's node holds that database alone; a
backup that is put back must not bring back what was anchored since; and whoever rewrites the one
has not yet rewritten the other. Every call is one transaction on the disk before it returns.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import OutsideFault, Refusal, Refused
from ...node.anchoring.port import Anchored, Noted, Point, SideAltered, State

FILE, LOCK = "anchor.sqlite3", "anchor.lock"
BUSY_SECONDS = 30.0
TABLES = """
create table if not exists checkpoint (
  size integer primary key, root blob not null, state text not null, kept blob, height integer,
  entry text
) strict;
create index if not exists waiting on checkpoint (size) where state = 'waiting';
create table if not exists note (name text primary key, value text not null) strict;
"""
COMPARED, AGREED, TROUBLE, LEDGER = "compared", "agreed", "trouble", "ledger"
APART = "apart"


class OutboxFile:
    """See `node.anchoring.port.Outbox`; `ledger` names the contract that it is for.

    Errors   OutsideFault where the file cannot be read or written.
    """

    def __init__(self, folder: Path, ledger: str) -> None:
        with _faults():
            self._db = sqlite3.connect(
                folder / FILE, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(TABLES)
        self._for(ledger)

    def close(self) -> None:
        """Put the file away."""
        self._db.close()

    def last(self) -> int:
        """The largest size that was ever noted; 0 where none was."""
        return int(self._all("select coalesce(max(size), 0) from checkpoint")[0][0])

    def add(self, point: Point) -> None:
        """Note a checkpoint; the same again changes nothing.

        Errors   SideAltered where another root was noted at that size.
        """
        self._all(
            "insert into checkpoint values (?, ?, 'waiting', null, null, null)"
            " on conflict (size) do nothing",
            point.size,
            point.root,
        )
        ((root,),) = self._all("select root from checkpoint where size = ?", point.size)
        if root != point.root:
            facts = {"size": point.size, "noted": root.hex(), "ours": point.root.hex()}
            raise SideAltered(Refusal("anchor.noted_otherwise", facts))

    def waiting(self) -> Sequence[Point]:
        """Those not anchored yet, smallest first."""
        rows = self._all("select size, root from checkpoint where state = 'waiting' order by size")
        return [Point(*row) for row in rows]

    def kept(self, size: int) -> bytes | None:
        """What was kept of one before it was sent."""
        rows = self._all("select kept from checkpoint where size = ?", size)
        found: bytes | None = rows[0][0] if rows else None
        return found

    def keep(self, size: int, data: bytes) -> None:
        """Keep what must outlive a kill before it is sent."""
        self._all("update checkpoint set kept = ? where size = ?", data, size)

    def anchored(self, done: Anchored) -> None:
        """It is final on the other ledger."""
        self._all(
            "update checkpoint set state = 'anchored', kept = null, height = ?, entry = ?"
            " where size = ?",
            done.height,
            done.entry,
            done.point.size,
        )

    def covered(self, size: int) -> None:
        """A larger size was anchored before it could be."""
        self._all("update checkpoint set state = 'covered', kept = null where size = ?", size)

    def again(self, after: int) -> int:
        """What the other ledger has lost from a size on waits again; how many."""
        rows = self._all(
            "update checkpoint set state = 'waiting', kept = null, height = null, entry = null"
            " where size > ? and state != 'waiting' returning size",
            after,
        )
        return len(rows)

    def agreed(self) -> int:
        """The largest size at which an anchor of anybody agreed with our log."""
        return int(self._note(AGREED) or 0)

    def set_agreed(self, size: int) -> None:
        """Write that size down."""
        self._set(AGREED, str(size))

    def noted(self) -> Sequence[Noted]:
        """All of it, smallest first."""
        rows = self._all("select size, root, state, height, entry from checkpoint order by size")
        return [
            Noted(Point(size, root), State(state), height, entry)
            for size, root, state, height, entry in rows
        ]

    def compared(self) -> int:
        """The other ledger's height up to which its anchors were compared with our log."""
        return int(self._note(COMPARED) or 0)

    def set_compared(self, height: int) -> None:
        """Write that height down."""
        self._set(COMPARED, str(height))

    def apart(self) -> Sequence[Anchored]:
        """The anchors up to that height that did not agree with our log, or were beyond it."""
        return [
            Anchored(Point(size, bytes.fromhex(root)), by, height, entry, tuple(faults))
            for size, root, by, height, entry, faults in json.loads(self._note(APART) or "[]")
        ]

    def set_apart(self, anchors: Sequence[Anchored]) -> None:
        """Write them down."""
        rows = [
            [a.point.size, a.point.root.hex(), a.by, a.height, a.entry, a.faults] for a in anchors
        ]
        self._set(APART, json.dumps(rows))

    def set_trouble(self, trouble: Refusal | None) -> None:
        """What keeps checkpoints from being anchored, for whoever looks."""
        told = None if trouble is None else trouble.as_json()
        self._set(TROUBLE, json.dumps(told, ensure_ascii=False))

    def _for(self, ledger: str) -> None:
        """Another contract has none of what the one before had: all of it waits again."""
        before = self._note(LEDGER)
        if before != ledger:
            with self._whole():
                if before is not None:
                    self.again(0)
                self.set_compared(0)
                self.set_agreed(0)
                self.set_apart(())
                self._set(LEDGER, ledger)

    def _note(self, name: str) -> str | None:
        rows = self._all("select value from note where name = ?", name)
        return None if not rows else str(rows[0][0])

    def _set(self, name: str, value: str) -> None:
        self._all("insert or replace into note values (?, ?)", name, value)

    def _all(self, query: str, *values: object) -> list[Any]:
        with _faults():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._all("begin immediate")
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self._all("commit")


def standing(folder: Path) -> dict[str, Any] | None:
    """What the outbox of a folder says, without the other ledger; None where there is none.

    {size, entry, height, waiting, trouble}: the largest anchored size, and what is still to go.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        db = sqlite3.connect(path, timeout=1.0)
        try:
            found = db.execute(
                "select size, entry, height from checkpoint where state = 'anchored'"
                " order by size desc limit 1"
            ).fetchone() or (0, None, None)
            query = "select count(*) from checkpoint where state = 'waiting'"
            (waiting,) = db.execute(query).fetchone()
            trouble = db.execute("select value from note where name = 'trouble'").fetchone()
        finally:
            db.close()
        told = None if trouble is None else json.loads(trouble[0])
    except (sqlite3.Error, ValueError):
        return None
    size, entry, height = found
    return {"size": size, "entry": entry, "height": height, "waiting": waiting, "trouble": told}


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one process anchors for a folder: two would use one key's numbers twice.

    Errors   Refused anchor.in_use.
    """
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(Refusal("anchor.in_use", {"folder": str(folder)})) from None
        yield


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OutsideFault(f"the outbox of anchors: {error}", retry=False) from error
