"""Checks of the frame: key, checkpoint, inclusion, genesis, blocks, every act, the signer.

Nothing here knows what an act is about.
"""

from __future__ import annotations

from ...errors import Refused
from ...ledger import certificate as certificates
from ...ledger import checkpoint, quorum
from ...ledger.merkle import leaf_hash
from ...ledger.proof import check_inclusion, from_hex
from ...measures.identity import canonical, content_id
from ...measures.suites import in_use
from .seen import ActSeen, Seen
from .verdict import Facts, demand, fails

RULES = frozenset({1, 2, 3, 4, 5, 6, 7})  # the rule sets that this program knows
ACT_DOMAIN = b"miaopei/v1/act\0"
KEY_DOMAIN, CHANGE = b"miaopei/v1/key\0", "change_key"

# Which roles may send which act. Source: docs/specs/acts.md.
MAY_SEND = {
    "admit_member": {"operator"},
    "file_product": {"operator", "carrier"},
    "list_product": {"operator", "carrier"},
    "admit_batch": {"operator", "carrier", "channel"},
    "hold_batch": {"decider"},
    "file_area": {"operator"},
    "register_source": {"operator"},
    "record_facts": {"gateway"},
    "resolve": {"operator", "regulator"},
    "release": {"operator", "regulator"},
    "decide": {"decider"},
    "confirm_payments": {"payer"},
}
# Of several members the last who agreed sends these, whatever its role: the record has asked each,
# and of an act that waited for others it has left a note.
AGREED = frozenset({"admit_member", "change_key", "list_product", "register_source"})


def log_key(seen: Seen) -> Facts:
    """A key was given from outside, and the receipt speaks of the same log."""
    inside = seen.receipt.vkey
    demand(seen.vkey is not None, "own_word", vkey=inside[:200])
    key = checkpoint.read_verifier_key(seen.vkey or "")
    demand(seen.vkey == inside, "other_key", given=key.name, inside=inside[:200])
    return {"log": key.name, "key_id": key.key_id.hex()}


def genesis_file(seen: Seen) -> Facts:
    """A genesis was given from outside, and the receipt's record begins with the same."""
    if seen.founding is None:
        raise fails("no_genesis_file")
    begun = seen.founding.get("genesis", seen.founding)  # of a record that was first a solo one
    demand(begun == seen.genesis, "other_genesis_file", name=str(seen.genesis["name"])[:60])
    return {"name": seen.genesis["name"], "chain": seen.chain[:16]}


def certificate(seen: Seen) -> Facts:
    """More than two thirds of the members have signed the block that stands over this very root.

    Chain and first members are those of the genesis that was given, never the receipt's own.
    """
    if seen.founding is None:
        raise fails("no_genesis_file")
    shown = certificates.from_json(seen.receipt.certificate)
    name = quorum.engine_name(content_id("chain", seen.founding))
    found = quorum.check(shown, name, certificates.founders(seen.founding))
    demand(found.root == seen.head.root, "root_not_certified", height=found.height)
    return {
        "height": found.height,
        "signed": found.signed,
        "total": found.total,
        "changes": found.changes,
    }


def signed_head(seen: Seen) -> Facts:
    """The checkpoint bears the log's signature; without a key, that of the receipt's own word."""
    given = seen.vkey if seen.vkey is not None else seen.receipt.vkey
    head = checkpoint.verify(seen.receipt.checkpoint, given)
    return {"size": head.size, "root": head.root.hex()}


def inclusion(seen: Seen) -> Facts:
    """Every leaf stands in the log at its position."""
    head, count, places = seen.head, 0, set[int]()
    for role, leaves in seen.receipt.leaves.items():
        for shown in leaves:
            demand(shown.index not in places, "leaf_twice", index=shown.index, role=role)
            places.add(shown.index)
            try:
                hashed = leaf_hash(canonical(shown.leaf))
                path = from_hex(list(shown.path))
                check_inclusion(hashed, shown.index, head.size, path, head.root)
            except Refused:
                raise fails("not_in_log", index=shown.index, role=role, size=head.size) from None
            count += 1
    return {"leaves": count, "size": head.size}


def genesis(seen: Seen) -> Facts:
    """The record begins with this genesis, and it names the log and its key.

    In a consortium each member signs checkpoints with a key of its own, which it may change; there
    the certificate says which root holds, and the receipt's signer answers for the rest.
    """
    (shown,) = seen.receipt.leaves["genesis"]
    value = seen.genesis
    demand(shown.index == 0 and shown.leaf["leaf"] == "genesis", "genesis_place", index=shown.index)
    key = checkpoint.read_verifier_key(seen.vkey if seen.vkey is not None else seen.receipt.vkey)
    demand(
        value["origin"] == key.name == seen.head.origin, "genesis_origin", origin=value["origin"]
    )
    if seen.receipt.certificate is None:
        known = value["log_key"]
        demand(key.public.hex() == known, "genesis_key", log_key=str(known)[:64])
    known = value["suite"] == in_use.suite.name and value["v"] == 1
    demand(known, "suite", suite=str(value["suite"])[:40])
    demand(value["clock"] in ("live", "replay"), "clock", clock=str(value["clock"])[:40])
    return {"name": value["name"], "clock": value["clock"], "chain": seen.chain}


def blocks(seen: Seen) -> Facts:
    """Each leaf lies inside the block whose height it names; blocks follow one another in time."""
    last_index, last_time, last_height = 0, seen.genesis["time"], 0
    for height, block in sorted(seen.blocks.items()):
        demand(block.rules in RULES, "rules_unknown", rules=block.rules, height=height)
        demand(
            height > last_height
            and block.index - block.leaves + 1 > last_index
            and block.time >= last_time
            and block.leaves > 0,
            "block_order", height=height,
        )  # fmt: skip
        last_index, last_time, last_height = block.index, block.time, height
    for role, leaves in seen.receipt.leaves.items():
        for shown in leaves:
            if role in ("genesis", "blocks"):
                continue
            holder = seen.blocks.get(shown.leaf["height"])
            if holder is None:
                raise fails("block_missing", height=shown.leaf["height"])
            inside = holder.index - holder.leaves < shown.index < holder.index
            demand(inside, "outside_block", index=shown.index, height=holder.height)
    return {"blocks": len(seen.blocks), "last_at": last_time}


def acts(seen: Seen) -> Facts:
    """Every act: this chain, applied without refusal, sent and signed by one who may."""
    count = 0
    for act in sorted((a for group in seen.acts.values() for a in group), key=lambda a: a.index):
        where: Facts = {"index": act.index, "kind": str(act.act["kind"])}
        demand(act.act["chain"] == seen.chain, "other_chain", **where)
        demand(act.result.get("ok") is True, "act_refused", **where)
        demand(set(act.result) == {"ok", "notes"}, "leaf_shape", index=act.index)
        demand(act.act["kind"] not in AGREED or not act.result["notes"], "act_refused", **where)
        _sender(seen, act)
        if act.act["kind"] == CHANGE:
            _change(seen, act)
        message = ACT_DOMAIN + act.signed
        demand(signature_holds(act.act["key"], act.act["sig"], message), "act_signature", **where)
        count += 1
    return {"acts": count, "members": len(seen.members)}


def _sender(seen: Seen, act: ActSeen) -> None:
    by, kind = act.by, str(act.act["kind"])
    member, since = seen.members.get(by, (None, 0))
    if member is None or since >= act.index:
        raise fails("member_unknown", by=by[:60], index=act.index)
    time = seen.time(act.height)
    given = seen.key_of(by, act.index)
    in_force = any(
        key["key"] == act.act["key"]
        and key["since"] <= time
        and (key["until"] is None or time < key["until"])
        for key in member["keys"]
    )
    in_force = in_force if given is None else act.act["key"] == given
    demand(in_force, "member_key", by=by, index=act.index)
    demand(act.act.get("until", time) >= time, "act_late", by=by, index=act.index)
    agreed = seen.receipt.certificate is not None and kind in AGREED
    own = kind == CHANGE and act.body["member"] == by
    may = own or agreed or set(member["roles"]) & MAY_SEND.get(kind, set())
    demand(may, "member_role", by=by, kind=kind)


def _change(seen: Seen, act: ActSeen) -> None:
    """A member's other key: it is known, its time was not over, and the key itself has agreed."""
    body = act.body
    fits = set(body) == {"member", "key", "until", "proof"} and type(body["until"]) is int
    demand(fits and seen.time(act.height) < body["until"], "key_change", index=act.index)
    entry, since = seen.members.get(str(body["member"]), ({}, 0))
    demand(
        entry and since < act.index, "member_unknown", by=str(body["member"])[:60], index=act.index
    )
    stood = [key["key"] for key in entry["keys"]]
    earlier = seen.changes[str(body["member"])]
    stood += [each.body["key"] for each in earlier if each.index < act.index]
    demand(body["key"] not in stood, "key_change", index=act.index)
    said = {name: body[name] for name in ("member", "key", "until")}
    message = KEY_DOMAIN + canonical({"chain": seen.chain, **said})
    demand(signature_holds(body["key"], body["proof"], message), "key_change", index=act.index)


def signer(seen: Seen) -> Facts:
    """The whole receipt, every byte of it, is signed by a member of the record."""
    receipt = seen.receipt
    known = seen.members.get(receipt.signer)
    if known is None:
        raise fails("signer_unknown", signer=receipt.signer[:60])
    message, given = receipt.signing_input(), seen.key_of(receipt.signer, seen.head.size)
    keys = [given] if given is not None else [key["key"] for key in known[0]["keys"]]
    held = any(signature_holds(key, receipt.sig, message) for key in keys)
    demand(held, "receipt_signature", signer=receipt.signer)
    return {
        "signer": receipt.signer,
        "signer_zh": seen.name(receipt.signer, "zh"),
        "signer_en": seen.name(receipt.signer, "en"),
    }


def signature_holds(key: str, sig: str, message: bytes) -> bool:
    """Whether a signature of the suite holds; key and signature are lower-case hex."""
    try:
        raw, signature = bytes.fromhex(key), bytes.fromhex(sig)
    except ValueError:
        return False
    held = in_use.suite.verify(raw, signature, message)
    return held and key == raw.hex() and sig == signature.hex()
