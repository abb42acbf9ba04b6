"""Lives recorded histories again in this process and prints digests of every byte they leave.

`python -m tests.support.replaying FOLDER [DSN ...]`: one history a file, one leaf a line; over
memory, or over the databases named (one a history).
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from miaopei.adapters.memory_store import MemoryStore
from miaopei.adapters.postgres.store import PostgresStore
from tests.support.histories import contents, replay


def main(folder: Path, addresses: list[str]) -> None:
    """Print, for each history, whether its leaves came out the same, and three digests."""
    for number, file in enumerate(sorted(folder.glob("*.leaves"))):
        leaves = file.read_bytes().splitlines()
        store = PostgresStore(addresses[number]) if addresses else MemoryStore()
        replay(store, leaves)
        again, rows, root = contents(store)
        whole, state = hashlib.sha256(), hashlib.sha256()
        for leaf in again:
            whole.update(leaf + b"\n")
        for table, key, value in rows:
            state.update(f"{table}\n{key}\n".encode() + value + b"\n")
        print(json.dumps([again == leaves, len(rows), whole.hexdigest(), state.hexdigest(), root]))
        if isinstance(store, PostgresStore):
            store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
