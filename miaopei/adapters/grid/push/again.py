"""Asking a source again for the numbers that have not come: its re-collection endpoint.

GET {url}/messages/{number}: the very bytes, signed as an answer (RFC 9421); 404 or 410
says that it does not have them. Source: docs/specs/outage.md, section 8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

from ....errors import OutsideFault, Refusal, Refused
from ..intake import Intake, Taken
from ..message import LARGEST
from .signatures import Answered, signer

SECONDS = 10.0
AT_ONCE = 100  # numbers asked for in one go
GONE = (404, 410)


class Source(Protocol):
    """Where a source's messages are asked for again."""

    def get(self, number: int) -> bytes | None: ...


@dataclass(frozen=True)
class HttpSource:
    """A source's endpoint; `keys` are those that may sign for it."""

    name: str
    url: str
    keys: tuple[str, ...]
    seconds: float = SECONDS

    def get(self, number: int) -> bytes | None:
        """The bytes of a message; None where the source does not have it.

        Errors   OutsideFault (retry) for silence or nonsense; Refused grid.forged, grid.unsigned.
        """
        try:
            with (
                httpx.Client(trust_env=False, timeout=self.seconds) as client,
                client.stream("GET", f"{self.url.rstrip('/')}/messages/{number}") as answer,
            ):
                if answer.status_code in GONE:
                    return None
                body = b""
                for part in answer.iter_raw():
                    body += part
                    if len(body) > LARGEST:
                        raise OutsideFault(f"{self.name} answers without end", retry=True)
        except httpx.HTTPError as error:
            raise OutsideFault(
                f"{self.name} is silent: {type(error).__name__}", retry=True
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise OutsideFault(f"{self.name} answers {answer.status_code}", retry=True)
        said = Answered(answer.status_code, dict(answer.headers))
        signer(said, body, dict.fromkeys(self.keys, self.name))
        return body


@dataclass(frozen=True)
class Again:
    """What asking again has brought."""

    taken: tuple[Taken, ...]
    refusals: tuple[Refusal, ...]
    missing: tuple[int, ...]
    lost: tuple[int, ...]


def collect(intake: Intake, name: str, source: Source, clock: Callable[[], int]) -> Again:
    """Ask for what is missing, oldest first; stops where the source is silent.

    What the source does not have is noted as lost: it holds nothing up, and stays in sight.
    """
    taken: list[Taken] = []
    refusals: list[Refusal] = []
    for number in intake.line(name).missing[:AT_ONCE]:
        try:
            data = source.get(number)
            if data is None:
                intake.lost(name, [number])
            else:
                taken.append(intake.take(data, clock(), sender=name))
        except Refused as refused:
            refusals += refused.refusals
        except OutsideFault as fault:
            if not fault.retry:
                raise
            break
    line = intake.line(name)
    return Again(tuple(taken), tuple(refusals), line.missing, line.lost)
