"""Pages that are up while a demonstration is played, and scenes that last, for whoever follows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from ...adapters.grid.push.running import served
from ...errors import Refusal, Refused
from ...settings import Language
from ...wiring import Member
from .. import speak
from ..service import END_SECONDS, pages_of

PACE = 3.0  # seconds that a scene stands
Rest = Callable[[float], None]


def resting(pace: float) -> Rest:
    """What lets so many scenes stand; nobody waits where the pace is nothing."""
    return lambda scenes: time.sleep(scenes * pace)


@contextmanager
def pages(
    member: Member,
    speaker: speak.Speaker,
    labels: Mapping[Language, Sequence[str]],
    port: int,
) -> Iterator[None]:
    """The pages of a record, beside whatever is done with it; where to look is said.

    Errors   Refused cli.port_in_use.
    """
    app: Any = pages_of(member, labels=labels, language=speaker.language)
    with ExitStack() as up:
        try:
            address = up.enter_context(served(app, port, end_seconds=END_SECONDS))
        except OSError:
            raise Refused(Refusal("cli.port_in_use", {"port": port, "next": port + 1})) from None
        speak.note(speaker.text("follow", address=f"{address}/{speaker.language}/outages"))
        yield


def until_told(speaker: speak.Speaker) -> None:
    """Wait for Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        speak.note(speaker.text("served"))
