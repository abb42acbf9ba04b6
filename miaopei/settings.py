"""Where things lie and in which language we speak, unless a command says otherwise.

Read from the environment once a command starts. Not here: anything of the record, which carries its
own settings in its genesis.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

Language = Literal["zh", "en"]

DATA = "MIAOPEI_DATA"  # the data folder
KERNELS = "MIAOPEI_KERNELS"  # where compiled kernels are kept
DSN = "MIAOPEI_DSN"  # a PostgreSQL of your own, in place of the one that is started for you
ENGINE = "MIAOPEI_ENGINE"  # a CometBFT of your own, in place of the one that is built for you
ANVIL = "MIAOPEI_ANVIL"  # an anvil of your own, in place of the one that npm brings
MASTER_KEY = "MIAOPEI_MASTER_KEY"  # version:hex, several with commas: wraps the keys of persons
MASTER_KEY_FILE = "MIAOPEI_MASTER_KEY_FILE"  # a file of it, in place of the data folder's
HOSTS = "MIAOPEI_HOSTS"  # names with commas under which our servers answer, beside this machine's
LANG = "MIAOPEI_LANG"  # zh or en
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")  # in the order in which POSIX reads them


def checkout() -> Path | None:
    """The folder of the checkout this runs from, None for an installed package."""
    folder = Path(__file__).resolve().parents[1]
    return folder if (folder / "pyproject.toml").is_file() else None


def own_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For processes of our own: they find this very program, from any folder."""
    paths = [str(Path(__file__).resolve().parents[1]), environment.get("PYTHONPATH")]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def data_folder(environment: Mapping[str, str] = os.environ, record: str = "demo") -> Path:
    """Where records lie: MIAOPEI_DATA, else `var/demo` of a checkout, else the XDG data folder.

    `record`: the folder's name, where it is not the first demonstration.
    """
    if chosen := environment.get(DATA):
        return Path(chosen).expanduser().resolve()
    here = checkout()
    if here is not None and os.access(here, os.W_OK):
        return here / "var" / record
    home = environment.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
    return Path(home) / "miaopei" / record


def kernel_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where compiled kernels lie: MIAOPEI_KERNELS, else the user's cache folder."""
    if chosen := environment.get(KERNELS):
        return Path(chosen).expanduser().resolve()
    home = environment.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home) / "miaopei" / "kernels"


def dsn(environment: Mapping[str, str] = os.environ) -> str | None:
    """A database of the user's own, if one is named."""
    return environment.get(DSN) or None


def engine(environment: Mapping[str, str] = os.environ) -> Path | None:
    """An engine's program of the user's own, if one is named."""
    named = environment.get(ENGINE)
    return Path(named).expanduser().resolve() if named else None


def engine_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the engine's program is kept."""
    return _programs(environment) / "engine"


def anvil(environment: Mapping[str, str] = os.environ) -> Path | None:
    """A chain's program of the user's own, to try anchors with, if one is named."""
    named = environment.get(ANVIL)
    return Path(named).expanduser().resolve() if named else None


def chain_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the program of the chain to try anchors with is kept."""
    return _programs(environment) / "chain"


def _programs(environment: Mapping[str, str]) -> Path:
    """Where programs that we bring are kept: `.miaopei` of a checkout, else the XDG cache."""
    here = checkout()
    if here is not None and os.access(here, os.W_OK):
        return here / ".miaopei"
    cache = environment.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(cache) / "miaopei"


def hosts(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The names under which our servers answer: this machine's own, and those of MIAOPEI_HOSTS."""
    named = (each.strip().lower() for each in environment.get(HOSTS, "").split(","))
    return LOOPBACK | frozenset(filter(None, named))


def names_us(host: str, names: frozenset[str]) -> bool:
    """Whether the Host of a request, with or without a port, is one of these names.

    A page of a stranger whose name is pointed at this machine is kept out by it (DNS rebinding).
    """
    name, colon, port = host.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()):
        name = host
    bare = name[1:-1] if name[:1] == "[" and name[-1:] == "]" else name
    return bare.rstrip(".").lower() in names


def language(environment: Mapping[str, str] = os.environ) -> Language:
    """The user's language: MIAOPEI_LANG, else that of the locale, else English."""
    chosen = environment.get(LANG) or next(
        (environment[name] for name in _LOCALES if environment.get(name)), ""
    )
    return "zh" if chosen.lower().startswith("zh") else "en"
