"""What a member does in a demonstration, asked for over its control socket."""

from __future__ import annotations

from collections.abc import Mapping

from ...wiring.consortium import Seated
from .control import Command


def steps(seated: Seated) -> Mapping[str, Command]:
    """The steps of a demonstration that one member can carry out."""
    del seated
    return {}
