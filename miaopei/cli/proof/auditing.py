"""`miaopei audit`: everything that is stored, held against everything else.

What another member has named and nobody can check is told beside it, and is no damage; what is
being asked of the other members is none yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...adapters import postgres_columns, tile_files
from ...adapters.memory_store import MemoryStore
from ...errors import Alarm, Refusal, Refused
from ...ledger import audit as ledger_audit
from ...ledger import checkpoint
from ...ledger.audit import Read
from ...ledger.tiles import CHECKPOINT
from ...node.node import Node
from ...node.ports import Reading
from ...node.proof.inspect import erased_rows, inspect
from ...node.proof.logkeys import LogKeys, keys_of
from ...node.proof.named.looking import is_unfit, is_waiting
from ...node.proof.rebuild import BROKEN, rebuild
from ...node.proof.stored import log_files
from ...settings import Language
from .. import speak
from ..place import Keys, Place

WAITING, DAMAGED = 1, 4  # exit codes: what is not whole yet, and that of an alarm
LISTED = 20  # of what is unfit, told one by one; JSON holds it all
Stage = Callable[[], Iterable[Refusal]]


def audit(place: Place, *, as_json: bool, language: Language) -> int:
    """Everything that is stored, held against everything else; 4 where something differs, 1 where
    it is not all here yet.
    """
    with place.keys() as keys:
        log = place.log if place.log.is_dir() else None
        return audit_of(keys, log, {}, as_json=as_json, language=language)


def audit_of(
    keys: Keys,
    log: Path | None,
    further: Mapping[str, Callable[[Reading], Iterable[Refusal]]],
    *,
    as_json: bool,
    language: Language,
) -> int:
    """The audit of a member's store; `further` stages come after what every member has."""
    speaker = speak.Speaker(language)
    told: list[dict[str, Any]] = []
    unfit, waiting = list[Refusal](), list[Refusal]()
    with keys.store.reading() as reading:
        node = Node(keys.store, keys.identity, _no_clock, _no_random)
        every = stages(reading, node, keys.vkey, log)
        every |= {name: partial(stage, reading) for name, stage in further.items()}
        for name, stage in every.items():
            seen = Seen.of(guarded(name, stage))
            told += [{"stage": name, **refusal.as_json()} for refusal in seen.damage]
            unfit, waiting = unfit + seen.unfit, waiting + seen.waiting
            if not as_json:
                open_ = [*seen.damage, *seen.waiting]
                mark = "✗" if seen.damage else "…" if seen.waiting else "✓"
                count = speaker.text("audit_found", count=len(open_)) if open_ else ""
                speak.out(f"{mark} {speaker.text(f'audit_{name}')} {count}".rstrip())
                for refusal in open_:
                    speak.out(f"    {speaker.refusal(refusal)}")
        head, erased = reading.head(), _erased(reading)
    if as_json:
        rows = [{"book": book, "position": position} for book, position in erased]
        answer = {"sound": not (told or waiting), "entries": head.size, "findings": told}
        beside_it = {"waiting": waiting, "unfit": unfit}
        others = {name: [r.as_json() for r in of] for name, of in beside_it.items()}
        speak.show_json({**answer, **others, "erased": rows})
    else:
        tell_unfit(unfit, language)
        for book, position in erased:
            speak.out(speaker.text("audit_erased", book=book, position=position))
        stands = "audit_bad" if told else "audit_waits" if waiting else "audit_good"
        speak.out(speaker.text(stands, entries=head.size, count=len(waiting)))
    return DAMAGED if told else WAITING if waiting else 0


@dataclass(frozen=True)
class Seen:
    """What is damaged here; what is not here yet, and asked of the others; and what others named
    that nobody can check, which stops nothing.
    """

    damage: list[Refusal]
    waiting: list[Refusal]
    unfit: list[Refusal]

    @classmethod
    def of(cls, found: Iterable[Refusal]) -> Seen:
        """Each finding where it belongs."""
        every = list(found)
        waiting, unfit = ([r for r in every if test(r)] for test in (is_waiting, is_unfit))
        return cls([r for r in every if not (is_waiting(r) or is_unfit(r))], waiting, unfit)


def tell_unfit(unfit: Sequence[Refusal], language: Language) -> None:
    """Beside an audit: who named what nobody can check."""
    if not unfit:
        return
    speaker = speak.Speaker(language)
    for refusal in unfit[:LISTED]:
        speak.note(f"  · {speaker.refusal(refusal)}")
    if more := max(0, len(unfit) - LISTED):
        speak.note(speaker.text("audit_unfit_more", count=more))
    speak.note(speaker.text("audit_unfit", count=len(unfit)))


def beside_the_log(keys: Keys) -> list[Refusal]:
    """Of an audit what a restore has not compared yet: all that lies beside the log.

    The member's log key may have changed since: the one that these entries give its seat counts.
    """
    with keys.store.reading() as reading:
        node, vkey = Node(keys.store, keys.identity, _no_clock, _no_random), keys.vkey
        seated = keys_of(reading.leaves(0, reading.head().size), "log")
        if held := seated.get(keys.identity.member):
            name = checkpoint.read_verifier_key(vkey).name
            vkey = checkpoint.VerifierKey(name, bytes.fromhex(held[-1][0])).as_text()
        every = stages(reading, node, vkey, None)
        return [each for name in ("beside", "columns") for each in guarded(name, every[name])]


def _erased(reading: Any) -> list[tuple[str, int]]:
    """Rows that prove by their hash alone; none are named where the books cannot be read."""
    try:
        return erased_rows(reading)
    except (Refused, *BROKEN, LookupError):
        return []


def stages(reading: Any, node: Node, vkey: str, log: Path | None) -> dict[str, Stage]:
    """The parts of an audit by name, in the order in which they are told; `log` holds the files."""
    read = log_files(reading)

    def head(files: Read) -> str:  # the key that may have signed the checkpoint that lies there
        signers = LogKeys.of(reading.leaves(0, checkpoint.parse(reading.checkpoint()).size), vkey)
        return signers.of_text((files(CHECKPOINT) or b"").decode("utf-8", "replace"))

    found: dict[str, Stage] = {
        "log": lambda: [f.refusal() for f in ledger_audit.examine(read, head(read)).findings],
    }
    if log is not None:
        files, names = tile_files.reader(log), tile_files.names(log)
        found["files"] = lambda: [
            f.refusal() for f in ledger_audit.audit(files, head(files), names)
        ]
    return {
        **found,
        "beside": lambda: inspect(reading, node),
        "columns": lambda: postgres_columns.compare(reading, vkey),
        "state": lambda: rebuild(reading, MemoryStore()).differences,
    }


def guarded(name: str, stage: Stage) -> Iterator[Refusal]:
    """What a stage finds; damage that stops it is itself a finding."""
    try:
        yield from stage()
    except Refused as refused:
        yield from refused.refusals
    except Alarm as alarm:
        yield Refusal("cli.audit_stopped", {"stage": name, "why": str(alarm)[:200]})
    except (*BROKEN, LookupError, RecursionError) as error:
        why = f"{type(error).__name__} {error}"[:200]
        yield Refusal("cli.audit_stopped", {"stage": name, "why": why})


def _no_clock() -> int:
    raise AssertionError("an audit makes no block")


def _no_random(_: int) -> bytes:
    raise AssertionError("an audit seals nothing")
