"""The shapes that the API answers with. Strict: a flag is no number, nothing unknown passes.

Units   fen, UTC seconds, tenths of magnitude, micro-degrees, 0.1 万元 for assessed losses.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")
EXAMPLE = "3d26b1ec137a5677030d8c33f7d247b26f422396be1880d034244d000cb8ac6d"
Id = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="A content id.", examples=[EXAMPLE])
]
Fen = Annotated[int, Field(description="Fen: 100 to the yuan.", examples=[2_800_000_000])]
Instant = Annotated[int, Field(description="UTC seconds.", examples=[1463503728])]
Loose = dict[str, Any]


class Shape(BaseModel):
    """What every shape has in common."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class TwoTexts(Shape):
    """The same words in both languages."""

    zh: str = Field(examples=["云南大理州地震指数保险"])
    en: str = Field(examples=["Earthquake index cover, Dali prefecture, Yunnan"])


class Listed(Shape, Generic[T]):
    """A part of a list. `next` is the cursor of what follows, null at the end."""

    items: list[T]
    next: str | None = Field(description="Give it as `cursor` to go on.", examples=[None])


class Undone(Shape):
    """A duty of this process that cannot be done just now."""

    duty: str = Field(examples=["collect"])
    code: str = Field(description="Why: a refusal's code, `outside`, or an alarm's code.")


class Health(Shape):
    """Whether the record can be read, and whether this process does its duties."""

    status: Literal["ok", "stopped"] = Field(
        description="stopped: an alarm; nothing is sold, decided or paid until a person has looked."
    )
    size: int = Field(description="Entries in the log.", examples=[205])
    time: Instant
    undone: list[Undone] = Field(description="Tried again each round, unless all is stopped.")


class Mass(Shape):
    """A trigger that is being decided, or a settlement that is being paid."""

    id: Id
    listing: str
    benefit: str
    step: Literal["decide", "leaves", "orders", "pay"]
    done: int = Field(description="Claims, orders or fen, by step.")
    of: int | None = Field(description="Of how many; null is not known.")


class Record(Shape):
    """Where the record stands, and what it calls itself."""

    name: str = Field(examples=["yunnan-replay"])
    chain: Id
    origin: str = Field(description="The log's C2SP origin line.", examples=["example.org/log"])
    suite: Literal["intl", "gm"]
    clock: Literal["replay", "live"]
    sandbox: bool = Field(description="The paying bank is a sandbox: no real money moves.")
    vkey: str | None = Field(description="The log's verifier key; null in a consortium.")
    genesis: Id | None = Field(
        description="The content id of the genesis file by which receipts of a consortium are "
        "checked, as its members compare it; null on a record of one member."
    )
    size: int = Field(description="Entries in the log.")
    root: Id
    height: int = Field(description="The block's height.")
    time: Instant
    checkpoint: str = Field(description="The signed checkpoint, as under /log/checkpoint.")


class Anchored(Shape):
    """The last checkpoint that a second ledger holds."""

    size: int = Field(description="Entries of the log under that checkpoint; 0: none yet.")
    lag: int = Field(description="Entries that came after it.")
    waiting: int = Field(description="Checkpoints that wait to be anchored.")
    entry: str | None = Field(description="The other ledger's transaction.")
    height: int | None = Field(description="The other ledger's block.")
    trouble: TwoTexts | None = Field(description="What keeps checkpoints from being anchored.")


class Anchors(Shape):
    """How far the record is anchored on a second ledger."""

    anchored: Anchored | None


class Source(Shape):
    """A source of facts, and whether anybody hears it now."""

    id: str = Field(examples=["grid.meter"])
    name: TwoTexts
    operator: str
    kinds: list[str]
    counted: bool
    hearing: Literal["heard", "silent", "unwatched"] = Field(
        description="silent: members listen to it and none hears it; sales stop, payouts go on."
    )
    since: Instant | None = Field(description="Since when it is silent.")
    why: str = Field(description="The listener's reason; empty where it is not silent.")


class Device(Shape):
    """A concentrator of meters, as this member hears it."""

    id: str
    state: Literal["online", "stale", "dead", "never", "revoked"]
    heard_at: Instant | None
    next: int = Field(description="The number that is expected next.")
    missing: int
    lost: int = Field(description="Numbers that it says it does not have.")
    refused: int = Field(description="Payloads that were not taken.")
    why: str = Field(description="The code of the newest refusal, or empty.")
    wrong_readings: int
    foreign_readings: int = Field(description="About customers that it does not read; left out.")


class Sources(Shape):
    """Every source, and the concentrators that this member listens to."""

    sources: list[Source]
    devices: list[Device]


class Version(Shape):
    """One version of a product's terms, in force [since, until)."""

    number: int
    since: int | None = Field(description="UTC seconds; null: not known, never in force.")
    until: int | None = Field(description="UTC seconds; null: no known end.")
    provenance: TwoTexts = Field(description="What its figures rest on, weaknesses included.")
    meaning_hash: Id = Field(description="Covers the calculation, not the texts.")
    filing_hash: Id = Field(description="Covers the calculation and both texts.")


class Product(Shape):
    """A filed product; its whole value is at `/products/{product}/filing`."""

    product: Id
    id: str = Field(examples=["yunnan_dali"])
    name: TwoTexts
    peril: str
    benefits: list[str] = Field(examples=[["house", "deaths"]])
    illustrative: bool
    notes: TwoTexts
    versions: list[Version]
    listings: list[Loose] = Field(description="Who carries in which shares, decides and pays.")
    act: Id = Field(description="The act that filed it.")
    position: int | None = Field(description="That act's entry in the log.")


class CaseState(Shape):
    """The state of one case, in short."""

    listing: str
    benefit: str
    state: str = Field(description="See docs/specs/record.md, section 6.", examples=["settled"])


class Occurrence(Shape):
    """An occurrence in short: a sequence of shocks, or the readings of one event."""

    occurrence: Id
    origin: Instant
    founding: Id = Field(description="The observation that opened it.")
    main: Loose = Field(description="The deciding, else the largest, observation's values.")
    observations: int
    cases: list[CaseState]


class Observation(Shape):
    """What one source said in one revision, and what became of it."""

    observation: Id
    kind: str = Field(examples=["shock"])
    source: str = Field(examples=["cenc.rapid"])
    event_key: str
    revision: int
    status: Literal["automatic", "reviewed", "final"]
    values: Loose
    operator: str
    recorded_at: Instant
    became: str = Field(
        description="decided, compared, other_value, source_not_counted, superseded, "
        "not_comparable or not_deciding.",
        examples=["decided"],
    )
    counted: bool = Field(description="Whether a case rests on it.")
    attested: list[Loose] = Field(
        description="Who received it, when, and from which bytes: the act and its entry in the log."
    )


class Case(Shape):
    """One benefit of one listing for one occurrence."""

    listing: str
    occurrence: Id
    benefit: str
    state: str
    reason: str = Field(description="A bare code; its sentence is in the pages.")
    reason_facts: Loose
    until: int | None = Field(description="The deadline, UTC seconds.")
    owner: str | None = Field(description="The source or role that is told.")
    revision: int
    trigger: str | None
    settlement: str | None
    instant: int | None = Field(description="The instant that chose the terms.")
    facts: Loose = Field(description="Each input: value, how it was chosen, observations.")
    product: Id
    terms_version: int | None


class WholeOccurrence(Shape):
    """An occurrence with every observation, report and case."""

    occurrence: Id
    origin: Instant
    founding: Id
    main: Loose
    observations: int
    rule: Loose = Field(description="The grouping rule.")
    shocks: list[Observation]
    reports: list[Observation]
    cases: list[Case]


class Payment(Shape):
    """What the bank has confirmed of a settlement. Settled is not paid."""

    state: Literal["nothing", "unpaid", "part", "whole"]
    due_fen: Fen
    executed_fen: Fen
    last_at: int | None
    by_payer: dict[str, int]
    acts: list[Id] = Field(description="The acts that confirmed it.")


class Settlement(Shape):
    """Equal decisions: money may move."""

    settlement: Id
    trigger: Id
    revision: int
    counter: int
    listing: str
    book: str
    payer: str
    deciders: list[str]
    k: int = Field(description="How many equal decisions settled; 1: one operator decided.")
    totals: Loose
    occurrence: Id
    benefit: str
    terms_version: int
    settled_at: Instant
    position: int | None = Field(description="Its entry in the log.")
    act: Id
    payment: Payment


class Payout(Shape):
    """One carrier's part of one claim of an open book, and the bank's last word on it."""

    id: Id
    policy: str
    carrier: str
    amount_fen: Fen
    number: int = Field(description="Number of the instruction at the bank.")
    state: Literal[
        "new", "sent", "pending", "executed", "refused", "paid", "failed", "closed", "replaced"
    ] = Field(
        description="executed, refused: the bank's word; paid, failed: the same on the record; "
        "closed: the bank has signed that it never will pay this number."
    )
    ref: str | None = Field(description="The bank's reference.")
    at: int | None
    code: str | None


class ReceiptName(Shape):
    """A receipt that anybody may have."""

    name: str = Field(description="Its address: /api/v1/receipts/{name}.")
    listing: str
    occurrence: Id
    benefit: str
    state: str


class Owner(Shape):
    """The accounts of one owner; debits equal credits."""

    owner: str
    total_fen: Fen
    accounts: list[Loose]


class Verdict(Shape):
    """What the checks say of a receipt."""

    holds: bool
    receipt: Literal["payout", "refusal"] | None
    labels: list[str] = Field(description="What must be said first.", examples=[["replay"]])
    about: Loose
    failed: list[str] = Field(description="Names of the checks that did not hold.")
    checks: list[Loose] = Field(description="Each: name, ok, facts, why.")
    rests: list[str] = Field(description="What no arithmetic shows: it rests on signatures.")
    near: list[Loose]
    text: dict[str, list[str]] = Field(description="All of this in words, zh and en.")


class Told(Shape):
    """Lineage as a tree of sentences in zh and en."""

    id: str
    tree: Loose = Field(description="what, id, facts, zh, en, lines, because.")


class Caused(Shape):
    """Everything that a thing caused: settled effects with payouts, and cases left unpaid."""

    what: str
    id: str
    sums: dict[str, int | None] = Field(
        description="Fen, over the effects in which it decided; null is known to the payer alone."
    )
    effects: list[Loose]
    cases: list[Loose]
    tree: Loose = Field(description="The same as sentences in zh and en.")


class Problem(Shape):
    """RFC 9457 problem details."""

    type: str = Field(examples=["/api/v1/problems/portal.not_found"])
    title: str
    status: int
    detail: str = Field(description="In the language of Accept-Language.")
    instance: str
    code: str = Field(examples=["portal.not_found"])
    problems: list[Loose] = Field(description="Each: code, facts, texts in zh and en.")


class Code(Shape):
    """A refusal's code with its sentences; {names} stand for facts."""

    code: str
    zh: str
    en: str
