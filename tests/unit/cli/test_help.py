"""`--help` in one language at a time: by `--lang`, MIAOPEI_LANG or the locale, nothing cut off."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from miaopei.cli.commands import app
from miaopei.cli.commands.teaching import teach
from miaopei.cli.helping.showing import in_chinese, tree
from miaopei.cli.main import main

PROGRAM = str(Path(sys.executable).with_name("miaopei"))
HAN = re.compile("[\u4e00-\u9fff]")


def plain(text: str) -> str:
    """What a page of help says, without its lines and boxes."""
    return re.sub(r"[\s│╭╮╰╯─]", "", text)


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], "MIAOPEI_LANG=zh"),
        ([], "--lang=zh"),
        (["--help"], "LANG=zh_CN.UTF-8"),
        (["demo", "--help"], "--lang zh"),
        (["invoice"], "--lang zh"),
        (["net", "-h"], "LC_ALL=zh_CN.UTF-8"),
    ],
)
def test_help_is_chinese_where_it_is_asked_for(
    words: list[str],
    given: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("MIAOPEI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    if given.startswith("--"):
        words = [*words, *given.split()]
    else:
        monkeypatch.setenv(*given.split("="))
    main(words)
    said = capsys.readouterr().out
    assert "用法：miaopei" in said
    assert "选项" in said
    assert "Usage" not in said
    assert "Options" not in said
    main([*(w for w in words if "lang" not in w and w != "zh"), "--help", "--lang", "en"])
    said = capsys.readouterr().out  # and English again in the same process
    assert "Usage: miaopei" in said
    assert not HAN.search(said.replace("秒赔", ""))


def test_every_page_of_help_is_whole_and_in_chinese(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    teach(app, "zh")
    root = get_command(app)
    with in_chinese(root):
        for command in tree(root):
            pages = {}
            for columns in ("80", "400"):  # of one line each, and of the usual width
                monkeypatch.setenv("COLUMNS", columns)
                command.get_help(command.context_class(command, info_name="miaopei"))
                pages[columns] = capsys.readouterr().out
            assert "…" not in pages["80"], command.name
            said = plain(pages["400"])
            for text in (command.help, *(param.help for param in command.params)):
                assert plain(text).replace("`", "") in said, command.name
                assert HAN.search(text)
    teach(app, "en")


def test_only_help_in_chinese_loads_its_texts() -> None:
    """A start that shows no help in Chinese imports nothing for it."""
    code = (
        "import sys; from miaopei.cli.main import main; main(sys.argv[1:]);"
        "print('miaopei.cli.helping.showing' in sys.modules)"
    )
    environment = {**os.environ, "MIAOPEI_LANG": "zh"}
    for words, loaded in ((["--version"], "False"), (["money", "--help"], "True")):
        ran = subprocess.run(
            [sys.executable, "-c", code, *words],
            capture_output=True, text=True, timeout=500, check=True, env=environment,
        )  # fmt: skip
        assert ran.stdout.split()[-1] == loaded


def test_no_command_asks_money_in_fen() -> None:
    teach(app, "en")
    asked = [
        (command.name, param.name)
        for command in tree(get_command(app))
        for param in command.params
        for said in (param.metavar, param.help, *param.opts)
        if re.search(r"\bfen\b", said or "", re.IGNORECASE)
    ]
    assert asked == []
