"""A forger who holds every key: changes a receipt and then makes all else fit, down to the log.

Ids, salts, roots, signatures, positions and the checkpoint are made again, so that only the one
thing that was changed can be wrong, and a check that is asleep is found.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from miaopei.claims.receipt import Receipt, from_json
from miaopei.ledger import checkpoint
from miaopei.ledger.merkle import leaf_hash, root_of
from miaopei.ledger.proof import as_hex, inclusion, nodes_of
from miaopei.measures.identity import canonical, content_id
from miaopei.measures.suites import in_use
from tests.unit.claims.replayed import IDENTITY, ORIGIN

Json = Any


def forged(
    receipt: Receipt,
    change: Callable[[Json], object],
    then: Callable[[Json], object] = lambda _: None,
) -> Receipt:
    """The receipt after a change, all else made to fit; what `then` does is left as it is."""
    value = json.loads(receipt.to_bytes())
    change(value)
    _chain(value)
    if value["leaves"]["trigger"]:
        _book(value)
        _trigger(value)
    if value["claim"] is not None:
        _claim(value)
    if value["leaves"]["settlement"]:
        _settlement(value)
    if value["payouts"]:
        _payments(value)
    _case(value)
    then(value)
    _log(value)
    value["sig"] = ""
    return from_json(value).signed(IDENTITY.acts.sign)


def leaf(value: Json, role: str) -> Json:
    """The first leaf of a role."""
    return value["leaves"][role][0]["leaf"]


def body(value: Json, role: str) -> Json:
    """What the first act of a role says."""
    return leaf(value, role)["act"]["body"]


def sign_act(act: Json) -> str:
    """The act signed again; its id."""
    unsigned = {name: part for name, part in act.items() if name != "sig"}
    act["sig"] = IDENTITY.acts.sign(b"miaopei/v1/act\0" + canonical(unsigned)).hex()
    return act_id(act)


def act_id(act: Json) -> str:
    """The id of an act: that of the wish, whenever it ends."""
    wish = {name: part for name, part in act.items() if name not in ("sig", "until")}
    return content_id("act", {**wish, "v": 1})


def ended(value: Json, until: int = 2**40) -> None:
    """Every act names an end."""
    for leaves in value["leaves"].values():
        for shown in leaves:
            if "act" in shown["leaf"]:
                shown["leaf"]["act"].update(v=2, until=until)


def _chain(value: Json) -> None:
    chain = content_id("chain", leaf(value, "genesis")["value"])
    for leaves in value["leaves"].values():
        for shown in leaves:
            if "act" in shown["leaf"] and shown["leaf"]["act"]["chain"] != "other":
                shown["leaf"]["act"]["chain"] = chain
                sign_act(shown["leaf"]["act"])


def _book(value: Json) -> None:
    """A book of one row; a batch whose id may have changed."""
    batch = act_id(leaf(value, "batch")["act"])
    trigger = leaf(value, "trigger")["value"]
    root = leaf_hash(bytes.fromhex(content_id("row", value["row"]["row"]))).hex()
    if trigger["book_size"] == 1:
        trigger["book_root"] = root
    for shown in value["leaves"]["hold"]:
        said = shown["leaf"]["act"]["body"]
        said["batch"] = batch
        if said["size"] == 1:
            said["root"] = root
        sign_act(shown["leaf"]["act"])


def _trigger(value: Json) -> None:
    made = leaf(value, "trigger")
    facts = made["value"]["facts"].values()
    made["because"] = sorted({name for fact in facts for name in fact["because"]})
    made["id"] = content_id("trigger", made["value"])


def _claim(value: Json) -> None:
    trigger, claim = leaf(value, "trigger")["id"], value["claim"]["claim"]
    key, message = bytes.fromhex(value["row"]["row"]["salt"]), bytes.fromhex(trigger)
    message = b"miaopei/v1/claim\0" + message
    claim |= {"trigger": trigger, "policy": value["row"]["row"]["policy"]}
    claim["salt"] = in_use.suite.hmac(key, message).hex()
    root = leaf_hash(bytes.fromhex(content_id("claim", claim))).hex()
    assert value["claim"]["count"] == 1, "the forger knows books of one claim"
    for shown in value["leaves"]["decisions"]:
        shown["leaf"]["act"]["body"]["claims"]["root"] = root
    leaf(value, "settlement")["value"]["claims_root"] = root


def _settlement(value: Json) -> None:
    trigger, made = leaf(value, "trigger"), leaf(value, "settlement")
    last = ""
    for shown in value["leaves"]["decisions"]:
        said = shown["leaf"]["act"]["body"]
        said["trigger"] = trigger["id"]
        said["book_root"] = trigger["value"]["book_root"]
        last = sign_act(shown["leaf"]["act"])
    made["value"]["trigger"] = trigger["id"]
    made["by"], made["because"] = last, [trigger["id"], last]
    made["id"] = content_id("settlement", made["value"])


def _payments(value: Json) -> None:
    trigger, claim = leaf(value, "trigger")["value"], value["claim"]["claim"]
    act = leaf(value, "payments")["act"]
    parts = sorted(value["payouts"], key=lambda part: part["paid"]["index"])
    for part in parts:
        names = {name: trigger[name] for name in ("occurrence", "benefit", "revision")}
        part["payout"] |= {**names, "policy": claim["policy"]}
        part["paid"]["outcome"]["payout"] = content_id("payout", part["payout"])
    hashes = [leaf_hash(bytes.fromhex(content_id("outcome", p["paid"]["outcome"]))) for p in parts]
    act["body"]["outcomes"]["root"] = root_of(hashes).hex()
    act["body"]["debt"] = leaf(value, "settlement")["id"]
    name = sign_act(act)
    for index, part in enumerate(parts):
        path = as_hex(inclusion(index, len(hashes), nodes_of(hashes)))
        part["paid"] |= {"act": name, "index": index, "count": len(hashes), "path": path}


def _case(value: Json) -> None:
    made = leaf(value, "case")
    if value["leaves"]["settlement"] and made["value"]["settlement"]:
        made["value"]["trigger"] = leaf(value, "trigger")["id"]
        made["value"]["settlement"] = leaf(value, "settlement")["id"]
    made["id"] = content_id("case", made["value"])


def _log(value: Json) -> None:
    """A log in which these leaves stand at their places and others between them."""
    shown = {s["index"]: s for leaves in value["leaves"].values() for s in leaves}
    size = max(shown) + 1
    hashes = [leaf_hash(b"other %d" % index) for index in range(size)]
    for index, each in shown.items():
        hashes[index] = leaf_hash(canonical(each["leaf"]))
    read = nodes_of(hashes)
    for index, each in shown.items():
        each["path"] = as_hex(inclusion(index, size, read))
    value["checkpoint"] = checkpoint.sign(ORIGIN, size, root_of(hashes), IDENTITY.log)
