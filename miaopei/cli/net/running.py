"""The commands of a net: what they do and what they show."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...acts.rule_sets import RULE_SETS, RULES
from ...adapters.engine.home import RPC_SOCKET
from ...adapters.engine.install import need
from ...adapters.engine.rpc import EngineRpc
from ...errors import Fact, OutsideFault, Refusal
from ...errors.texts import say
from ...measures import suites
from ...measures.instant import from_beijing
from ...settings import Language, own_environment
from ...wiring import system_clock
from .. import speak
from . import control, make, mending
from .plan import Net, held, no, put_away, sentence
from .shown.standing import below, rows_of, start_it
from .supervisor import TAKEN
from .watching import Row, last_words, standing

REPLAY_BEGINS = "2015-01-01"
UP_SECONDS = 300.0  # a wait that ends early: six members took 64 s on two cores at load 17
LOOK_SECONDS = 1.0
PUT_AWAY_SECONDS = 10.0  # in which a supervisor that has told the last is gone
OTHERS_SECONDS = 4.0  # in which others that are up have answered it
FALLS = 5  # of a member that is brought up: it will not come up by itself
LOG = "net.log"
SORTS = ("database", "bank", "nodes", "engines")  # in the order in which they come up
GOOD, NOT_GOOD = 0, 1


def init(
    folder: Path,
    count: int,
    *,
    replay: bool,
    origin: str | None,
    apart: bool,
    rules: int | None,
    language: Language,
    suite: str = suites.DEFAULT,
) -> int:
    """Make a net that has never run."""
    need()
    suites.use(suites.named(suite))
    if rules is not None and rules not in RULE_SETS:
        raise no("no_such_rules", rules=rules, newest=RULES)
    begins = {"rules": RULES if rules is None else rules}
    time_now = from_beijing(REPLAY_BEGINS) if replay else system_clock()
    clock = "replay" if replay else "live"
    net = make.make(folder, count, clock=clock, time=time_now, origin=origin, apart=apart, **begins)
    names = ", ".join(net.members)
    facts = {"program": speak.program(), "folder": str(net.folder)}
    speak.out(sentence("made", language, members=names, clock=clock, **facts))
    return GOOD


def up(folder: Path, *, detach: bool, language: Language, as_json: bool = False) -> int:
    """Start the supervisor; wait until all are up; then watch, or come back. Where the record goes
    on and a member does not come up, that is told (1), and the others stay up.

    `as_json`: tell what took how long.
    """
    net = Net.of(folder)
    if control.there(net.folder):
        raise no("is_up", folder=str(net.folder))
    with held(net, PUT_AWAY_SECONDS):
        pass  # one that was told to stop is gone
    begins, is_up = ("starting", "up") if net.own is None else ("starting_own", "up_own")
    speak.note(sentence(begins, language, members=len(net.here)))
    started = time.monotonic()
    supervisor = _supervise(net, detach=detach)
    try:
        waits = _until_up(net, supervisor)
        whole = time.monotonic() - started
        told: dict[str, Fact] = {"members": len(net.here), "seconds": f"{whole:.1f}"}
        if waits is None:
            speak.note(sentence(is_up, language, **told))
        else:
            waiting = "up_without" if net.own is None else "up_waits"
            speak.note(sentence(waiting, language, **told, why=say(waits, language)))
        if as_json:
            speak.show_json(_split(net, started, whole))
        if detach:
            return NOT_GOOD if waits is not None and net.own is None else GOOD
        _watch(net, supervisor, language)
    except BaseException:
        _stop(net, supervisor)
        raise
    return supervisor.wait()


def status(folder: Path, *, as_json: bool, language: Language) -> int:
    """How the net stands."""
    net = Net.of(folder)
    found = standing(net)
    if as_json:
        speak.show_json(found.as_json())
    else:
        speak.console().print(rows_of(found, language))
        for line in below(net, found, language):
            speak.out(line)
    return GOOD if found.goes_on else NOT_GOOD


def down(folder: Path, member: str | None, *, language: Language) -> int:
    """Stop all, or one."""
    net = _up(folder)
    if member is None:
        control.call(net.folder, "stop")
        control.until(
            lambda: not (control.there(net.folder) or net.postgres.running()),
            UP_SECONDS,
            "the net does not stop",
        )
    else:
        net.at(member)
        control.call(net.folder, "down", member=member, seconds=UP_SECONDS)
    if member is None:
        speak.note(start_it("stopped", net, language))
    else:
        speak.note(sentence("done", language, what="down", member=member))
    return GOOD


def kill(folder: Path, members: list[str], *, stay: bool, language: Language) -> int:
    """SIGKILL, all at once."""
    net = _up(folder)
    chosen = net.members if members == ["all"] else members
    control.call(net.folder, "kill", members=chosen, stay=stay, seconds=UP_SECONDS)
    speak.note(sentence("done", language, what="kill", member=", ".join(chosen)))
    return GOOD


def heal(folder: Path, member: str, *, rebuild: bool, language: Language) -> int:
    """Let a member go on, and wait until it does: 1 where its record still differs.

    Errors   Refused net.folder_gone, net.restore_begun; OutsideFault where it does not come up.
    """
    net = _up(folder)
    if not net.at(member).exists():
        raise no("folder_gone", member=member, path=str(net.at(member)))
    mending.need_whole(net.at(member), member)
    falls = _process(net, member)["restarts"]
    control.call(net.folder, "heal", member=member, rebuild=rebuild, seconds=UP_SECONDS)
    why = f"{member} is not up within {UP_SECONDS:.0f} s; see its node.log"
    control.until(lambda: _runs(net, member, falls), UP_SECONDS, why)
    speak.note(sentence("done", language, what="heal", member=member))
    rows = () if rebuild else standing(net, named=False).rows
    if not any(row.member == member and row.verdict == "differs" for row in rows):
        return GOOD
    speak.note(sentence("heal_differs", language, member=member))
    return NOT_GOOD


def cut(
    folder: Path, member: str, others: Sequence[str], *, one_way: bool, language: Language
) -> int:
    """Cut a member off from others, all where none is named."""
    net = _up(folder)
    for name in (member, *others):
        net.at(name)
    control.call(net.folder, "cut", member=member, others=list(others), one_way=one_way)
    speak.note(sentence("done", language, what="cut", member=" ".join((member, *others))))
    return GOOD


def slow(folder: Path, member: str, kbit: int, *, language: Language) -> int:
    """Let what a member sends pass at so many kilobits a second."""
    net = _up(folder)
    net.at(member)
    control.call(net.folder, "slow", member=member, kbit=kbit)
    speak.note(sentence("done", language, what=f"slow {kbit} kbit/s", member=member))
    return GOOD


def skew(folder: Path, member: str, seconds: int, *, language: Language) -> int:
    """Set a member's clock wrong by so many seconds."""
    net = _up(folder)
    net.at(member)
    control.need(net.folder, member)
    control.call(net.at(member), "skew", by=seconds)
    speak.note(sentence("done", language, what=f"skew {seconds:+d} s", member=member))
    return GOOD


def lie(folder: Path, member: str, what: str, *, language: Language) -> int:
    """Have a member tell a false root, or (`lie_in_amounts`) decide less than the terms say."""
    net = _up(folder)
    net.at(member)
    control.need(net.folder, member)
    control.call(net.at(member), what)
    speak.note(sentence("done", language, what="lie", member=member))
    return GOOD


def _up(folder: Path) -> Net:
    """A net whose supervisor runs.

    Errors   Refused net.none, net.not_up.
    """
    net = Net.of(folder)
    control.need(net.folder)
    return net


def _supervise(net: Net, *, detach: bool) -> subprocess.Popen[bytes]:
    with (net.folder / LOG).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", f"{__package__}.supervisor", str(net.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=own_environment(),
            start_new_session=detach,
        )


def _until_up(net: Net, supervisor: subprocess.Popen[bytes]) -> Refusal | None:
    """Until every member is up and has its first block, or the record goes on without those that
    end again and again: then who lacks; of one on its own machine, until it answers, or has waited
    for the others for a while: then why it waits."""
    waits, first, late = None, 0.0, time.monotonic() + UP_SECONDS

    def is_up() -> bool:
        nonlocal waits, first
        if supervisor.poll() == TAKEN:
            raise no("is_up", folder=str(net.folder))
        if supervisor.poll() is not None:
            said = (net.folder / LOG).read_text("utf-8", "replace").strip()[-600:]
            raise OutsideFault(f"the net does not come up: {said}", retry=True)
        if net.own is not None:
            told = _answers(net, net.own.member)
            waits = told if isinstance(told, Refusal) else None
            first = first or (time.monotonic() if waits else 0.0)
            return told is True or (bool(waits) and time.monotonic() > first + OTHERS_SECONDS)
        found = standing(net, named=False)
        lack = [row for row in found.rows if not (row.up and row.height)]
        waits = Refusal("net.lacking", {"lacking": _named(lack)}) if lack else None
        fallen = all(row.restarts >= FALLS for row in lack) or time.monotonic() > late
        return found.goes_on and fallen

    def why() -> str:
        lacking = _named([row for row in standing(net, named=False).rows if not row.up])
        return f"not up within {UP_SECONDS:.0f} s: {lacking or 'no block comes'}"

    control.until(is_up, UP_SECONDS, why, 0.2)
    return waits


def _named(rows: Sequence[Row]) -> str:
    return ", ".join(f"{r.member} ({r.trouble})" if r.trouble else r.member for r in rows)


def _answers(net: Net, member: str) -> bool | Refusal:
    """Whether a member's node answers, and its engine is there for the others' engines; or why its
    node does not start the engine yet, for want of them.

    Errors   OutsideFault where it ends again and again: the last line of its log.
    """
    if not control.there(net.folder):
        return False
    process = _process(net, member)
    _not_fallen(net, process)
    at = net.at(member)
    if not control.there(at):
        return False
    with suppress(OutsideFault):  # it has ended since: it is started again, or was too often
        return EngineRpc(at / RPC_SOCKET).listens() if process["up"] else _waits(at) or False
    return False


def _runs(net: Net, member: str, falls: int) -> bool:
    """Whether a member's node answers, and its engine runs, or is not started yet for a reason.

    Errors   as `_answers`, not counting so many falls of before.
    """
    process = _process(net, member)
    _not_fallen(net, process, falls)
    with suppress(OutsideFault):
        at = net.at(member)
        return control.there(at) and bool(process["up"] or _waits(at))
    return False


def _process(net: Net, member: str) -> dict[str, Any]:
    """What the supervisor knows of a member."""
    told: list[dict[str, Any]] = control.call(net.folder, "status")["members"]
    return next(process for process in told if process["member"] == member)


def _not_fallen(net: Net, process: dict[str, Any], falls: int = 0) -> None:
    if process["restarts"] >= falls + FALLS:
        member = process["member"]
        last = last_words(net, member, {**process, "up": False})  # of the lives before this one
        why = last and next((Refusal(r["code"], r["facts"]) for r in last.refusals), None)
        what = f"{member} ended {FALLS} times as it came up: {last and last.said}"
        raise OutsideFault(what, retry=True, said=why or None)


def _waits(at: Path) -> Refusal | None:
    """Why a member's engine signs nothing yet, where that is so."""
    waits = control.call(at, "status").get("waits")
    return None if waits is None else Refusal(waits["code"], waits["facts"])


def _split(net: Net, started: float, whole: float) -> dict[str, float]:
    """Seconds that coming up took: all of them, and each part after the one before it."""
    moments = control.call(net.folder, "status")["moments"]
    found, before = {"seconds": round(whole, 3)}, started
    for name in SORTS:
        at = max(before, moments.get(name, before))
        found[name], before = round(at - before, 3), at
    return {**found, "blocks": round(max(0.0, started + whole - before), 3)}


def _watch(net: Net, supervisor: subprocess.Popen[bytes], language: Language) -> None:
    from rich.live import Live

    with Live(console=speak.console(), auto_refresh=False) as live:
        while supervisor.poll() is None:
            live.update(rows_of(standing(Net.of(net.folder), named=False), language), refresh=True)
            time.sleep(LOOK_SECONDS)


def _stop(net: Net, supervisor: subprocess.Popen[bytes]) -> None:
    if supervisor.poll() is None:
        supervisor.terminate()
        try:
            supervisor.wait(UP_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()
    put_away(net)
