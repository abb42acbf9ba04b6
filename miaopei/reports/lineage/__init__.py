"""Lineage: from any payout back to the bytes of a bulletin, and from any fact to all it caused.

Every step is a sentence with its facts and the steps it rests on; one tree serves zh, en and JSON.
The record is read through the port `Trail`. Sentences: errors/texts/lineage.toml.
"""

from __future__ import annotations

from .back import why
from .forward import Caused, Effect, became, caused, latest_of
from .refusals import reason_facts
from .steps import Step
from .trail import Index, Named, Observed, ShutOut, Trail

__all__ = [
    "Caused",
    "Effect",
    "Index",
    "Named",
    "Observed",
    "ShutOut",
    "Step",
    "Trail",
    "became",
    "caused",
    "latest_of",
    "reason_facts",
    "why",
]
