"""How a command begins and ends: arguments in, an exit code out, refusals as sentences.

`verify` is here as well: a receipt is checked by importing what checks it and no more.

Exit codes: 0 good; 1 a refusal, or not verified; 2 wrong usage; 3 an outside fault, try again;
4 an alarm; 130 interrupted. The commands themselves are in `commands`.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from .. import settings
from ..errors import Alarm, OutsideFault, Refusal, Refused
from ..settings import Language

GOOD, REFUSED, USAGE, OUTSIDE, ALARM, INTERRUPTED = 0, 1, 2, 3, 4, 130
KEY_FILE, LONGEST_KEY = "log.vkey", 1_000
LONGEST_GENESIS = 100_000


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
        code, refusals = REFUSED, refused.refusals
    except OutsideFault as fault:
        code, refusals = OUTSIDE, speak.fault(fault)
    except Alarm as alarm:
        code, refusals = ALARM, speak.alarm(alarm)
    except OSError as error:
        code, refusals = OUTSIDE, speak.fault(OutsideFault(str(error), retry=True))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        misused = _misused(error)
        if misused is None:
            raise
        code, refusals = USAGE, misused
    speak.refuse(refusals, language)
    if wants_json(given):
        speak.show_json(speak.refused(refusals, code))
    return code


def _misused(error: Exception) -> tuple[Refusal, ...] | None:
    """Wrong words, as typer found them, as refusals; None for any other fault."""
    from typer.exceptions import TyperException

    from .usage import refusal

    return refusal(error) if isinstance(error, TyperException) else None


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether standard output was to hold JSON, so that a refusal must be JSON too."""
    if arguments[:1] == ["demo"]:  # there --json names a file, or - for standard output
        return "--json=-" in arguments or ("--json", "-") in pairwise(arguments)
    return "--json" in arguments


def _run(given: list[str], language: Language) -> int:
    """Checking a receipt is asked for most and answers at once; all else goes through typer."""
    if given[:1] == ["verify"] and (asked := verify_arguments(given[1:])) is not None:
        return verify(asked.file, asked.key, asked.genesis, as_json=asked.json, language=language)
    from typer.main import get_command

    from .commands import app
    from .commands.teaching import teach
    from .helping.asking import help_words

    teach(app, language)
    command = get_command(app)
    words = help_words(command, given)
    with ExitStack() as shown:
        if words is not None and language == "zh":
            from .helping.showing import in_chinese

            shown.enter_context(in_chinese(command))
        words = given if words is None else words
        ended = command(words, prog_name="miaopei", standalone_mode=False)
    return ended if isinstance(ended, int) else GOOD


def run() -> NoReturn:
    """The entry point: told to stop from outside, everything that was started is put away."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    sys.exit(main())


def _interrupted(number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt(f"signal {number}")


def language_of(arguments: Sequence[str]) -> Language:
    """The language for what goes wrong before or beside a command's own words."""
    for at, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--lang":
            asked = value if equals else next(iter(arguments[at + 1 : at + 2]), "")
            if asked in ("zh", "en"):
                return "zh" if asked == "zh" else "en"
    return settings.language()


@dataclass
class Asked:
    """The arguments of `verify`."""

    file: Path
    key: str | None = None
    genesis: Path | None = None
    json: bool = False


def verify_arguments(arguments: Sequence[str]) -> Asked | None:
    """The arguments, read without typer; None for whatever typer must explain (help, mistakes)."""
    asked, files, rest = Asked(Path()), list[str](), list(arguments)
    while rest:
        given = rest.pop(0)
        name, equals, value = given.partition("=")
        if name in ("--key", "--lang", "--genesis"):
            if not equals and not rest:
                return None
            value = value if equals else rest.pop(0)
            if name == "--lang" and value not in ("zh", "en"):
                return None
            asked.key = value if name == "--key" else asked.key
            asked.genesis = Path(value) if name == "--genesis" else asked.genesis
        elif given == "--json":
            asked.json = True
        elif given.startswith("-"):
            return None
        else:
            files.append(given)
    if len(files) != 1 or not Path(files[0]).is_file():
        return None
    asked.file = Path(files[0])
    return asked


def verify(
    file: Path, key: str | None, genesis: Path | None, *, as_json: bool, language: Language
) -> int:
    """Check a receipt with no database and no network: 0 where every check holds, else 1."""
    from ..claims.verify import explain, suite_of
    from ..claims.verify import verify as check
    from ..measures.suites import named, use
    from . import speak

    data, vkey, founding = file.read_bytes(), key_of(key), _genesis_of(genesis)
    use(named(suite_of(data, vkey, founding)))
    verdict = check(data, vkey, founding)
    if as_json:
        speak.out(json.dumps(verdict.as_json(), ensure_ascii=False, indent=2))
    else:
        for line in explain(verdict, language):
            speak.out(line)
        if verdict.lacks is not None:
            speak.note(speak.Speaker(language).text(f"verify_needs_{verdict.lacks}"))
    return 0 if verdict.holds else 1


def _genesis_of(path: Path | None) -> bytes | None:
    """The bytes of a genesis file.

    Errors   Refused cli.no_genesis_file, cli.not_a_genesis.
    """
    from ..claims.verify import is_genesis

    if path is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_GENESIS)
    except OSError as error:
        facts = {"path": str(path)[:200], "why": type(error).__name__}
        raise Refused(Refusal("cli.no_genesis_file", facts)) from None
    if not is_genesis(data):
        raise Refused(Refusal("cli.not_a_genesis", {"path": str(path)[:200]}))
    return data


def key_of(given: str | None) -> str | None:
    """The log's verifier key: the text itself, or a file or folder that holds it.

    Errors   Refused cli.no_key_file.
    """
    if given is None or given.count("+") >= 2:
        return None if given is None else given.strip()
    path = Path(given)
    path = path / KEY_FILE if path.is_dir() else path
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST_KEY).strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if text.count("+") < 2 or len(text.split()) != 1:
        raise Refused(Refusal("cli.no_key_file", {"path": given[:200]}))
    return text
