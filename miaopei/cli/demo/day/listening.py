"""What a member does with the messages of the day: take them, and fetch what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ....adapters.grid.connections import Names
from ....adapters.grid.intake import Intake, Taken
from ....adapters.grid.line import Line
from ....adapters.grid.push.again import HttpSource, collect
from ....adapters.grid.push.trust import Trusted
from ....node.node import Node
from .scenes import COMMAND


@dataclass
class Listener:
    """Takes messages in. `confirmed`: when the last one was answered, by this machine's clock."""

    node: Node
    names: Names
    then: Callable[[], object] = lambda: None  # what follows, once a message is answered
    confirmed: float = 0.0
    intake: Intake = field(init=False)
    again: HttpSource | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.intake = Intake(self.node, self.names)

    def trust(self, trusted: Mapping[str, Trusted]) -> Mapping[str, Trusted]:
        """Ask the command system again, where messages of it are lost, by what is trusted."""
        command = trusted[COMMAND]
        assert command.url is not None, "the demonstration's systems can be asked again"
        self.again = HttpSource(COMMAND, command.url, command.keys)
        return trusted

    def after(self, _taken: Taken) -> None:
        """What follows once a message is answered: fetch what is missing, do the rest."""
        self.confirmed = time.monotonic()
        if self.again is not None and self.line().missing:
            collect(self.intake, COMMAND, self.again, self.node.time)
        self.then()

    def line(self) -> Line:
        """How the numbers of the command system stand."""
        return self.intake.line(COMMAND)
