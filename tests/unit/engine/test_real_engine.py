"""One real engine over our application: acts come back final, also after it was killed."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from miaopei.acts.apply import ActResult
from miaopei.adapters.engine import home, install, process
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.adapters.engine.server import AbciServer
from miaopei.adapters.memory_store import MemoryStore
from miaopei.node.order.application import Application
from miaopei.node.order.consortium import Consortium
from miaopei.node.order.convening import read
from tests.support.consortium import START, genesis, key, newcomer, public, who

pytestmark = pytest.mark.timeout(1200)  # the first run builds the engine
ONE = genesis(["utility"])
INTERVAL = 2  # seconds


class Running:
    """The application, its server in a thread of its own, and the engine as a process."""

    def __init__(self, folder: Path, store: MemoryStore) -> None:
        self.failed: list[BaseException] = []
        self.rpc = EngineRpc(folder / home.RPC_SOCKET)
        self.application = Application(store, who("utility"), ONE, lambda: START + 100)
        self.orderer = Consortium(store, self.application.door, self.rpc.send, patience=300)
        self.application.heard = self.orderer.heard


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(folder: Path, store: MemoryStore) -> Iterator[Running]:
    made = Running(folder, store)
    told: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def serve() -> None:
        server = AbciServer(made.application, lambda _: False, made.failed.append)
        async with server.serving(str(folder / home.ABCI_SOCKET)):
            done = asyncio.Event()
            told.append((asyncio.get_running_loop(), done))
            ready.set()
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(120)
    engine = process.start(folder)
    try:
        yield made
    finally:
        engine.kill()
        engine.wait()
        loop, done = told[0]
        loop.call_soon_threadsafe(done.set)
        thread.join()
    assert made.failed == []


def hurry(settings: Path) -> None:
    """Empty blocks come sooner than in earnest, so that some can be waited for."""
    text = settings.read_text("utf-8")
    ours = 'create_empty_blocks_interval = "15s"'
    assert text.count(ours) == 1, "what the spec says of an idle record"
    settings.write_text(text.replace(ours, ours.replace("15s", f"{INTERVAL}s")), "utf-8")


def test_acts_are_final_when_submit_returns_and_a_killed_engine_goes_on(tmp_path: Path) -> None:
    install.install()
    home.write(
        tmp_path / home.ENGINE,
        home.Home(
            name="utility",
            chain=read(ONE).chain,
            time=START,
            validators=(("utility", public("utility", "engine"), 1),),
            listens=f"127.0.0.1:{free_port()}",
            reached="127.0.0.1:0",
            neighbours=(),
            validator=key("utility", "engine"),
            connection=key("utility", "node"),
        ),
    )
    hurry(tmp_path / home.ENGINE / "config" / "config.toml")
    store = MemoryStore()
    with running(tmp_path, store) as one:
        made: list[ActResult] = one.orderer.submit([newcomer(ONE, f"m{i}") for i in range(50)])
        assert all(result.ok and result.new for result in made)
        (taken,) = one.orderer.submit([newcomer(ONE, "m1", "utility")])
        assert (taken.ok, taken.new) == (True, False)
        before = one.application.head
    with running(tmp_path, store) as two:
        assert two.application.head.root == before.root
        (more,) = two.orderer.submit([newcomer(ONE, "later")])
        assert more.ok
        assert two.application.head.height > before.height
        an_idle_engine_makes_few_blocks(two)


def an_idle_engine_makes_few_blocks(one: Running) -> None:
    """So many seconds / interval + 2 at most, as an idle hour makes 3600/15 + 2; none adds a leaf.

    The first block after an act comes at once: it certifies what the act's block left.
    """
    began, before = time.monotonic(), one.application.head
    while one.application.head.height < before.height + 4:  # it does go on
        assert time.monotonic() < began + 120
        time.sleep(0.05)
    time.sleep(2 * INTERVAL)
    blocks = one.application.head.height - before.height
    assert blocks <= (time.monotonic() - began) / INTERVAL + 2
    assert one.application.head.root == before.root
