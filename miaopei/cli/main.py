"""How a command begins and ends: arguments in, an exit code out, refusals as sentences.

Exit codes: 0 good; 1 a refusal, or not verified; 2 wrong usage; 3 an outside fault, try again;
4 an alarm; 130 interrupted. The commands themselves are in `commands`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import settings
from ..errors import Alarm, OutsideFault, Refused

GOOD, REFUSED, USAGE, OUTSIDE, ALARM = 0, 1, 2, 3, 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a user can do wrong ends in a sentence and a code, no traceback."""
    from . import speak

    given = list(sys.argv[1:] if arguments is None else arguments)
    language = language_of(given)
    try:
        return _run(given, language)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Refused as refused:
        speak.refuse(refused.refusals, language)
        return REFUSED
    except OutsideFault as fault:
        speak.fault(fault, language)
        return OUTSIDE
    except Alarm as alarm:
        speak.alarm(alarm, language)
        return ALARM
    except OSError as error:
        speak.fault(OutsideFault(str(error), retry=True), language)
        return OUTSIDE


def _run(given: list[str], language: settings.Language) -> int:
    """Checking a receipt is asked for most and answers at once; all else goes through typer."""
    if given[:1] == ["verify"]:
        from . import verify

        if (asked := verify.read(given[1:])) is not None:
            return verify.run(asked.file, asked.key, as_json=asked.json, language=language)
    from .commands import app

    app(given, prog_name="miaopei")
    return GOOD


def run() -> NoReturn:
    """The entry point: told to stop from outside, everything that was started is put away."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    sys.exit(main())


def _interrupted(number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt(f"signal {number}")


def language_of(arguments: Sequence[str]) -> settings.Language:
    """The language for what goes wrong before or beside a command's own words."""
    for at, argument in enumerate(arguments):
        if argument == "--lang":
            return "zh" if "zh" in arguments[at + 1 : at + 2] else "en"
        if argument.startswith("--lang="):
            return "zh" if argument.endswith("zh") else "en"
    return settings.language()
