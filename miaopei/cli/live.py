"""A record of one's own under a live clock: begin it, take facts, decide, correct a payee.

The same node, acts and bank as the demonstration; only the clock is this machine's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..acts.apply import ActResult
from ..acts.resolve import held_in
from ..adapters.feeds import read
from ..adapters.sandbox_bank.starter import RunningBank
from ..errors import Refusal, Refused
from ..measures.instant import beijing_text
from ..node import scheme
from ..node.gateway import Row, record, refusals_of
from ..node.node import genesis_value
from ..node.selling.known import accounts
from ..node.selling.known.bound import correct
from ..products.shelf import shelf
from ..settings import Language
from ..wiring import Member, system_clock
from . import speak
from .books.mass_bar import work
from .demo import Tail
from .place import DATABASE, Place, log_vkey, made, write_whole

OPERATOR = {"zh": "运营方", "en": "Operator"}


def begin(
    place: Place, name: str, origin: str, *, suite: str | None = None, language: Language
) -> int:
    """Found a live record and put a scheme on it; the same scheme again changes nothing."""
    value = scheme.read(Path(name).read_bytes()) if Path(name).is_file() else scheme.load(name)
    speaker = speak.Speaker(language)
    place.make()
    with ExitStack() as opened:
        opened.enter_context(place.alone())
        place.choose(suite)
        address = opened.enter_context(place.database())
        if not place.dsn:
            made(address, DATABASE)
        bank = opened.enter_context(place.bank())
        with place.member(address, bank.address) as member:
            if member.node.genesis is None:
                member.node.found(
                    genesis_value(
                        value["id"],
                        member.node.identity,
                        clock="live",
                        time=system_clock(),
                        origin=origin,
                        member_name=OPERATOR,
                    )
                )
            applied = scheme.apply(member.node, value, shelf(), bank.control)
            member.work()
            write_whole(place.folder / "log.vkey", (log_vkey(member) + "\n").encode(), public=True)
    for label in value["labels"][language]:
        speak.out(f"  ! {label}")
    folder = str(place.folder)
    speak.out(speaker.text("begun", acts=applied.acts, policies=applied.policies, folder=folder))
    return 0


def take(place: Place, file: Path, *, as_json: bool, language: Language) -> int:
    """Attest and record each row of a file, decide and pay what follows; 1 where none was taken."""
    speaker = speak.Speaker(language)
    data = file.read_bytes()
    from .outage import taking

    if taking.is_ours(data):
        return taking.take(place, data, as_json=as_json, language=language)
    with working(place) as member:
        now = system_clock()
        reading = read(data, now)
        rows = [
            Row(row.observation, row.original, reading.media, reading.file_digest, row.part)
            for row in reading.rows
            if row.observation is not None
        ]
        tail = Tail(member, speak.Speaker(language))
        member.node.pass_time(now)
        results = record(member.node, rows, now)
        done = work(member, speaker)
        lines = list(tail.lines())
    refused = [*reading.refusals, *refusals_of(results)]
    taken = len(rows) - len(refusals_of(results))
    if as_json:
        refusals = [refusal.as_json() for refusal in refused]
        speak.show_json({"taken": taken, "refused": refusals, "duties": done, "decided": lines})
        return 0 if taken > 0 else 1
    for line in lines:
        speak.out(line)
    speak.refuse(refused, language)
    speak.out(speaker.text("taken", taken=taken, refused=len(refused), done=done))
    return 0 if taken > 0 else 1


def resolve(
    place: Place, case: str, value: int, reason: str, person: str, name: str, *, language: Language
) -> int:
    """A person decides what a held case could not: an act with their name and reason."""
    with working(place) as member:
        with member.node.reading() as (_, state):
            held = [c for _, c in state.range("case", case) if held_in(c)]
        if len(held) != 1:
            raise Refused(Refusal("cli.not_one_held", {"case": case, "count": len(held)}))
        body = {
            "listing": held[0]["listing"],
            "occurrence": held[0]["occurrence"],
            "input": name,
            "value": value,
            "reason": reason,
            "person": person,
        }
        tail = Tail(member, speak.Speaker(language))
        _good([member.node.submit([member.node.act("resolve", f"{case}/{name}/{value}", body)])[0]])
        work(member, speak.Speaker(language))
        for line in tail.lines():
            speak.out(line)
    speak.out(speak.Speaker(language).text("resolved", case=case, person=person))
    return 0


def reopen(place: Place, case: str, reason: str, person: str, *, language: Language) -> int:
    """A person puts a case that could not be decided into its book's line again."""
    with working(place) as member:
        with member.node.reading() as (_, state):
            found = [c for _, c in state.range("case", case) if c["state"] == "held_undecided"]
        if len(found) != 1:
            raise Refused(Refusal("cli.not_one_held", {"case": case, "count": len(found)}))
        body = {name: found[0][name] for name in ("listing", "occurrence", "benefit")}
        body |= {"reason": reason, "person": person}
        tail = Tail(member, speak.Speaker(language))
        member.node.accept("reopen", f"{case}/{found[0]['trigger']}", body)
        work(member, speak.Speaker(language))
        for line in tail.lines():
            speak.out(line)
    speak.out(speak.Speaker(language).text("reopened", case=case, person=person))
    return 0


def payee(
    place: Place,
    subject: str,
    account: str,
    name: str,
    asked: accounts.Asked,
    *,
    language: Language,
) -> int:
    """A corrected account; what the bank refused for good is ordered again.

    That of a policy changes by an act with a person and a reason; on a record of rules that know no
    such act, and for everybody else who is paid, it is an operator's word.
    """
    speaker, given = speak.Speaker(language), {"account": account, "name": name}
    kind, _, policy = subject.partition("/")
    with with_bank(place) as (member, bank):
        if bank.sandbox:
            bank.control.open_accounts([(account, name, 0)])  # so that the account is there
        if kind == "policy" and accounts.binds(member.node):
            if asked.person is None or asked.reason is None:
                raise Refused(Refusal("cli.payee_by_whom", {"subject": subject}))
            accounts.change(member.node, policy, given, asked)
        else:
            with member.node.store.writing() as block:
                kept = block.payee(subject) or {}  # who bought stays who they are
                block.put_payee(subject, {**kept, **given})
                if kind == "policy":
                    correct(block, policy, given)
        again = member.pay_again(subject)
        paid = work(member, speaker)
    speak.out(speaker.text("payee_kept", subject=subject, again=again, done=paid))
    return 0


def accept_clock(place: Place, *, language: Language) -> int:
    """A person says that this machine's clock is right: the record's time goes on to it."""
    with working(place, accept_clock=True) as member:
        member.node.pass_time(system_clock())
        now = beijing_text(member.node.time())
    speak.out(speak.Speaker(language).text("clock_accepted", now=now))
    return 0


@contextmanager
def working(place: Place, *, accept_clock: bool = False) -> Iterator[Member]:
    """The member of a live record with its bank, this process alone.

    Errors   Refused cli.no_record, cli.replay_takes_no_live_facts.
    """
    with with_bank(place, accept_clock=accept_clock) as (member, _):
        yield member


@contextmanager
def with_bank(place: Place, *, accept_clock: bool = False) -> Iterator[tuple[Member, RunningBank]]:
    """As `working`, with the sandbox bank's control side."""
    with ExitStack() as opened:
        opened.enter_context(place.alone())
        with place.record() as found:
            genesis: dict[str, Any] | None = found.node.genesis
            if genesis is None or genesis["clock"] != "live":
                folder = str(place.folder)
                raise Refused(Refusal("cli.replay_takes_no_live_facts", {"folder": folder}))
            address = opened.enter_context(place.database())  # the server stays up for us
        bank = opened.enter_context(place.bank())
        with place.member(address, bank.address, accept_clock=accept_clock) as member:
            yield member, bank


def _good(results: Iterable[ActResult]) -> None:
    if refusals := [r for result in results for r in result.refusals]:
        raise Refused(*refusals)
