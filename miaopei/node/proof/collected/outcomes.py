"""What the bank last said of each payout of a settlement, as it was confirmed on the record."""

from __future__ import annotations

from ....acts.state import State
from ....claims.receipt import Paid
from ....errors import SealedUnfit
from ....ledger.merkle import leaf_hash
from ....ledger.proof import as_hex, inclusion, nodes_of
from ....measures.identity import content_id
from ...effects.standby import outcomes_in
from ...ports import Identity, Reading
from ...vault.blobs import open_blob


def outcomes_of(
    reading: Reading, state: State, identity: Identity, settlement: str
) -> dict[str, Paid]:
    """The last confirmed outcome of each payout. What does not open here is left out where the rest
    tells of all that was paid: who took over without it has told everything once more.

    Errors   RecordDamaged (alarm) where something lacks so, or is altered.
    """
    found, shut = dict[str, Paid](), list[str]()
    for _, note in state.range("paid", f"{settlement}/"):
        blob = note["outcomes"]["blob"]
        if (values := outcomes_in(reading, identity, blob)) is None:
            shut.append(blob)
            continue
        hashes = [leaf_hash(bytes.fromhex(content_id("outcome", v))) for v in values]
        tree = nodes_of(hashes)
        for index, value in enumerate(values):
            path = tuple(as_hex(inclusion(index, len(values), tree)))
            paid = Paid(value, note["act"], index, len(values), path)
            before = found.get(value["payout"])
            if before is None or before.outcome["number"] <= value["number"]:
                found[value["payout"]] = paid
    said = (paid.outcome for paid in found.values())
    told = sum(one["amount_fen"] for one in said if one["state"] == "executed")
    if shut and told < state.need("payment", settlement)["executed_fen"]:
        open_blob(reading, shut[0], identity)
        raise SealedUnfit("what was confirmed is sealed as something else", blob=shut[0])
    return found
