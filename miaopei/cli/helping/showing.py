"""Help in Chinese: the tree of commands that typer made, its texts put into Chinese.

Loaded only where help is asked for in Chinese; every other start pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich import columns
from rich.table import Table
from typer import rich_utils

from .groups import GROUPS, PROGRAM
from .options import OPTIONS

PANELS = {
    "ARGUMENTS_PANEL_TITLE": "参数",
    "OPTIONS_PANEL_TITLE": "选项",
    "COMMANDS_PANEL_TITLE": "命令",
    "DEFAULT_STRING": "[默认：{}]",
    "REQUIRED_LONG_STRING": "[必填]",
}


class Folding(Table):
    """A table that breaks a long line of Chinese, which has no spaces, in place of cutting it."""

    def add_row(self, *cells: Any, **more: Any) -> None:
        """As `Table`."""
        super().add_row(*cells, **more)
        for column in self.columns:
            column.overflow = "fold"


IN_CHINESE: tuple[tuple[Any, str, Any], ...] = (
    *((rich_utils, name, text) for name, text in PANELS.items()),
    (rich_utils, "Table", Folding),
    (columns, "Table", Folding),
)
USAGE = (("Usage: ", "用法："), ("[OPTIONS]", "[选项]"), ("COMMAND [ARGS]...", "命令 [参数]..."))


@contextmanager
def in_chinese(command: Any) -> Iterator[None]:
    """Help of a tree of commands is shown in Chinese while this lasts; the tree stays so."""
    before = [(room, name, getattr(room, name)) for room, name, _ in IN_CHINESE]
    command.help = PROGRAM
    for each in tree(command):
        _turn(each)
    try:
        for room, name, value in IN_CHINESE:
            setattr(room, name, value)
        yield
    finally:
        for room, name, value in before:
            setattr(room, name, value)


def tree(command: Any) -> Iterator[Any]:
    """A command and all below it."""
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from tree(below)


def _turn(command: Any) -> None:
    """One command: what it is where it is a group, its options, and how it is called."""
    if command.help in GROUPS:
        command.help = GROUPS[command.help]
    for param in command.params:
        param.help = OPTIONS.get(param.help, param.help)
    usage, option = command.get_usage, command.get_help_option

    def said(ctx: Any) -> str:
        text: str = usage(ctx)
        for en, zh in USAGE:
            text = text.replace(en, zh, 1)
        return text

    def helped(ctx: Any) -> Any:
        found = option(ctx)
        if found is not None:
            found.help = OPTIONS.get(found.help, found.help)
        return found

    command.get_usage, command.get_help_option = said, helped
