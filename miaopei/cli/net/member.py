"""A member's node as a process: `python -m miaopei.cli.net.member FOLDER`.

Ends with 0 when it is told to, with 1 when it cannot go on: the reason is the last line of its log,
and whoever supervises it starts it again together with its engine.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from ...acts.envelope import from_json
from ...errors import OutsideFault, Refused
from ...errors.texts import say
from ...settings import language
from ...wiring.consortium import Seated
from ...wiring.machine import Machine
from . import control, mending
from .control import BOUND, Command, Commands, Tell
from .life import telling

ANSWERING = 64  # commands answered at once


def main(folder: Path, *, bound: bool) -> int:
    """Run until told to stop."""
    os.chdir(folder)
    raise_file_limit()
    here = Path()
    try:
        told = Machine.of(here)
        mending.need_whole(here, told.member)
        mending.need_free(here, told)
        seated = Seated(here, told)
        telling.complete(here, seated.status()["seats"])
    except Refused as refused:
        why = " ".join(say(refusal, language()) for refusal in refused.refusals)
        sys.stderr.write(f"{why}\n{json.dumps(control.as_json(refused))}\n")
        return 1
    except OutsideFault as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        return asyncio.run(_run(seated, bound=bound))
    finally:
        seated.close()


def raise_file_limit() -> int:
    """As many files may be open from now on as this machine lets us, connections among them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # a system may say "any number" and mean fewer
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


async def _run(seated: Seated, *, bound: bool) -> int:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.set_default_executor(ThreadPoolExecutor(ANSWERING))  # an act may wait for the others
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if bound:
        loop.add_reader(0, _until_closed, loop, told)
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(seated.serving())
        await opened.enter_async_context(control.serving(commands(seated)))
        waits = [asyncio.create_task(event.wait()) for event in (told, seated.failed)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
    if seated.failed.is_set():
        sys.stderr.write(f"{seated.trouble}\n")
        return 1
    return 0


def _until_closed(loop: asyncio.AbstractEventLoop, told: asyncio.Event) -> None:
    if not os.read(0, 1):
        loop.remove_reader(0)
        told.set()


def commands(seated: Seated) -> Mapping[str, Command]:
    """What may be asked of a running member by whoever owns its folder."""
    from .beside import asked as beside
    from .granting import asked as granting
    from .keyed import asked as keyed
    from .life.asked import answers
    from .mandate import asked as mandate

    def act(_: Tell, asked: dict[str, Any]) -> Any:
        made = seated.member.node.accept(asked["kind"], asked["ref"], asked["body"])
        return {"act": made.act, "new": made.new}

    def carry(_: Tell, asked: dict[str, Any]) -> Any:
        """Hand in an act that another member has signed and cannot send itself, in the form that
        the record wants now of those that are given.
        """
        given, ends = [from_json(act) for act in asked["acts"]], seated.orderer.end() is not None
        fit = (act for act in given if (act.until is not None) == ends)
        made = seated.member.node.carry(next(fit, given[0]))
        if not made.ok:
            raise Refused(*made.refusals)
        return {"act": made.act, "new": made.new}

    own: dict[str, Command] = {
        "carry": carry,
        "status": lambda *_: seated.status(),
        "others": lambda _, asked: seated.others(asked["height"]),
        "roots": lambda _, asked: {str(h): seated.root_at(h) for h in asked["heights"]},
        "act": act,
        "lie": lambda *_: {"from": seated.lie()},
        "skew": lambda _, asked: seated.skew(asked["by"]),
        "lie_in_amounts": lambda *_: seated.lie_in_amounts(),
        "differences": lambda *_: seated.differences(),
        **answers(seated),
        **beside.answers(seated),
        **granting.answers(seated),
        **keyed.answers(seated),
        **mandate.answers(seated),
    }
    return Commands(own, lambda: _shown(seated))


def _shown(seated: Seated) -> Mapping[str, Command]:
    """What demonstrations and loads ask for. They bring the programs of whole days along, which is
    as much again as all the rest of a member: imported when it is asked for first.
    """
    from .load import following, insuring, offering
    from .steps import steps

    return {
        **steps(seated),
        **following.answers(seated),
        **insuring.answers(seated),
        **offering.answers(seated),
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), bound=BOUND in sys.argv))
