"""Notices of planned outages (O-02): one a customer in scope, insured or not, by several channels.

A page of the outbox is written in the transaction that writes the plan down; each text has an id of
its own, so that sending it again is quiet. The gateway finds the phone by the token: no number of a
phone is here. Source: docs/specs/outage.md, section 9.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from ...acts.envelope import from_bytes
from ...acts.facts import event_key
from ...acts.state import State
from ...errors import OutsideFault, Refused
from ...evidence.observation import Observation
from ...measures.identity import canonical, content_id, read_canonical
from ...measures.instant import beijing_text
from ..node import Node
from ..ports import Reading, Writing
from ..vault.blobs import seal_by_token

PAGE = 500  # texts of one page, which is one call of the gateway
ATTEMPTS = 3  # sendings of one text, the first among them
SMS, WECHAT, VOICE = CHANNELS = "sms", "wechat", "voice"  # text, template message, a call read out
NEW, ACCEPTED, DELIVERED, UNDELIVERABLE = "new", "accepted", "delivered", "undeliverable"
OPEN = (NEW, ACCEPTED)
CLOSED = b"closed"  # of a plan whose outcome is on the record and cannot change
PAGES = "notice/pages"  # the pages of plans that are not closed, in order
SUMS = "notice/closed"  # how many notices of closed plans stand in which state
TEXTS: Mapping[str, tuple[str, str]] = {
    "planned": (
        "停电通知：{feeder}计划于{off}停电，{on}复电（北京时间）。编号{number}，第{revision}版。",
        "Planned outage, {feeder}: off {off}, back {on} (Beijing). No. {number}, rev. {revision}.",
    ),
    "cancelled": (
        "停电取消：{feeder}原定{off}的停电已取消。编号{number}，第{revision}版。",
        "Outage cancelled: {feeder}, planned for {off}. No. {number}, revision {revision}.",
    ),
}


@dataclass(frozen=True)
class Text:
    """One text to send. `id` is the same for the same attempt at the same notice, for ever."""

    id: str
    token: str
    zh: str
    en: str
    channel: str = SMS


@dataclass(frozen=True)
class Said:
    """What the gateway says of a text: accepted, delivered, failed, refused or unknown."""

    id: str
    state: str


class Gateway(Protocol):
    """A gateway of one or more channels. Silence raises OutsideFault(retry=True)."""

    def send(self, texts: Sequence[Text]) -> list[Said]: ...
    def ask(self, ids: Sequence[str]) -> list[Said]: ...


@dataclass(frozen=True)
class Notice:
    """What customers are told of one revision of a plan."""

    observation: str
    number: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, plan: Observation) -> Notice:
        """From the observation of a plan; of its list nothing but who is on it is needed."""
        names = ("state", "off_planned", "on_planned", "feeder")
        told = {name: plan.values[name] for name in names}
        return cls(plan.id, plan.event_key, {**told, "revision": plan.revision})

    def text(self) -> tuple[str, str]:
        """The sentence in Chinese and English."""
        facts = {
            "feeder": self.values["feeder"],
            "number": self.number,
            "revision": self.values["revision"] + 1,
            "off": beijing_text(self.values["off_planned"])[:16],
            "on": beijing_text(self.values["on_planned"])[:16],
        }
        zh, en = TEXTS[self.values["state"]]
        return zh.format(**facts), en.format(**facts)


def enqueue(block: Writing, notice: Notice, tokens: Sequence[str]) -> int:
    """Write one notice a customer into the outbox; how many.

    None where the last notices of this outage went to the same customers with the same times, and
    none of a revision that a newer one has overtaken: the newer is what customers keep in hand.
    """
    newest, revision = f"notice/newest/{event_key(notice.number)}", int(notice.values["revision"])
    if revision < int(block.progress(newest) or b"0"):
        return 0
    block.put_progress(newest, str(revision).encode())
    told = sorted(set(tokens))
    same = {name: notice.values[name] for name in ("state", "off_planned", "on_planned")}
    mark = content_id("notice", [same, told]).encode()
    name = f"notice/last/{event_key(notice.number)}"
    if block.progress(name) == mark:
        return 0
    block.put_progress(name, mark)
    pages = _pages(block)
    zh, en = notice.text()
    for start in range(0, len(told), PAGE):
        page = _page_at(notice.observation, start // PAGE)
        rows = [[token, NEW, 1] for token in told[start : start + PAGE]]
        value = {"observation": notice.observation, "zh": zh, "en": en, "rows": rows}
        block.put_progress(page, canonical(value))
        pages[page] = True
    block.put_progress(PAGES, canonical(pages))
    return len(told)


@dataclass(frozen=True)
class Notifier:
    """Sends what stands in the outbox, and asks what became of it.

    Each attempt goes by the next of `channels`, the last of them for those beyond: who is not
    reached by one is told by another, and nobody by two at once.
    """

    node: Node
    gateway: Gateway
    channels: Sequence[str] = (SMS,)

    def run(self) -> int:
        """Do what can be done now; how many texts have changed their state.

        A silent gateway is no error: the page stays as it is and is sent again next time.
        """
        with self.node.store.reading() as reading:
            waiting = [page for page, has_open in _pages(reading).items() if has_open]
        return sum(self._page(page) for page in waiting)

    def _page(self, page: str) -> int:
        with self.node.store.reading() as reading:
            value = _value(reading, page)
        said = self._tell(value)
        changed = 0
        for row in value["rows"]:
            state = said.get(text_id(value["observation"], row[0], row[2]))
            if row[1] in OPEN and state is not None:
                after = _after(row, state, len(self.channels))
                changed += after != row
                row[:] = after
        if changed:
            with self.node.store.writing() as block:
                block.put_progress(page, canonical(value))
                if all(row[1] not in OPEN for row in value["rows"]):
                    pages = _pages(block)
                    block.put_progress(PAGES, canonical(pages | {page: False}))
        return changed

    def _tell(self, value: Mapping[str, Any]) -> dict[str, str]:
        """Send the new texts of a page and ask for the accepted ones: id -> what is said."""
        ids = {
            row[0]: text_id(value["observation"], row[0], row[2])
            for row in value["rows"]
            if row[1] in OPEN
        }
        fresh = [
            Text(ids[row[0]], row[0], value["zh"], value["en"], self._channel(row[2]))
            for row in value["rows"]
            if row[1] == NEW
        ]
        asked = [ids[row[0]] for row in value["rows"] if row[1] == ACCEPTED]
        answers: list[Said] = []
        try:
            answers += self.gateway.send(fresh) if fresh else []
            answers += self.gateway.ask(asked) if asked else []
        except OutsideFault as fault:
            if not fault.retry:
                raise
        return {answer.id: answer.state for answer in answers}

    def _channel(self, attempt: int) -> str:
        """The channel of an attempt, the first being 1."""
        return self.channels[min(attempt, len(self.channels)) - 1]


def confirm(node: Node) -> int:
    """Put on the record what became of the notices of each plan that is done; how many acts.

    Done: nothing of it is open, or its outage has begun. Written down with its act before it is
    sent, so that a kill sends the same act again.
    """
    with node.store.reading() as reading:
        pages: dict[str, list[str]] = {}
        left: set[str] = set()  # plans of which something is open
        for page, has_open in _pages(reading).items():
            observation = page.split("/")[2]
            pages.setdefault(observation, []).append(page)
            left |= {observation} if has_open else set()
        state, now = State(reading), reading.head().time
        closed = {each for each in pages if reading.progress(_told(each)) == CLOSED}
        coming = [
            observation
            for observation in pages
            if observation not in closed
            and _due(state.get("observation", observation), now, observation in left)
        ]
    if closed:  # an earlier version kept them
        with node.store.writing() as block:
            for observation in sorted(closed):
                _retire(block, observation)
    return sum(_confirm(node, observation, pages[observation]) for observation in coming)


def _due(plan: Mapping[str, Any] | None, now: int, left: bool) -> bool:
    """Whether a plan is on the record, and nothing of it open or its outage begun."""
    if plan is None:
        return False
    return not left or now >= int(plan["observation"]["values"]["off_planned"])


def _confirm(node: Node, observation: str, pages: Sequence[str]) -> int:
    waiting = f"notice/confirm/{observation}"
    with node.store.writing() as block:
        values = [_value(block, page) for page in pages]
        rows = sorted((row for value in values for row in value["rows"]), key=lambda r: str(r[0]))
        said = Counter(row[1] if row[1] not in OPEN else "open" for row in rows)
        mark = content_id("notices", [[row[0], row[1]] for row in rows]).encode()
        pending = block.progress(waiting)
        if pending is None:
            if block.progress(_told(observation)) == mark:
                return 0
            before = State(block).get("notices", f"{observation}/{node.identity.member}")
            outcomes = seal_by_token(block, node, {row[0]: {"state": row[1]} for row in rows})
            body: dict[str, Any] = {"observation": observation, "outcomes": outcomes}
            body["number"] = 1 if before is None else before["number"] + 1
            body |= {each: said[each] for each in ("delivered", "undeliverable", "open")}
            pending = node.act("confirm_notices", mark.decode(), body).to_bytes()
            block.put_progress(waiting, pending)
            block.put_progress(_told(observation), mark)
    (result,) = node.submit([from_bytes(pending)])
    if not result.ok:
        raise Refused(*result.refusals)
    with node.store.writing() as block:
        block.put_progress(waiting, None)
        if not said["open"]:
            block.put_progress(_told(observation), CLOSED)
            _retire(block, observation)
    return 1


def _retire(block: Writing, observation: str) -> None:
    """Take a closed plan's pages out of the list, which every new plan writes anew: their sum
    stays, and the pages lie under their own names.
    """
    pages, sums = _pages(block), Counter(_sums(block))
    for page, value in _of_plan(block, observation):
        if pages.pop(page, None) is not None:
            sums.update(row[1] for row in value["rows"])
    block.put_progress(PAGES, canonical(pages))
    block.put_progress(SUMS, canonical(dict(sums)))


def _told(observation: str) -> str:
    return f"notice/confirmed/{observation}"


def text_id(observation: str, token: str, attempt: int) -> str:
    """The id of one attempt to send one notice: 32 hex digits."""
    return content_id("text", [observation, token, attempt])[:32]


def counts(reading: Reading, observation: str | None = None) -> dict[str, int]:
    """How many notices stand in which state, of all plans or of one."""
    if observation is not None:
        return dict(Counter(row[1] for _, v in _of_plan(reading, observation) for row in v["rows"]))
    found = Counter(_sums(reading))
    for page in _pages(reading):
        found.update(row[1] for row in _value(reading, page)["rows"])
    return dict(found)


def _after(row: Sequence[Any], state: str, channels: int) -> list[Any]:
    """A row of the outbox once the gateway has spoken. `refused` (no such customer there) is final
    on the last channel.
    """
    token, _, attempt = row
    match state:
        case "accepted":
            return [token, ACCEPTED, attempt]
        case "delivered":
            return [token, DELIVERED, attempt]
        case "refused" if attempt < channels:
            return [token, NEW, attempt + 1]
        case "refused":
            return [token, UNDELIVERABLE, attempt]
        case "failed" if attempt < ATTEMPTS:
            return [token, NEW, attempt + 1]
        case "failed":
            return [token, UNDELIVERABLE, attempt]
        case _:  # unknown: it did not arrive, and is sent again under the same id
            return [token, NEW, attempt]


def _pages(reading: Reading) -> dict[str, bool]:
    """Pages of plans that are not closed, and whether something of each is still to be done."""
    kept = reading.progress(PAGES)
    return {} if kept is None else dict(read_canonical(kept))


def _sums(reading: Reading) -> dict[str, int]:
    kept = reading.progress(SUMS)
    return {} if kept is None else dict(read_canonical(kept))


def _page_at(observation: str, number: int) -> str:
    return f"notice/page/{observation}/{number:06d}"


def _of_plan(reading: Reading, observation: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The pages of one plan with what stands on them, closed or not."""
    for number in count():
        page = _page_at(observation, number)
        if reading.progress(page) is None:
            return
        yield page, _value(reading, page)


def _value(reading: Reading, page: str) -> dict[str, Any]:
    value: dict[str, Any] = read_canonical(reading.progress(page) or b"null")
    return value
