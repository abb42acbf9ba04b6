"""The gateway of notices: `POST /texts`, `POST /texts/ask`. Addressed by subject token; a text that
is no SMS names its channel.

Silence is an outside fault that may be tried again: ids are the same, so nothing is sent twice.
Source: docs/specs/outage.md, section 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from ...errors import OutsideFault
from ...node.effects.notices import SMS, Said, Text

SECONDS = 30.0
STATES = ("accepted", "delivered", "failed", "refused", "unknown")


@dataclass(frozen=True)
class SmsOverHttp:
    """A gateway at an address."""

    address: str
    seconds: float = SECONDS

    def send(self, texts: Sequence[Text]) -> list[Said]:
        """Hand texts over. Errors   OutsideFault (retry)."""
        return self._call("/texts", {"texts": list(map(_row, texts))})

    def ask(self, ids: Sequence[str]) -> list[Said]:
        """What has become of texts. Errors   OutsideFault (retry)."""
        return self._call("/texts/ask", {"ids": list(ids)})

    def _call(self, path: str, body: dict[str, Any]) -> list[Said]:
        try:
            answer = httpx.post(
                f"{self.address}{path}", json=body, timeout=self.seconds, trust_env=False
            )
            if answer.status_code != httpx.codes.OK:
                raise OutsideFault(f"the SMS gateway answers {answer.status_code}", retry=True)
            return [Said(str(t["id"]), _state(t["state"])) for t in answer.json()["texts"]]
        except httpx.HTTPError as error:
            why = type(error).__name__
            raise OutsideFault(f"the SMS gateway is silent: {why}", retry=True) from None
        except (KeyError, TypeError, ValueError, AttributeError):
            raise OutsideFault("the SMS gateway's answer is unclear", retry=True) from None


def _row(text: Text) -> dict[str, str]:
    row = {"id": text.id, "to": text.token, "zh": text.zh, "en": text.en}
    return row if text.channel == SMS else row | {"channel": text.channel}


def _state(given: Any) -> str:
    if given not in STATES:
        raise ValueError("no such state")
    return str(given)
