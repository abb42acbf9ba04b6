"""Listening to the broker: MQTT 5 over TLS, a session that the broker keeps while we are away.

QoS 1 with a session of two weeks, so that the broker queues for us; what was acknowledged and not
yet kept when a process died is a gap in the numbers, and is asked for again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from .broker import NODE, TOPIC
from .taking import Came, Taken

LOG = logging.getLogger("miaopei.meters")
SESSION = 14 * 24 * 3600  # seconds that the broker keeps our session
AT_ONCE = 256  # payloads taken in one transaction
WAIT = 0.1  # seconds that payloads are gathered
ASK_EVERY = 10.0  # seconds before the same numbers are asked for again
BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
AFTER_END = 5.0


@dataclass
class Listener:
    """A thread that takes what the broker has; `take` is called in it, one call at a time.

    `clock` gives UTC seconds of receipt. `connected` says whether the broker is reached now.
    """

    host: str
    port: int
    folder: Path
    take: Callable[[Sequence[Came]], Taken]
    clock: Callable[[], int]
    connected: bool = False
    failed: BaseException | None = None  # what ended the thread: an alarm of the record
    _end: threading.Event = field(default_factory=threading.Event)
    _asked: dict[str, float] = field(default_factory=dict)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Listener:
        self._thread = threading.Thread(target=self._run, name="meters", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join(AFTER_END)

    def _run(self) -> None:
        try:
            asyncio.run(self._always())
        except BaseException as error:  # noqa: BLE001 - whatever it is, the main thread raises it
            self.failed = error
        self.connected = False

    async def _always(self) -> None:
        asyncio.get_running_loop().set_exception_handler(_told_already)
        tries = 0
        while not self._end.is_set():
            try:
                async with self._client() as client:
                    await client.subscribe(f"{TOPIC}/+/batch", qos=1)
                    await client.subscribe(f"{TOPIC}/+/state", qos=1)
                    self.connected, tries = True, 0
                    await self._listen(client)
            except aiomqtt.MqttError as error:
                self.connected = False
                LOG.warning("the broker is not reached: %s", error)
                await asyncio.sleep(BACK_OFF[min(tries, len(BACK_OFF) - 1)])
                tries += 1

    def _client(self) -> aiomqtt.Client:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.folder / f"{NODE}.pem", self.folder / f"{NODE}.key")
        lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho has no type
        lasting.SessionExpiryInterval = SESSION
        return aiomqtt.Client(
            self.host, self.port, protocol=aiomqtt.ProtocolVersion.V5, identifier=NODE,
            clean_start=False, properties=lasting, tls_context=context, keepalive=15, timeout=10,
        )  # fmt: skip

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Gather payloads for a moment, take them, ask for what is missing."""
        coming: asyncio.Queue[Came] = asyncio.Queue(4 * AT_ONCE)
        reading = asyncio.create_task(self._read(client, coming))
        try:
            while not self._end.is_set():
                some = await _gathered(coming)
                if some:
                    taken = await asyncio.to_thread(self.take, some)
                    await self._ask(client, taken)
                if reading.done():
                    reading.result()  # raises what ended it
                    raise aiomqtt.MqttError("disconnected")
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await reading

    async def _read(self, client: aiomqtt.Client, coming: asyncio.Queue[Came]) -> None:
        async for message in client.messages:
            name = str(message.topic).split("/")[-2]
            await coming.put(Came(name, message.payload, self.clock()))

    async def _ask(self, client: aiomqtt.Client, taken: Taken) -> None:
        now = time.monotonic()
        for name, numbers in taken.missing.items():
            if now - self._asked.get(name, -ASK_EVERY) >= ASK_EVERY:
                self._asked[name] = now
                body = json.dumps({"numbers": list(numbers)})
                await client.publish(f"{TOPIC}/{name}/ask", body, qos=1)


def _told_already(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The library leaves an end of the connection unread where a publication met it first; that
    the broker is not reached is logged where it is tried again."""
    if not isinstance(context.get("exception"), aiomqtt.MqttError):
        loop.default_exception_handler(context)


async def _gathered(coming: asyncio.Queue[Came]) -> list[Came]:
    """What comes within a moment, at most so many; empty where nothing does."""
    some: list[Came] = []
    end = time.monotonic() + WAIT
    while len(some) < AT_ONCE and (left := end - time.monotonic()) > 0:
        try:
            some.append(await asyncio.wait_for(coming.get(), left))
        except TimeoutError:
            break
    return some
