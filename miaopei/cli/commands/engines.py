"""Commands for the engine that several members share."""

from __future__ import annotations

from .options import JsonFlag, LangOption, chosen


def engine_install(as_json: JsonFlag = False, lang: LangOption = None) -> None:
    """Build the engine from its pinned source, once; skips what is there.

    Needs a Go toolchain: that of the extra `engine`, else a recent one on the path. About a minute,
    1 GB of scratch space that is given back. With the pinned toolchain the program's SHA-256 is
    checked. Sites without a network name a program of their own in MIAOPEI_ENGINE.
    """
    from ...adapters.engine import install
    from ...errors import Refusal
    from ...errors.texts import say
    from .. import speak

    language = chosen(lang)
    if install.find() is None:
        speak.note(say(Refusal("engine.building", {"version": install.VERSION}), language))
    made = install.install()
    if as_json:
        speak.show_json(
            {
                "version": install.VERSION,
                "program": str(made.program),
                "sha256": made.sha256,
                "known": made.known,
                "built": made.built,
            }
        )
        return
    known = say(Refusal(f"engine.known_{'yes' if made.known else 'no'}"), language)
    facts = {"version": install.VERSION, "path": str(made.program), "digest": made.sha256}
    speak.out(say(Refusal("engine.installed", {**facts, "known": known}), language))
