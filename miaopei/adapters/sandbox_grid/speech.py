"""How a sandbox of a source writes and signs: CIM XML or JSON, RFC 9421 by hand, its own key.

Nothing here is the house's reader or its library: each checks the other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEALED = b"miaopei/v1/blob"
JSON, XML = "application/json", "application/xml"


def key_of(folder: Path, name: str) -> Ed25519PrivateKey:
    """The source's own key, made at first use."""
    path = folder / f"{name}.key"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def signed(
    key: Ed25519PrivateKey, parts: dict[str, str], body: bytes, media: str
) -> dict[str, str]:
    """Headers that sign `parts` (derived components), the media type and the digest of the body."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    known = {**parts, "content-type": media, "content-digest": f"sha-256=:{digest}:"}
    covered = " ".join(f'"{name}"' for name in known)
    keyid = key.public_key().public_bytes_raw().hex()
    params = f'({covered});created={int(time.time())};keyid="{keyid}";alg="ed25519"'
    lines = [f'"{name}": {value}' for name, value in known.items()]
    base = "\n".join([*lines, f'"@signature-params": {params}'])
    signature = base64.b64encode(key.sign(base.encode("ascii"))).decode()
    return {
        "Content-Type": media,
        "Content-Digest": known["content-digest"],
        "Signature-Input": f"grid={params}",
        "Signature": f"grid=:{signature}:",
    }


def sealed_for(reader: dict[str, str], payload: bytes) -> bytes:
    """A signed payload sealed for who will read it: a new data key, wrapped for their box.

    `reader`: suite (intl or gm) and box, the public key in hex.
    """
    box, nonce = bytes.fromhex(reader["box"]), os.urandom(12)
    if reader["suite"] == "gm":
        import gmssl_pyx  # an extra: only who seals by SM2 and SM4 needs it
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        key = os.urandom(16)
        made = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
        made.authenticate_additional_data(SEALED)
        body = made.update(payload) + made.finalize() + made.tag
        wrapped = gmssl_pyx.sm2_encrypt(gmssl_pyx.normalize_sm2_public_key(box), key)
    else:
        key, mine, inner = os.urandom(32), X25519PrivateKey.generate(), os.urandom(12)
        body = AESGCM(key).encrypt(nonce, payload, SEALED)
        public = mine.public_key().public_bytes_raw()
        shared = mine.exchange(X25519PublicKey.from_public_bytes(box))
        derived = HKDF(SHA256(), 32, None, b"miaopei/v1/wrap" + public + box).derive(shared)
        wrapped = public + inner + AESGCM(derived).encrypt(inner, key, None)
    head = b"miaopei.meters.sealed/1\n" + len(wrapped).to_bytes(2, "big")
    return head + wrapped + b"MPS1" + nonce + body


def as_json(head: dict[str, Any], said: dict[str, Any]) -> bytes:
    """A message in the JSON form: what it was told, under its own head."""
    value = {
        "format": "miaopei.grid/1",
        "sandbox": True,
        **head,
        "plans": said.get("plans", []),
        "restorations": said.get("restorations", []),
    }
    return json.dumps(value, ensure_ascii=False).encode()


def as_cim(head: dict[str, Any], said: dict[str, Any]) -> bytes:
    """The same in the CIM form."""
    outages = [*map(_plan, said.get("plans", [])), *map(_back, said.get("restorations", []))]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<EventMessage xmlns="http://iec.ch/TC57/2011/schema/message"><Header>'
        f"<Verb>changed</Verb><Noun>Outages</Noun><Timestamp>{head['sent_at']}</Timestamp>"
        f"<Source>{escape(head['source'])}</Source><Comment>sandbox, no real grid</Comment>"
        f"<Property><Name>sequence</Name><Value>{head['sequence']}</Value></Property>"
        "<Property><Name>sandbox</Name><Value>true</Value></Property></Header>"
        '<Payload><Outages xmlns="http://iec.ch/TC57/2016/Outages#"'
        f' xmlns:o="urn:miaopei:outage:1">{"".join(outages)}</Outages></Payload></EventMessage>'
    ).encode()


def _plan(plan: dict[str, Any]) -> str:
    scope = plan["scope"]
    cancelled = _tag("cancelledDateTime", plan["published_at"])
    whole = "".join(_tag("o:whole", feeder) for feeder in scope.get("feeders", []))
    made = "".join(
        f"<PowerTransformer>{_tag('mRID', t)}</PowerTransformer>"
        for t in scope.get("transformers", [])
    )
    points = "".join(
        f"<UsagePoint>{_tag('mRID', c)}</UsagePoint>" for c in scope.get("customers", [])
    )
    return (
        f"<PlannedOutage>{_about(plan)}{_tag('cause', plan['cause'])}"
        f"{cancelled if plan['state'] == 'cancelled' else ''}"
        f"{_period('estimatedPeriod', plan['off_planned'], plan['on_planned'])}"
        f"{''.join(_tag('o:replaces', n) for n in plan.get('replaces', []))}"
        f"<Feeder>{_tag('name', plan['feeder'])}{whole}</Feeder>"
        f"<Equipments>{made}</Equipments><UsagePoints>{points}</UsagePoints></PlannedOutage>"
    )


def _back(back: dict[str, Any]) -> str:
    cause = "" if back["cause"] is None else _tag("cause", back["cause"])
    points = "".join(
        f"<UsagePoint>{_tag('mRID', c['customer'])}"
        f"{_period('actualPeriod', c['off'], c['on'])}</UsagePoint>"
        for c in back.get("customers") or []
    )
    return (
        f"<PlannedOutage>{_about(back)}{cause}"
        f"{_period('actualPeriod', back['first_off'], back['last_on'])}"
        f"{_tag('o:complete', 'true' if back['complete'] else 'false')}"
        f"<UsagePoints>{points}</UsagePoints></PlannedOutage>"
    )


def _about(said: dict[str, Any]) -> str:
    return (
        _tag("mRID", said["number"])
        + _tag("revisionNumber", said["revision"])
        + _tag("lastModifiedDateTime", said["published_at"])
    )


def _period(name: str, start: str | None, end: str | None) -> str:
    inside = ("" if start is None else _tag("start", start)) + (
        "" if end is None else _tag("end", end)
    )
    return f"<{name}>{inside}</{name}>"


def _tag(name: str, value: object) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"
