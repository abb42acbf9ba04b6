"""Concentrators of the electricity-use acquisition system in a sandbox, over MQTT 5.

Each has a key, a session and a line of numbers of its own; what the broker has not acknowledged is
on file and said again; each can be asked for a number again. It shares no message code with us.
"""

from __future__ import annotations

import json
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from .rules import Rules
from .speech import key_of, sealed_for

TOPIC = "miaopei/meters"
HEARTBEAT = 60.0
SESSION = 14 * 24 * 3600


class Concentrators:
    """Many of them in one process. Calls come under the sandbox's lock.

    What the library calls back is done by a thread of our own: it holds a lock of its own then.
    """

    def __init__(
        self, folder: Path, store: sqlite3.Connection, rules: Rules, turn: threading.Lock
    ) -> None:
        self._folder, self._store, self._rules, self._turn = folder, store, rules, turn
        self._clients: dict[str, mqtt.Client] = {}
        self._sessions: dict[str, int] = {}
        self._reader: dict[str, str] | None = None  # for whom batches are sealed
        self._sent: dict[tuple[str, int], int] = {}  # (who, message id) -> number
        store.execute(
            "create table if not exists batch (who text, number integer, body blob not null,"
            " acknowledged integer not null default 0, primary key (who, number))"
        )
        self._called: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._beat, daemon=True).start()
        threading.Thread(target=self._answer, daemon=True).start()

    def about(self) -> dict[str, Any]:
        """How many batches there are, and how many the broker has not acknowledged."""
        row = self._store.execute(
            "select count(*), coalesce(sum(1 - acknowledged), 0) from batch"
        ).fetchone()
        return {"concentrators": sorted(self._clients), "batches": row[0], "waiting": row[1]}

    def keys(self, names: list[str]) -> dict[str, Any]:
        """Control: the public keys of concentrators, made at first use."""
        made = {name: key_of(self._folder, name) for name in names}
        return {"keys": {n: k.public_key().public_bytes_raw().hex() for n, k in made.items()}}

    def connect(self, names: list[str], host: str, port: int, folder: str) -> dict[str, Any]:
        """Control: connect to the broker, and go on trying for as long as we live."""
        given = Path(folder) / "seal.json"
        if given.exists():
            self._reader = json.loads(given.read_text("utf-8"))
        for name in names:
            if name not in self._clients:
                client = self._client(name, Path(folder))
                self._clients[name] = client
                client.connect_async(host, port, keepalive=5, clean_start=False)
                client.loop_start()
        return {"connecting": names}

    def read(self, name: str, readings: list[Any], sent_at: int | None = None) -> dict[str, Any]:
        """Control: one batch, numbered, signed, on file, and published where we are connected."""
        number = self._last(name) + 1
        moved = self._rules.take("lie")
        by = 0 if moved is None else int(60 * moved["minutes"])
        value = {
            "kind": "batch",
            "sequence": number,
            "sent_at": int(time.time()) if sent_at is None else sent_at,
            "readings": [[customer, power, at + by] for customer, power, at in readings],
        }
        body = self._signed(name, value)
        lost = self._rules.take("lose") is not None
        with self._store:
            self._store.execute("insert into batch values (?, ?, ?, ?)", (name, number, body, lost))
        if self._rules.take("forge") is not None:
            other = Ed25519PrivateKey.generate().sign(b"miaopei.meters/1\n" + body[129:])
            self._publish(name, 0, other.hex().encode() + body[128:])
        elif not lost:
            self._publish(name, number, body)
            if self._rules.take("twice") is not None:
                self._publish(name, number, body)
        return {"number": number, "bytes": len(body)}

    def _client(self, name: str, folder: Path) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 5)
        self._sessions[name] = int(time.time())
        lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho has no type
        lasting.SessionExpiryInterval = SESSION
        client.will_set(f"{TOPIC}/{name}/state", self._state(name, "offline"), 1, retain=True)
        put = self._called.put
        client.on_connect = lambda *_: put(lambda: self._connected(client, name))
        client.on_publish = lambda _c, _u, mid, *_: put(lambda: self._published(name, mid))
        client.on_message = lambda _c, _u, message: put(lambda: self._asked(name, message.payload))
        return client

    def _answer(self) -> None:
        while True:
            called = self._called.get()
            with self._turn, self._store:
                called()

    def _connected(self, client: mqtt.Client, name: str) -> None:
        """Born: what it is, and all that has not been acknowledged."""
        client.subscribe(f"{TOPIC}/{name}/ask", 1)
        client.publish(f"{TOPIC}/{name}/state", self._state(name, "online"), 1, retain=True)
        rows = self._store.execute(
            "select number, body from batch where who = ? and acknowledged = 0 order by number",
            (name,),
        ).fetchall()
        for number, body in rows:
            self._publish(name, number, body)

    def _published(self, name: str, message: int) -> None:
        number = self._sent.pop((name, message), None)
        if number is not None:
            self._store.execute(
                "update batch set acknowledged = 1 where who = ? and number = ?", (name, number)
            )

    def _asked(self, name: str, payload: bytes | bytearray) -> None:
        """Asked again: what is on file, and word of what is not."""
        lost = []
        for number in json.loads(payload)["numbers"]:
            row = self._store.execute(
                "select body from batch where who = ? and number = ?", (name, number)
            ).fetchone()
            if row is None or self._rules.take("forget") is not None:
                lost.append(number)
            else:
                self._publish(name, number, row[0])
        if lost:
            self._publish(name, 0, self._signed(name, {"kind": "lost", "lost": lost}))

    def _publish(self, name: str, number: int, body: bytes) -> None:
        client = self._clients.get(name)
        if client is not None and client.is_connected():
            plain = self._reader is None or self._rules.take("unsealed") is not None
            said = body if plain or self._reader is None else sealed_for(self._reader, body)
            sent = client.publish(f"{TOPIC}/{name}/batch", said, qos=1)
            if number:
                self._sent[name, sent.mid] = number

    def _beat(self) -> None:
        while True:
            time.sleep(HEARTBEAT)
            with self._turn:
                for name, client in self._clients.items():
                    if client.is_connected() and self._rules.take("silent") is None:
                        state = self._state(name, "online")
                        client.publish(f"{TOPIC}/{name}/state", state, 1, retain=True)

    def _state(self, name: str, state: str) -> bytes:
        at, last = int(time.time()), self._last(name)
        value = {"state": state, "session": self._sessions[name], "at": at, "last": last}
        return self._signed(name, {"kind": "state", **value})

    def _last(self, name: str) -> int:
        (last,) = self._store.execute(
            "select max(number) from batch where who = ?", (name,)
        ).fetchone()
        return int(last or 0)

    def _signed(self, name: str, value: dict[str, Any]) -> bytes:
        """Signature (hex), a line end, and the JSON that it covers."""
        said = {"format": "miaopei.meters/1", "concentrator": name, **value}
        body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        signature = key_of(self._folder, name).sign(b"miaopei.meters/1\n" + body)
        return signature.hex().encode() + b"\n" + body
