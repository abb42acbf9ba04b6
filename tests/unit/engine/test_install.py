"""The engine is built once, known again by its bytes, and never taken when they differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from miaopei import settings
from miaopei.adapters.engine import install
from miaopei.cli.commands import engines
from miaopei.cli.main import main
from miaopei.errors import OutsideFault, Refused


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No engine is installed and none is named; where one would be kept."""
    monkeypatch.delenv(settings.ENGINE, raising=False)
    monkeypatch.setattr(settings, "engine_folder", lambda: tmp_path / "engine")
    return tmp_path / "engine"


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
    return path


def go(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str, build: str = "exit 1") -> None:
    """A Go on the path that says it is of a version, and builds by a shell line."""
    folder.mkdir()
    program(folder / "go", f'[ "$1" = env ] && echo {version} && exit 0\n{build}')
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(sys, "executable", str(folder / "python"))


BUILDS = 'mkdir -p "$GOBIN" && echo engine > "$GOBIN/cometbft" && chmod 755 "$GOBIN/cometbft"'


def test_a_named_engine_is_used_and_one_that_cannot_run_is_refused(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = program(tmp_path / "mine", "exit 0")
    monkeypatch.setenv(settings.ENGINE, str(mine))
    found = install.install()
    assert (found.program, found.known, found.built) == (mine, False, False)
    monkeypatch.setenv(settings.ENGINE, str(tmp_path))
    with pytest.raises(Refused, match=r"engine\.not_a_program"):
        install.find()


def test_without_a_recent_go_it_says_what_to_do(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path / "old", monkeypatch, "go1.19.8")
    with pytest.raises(Refused, match=r"engine\.no_go.*go1\.19\.8"):
        install.install()
    with pytest.raises(Refused, match=r"engine\.not_installed"):
        install.need()


def test_another_toolchain_builds_once_and_leaves_nothing_else(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path / "new", monkeypatch, "go1.26.8", BUILDS)
    first, second = install.install(), install.install()
    assert (first.built, second.built, first.known) == (True, False, False)
    assert {path.name for path in elsewhere.iterdir()} == {install.NAME, "lock"}
    assert install.need().program == elsewhere / install.NAME


def test_the_pinned_toolchain_must_give_the_pinned_bytes(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path / "pinned", monkeypatch, install.TOOLCHAIN, BUILDS)
    monkeypatch.setattr(install, "_wanted", lambda: "0" * 64)
    with pytest.raises(Refused, match=r"engine\.other_bytes"):
        install.install()
    assert {path.name for path in elsewhere.iterdir()} == {"lock"}


def test_a_build_that_fails_is_an_outside_fault(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path / "broken", monkeypatch, "go1.26.8", "echo no route >&2; exit 1")
    with pytest.raises(OutsideFault, match="no route"):
        install.install()
    assert {path.name for path in elsewhere.iterdir()} == {"lock"}


def test_a_build_says_how_far_it_is(
    elsewhere: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = 'printf "go: downloading a v1\\ngo: upgraded b\\nruntime\\nfmt\\n" >&2; '
    go(tmp_path / "new", monkeypatch, "go1.26.8", said + BUILDS)
    monkeypatch.setattr(engines, "EVERY", 0.0)
    assert main(["engine", "install", "--lang", "zh"]) == 0
    shown = capsys.readouterr().err.splitlines()
    assert shown[-1] == "已下载 1 个模块，编译 2 个包"
    assert len(shown) == 5, "what it does, and a line for each that the build has written"


def test_a_build_that_never_ends_is_ended(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path / "stuck", monkeypatch, "go1.26.8", "exec sleep 600")
    monkeypatch.setattr(install, "BUILD_SECONDS", 0.2)
    with pytest.raises(OutsideFault, match="did not end within"):
        install.install()
    assert {path.name for path in elsewhere.iterdir()} == {"lock"}


@pytest.mark.timeout(1200)  # the first run builds the engine
def test_the_command_installs_the_real_engine_with_the_bytes_we_know() -> None:
    command = [sys.executable, "-m", "miaopei.cli", "engine", "install", "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert told["known"]
    assert told["sha256"] in install.KNOWN.values()
    version = subprocess.run([told["program"], "version"], capture_output=True, text=True)
    assert version.stdout.split()[0].removeprefix("v").split("+")[0] == "0.38.26"
