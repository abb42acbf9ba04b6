"""What a member is told of its machine: addresses, database, bank; a file beside its keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..adapters.whole_files import write_whole
from ..errors import Refusal, Refused

NODE_FILE = "node.json"


@dataclass(frozen=True)
class Machine:
    """As one member is told.

    `peers`: member -> {engine, blobs: host:port, node: its engine's connection key, certificate}.
    """

    member: str
    database: str
    blobs: str
    bank: str | None
    peers: Mapping[str, Mapping[str, str]]

    def __post_init__(self) -> None:
        words = (self.member, self.database, self.blobs, self.bank or "")
        if not all(isinstance(word, str) for word in words):
            raise TypeError("member, database, blobs and bank are text")
        if not all(isinstance(word, str) for peer in self.peers.values() for word in peer.values()):
            raise TypeError("what it is told of peers is text")

    @classmethod
    def of(cls, folder: Path) -> Machine:
        """As it stands in the member's folder. Errors   Refused net.node_file."""
        path = folder / NODE_FILE
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            facts = {"path": str(path.absolute()), "why": f"{type(error).__name__}: {error}"[:120]}
            raise Refused(Refusal("net.node_file", facts)) from None

    def write(self, folder: Path) -> None:
        """Let it stand in the member's folder; it holds from the next start."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"
        write_whole(folder / NODE_FILE, text.encode("utf-8"))  # the database may have a password
