"""The application on the wire: a unix socket to which our own engine connects four times.

Whatever changes the record, or asks where it stands, runs on one thread of its own; the other
questions are answered at once, so that votes never wait behind a block that is being applied.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ...errors import OutsideFault
from ...node.order.application import APP_VERSION, Application
from . import wire

ACCEPT, REJECT = 1, 2
SNAPSHOT_REJECTED = 3
FILTER = re.compile(r"/p2p/filter/(id|addr)/(.+)")
Answer = dict[str, Any]
Admit = Callable[[str], bool]  # an engine's connection id
Signed = Callable[[int, frozenset[str]], None]  # a height, and the addresses of who signed it
COMMITTED = 2  # the flag of a signature that is under the block


class AbciServer:
    """Serves one application to one engine.

    `admit` says which engines may connect to ours; `failed` is told what ended the serving;
    `signed` who has signed each block, before the next is applied.
    """

    def __init__(
        self,
        application: Application,
        admit: Admit,
        failed: Callable[[BaseException], None],
        signed: Signed = lambda *_: None,
    ) -> None:
        self._application, self._admit, self._failed = application, admit, failed
        self._signed = signed
        self._one = ThreadPoolExecutor(1, "record")
        self.distort: Callable[[bytes], bytes] = bytes  # a member that lies about its root
        self._connections = self._busy = 0

    @property
    def connected(self) -> bool:
        """Whether our engine is there."""
        return self._connections > 0

    @property
    def waits(self) -> bool:
        """Whether our engine is connected, and does not wait for a block that we apply."""
        return self.connected and self._busy == 0

    @asynccontextmanager
    async def serving(self, path: str) -> AsyncIterator[None]:
        """Listen at a path until the context ends."""
        _clear(path)
        server = await asyncio.start_unix_server(self._connected, path, limit=2**22)
        try:
            yield
        finally:
            server.close()
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._one, self._application.forget)
            self._one.shutdown(wait=False, cancel_futures=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            while (data := await _message(reader)) is not None:
                name, values = wire.request(data)
                said = wire.response(name, await self._answer(name, values))
                writer.write(wire.varint(len(said)) + said)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the engine went away; a new one will connect
        except Exception as error:  # noqa: BLE001 - whatever it is, the member must stop and say it
            with suppress(ConnectionError):
                said = wire.response("exception", {"error": f"{type(error).__name__}: {error}"})
                writer.write(wire.varint(len(said)) + said)
                await writer.drain()
            self._failed(error)
        finally:
            self._connections -= 1
            writer.close()

    async def _answer(self, name: str, values: Answer) -> Answer:
        match name:
            case "echo":
                return {"message": values["message"]}
            case "check_tx":
                said = self._application.check(values["tx"])
                return {} if said is None else {"code": 1, "log": said.code}
            case "query":
                return self._filter(values["path"])
            case "prepare_proposal":
                given, limit = values["txs"], values["max_tx_bytes"]
                return {"txs": self._application.propose(given, limit)}
            case "process_proposal":
                return {"status": ACCEPT if self._application.vote(values["txs"]) else REJECT}
            case "info" | "init_chain" | "finalize_block" | "commit":
                loop = asyncio.get_running_loop()
                self._busy += 1
                try:
                    return await loop.run_in_executor(self._one, self._changing, name, values)
                finally:
                    self._busy -= 1
            case "offer_snapshot" | "apply_snapshot_chunk":
                return {"result": SNAPSHOT_REJECTED}
            case "verify_vote_extension":
                return {"status": ACCEPT}
            case _:
                return {}

    def _changing(self, name: str, values: Answer) -> Answer:
        """What touches the record, on its own thread."""
        application = self._application
        match name:
            case "info":
                head, first = application.info(), application.founding.height
                return {
                    "data": "miaopei",
                    "app_version": APP_VERSION,
                    "last_block_height": 0 if head.height <= first else head.height,
                    "last_block_app_hash": head.root,
                }
            case "init_chain":
                return {"app_hash": application.begin(values["chain_id"])}
            case "finalize_block":
                self._signed(values["height"] - 1, _signers(values["decided_last_commit"]))
                root, codes = application.finalize(values["height"], values["txs"])
                return {
                    "app_hash": self.distort(root),
                    "tx_results": [{"code": code} for code in codes],
                    "validator_updates": [
                        {"pub_key": {"ed25519": bytes.fromhex(key)}, "power": power}
                        for key, power in application.moved.items()
                    ],
                }
            case _:
                application.commit()
                return {}

    def _filter(self, path: str) -> Answer:
        """Whether an engine may connect to ours: the address does not matter, the key does."""
        asked = FILTER.fullmatch(path)
        if asked is None:
            return {"code": 1, "log": "nothing is asked here"}
        if asked[1] == "id" and not self._admit(asked[2]):
            return {"code": 1, "log": "no seat"}
        return {}


def _signers(commit: Answer | None) -> frozenset[str]:
    votes = [] if commit is None else commit["votes"]
    flagged = [vote["validator"] for vote in votes if vote["block_id_flag"] == COMMITTED]
    return frozenset(signer["address"].hex() for signer in flagged if signer is not None)


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    """The next message; None where the engine has closed."""
    length = shift = 0
    while True:
        byte = await reader.read(1)
        if not byte:
            return None
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            break
    if length > wire.LARGEST:
        raise OutsideFault(f"a message of {length} bytes from the engine", retry=False)
    return await reader.readexactly(length)


def _clear(path: str) -> None:
    """Take away the socket that an earlier process has left."""
    Path(path).unlink(missing_ok=True)
