"""A node brings at its start what a member needs; a demonstration is brought when it is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from miaopei.cli.net.control import Command, Commands

# What only demonstrations, pages and migrations use: more than all the rest of a start together.
HEAVY = ("fastapi", "httpx", "uvicorn", "pydantic", "sqlalchemy", "alembic", "numba", "rich")


def test_a_member_starts_without_web_servers_and_migrations() -> None:
    rooms = ("member", "supervisor", "granting.asked", "life.asked", "mandate.asked")
    names = ", ".join(f"miaopei.cli.net.{room}" for room in rooms)
    code = f"import sys, {names}; print(*[n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=500, check=True
    )
    assert done.stdout.strip() == ""


def said(name: str) -> Command:
    return lambda _tell, _asked: name


def test_further_commands_are_brought_once_and_only_when_one_of_them_is_asked_for() -> None:
    brought = list[str]()

    def more() -> Mapping[str, Command]:
        brought.append("now")
        return {"play": said("play"), "load": said("load")}

    commands = Commands({"status": said("status")}, more)
    assert commands["status"](print, {}) == "status"
    assert brought == []
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(commands.get, ["play", "load"] * 20))
    assert [each(print, {}) for each in found if each] == ["play", "load"] * 20
    assert brought == ["now"]
    assert list(commands) == ["status", "play", "load"]
    assert commands.get("nothing") is None
    with pytest.raises(KeyError):
        commands["nothing"]
    assert brought == ["now"]
