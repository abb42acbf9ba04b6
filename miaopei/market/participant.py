"""Participants of the exchange and the parts they play. Keys and membership stand in the record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ..accounts.shape import read
from ..errors import Refusal, Refused


class Role(StrEnum):
    """What a participant does on the exchange; one may hold several."""

    CARRIER = "carrier"
    DATA_PROVIDER = "data_provider"
    OPERATOR = "operator"
    POLICYHOLDER = "policyholder"
    REGULATOR = "regulator"
    BANK = "bank"
    NOTARY = "notary"


@dataclass(frozen=True)
class Participant:
    """One organisation. `illustrative`: it does not take part in truth, here it is an example."""

    id: str
    roles: tuple[Role, ...]
    zh: str
    en: str
    illustrative: bool

    def __post_init__(self) -> None:
        if not (self.id and self.roles and self.zh and self.en):
            raise Refused(
                Refusal("market.bad_participant", {"id": self.id, "why": "a field is empty"})
            )
        if len(set(self.roles)) != len(self.roles):
            raise Refused(Refusal("market.bad_participant", {"id": self.id, "why": "a role twice"}))

    def as_json(self) -> dict[str, Any]:
        """The form that stands in the record."""
        return {
            "id": self.id,
            "roles": [str(role) for role in self.roles],
            "zh": self.zh,
            "en": self.en,
            "illustrative": self.illustrative,
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Errors   Refused market.bad_participant, market.bad_field."""
        key, roles, zh, en, illustrative = read(
            value, "market.bad_field", id=str, roles=list, zh=str, en=str, illustrative=bool
        )
        known = {str(role): role for role in Role}
        if unknown := [r for r in roles if type(r) is not str or r not in known]:
            why = f"no role {str(unknown[0])[:40]}"
            raise Refused(Refusal("market.bad_participant", {"id": key, "why": why}))
        return cls(key, tuple(known[r] for r in roles), zh, en, illustrative)
