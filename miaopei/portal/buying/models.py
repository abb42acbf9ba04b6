"""What buying takes and answers. Strict, as all shapes of the API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..api.models import Fen, Instant, Shape

NAMED = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$"  # of a listing, a feeder, an agent
Number = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{32}$", description="32 hex digits.", examples=["00c0ffee" * 4]),
]
Name = Annotated[
    str,
    Field(pattern=NAMED, description="A name.", examples=["F1"]),
]
Figures = Annotated[
    dict[str, Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]],
    Field(max_length=40, description="Declared figures that the terms read."),
]
Answers = Annotated[
    dict[str, Annotated[str, Field(max_length=60)]],
    Field(max_length=40, description="Question -> the id of the answer."),
]
Text = Annotated[str, Field(min_length=1, max_length=200)]
States = Literal[
    "referred", "accepted", "ready", "admitted", "in_force", "refused", "lapsed"
]  # fmt: skip


class Applicant(Shape):
    """Who applies. Kept sealed by this member, never on the record and never answered."""

    name: Text
    id_number: Text
    phone: Text
    account: Text = Field(description="Where payouts and refunds go.")
    address: Text | None = None
    customer: Text | None = Field(None, description="The utility's customer number.")
    meter: Text | None = None


class NewApplication(Shape):
    """An application for a policy of one year."""

    listing: Name
    since: Instant = Field(ge=0, le=32_503_680_000, description="Midnight in Beijing.")
    declared: Figures
    facts: Answers
    person: Applicant
    feeder: Name | None = None
    agent: Name | None = Field(None, description="Who keyed it, in channels that ask for one.")
    order: Number | None = Field(None, description="Binds applications handed in together.")


class Holder(Shape):
    """What shows that the sender is the policyholder."""

    id_number: Text
    phone: Text


class NewTransaction(Shape):
    """A change of a policy. With a channel's token `holder` may be left out."""

    transaction: Literal["endorse", "renew", "cancel", "reinstate"]
    at: Instant = Field(ge=0, le=32_503_680_000, description="Midnight in Beijing.")
    declared: Figures = Field(default_factory=dict)
    holder: Holder | None = None


class NewAccount(Shape):
    """Another account for payouts and refunds. Kept sealed by this member, never on the record."""

    account: Text
    name: Text = Field(description="The account's name.")
    holder: Holder


class AccountChanged(Shape):
    """That the record is bound to another account from now on; nothing of the account."""

    policy: Number
    number: int = Field(ge=1, description="The how manieth change of this policy's account.")
    changed_at: Instant


class Reason(Shape):
    """Why it was not simply accepted."""

    code: str
    verdict: Literal["referred", "refused"]
    facts: dict[str, Any]
    texts: dict[str, str]


class Step(Shape):
    """One step of the premium: what was applied, and what it came to."""

    name: str
    ppm: int | None
    fen: int


class Refund(Shape):
    """Money that goes back: due, and what the bank has paid of it."""

    id: str
    due_fen: Fen
    paid_fen: Fen


class Application(Shape):
    """An application as it stands: for a policy, or for a change of one."""

    id: Number
    kind: Literal["issue", "endorse", "renew", "cancel", "reinstate"]
    policy: Number
    order: Number | None
    listing: str
    offer: int
    channel: str
    state: States
    reasons: list[Reason]
    at: Instant
    until: int
    declared: dict[str, int]
    premium_fen: Fen
    steps: list[Step]
    paid_fen: Fen
    refund_fen: Fen
    reference: str | None = Field(description="To be written on the transfer of the premium.")
    deadline: int | None
    asked_at: Instant
    recorded_at: int | None
    refunds: list[Refund]


class Segment(Shape):
    """What stands over [since, until)."""

    since: Instant
    until: Instant
    declared: dict[str, int]
    in_force: bool


class Transaction(Shape):
    """One transaction of a policy, in the order of recording."""

    id: Number
    transaction: Literal["issue", "endorse", "renew", "cancel", "reinstate"]
    at: Instant
    recorded: int
    recorded_at: Instant
    fen: int = Field(description="What it cost; below zero what it gave back.")
    declared: dict[str, int]
    batch: str


class Policy(Shape):
    """A policy: nothing of who holds it."""

    policy: Number
    listing: str
    offer: int
    channel: str
    agent: str | None
    order: Number | None
    state: Literal["pending", "on_risk", "cancelled", "expired"]
    year_from: Instant
    segments: list[Segment]
    transactions: list[Transaction]


class Pool(Shape):
    """How many policies of a listing are in force, against the least that it needs."""

    policies: int
    least: int
    below: bool
    by_channel: dict[str, int]


class Offer(Shape):
    """How a listing is sold now, other covers that may be added, and the pool."""

    offer: dict[str, Any]
    hash: str
    related: list[str] = Field(description="Offered beside it; never a condition of it.")
    pool: Pool
    paused_since: Instant | None = Field(
        description="Since when nothing more is sold of it; payouts go on. Null where it is sold."
    )
