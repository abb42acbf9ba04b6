"""One member of a consortium, running: its node behind its own engine, its blobs, its duties.

What a member is told of its machine (addresses, database, bank) stands in its folder; what the
members are to each other stands on the record.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..acts.raise_rules import rules_at
from ..acts.rule_sets import RULES
from ..acts.seats import boxes_of, connections, seats, weight
from ..acts.state import State
from ..acts.wishes import waiting
from ..adapters.anchor import outbox as anchored
from ..adapters.engine import home
from ..adapters.engine.certificates import certified
from ..adapters.engine.files.guard import Guard
from ..adapters.engine.files.witness import Witness
from ..adapters.engine.rpc import EngineRpc
from ..adapters.engine.server import AbciServer
from ..adapters.keys import load_or_make
from ..adapters.peers.certificate import context, trust
from ..adapters.peers.client import PeerBlobs, Seen
from ..adapters.peers.server import BlobServer
from ..adapters.persons import master_key
from ..adapters.postgres.schema import holds_persons, migrate
from ..adapters.postgres.store import PostgresStore
from ..errors import OutsideFault, Refusal, Refused
from ..measures import suites
from ..measures.identity import read_canonical
from ..node.effects.differing import traces
from ..node.effects.keeper import Keeper
from ..node.fetching.fetcher import Fetcher
from ..node.granted.asking import Asker
from ..node.granted.wrapping import Granter
from ..node.order.application import Application, Committed
from ..node.order.consortium import Consortium
from ..node.ports import Clock, Head
from ..settings import language
from . import Kept, join, system_clock
from .duties import Duties, Duty, Rounds, Trouble
from .lying import Less
from .machine import Machine
from .starting import Starting
from .still import STILL_SECONDS, Standstill

GENESIS_FILE, KEYS_FILE, TLS_FILE = "genesis.json", "keys.json", "peer.pem"
LOOK_SECONDS = 1.0  # between looks at duties where no block has come
ASK_SECONDS = 3.0  # for one member's answer, before our engine starts; it is asked again
STANDS_SECONDS = 8.0  # for its word how it stands: less than whoever asks us waits for all of them
WAIT_SECONDS = 2.0  # for a blob or a key before others are asked; it comes in meanwhile


class Seated:
    """A member at its seat. `serving` runs it until the context ends.

    It is joined as a record's only member is, and does the same duties. Its clock is not doubted
    by itself: the others' votes bound the time that it proposes.
    """

    def __init__(self, folder: Path, told: Machine, clock: Clock = system_clock) -> None:
        self.folder, self.told, self._ahead = folder, told, 0

        def now() -> int:
            return clock() + self._ahead

        self.genesis = read_canonical((folder / GENESIS_FILE).read_bytes())
        suites.use(suites.of_genesis(self.genesis))
        vault = master_key.vault(folder, in_use=lambda: holds_persons(told.database))
        migrate(told.database, vault)
        self.store = PostgresStore(told.database, vault, shared=True)
        identity = load_or_make(folder / KEYS_FILE, told.member)
        self.application = Application(self.store, identity, self.genesis, now, self._heard)
        self.engine = EngineRpc(folder / home.RPC_SOCKET)
        self._guard, self._witness = Guard(folder), Witness(folder, self.engine)
        self.orderer = Consortium(self.store, self.application.door, self.engine.send)
        with ExitStack() as opening:
            kept = opening.enter_context(Kept(folder, told.bank).opened())
            self.member = join(
                *(self.store, identity, now),
                orderer=self.orderer, keeper=Keeper, certify=self.certify, **kept,
            )  # fmt: skip
            self._kept = opening.pop_all()
        node = self.member.node
        trusted = [peer["certificate"] for peer in told.peers.values()]
        self._door = context(folder / TLS_FILE, trusted, server=True)
        tls = context(folder / TLS_FILE, trusted, server=False)
        addresses = {name: peer["blobs"] for name, peer in told.peers.items()}
        self.peers = PeerBlobs(
            tls, addresses, lambda name: self._seat(name).get("peer"), patience=WAIT_SECONDS
        )
        self.fetcher = Fetcher(node, self.peers)
        self.asker, self._granter = Asker(node, self.peers), Granter(node)
        with node.reading() as (_, state):
            votes = {member: seat["power"] for member, seat in seats(state)}
        self._starting = Starting(folder, self._guard, votes, told.member)
        self.duties = Duties(_log)
        self._fault: str | None = None  # with which this member ends
        self._lies_from, self._less = 1 << 62, 0
        self.failed = asyncio.Event()
        self.followers = set[Callable[[Committed], None]]()  # told of each block as it is final
        self._stop = threading.Event()
        self.turn = threading.Lock()  # held through a round of duties
        self.rounds = Rounds(
            self.duties, self._work, LOOK_SECONDS, turn=self.turn, ready=self._caught_up
        )
        # Beside them and without the turn: whoever does not answer keeps nothing else from going on
        self.fetching = Rounds(self.duties, self._brings, LOOK_SECONDS, ready=self._caught_up)
        self._still = Standstill(self._judged_at, self.root_at, self.others, self._suffice)
        self.watching = Rounds(self.duties, self._still.duties, STILL_SECONDS)

    def close(self) -> None:
        """Let go of database and worker processes, once it serves no more."""
        self._kept.close()
        self.store.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve our engine and the other members, and carry out our duties."""
        loop = asyncio.get_running_loop()

        def failed(error: BaseException) -> None:
            self._fault = f"{type(error).__name__}: {error}"
            loop.call_soon_threadsafe(self.failed.set)

        server = self._server = AbciServer(self.application, self._admits, failed, self._signed)
        host, _, port = self.told.blobs.rpartition(":")
        all_rounds = (self.rounds, self.fetching, self.watching)
        for told in (*all_rounds, self._still):
            told.failed = failed
        async with AsyncExitStack() as opened:
            blobs = BlobServer(self.store, self._boxes, self._sight, self._stands)
            await opened.enter_async_context(blobs.serving(host, int(port), self._door))
            starting = asyncio.create_task(self._start(server, opened, failed))
            for rounds in all_rounds:
                rounds.start()
            try:
                yield
            finally:
                self._stop.set()
                self.peers.close()  # so that nobody waits for an answer
                await starting
                for rounds in all_rounds:
                    await asyncio.to_thread(rounds.end, 20)

    async def _start(
        self, server: AbciServer, opened: AsyncExitStack, failed: Callable[[BaseException], None]
    ) -> None:
        """Let our engine find us, once the others have said what they have seen it sign."""
        try:
            if await asyncio.to_thread(self._starting.run, self._ask, self._stop):
                await opened.enter_async_context(server.serving(home.ABCI_SOCKET))
        except Exception as error:  # noqa: BLE001 - whatever it is, the member must stop and say it
            failed(error)

    def _ask(self, member: str, address: str) -> Seen:
        """What another member has seen our engine's key sign."""
        with self.peers.aside(ASK_SECONDS) as asked:
            return asked.seen(member, address)

    def _sight(self, address: str) -> dict[str, Any]:
        """What we tell a member that asks."""
        signed = self._witness.of(address)
        return {
            "height": self.application.head.height,
            "signed": None if signed is None else list(signed),
        }

    def others(self, height: int | None) -> dict[str, dict[str, Any] | None]:
        """How each member that we were told of stands, with its root after a block, by its word;
        None where it does not answer.
        """
        names = self.peers.members
        with ThreadPoolExecutor(max(1, len(names))) as pool:
            return dict(
                zip(names, pool.map(lambda m: self._stands_of(m, height), names), strict=True)
            )

    def _stands_of(self, member: str, height: int | None) -> dict[str, Any] | None:
        try:
            with self.peers.aside(STANDS_SECONDS) as asked:
                return asked.stands(member, height)
        except OutsideFault:
            return None

    def _stands(self, height: int | None) -> dict[str, Any]:
        """What we tell a member of ourselves."""
        head = self.application.head
        with self.member.node.reading() as (_, state):
            rules, seat = rules_at(state, head.height + 1), self._own_seat(state)
        root = self.root_at(head.height if height is None else height)
        waits = self._waits(head, seat) is not None or not self._server.connected
        return {**self._told(head, rules), "root": root, "waits": waits}

    def _told(self, head: Head, rules: int) -> dict[str, Any]:
        """What is told alike to who runs this member and to the others."""
        return {
            "chain": self.application.chain_id,
            "height": head.height,
            "size": head.size,
            "certified": self.application.certified,
            "missing": len(self.fetcher.missing),
            "rules": rules,
            "knows": RULES,
            "alarm": self.duties.alarm is not None,
        }

    def _own_seat(self, state: State) -> dict[str, Any]:
        return state.get("seat", self.told.member) or {}

    def _waits(self, head: Head, seat: Mapping[str, Any]) -> Refusal | None:
        """Why our engine's signatures count for nothing for now."""
        return self._starting.waits(head.height) or self._other_key(seat)

    def _signed(self, height: int, signers: frozenset[str]) -> None:
        self._guard.seen(height, signers)
        self._witness.seen(height, signers)

    def status(self) -> dict[str, Any]:
        """How this member stands, in its own words."""
        head = self.application.head
        with self.member.node.reading() as (_, state):
            rules = rules_at(state, head.height + 1)
            wanted = [one.as_json() for one in waiting(state, head.time, head.height)]
            seated = [
                {**seat, "roles": state.need("member", member)["roles"]}
                for member, seat in seats(state)
            ]
            ours = self._own_seat(state)
        waits = self._waits(head, ours)
        return {
            **self._told(head, rules),
            "member": self.told.member,
            "time": head.time,
            "root": self.root_at(head.height),
            "engine": self.application.engine_at,
            "trouble": self.trouble,
            "refusals": self.duties.refusals(),
            "duties": self.duties.standing(),
            "waits": None if waits is None else waits.as_json(),
            "seats": seated,
            "waiting": wanted,
            "anchored": anchored.standing(self.folder),
        }

    def _other_key(self, seat: Mapping[str, Any]) -> Refusal | None:
        """As `Starting.other_key`, once we have come as far as the others: a seat of before says
        nothing.
        """
        found = self._starting.other_key(seat)
        return found if found is not None and self._caught_up() else None

    def root_at(self, height: int) -> str | None:
        """The root after a block, as we have told our engine; None where it is not at hand."""
        root = self.application.root_at(height)
        if root is None or height < self._lies_from:
            return root
        return sha256(bytes.fromhex(root)).hexdigest()

    def certify(self, height: int) -> dict[str, Any]:
        """The certificate of the root after a block; our engine is asked, and not believed."""
        return certified(self.engine, height, self.application.founding)

    def meet(self, member: str, blobs: str, shown: str) -> None:
        """Trust the connections of a member that came, or changed its key, from now on."""
        trust(self._door, shown)
        self.peers.meet(member, blobs, shown)

    def lie(self) -> int:
        """From the next block on, tell another root than ours: what a corrupted member does."""
        self._lies_from = self.application.head.height + 1
        self._server.distort = lambda root: sha256(root).digest()
        return self._lies_from

    def skew(self, seconds: int) -> None:
        """Go by a clock that is wrong by so many seconds: what a member with a bad clock does."""
        self._ahead = seconds

    def lie_in_amounts(self) -> None:
        """From now on decide as software does that reads the terms otherwise, until restarted; a
        hundredth less each time that it is told.
        """
        self._less += 1
        self.member.decider.reads = Less(self._less)

    def differences(self) -> dict[str, Any]:
        """Who has decided otherwise than others, with what we may open of it, and who twice."""
        node = self.member.node
        with node.reading() as (reading, state):
            faults = [value for _, value in state.range("fault", "")]
            return {"differences": traces(reading, state, node), "faults": faults}

    def key_ready(self) -> None:
        """Read the key for acts that is made again: the record may give it to us any block."""
        kept = load_or_make(self.folder / KEYS_FILE, self.told.member)
        self.member.node.ready(kept.next)

    def _heard(self, block: Committed) -> None:
        if self.member.node.identity.next is not None:
            self.member.node.go_by_next()
        self.orderer.heard(block)
        self.rounds.due.set()
        self.fetching.due.set()
        for follower in tuple(self.followers):
            follower(block)

    def _work(self) -> Iterator[Duty]:
        """Duties, whenever a block has come: what every member does, then keys for others."""
        yield from self.member.duties()
        yield "grant", self._granter.run

    def _brings(self) -> Iterator[Duty]:
        """Bytes and keys from the others, in a thread of their own."""
        self.peers.begin(self.fetcher.missing)
        yield "fetch", self._fetch
        self.peers.begin(self.fetcher.missing)
        yield "keys", self.asker.run

    def _fetch(self) -> int:
        """Errors   Refused net.other_bytes, net.slow_peer once all that came is kept."""
        wrong = tuple[Refusal, ...]()
        try:
            came = self.fetcher.run()
        except Refused as refused:
            came, wrong = 0, refused.refusals
        slow = (Refusal("net.slow_peer", {"member": member}) for member in self.peers.slow)
        if came or wrong:
            self.rounds.due.set()  # what waited for it goes on
        if came:
            self.fetching.due.set()  # there may be more of it
        if told := (*wrong, *slow):
            raise Refused(*told)
        return came

    @property
    def trouble(self) -> str | None:
        """What keeps duties from being done, or with what this member ends; a fault first,
        then an alarm.
        """
        if self._fault is not None:
            return self._fault
        if (alarm := self.duties.alarm) is not None:
            return f"{alarm.code}: {alarm}"
        return "; ".join(told.what for told in list(self.duties.troubles.values())) or None

    def _caught_up(self) -> bool:
        """Whether our engine stands where the others do, as far as it knows."""
        try:
            return not self.engine.ask("status")["sync_info"]["catching_up"]
        except OutsideFault:
            return False

    def _judged_at(self) -> int | None:
        """Where our engine stands; None where it waits for us, or we for it."""
        return self.application.engine_at if self._server.waits else None

    def _suffice(self, others: Sequence[str]) -> bool:
        """Whether these have, with us where ours count, the votes that a block takes."""
        with self.member.node.reading() as (_, state):
            waits = self._waits(self.application.head, self._own_seat(state))
            us = () if waits else (self.told.member,)
            votes, total = weight(state, (*us, *others))
        return 3 * votes > 2 * total

    def _seat(self, member: str) -> dict[str, Any]:
        with self.member.node.reading() as (_, state):
            return state.get("seat", member) or {}

    def _boxes(self) -> dict[str, list[str]]:
        with self.member.node.reading() as (_, state):
            return {seat["peer"]: boxes_of(state, seat) for _, seat in seats(state)}

    def _admits(self, connection: str) -> bool:
        """Whether an engine may connect: by its seat, or because we were told of it and have not
        yet read in the record that it came.
        """
        told = [str(peer["node"]) for peer in self.told.peers.values() if "node" in peer]
        with self.member.node.reading() as (reading, state):
            known = connections(state, reading.head().time, told)
        return any(home.address(key) == connection for key in known)


def _log(trouble: Trouble) -> None:
    """A line of this member's log."""
    sys.stderr.write(f"{trouble.sentence(language())}\n")
