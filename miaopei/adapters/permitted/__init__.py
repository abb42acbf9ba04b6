"""A source of data that a person has consented to, over HTTP: `GET /data/KIND/SUBJECT`.

Addressed by subject token; `since` and `until` bound what is asked for. The answer is
`{"rows": [...]}`, a sandbox also says `"sandbox": true`. Source: docs/specs/persons.md, section 7.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from ...errors import OutsideFault

SECONDS = 30.0
LARGEST = 8 * 1024 * 1024  # bytes of an answer


@dataclass(frozen=True)
class DataOverHttp:
    """A source at an address."""

    address: str
    seconds: float = SECONDS

    def fetch(self, kind: str, subject: str, since: int, until: int) -> Sequence[Any]:
        """The rows as they came. Errors   OutsideFault (retry)."""
        path = f"{self.address}/data/{quote(kind, safe='')}/{quote(subject, safe='')}"
        try:
            with (
                httpx.Client(timeout=self.seconds, trust_env=False) as client,
                client.stream("GET", path, params={"since": since, "until": until}) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise OutsideFault(f"the source answers {answer.status_code}", retry=True)
                body = _bounded(answer)
            rows = json.loads(body)["rows"]
        except httpx.HTTPError as error:
            raise OutsideFault(
                f"the source is silent: {type(error).__name__}", retry=True
            ) from None
        except (KeyError, TypeError, ValueError, RecursionError):
            raise OutsideFault("the source's answer is unclear", retry=True) from None
        if not isinstance(rows, list):
            raise OutsideFault("the source's answer is unclear", retry=True)
        return rows


def _bounded(answer: httpx.Response) -> bytes:
    """The body, cut off where it is too long. Errors   OutsideFault."""
    found = bytearray()
    for part in answer.iter_bytes():
        found += part
        if len(found) > LARGEST:
            raise OutsideFault(f"the source's answer is longer than {LARGEST} bytes", retry=False)
    return bytes(found)
