"""Taking what concentrators say: verified, put in line by number, kept sealed, told to the outages.

Everything that came together is one transaction. What is refused is counted where it came from and
holds up nobody; a number whose content was refused stays missing and is asked for again.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...errors import Refusal, Refused
from ...measures.identity import digest
from ...node.node import Node
from ...node.ports import Writing
from ..grid import hearing
from ..grid.connections import Names
from ..grid.line import Line, Stand
from ..grid.message import no
from . import pages
from .admitted.trust import Concentrators
from .devices import Device, line_of, missing_of
from .pages import Held
from .sealed import ROOM, is_sealed, opened
from .speech import LARGEST, Batch, Lost, Word, read

RECENT = 20_000  # batches whose digest is remembered, to name a number that is used again
ASKED = 1_000  # numbers asked for in one go


@dataclass(frozen=True)
class Came:
    """A payload of the broker: whose topic it was, and when it came (UTC seconds)."""

    name: str
    payload: bytes = field(repr=False)
    received_at: int


@dataclass
class Taken:
    """What became of payloads that came together."""

    batches: int = 0
    readings: int = 0
    known: int = 0
    refused: list[tuple[str, Refusal]] = field(default_factory=list)
    foreign: list[tuple[str, Refusal]] = field(default_factory=list)  # readings of a taken batch
    missing: dict[str, tuple[int, ...]] = field(default_factory=dict)  # of whom something is


@dataclass
class Meters:
    """Takes payloads into one member's store; `told` hears of each batch that was kept, with what
    it says of its own customers."""

    node: Node
    known: Concentrators
    names: Names
    told: Callable[[Held, Batch], None] = lambda _held, _batch: None
    _recent: OrderedDict[tuple[str, int], str] = field(default_factory=OrderedDict)

    def take(self, came: Sequence[Came]) -> Taken:
        """Take payloads in the order in which they came."""
        taken = Taken()
        said: list[tuple[Came, Batch | Word | Lost]] = []
        for each in came:
            try:
                said.append(self._read(each))
            except Refused as error:
                taken.refused += [(each.name, refusal) for refusal in error.refusals]
        with self.node.store.writing() as block:
            kept = self._keep(block, said, taken)
        for held, batch in kept:
            self.told(held, batch)
        return taken

    def _read(self, came: Came) -> tuple[Came, Batch | Word | Lost]:
        """What came, its seal taken off, and what it says.

        Errors   Refused grid.unknown_concentrator, grid.unsealed; as `sealed.opened` and
                 `speech.read`.
        """
        every = self.known.keys.get(came.name)
        if every is None:
            raise no("unknown_concentrator", concentrator=came.name[:60])
        keys = self.known.keys_at(came.name, came.received_at)
        gone = [key for key in every if key not in keys]
        plain, me = came, self.node.identity
        if under_seal := is_sealed(came.payload):
            if len(came.payload) > LARGEST + ROOM:
                raise no("too_large", length=len(came.payload), limit=LARGEST)
            plain = replace(came, payload=opened(came.payload, (me.box, *me.boxes)))
        value = read(plain.payload, keys, came.name, came.received_at, gone)
        if isinstance(value, Batch):
            if not under_seal and came.name not in self.known.unsealed:
                raise no("unsealed", concentrator=came.name, sequence=value.sequence)
            value = self.known.readers.own(value, self.names)
        return plain, value

    def _keep(
        self, block: Writing, said: Sequence[tuple[Came, Batch | Word | Lost]], taken: Taken
    ) -> list[tuple[Held, Batch]]:
        names = {each.name for each, _ in said} | {
            name for name, _ in taken.refused if name in self.known.keys
        }
        devices = {name: Device.of(block, name) for name in sorted(names)}
        lines = {name: line_of(block, name) for name in devices}
        new: list[tuple[Came, Batch]] = []
        for came, value in said:
            devices[came.name] = _heard(devices[came.name], value, came.received_at)
            if isinstance(value, Lost):
                gone = set(value.numbers) & set(missing_of(lines[came.name], devices[came.name]))
                reached = lines[came.name].reaching(max(gone, default=0))
                lines[came.name] = reached.without(gone)
            elif isinstance(value, Batch):
                line = self._line(lines[came.name], came, value, taken)
                if line is not None:
                    lines[came.name] = line
                    new.append((came, value))
                    taken.foreign += _foreign(value)
                    device = devices[came.name]
                    devices[came.name] = replace(device, foreign=device.foreign + value.foreign)
        self._write(block, devices, lines, taken)
        if not new:
            return []
        at = max(came.received_at for came, _ in new)
        page = pages.put(block, self.node, [came.payload for came, _ in new], at)
        taken.batches = len(new)
        taken.readings = sum(len(batch.readings) for _, batch in new)
        return [(Held(page, place), batch) for place, (_, batch) in enumerate(new)]

    def _line(self, line: Line, came: Came, batch: Batch, taken: Taken) -> Line | None:
        """The line with this batch in it; None where it is known or refused."""
        key, whole = (came.name, batch.sequence), digest(came.payload)
        try:
            stand = line.stand(batch.sequence)
            if stand is Stand.KNOWN:
                if self._recent.get(key, whole) != whole:
                    raise no("sequence_reused", source=came.name, sequence=batch.sequence)
                taken.known += 1
                return None
        except Refused as error:
            taken.refused += [(came.name, refusal) for refusal in error.refusals]
            return None
        self._recent[key] = whole
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return line.after(batch.sequence)

    def _write(
        self,
        block: Writing,
        devices: Mapping[str, Device],
        lines: Mapping[str, Line],
        taken: Taken,
    ) -> None:
        refused = Counter(name for name, _ in taken.refused)
        why = {name: refusal.code for name, refusal in (*taken.foreign, *taken.refused)}
        for name, device in devices.items():
            count = device.refused + refused[name]
            kept = replace(device, refused=count, why=why.get(name, device.why))
            kept.keep(block)
            lines[name].keep(block)
            if missing := missing_of(lines[name], kept):
                taken.missing[name] = missing[:ASKED]
        times = [d.heard_at for d in devices.values() if d.heard_at is not None]
        if times:
            hearing.heard(block, self.known.source, max(times), "device")


def _heard(device: Device, value: Batch | Word | Lost, at: int) -> Device:
    if isinstance(value, Word):
        return device.told(value, at)
    wrong = value.wrong if isinstance(value, Batch) else 0
    return replace(device, heard_at=at, wrong=device.wrong + wrong)


def _foreign(batch: Batch) -> list[tuple[str, Refusal]]:
    """What is said of readings about others: how many, of whom is personal."""
    if not batch.foreign:
        return []
    who, number, count = batch.concentrator, batch.sequence, batch.foreign
    return [
        (who, no("not_its_customer", concentrator=who, sequence=number, count=count).refusals[0])
    ]
