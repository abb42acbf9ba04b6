"""The bare engine: six of it with its own key-value store in place of a node, transactions of
100 KB handed to two of them. Gossip goes to the next two members and one more (layout R2), and for
comparison to all, as ours does.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miaopei.adapters.engine import home, process
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.cli.net.plan import HOST, ports
from miaopei.errors import OutsideFault
from miaopei.measures.suites import public_hex
from miaopei.node.order.consortium import Sent

from ..journey import row
from ..wanted import Wanted
from .running import at_once, busy, interruptible, say, share, until

MEMBERS, BYTES, LOADS, LASTING = 6, 100_000, (5, 10, 20), 8
NEXT = 2  # members that always get it, in layout R2
LAYOUTS = {"R2": "to the next two and one more", "full": "to all"}


def run(_: Wanted) -> Iterator[dict[str, Any]]:
    """Both layouts at rising load."""
    for layout, what in LAYOUTS.items():
        with engines(layout) as made:
            for rate in LOADS:
                at = busy()
                say(f"the bare engine, {layout}: {rate} transactions of 100 KB a second")
                taken, seconds = _offered(made, rate)
                of = f"bare engine, gossip {what}, {rate} tx of 100 KB/s for {LASTING} s{at}"
                name = f"C6.bare.{layout}.{rate}"
                yield row(f"{name}.final", f"{of}: final", len(taken) / seconds, "/s")
                for percent in (50, 99):
                    yield row(f"{name}.p{percent}", f"{of}: sent to seen final, p{percent}",
                              share(taken, percent), "s")  # fmt: skip


@contextmanager
def engines(layout: str) -> Iterator[list[EngineRpc]]:
    """Six engines that are up, ended with the context."""
    with ExitStack() as opened:
        opened.enter_context(interruptible())
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="miaopei-bench-")))
        keys = [
            (Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()) for _ in range(MEMBERS)
        ]
        where = [f"{HOST}:{port}" for port in ports(MEMBERS)]
        running, begins = list[subprocess.Popen[bytes]](), int(time.time())

        def end() -> None:
            for one in running:
                one.kill()
                one.wait()

        opened.callback(end)
        for number in range(MEMBERS):
            at = folder / f"m{number}"
            _furnish(at, number, keys, where, layout, begins)
            running.append(process.start(at))
        found = [EngineRpc(folder / f"m{number}" / home.RPC_SOCKET) for number in range(MEMBERS)]
        until(lambda: all(_height(each) >= 1 for each in found), "six engines up", 120)
        yield found


def _furnish(
    at: Path,
    number: int,
    keys: list[tuple[Ed25519PrivateKey, Ed25519PrivateKey]],
    where: list[str],
    layout: str,
    begins: int,
) -> None:
    ids = [home.address(public_hex(connection)) for _, connection in keys]
    others = [n for n in range(MEMBERS) if n != number]
    neighbours = tuple(home.Neighbour(ids[n], where[n]) for n in others)
    home.write(
        at / home.ENGINE,
        home.Home(
            name=f"m{number}", chain="bare", time=begins,
            validators=tuple((f"m{n}", public_hex(keys[n][0]), 1) for n in range(MEMBERS)),
            listens=where[number], reached=where[number], neighbours=neighbours,
            validator=keys[number][0], connection=keys[number][1],
        ),
    )  # fmt: skip
    config = at / home.ENGINE / "config"
    text = (config / "config.toml").read_text("utf-8")
    text = text.replace(f'proxy_app = "unix://{home.ABCI_SOCKET}"', 'proxy_app = "kvstore"')
    text = text.replace("filter_peers = true", "filter_peers = false")
    if layout == "R2":
        always = ",".join(ids[(number + step) % MEMBERS] for step in range(1, NEXT + 1))
        text = text.replace("[p2p]\n", f'[p2p]\nunconditional_peer_ids = "{always}"\n')
        limits = "".join(
            f"experimental_max_gossip_connections_to_{kind}_peers = 1\n"
            for kind in ("persistent", "non_persistent")
        )
        text = text.replace("[mempool]\n", f"[mempool]\n{limits}")
    (config / "config.toml").write_text(text, "utf-8")


def _offered(made: list[EngineRpc], rate: int) -> tuple[list[float], float]:
    """Seconds from each transaction's due moment until it is seen final, and all seconds."""
    due: dict[str, float] = {}
    taken: list[float] = []
    start, over = time.monotonic(), threading.Event()
    first = _height(made[0])

    def watch() -> None:
        at = first
        while True:
            with suppress(OutsideFault):
                while at < _height(made[0]):
                    found = made[0].ask("block", height=str(at + 1))["block"]["data"]["txs"] or []
                    now, at = time.monotonic(), at + 1
                    names = [base64.b64decode(tx)[:16].decode("ascii") for tx in found]
                    taken.extend(now - due.pop(name) for name in names if name in due)
            if over.is_set() and (not due or time.monotonic() > start + LASTING + 60):
                return
            time.sleep(0.01)

    def send() -> None:
        for number in range(rate * LASTING):
            at = start + number / rate
            time.sleep(max(0.0, at - time.monotonic()))
            name = os.urandom(8).hex()
            tx = f"{name}={os.urandom((BYTES - 17) // 2).hex()}".encode()
            due[name] = at
            if made[number % 2].send(tx) not in (Sent.QUEUED, Sent.THERE):
                due.pop(name, None)
        over.set()

    at_once([watch, send])
    return taken, time.monotonic() - start


def _height(engine: EngineRpc) -> int:
    try:
        return int(engine.ask("status")["sync_info"]["latest_block_height"])
    except OutsideFault:
        return 0
