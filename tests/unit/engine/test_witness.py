"""What a member has seen others sign is kept, and read from what its engine holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miaopei.adapters.engine.files.witness import SEEN, Signed, Witness
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.errors import OutsideFault

ONE, OTHER = "ab" * 20, "cd" * 20


class Engine(EngineRpc):
    """An engine that says so, or is down."""

    def __init__(self, said: Any = None) -> None:
        super().__init__(Path("nowhere"))
        self.said = said

    def ask(self, method: str, **_: Any) -> dict[str, Any]:
        """See EngineRpc."""
        if self.said is None:
            raise OutsideFault("down", retry=True)
        assert method == "dump_consensus_state"
        return {"round_state": self.said}


def test_the_last_block_that_bears_a_signature_is_remembered(tmp_path: Path) -> None:
    witness = Witness(tmp_path, Engine())
    witness.seen(4, frozenset({ONE, OTHER}))
    witness.seen(6, frozenset({ONE}))
    witness.seen(5, frozenset({ONE}))  # blocks that are handed over again
    for each in (witness, Witness(tmp_path, Engine())):
        assert each.of(ONE) == Signed(6, 0, 3)
        assert each.of(OTHER) == Signed(4, 0, 3)
        assert each.of("ef" * 20) is None
    (tmp_path / SEEN).write_text("{torn")
    assert Witness(tmp_path, Engine()).of(ONE) is None


def test_votes_for_a_block_that_is_not_made_count(tmp_path: Path) -> None:
    votes = [
        "Vote{0:ABABABABABAB 7/00/SIGNED_MSG_TYPE_PREVOTE(Prevote) 00 11 000000000000 @ now}",
        "Vote{0:ABABABABABAB 7/02/SIGNED_MSG_TYPE_PREVOTE(Prevote) 00 11 000000000000 @ now}",
        "Vote{0:ABABABABABAB 7/01/SIGNED_MSG_TYPE_PRECOMMIT(Precommit) 00 11 000 @ now}",
        "nil-Vote",
    ]
    engine = Engine({"votes": [{"round": 0, "prevotes": votes, "precommits": ["nil-Vote"]}]})
    witness = Witness(tmp_path, engine)
    assert witness.of(ONE) == Signed(7, 2, 2)
    assert witness.of(OTHER) is None
    witness.seen(8, frozenset({ONE}))
    assert witness.of(ONE) == Signed(8, 0, 3)
