"""A net of real processes for tests: made, brought up, asked, and always taken down."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from miaopei.adapters.engine import install
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net
from miaopei.cli.net.watching import Standing, standing
from miaopei.errors import OutsideFault
from tests.support import commands, servers

# For the net to come to stand as it should: a bound of waits that end early, on a machine that is
# slow, and shared.
SECONDS = 300.0
BODY = {"name": {"zh": "参与者", "en": "participant"}, "roles": [], "keys": []}


@dataclass
class Running:
    """A net that is up."""

    net: Net

    def miaopei(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of the net's commands as a user does."""
        return miaopei("net", arguments[0], str(self.net.folder), *arguments[1:], check=check)

    def standing(self, *, named: bool = True) -> Standing:
        """How it stands; `named`: also who has decided otherwise, which takes as long again."""
        return standing(self.net, named=named)

    def verdicts(self) -> dict[str, str]:
        """The verdict of each member."""
        return {row.member: row.verdict for row in self.standing().rows}

    def until(
        self, holds: Callable[[Standing], bool], seconds: float = SECONDS, *, named: bool = True
    ) -> Standing:
        """Wait until the net stands so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.standing(named=named)
            if holds(found):
                return found
            time.sleep(0.2)
        raise AssertionError(f"never came to stand so: {self.standing()}")

    def whole(self, seconds: float = SECONDS) -> Standing:
        """Wait until all agree at one height."""
        return self.until(
            lambda s: all(r.up and r.verdict == "agrees" and r.lag == 0 for r in s.rows),
            seconds,
            named=False,
        )

    def name(self, member: str, who: str, seconds: float = 150.0) -> dict[str, Any]:
        """Have a member put one more participant on the record; final when this returns."""
        body = {"id": who, "operator": who, **BODY}
        asked = {"kind": "admit_member", "ref": who, "body": body}
        made: dict[str, Any] = control.call(self.net.at(member), "act", seconds=seconds, **asked)
        return made


def miaopei(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The command line as a process."""
    done = commands.run(arguments)
    assert not check or done.returncode == 0, done.stderr + done.stdout
    return done


@contextmanager
def running(name: str, members: int = 6, *options: str) -> Iterator[Running]:
    """A net in a folder that every account can reach, up until the context ends."""
    install.install()
    folder = servers.folder() / name
    miaopei("net", "init", str(folder), "--members", str(members), *options)
    try:
        miaopei("net", "up", str(folder), "--detach")
        yield Running(Net.of(folder))
    finally:
        with contextlib.suppress(OutsideFault, AssertionError):
            miaopei("net", "down", str(folder), check=False)
        shutil.rmtree(folder, ignore_errors=True)


def as_json(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command told with --json."""
    return json.loads(done.stdout)
