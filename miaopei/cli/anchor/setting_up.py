"""Setting anchoring up: a chain to try with, keys, the contract, who may write."""

from __future__ import annotations

from collections.abc import Sequence

from ...adapters.anchor import chain, founding, install, outbox, signing, told
from ...errors import Refusal, Refused
from ...errors.texts import say
from ...settings import Language, chain_folder
from ...wiring.anchoring import joined
from .. import speak
from ..place import Place
from .record import record


def install_chain(*, as_json: bool, language: Language) -> int:
    """Bring the chain to try with."""
    made = install.install()
    if as_json:
        found = {"version": install.VERSION, "program": str(made.program), "new": made.new}
        speak.show_json({**found, "sha256": made.sha256})
    else:
        facts = {"version": install.VERSION, "path": str(made.program), "digest": made.sha256}
        speak.out(said("installed", language, **facts))
    return 0


def run_chain(port: int, funded: Sequence[str], language: Language) -> int:
    """Run a chain to try with until told to stop."""
    writers = [told.address(text) for text in funded]
    with chain.start(chain_folder() / f"state-{port}", port=port) as running:
        for writer in writers:
            running.fund(writer)
        facts = {"address": running.address, "state": str(running.folder)}
        speak.note(said("chain_up", language, **facts))
        try:
            running.process.wait()
        except KeyboardInterrupt:
            return 0
    return 3


def key(place: Place, *, as_json: bool, language: Language) -> int:
    """Make this member's key for the other ledger, once; show its address."""
    place.make()
    address = signing.load_or_make(place.folder).address
    if as_json:
        speak.show_json({"address": address})
    else:
        speak.out(said("key_is", language, address=address))
    return 0


def deploy(
    place: Place,
    rpc: str,
    writers: Sequence[str],
    *,
    confirmations: int,
    free: bool,
    again: bool,
    language: Language,
) -> int:
    """Put the contract on a chain; without writers this member is the only one."""
    mine = signing.load_or_make(place.folder)
    if told.is_set_up(place.folder) and not again:
        facts = {"folder": str(place.folder), "contract": told.load(place.folder).contract}
        raise Refused(Refusal("anchor.is_set_up", facts))
    with record(place) as found, outbox.alone(place.folder):
        named = list(writers) or [mine.address]
        made = founding.deploy(
            rpc, found.origin, mine, named, confirmations=confirmations, free=free
        )
        made.write(place.folder)
    where: dict[str, str | int] = {"contract": made.contract, "since": made.since}
    speak.out(said("deployed", language, chain=made.chain, writers=len(named), **where))
    return 0


def join(
    place: Place,
    rpc: str,
    contract: str,
    since: int,
    writers: Sequence[str],
    *,
    confirmations: int,
    free: bool,
    language: Language,
) -> int:
    """Anchor to a contract that another member has put there."""
    with record(place) as found, outbox.alone(place.folder):
        named = list(writers) or [signing.load_or_make(place.folder).address]
        made = founding.join(
            rpc, found.origin, contract, since, named, confirmations=confirmations, free=free
        )
        made.write(place.folder)
    speak.out(said("joined", language, contract=made.contract, chain=made.chain))
    return 0


def vote(place: Place, writer: str, *, may: bool, language: Language) -> int:
    """Vote for a key, or against it; this member believes what it has voted for."""
    address = told.address(writer)
    with outbox.alone(place.folder), joined(place.folder, writes=True) as other:
        other.chain.head()
        other.chain.vote(address, may=may)
        if may:
            other.chain.told.trusting(address).write(place.folder)
        facts = {"writer": address, "writers": ", ".join(other.chain.writers())}
    speak.out(said("allowed" if may else "removed", language, **facts))
    return 0


def said(name: str, language: Language, **facts: str | int) -> str:
    """A sentence of this room."""
    return say(Refusal(f"anchor.{name}", facts), language)
