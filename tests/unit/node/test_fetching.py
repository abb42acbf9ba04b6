"""Blobs that the log names come from other members: what is kept together, and what is asked for
again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miaopei.adapters.memory_store import MemoryStore
from miaopei.errors import OutsideFault, RecordDamaged, Refused
from miaopei.measures.identity import canonical, digest
from miaopei.node.fetching import fetcher as fetching
from miaopei.node.fetching.fetcher import Fetcher
from miaopei.node.fetching.handed import Fetched
from miaopei.node.fetching.missing import (
    LACKING,
    NAMED_AT_MOST,
    UPTO,
    Missing,
    in_turn,
    lacking,
)
from miaopei.node.gateway import facts_of
from miaopei.node.granted.asking import Keys
from miaopei.node.node import Node
from miaopei.node.ports import Writing
from miaopei.node.proof.inspect import inspect
from miaopei.node.vault.blobs import open_blob
from miaopei.node.vault.sealing import frame, reader_of, seal, wrap
from tests.support.consortium import START, who
from tests.support.facts import quake
from tests.support.naming import fetcher, say
from tests.support.town import Dice, Town


class Counting(MemoryStore):
    """Counts the transactions that write."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        self.written += 1
        with super().writing() as block:
            yield block


class Others:
    """Members that have some blobs; one may be silent, or hand over anything."""

    def __init__(self, blobs: Mapping[str, bytes], *, silent: str = "", lying: str = "") -> None:
        self.blobs, self.silent, self.asked = dict(blobs), silent, list[str]()
        self.lying = lying

    @property
    def members(self) -> list[str]:
        return ["cloud", "notary"]

    def fetch(self, member: str, name: str, most: int | None = None) -> Fetched | None:
        if member == self.silent:
            raise OutsideFault("silent", retry=True)
        self.asked.append(member)
        if member == self.lying:
            return Fetched(b"anything", None)
        data = self.blobs.get(name)
        return None if data is None or len(data) > (most or len(data)) else Fetched(data, None)

    def keys(self, member: str, name: str, most: int | None = None) -> Keys | None:
        found = self.fetch(member, name, most)
        return None if found is None else found.keys()


def named(store: MemoryStore, blobs: list[bytes]) -> dict[str, bytes]:
    """A log whose acts name these as originals."""
    found = {digest(data): data for data in blobs}
    leaves = [
        canonical(
            {
                "leaf": "act",
                "act": {"kind": "x", "by": "cloud", "body": {"o": {"bytes_b64": None, "part": "all",
                                                      "sha256": name}}},
                "result": {"ok": True, "notes": []},
            }
        )
        for name in found
    ]  # fmt: skip
    with store.writing() as block:
        block.append_leaves(leaves)
        block.finish_block(0, START, len(leaves))
    return found


def held(store: MemoryStore, names: Mapping[str, bytes]) -> list[bool]:
    with store.reading() as reading:
        return [reading.blob(name) == data for name, data in names.items()]


def test_many_blobs_are_kept_in_one_transaction_and_progress_in_another() -> None:
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(40)])
    one, before = fetcher(store, Others(blobs)), store.written
    assert one.run() == 40
    assert (one.missing, all(held(store, blobs))) == ({}, True)
    assert store.written == before + 2
    assert one.run() == 0
    assert store.written == before + 2


def test_what_is_kept_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "STORED_AT_ONCE", 9_000)
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(5)])
    one, before = fetcher(store, Others(blobs)), store.written
    assert one.run() == 5
    assert all(held(store, blobs))
    assert store.written == before + 4  # two, two, one, and how far we are


def test_what_nobody_has_is_asked_for_again_and_keeps_nothing_else_from_coming() -> None:
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(3)])
    lacking = next(iter(blobs))
    others = Others({name: data for name, data in blobs.items() if name != lacking})
    one = fetcher(store, others)
    assert (one.run(), set(one.missing)) == (2, {lacking})
    others.blobs = blobs
    assert (fetcher(store, others).run(), one.run()) == (1, 1)
    assert all(held(store, blobs))


def test_what_came_from_others_while_its_sender_was_silent_is_asked_for_again() -> None:
    """The sender may keep a key for us beside it."""
    store = Counting()
    blobs = named(store, [b"x" * 5_000])
    others = Others(blobs, silent="cloud")
    one = fetcher(store, others)
    assert (one.run(), all(held(store, blobs))) == (1, True)
    assert list(one.missing) == list(blobs)
    others.silent = ""
    assert (one.run(), one.missing) == (1, {})
    assert others.asked == ["notary", "cloud"]


def test_who_hands_over_something_else_is_named_and_another_is_asked() -> None:
    """A fact's original comes from whoever has it; what a liar gives in its place is not kept."""
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(3)])
    others = Others(blobs, lying="cloud")
    one = fetcher(store, others)
    with pytest.raises(Refused) as refused:
        one.run()
    assert [(r.code, r.facts["member"]) for r in refused.value.refusals] == [
        ("net.other_bytes", "cloud")
    ]
    assert refused.value.refusals[0].facts["blob"] in blobs
    assert all(held(store, blobs))
    assert others.asked == ["cloud", *["notary"] * 3], "it is asked no more in this round"
    others.lying = ""
    assert (one.run(), one.missing) == (3, {})


# What stands beside a good fact ------------------------------------------------------------------

BESIDE = {
    "original without a digest": {"bytes_b64": None, "part": "x"},
    "a digest that is none": {"bytes_b64": None, "part": "x", "sha256": "q" * 300},
    "a digest of another kind": {"bytes_b64": None, "part": "x", "sha256": [1]},
    "a blob that is none": {"blob": "q" * 300, "length": 1, "count": 1, "root": "r", "media": "m"},
    "a blob that nobody has": {
        "blob": "ab" * 32, "length": 1, "count": 1, "root": "r", "media": "original",
    },
    "no object": 7,
    "a fact in form alone": {
        "observation": {"values": {"list": {"blob": 1, "media": 2}}},
        "attestation": {"original": {"bytes_b64": None}},
    },
}  # fmt: skip


@pytest.mark.parametrize("what", BESIDE)
@pytest.mark.parametrize("cut", [False, True])
def test_only_what_was_taken_of_an_act_is_looked_at(what: str, cut: bool) -> None:
    """One gateway's act ended every member for good; `cut`: the notes do not name them all."""
    town = Town().set_up()
    town.at("2016-05-18 01:00:00")
    (good,) = facts_of(town.node, [quake("2016-05-18 00:48:48", "4.0")], town.now)
    assert town.send(town.act("record_facts", {"facts": [good, BESIDE[what]]})).ok
    assert not town.send(town.act("record_facts", {"facts": [BESIDE[what]]})).ok
    with town.store.reading() as reading:
        assert list(inspect(reading, town.node)) == []
    taken = [json.loads(leaf) for leaf in town.leaves() if b"record_facts" in leaf]
    leaf = next(each for each in taken if each["result"]["ok"])
    assert [note["facts"]["index"] for note in leaf["result"]["notes"]] == [1]
    if cut:  # as of very many refusals
        leaf["result"]["notes"] = [{"code": "act.and_more", "facts": {"count": 9}}]
    store = MemoryStore()
    with store.writing() as block:
        block.append_leaves([canonical(leaf)])
        block.finish_block(0, START, 1)
    one = fetcher(store, Others({}))
    assert (one.run(), one.missing) == (0, {})
    with store.reading() as reading:
        assert reading.progress(UPTO) == b"1"


def test_what_nobody_has_holds_up_no_mark_and_is_asked_for_rarely_and_after_a_start() -> None:
    """A digest that somebody made up kept every member from ever writing down where it was."""
    store = Counting()
    blobs = named(store, [bytes([n]) * 5_000 for n in range(2)])
    lacking, other = blobs
    others = Others({other: blobs[other]})
    one = fetcher(store, others)
    assert one.run() == 1
    with store.reading() as reading:
        assert reading.progress(UPTO) == b"2"
    before, others.asked = store.written, []
    for _ in range(10 * fetching.RARELY):
        assert one.run() == 0
    assert store.written == before
    assert len(others.asked) < 2 * (fetching.PATIENT + 1 + 10)
    again = fetcher(store, others)  # looks through no leaf once more
    assert list(again.missing) == [lacking]
    others.blobs = blobs
    assert (again.run(), again.missing) == (1, {})
    assert fetcher(store, others).missing == {}


def test_who_is_silent_is_asked_each_time() -> None:
    """It may have what the others have not."""
    store = Counting()
    blobs = named(store, [b"x" * 5_000])
    others = Others({}, silent="cloud")
    one = fetcher(store, others)
    for _ in range(2 * fetching.PATIENT):
        one.run()
    others.blobs, others.silent = blobs, ""
    assert one.run() == 1


def test_who_names_very_many_that_nobody_has_waits_for_them_itself() -> None:
    """They were asked for before what another named after them, all of them in each round."""
    store = MemoryStore()
    made_up = say(store, "cloud", [b"made up %d" % n for n in range(4 * fetching.IN_VAIN)])
    good = b"x" * 5_000
    say(store, "notary", [good])
    asked = list[str]()
    others = Others({digest(good): good})
    given = others.fetch

    def fetch(member: str, name: str, most: int | None = None) -> Fetched | None:
        asked.append(name)
        return given(member, name, most)

    others.fetch = fetch  # type: ignore[method-assign]
    one = fetcher(store, others)
    assert one.run() == 1
    assert asked.index(digest(good)) <= 2 * len(others.members)
    assert len(set(asked)) <= fetching.IN_VAIN + 1
    for _ in range(3):
        one.run()
    assert set(asked) == {*made_up, digest(good)}, "each has its turn"
    assert max(Counter(asked).values()) <= 2


def test_what_nobody_has_is_asked_for_rarely_also_while_one_is_silent() -> None:
    store = MemoryStore()
    say(store, "cloud", [b"made up %d" % n for n in range(50)])
    others = Others({}, silent="cloud")
    one = fetcher(store, others)
    for _ in range(fetching.PATIENT + 2):
        one.run()
    others.asked = []
    for _ in range(fetching.RARELY):
        one.run()
    assert len(others.asked) <= 50 + fetching.RARELY
    others.blobs, others.silent = {digest(b"made up 7"): b"made up 7"}, ""
    assert sum(one.run() for _ in range(2)) == 1, "whoever was silent may have them all"


def test_who_is_silent_now_and_then_has_what_it_made_up_asked_for_no_more_often() -> None:
    """All of it was asked for in each round, whenever it answered once more."""
    store = MemoryStore()
    say(store, "cloud", [b"made up %d" % n for n in range(50)])
    others = Others({})
    one = fetcher(store, others)
    rounds = 5 * fetching.RARELY
    for turn in range(fetching.PATIENT + 2 + rounds):
        others.silent = "cloud" if turn % 2 else ""
        if turn == fetching.PATIENT + 2:
            others.asked = []
        one.run()
    asked = Counter(others.asked)["notary"]
    assert asked <= rounds + 50 * (rounds // fetching.RARELY) * (fetching.AGAIN + 2)


MAKERS = st.sampled_from(["insurer", "cloud", "notary"])


@given(st.lists(st.tuples(MAKERS, st.sets(MAKERS, max_size=2), st.integers(0, 3)), max_size=40))
def test_in_their_turn_come_all_and_no_maker_waits_for_more_of_another_than_of_its_own(
    named: list[tuple[str, set[str], int]],
) -> None:
    missing = [
        Missing(f"{at:064x}", "x", by, more=tuple((who, "") for who in sorted(more)))
        for at, (by, more, _) in enumerate(named)
    ]
    denied = {each.blob: times for each, (_, _, times) in zip(missing, named, strict=True)}
    turns = in_turn(missing, denied)
    assert sorted(each.blob for each in turns) == [each.blob for each in missing]
    for maker in ("insurer", "cloud", "notary"):
        own = [at for at, each in enumerate(turns) if maker in each.makers]
        least = [denied[turns[at].blob] for at in own]
        if own:
            assert own[0] < 3, "one of each maker comes before any second"
            assert least[0] == min(least) or any(len(turns[at].makers) > 1 for at in own[:1]), (
                "what was denied least often is its first, but for what another named too"
            )


# Keys that are kept for others --------------------------------------------------------------------

LISTING = {"deciders": ["notary", "utility"], "payer": "insurer", "standby_payer": "agent"}
DEBT = "d0" * 32
Answer = Fetched | None


class Group:
    """Members of a record on which the payer has confirmed a part of a debt, each with a store. Its
    outcomes are sealed; `answers` are who hands over what to whoever asks.
    """

    def __init__(self, *by: str) -> None:
        self.random = Dice("kept for others")
        self.sealed, self.key = seal(frame([b"row"]), self.random)
        self.blob = digest(self.sealed)
        reference = {"blob": self.blob, "length": len(self.sealed), "count": 1, "root": "0" * 64,
                     "media": "miaopei/outcomes/1"}  # fmt: skip
        body = {"debt": DEBT, "outcomes": reference}
        acts = [{"kind": "confirm_payments", "by": each, "body": body} for each in by]
        self.leaves = [
            canonical({"leaf": "act", "act": act, "result": {"ok": True, "notes": []}})
            for act in acts
        ]
        self.stores = dict[str, MemoryStore]()
        self.fetchers = dict[str, Fetcher]()
        self.answers: dict[str, Answer] = {}
        self.silent = set[str]()
        self.asked = list[str]()
        for name in ("insurer", "agent", "notary", "utility", "cloud"):
            self.add(name)

    def add(self, name: str) -> None:
        """A member anew, with nothing but the record."""
        store = self.stores[name] = MemoryStore()
        with store.writing() as block:
            block.append_leaves(self.leaves)
            block.finish_block(0, START, len(self.leaves))
            for member in ("insurer", "agent", "notary", "utility", "cloud"):
                block.put("seat", member, canonical({"box": reader_of(who(member).box)}))
            block.put("listing", "hills", canonical({"listing": LISTING}))
            block.put("payment", DEBT, canonical({"kind": "settlement"}))
            block.put("settlement", DEBT, canonical({"settlement": {"listing": "hills"}}))
        node = Node(store, who(name), lambda: START, self.random)
        self.fetchers[name] = Fetcher(node, self)

    @property
    def members(self) -> list[str]:
        return list(self.stores)

    def fetch(self, member: str, name: str, most: int | None = None) -> Fetched | None:
        self.asked.append(member)
        if member in self.silent:
            raise OutsideFault("silent", retry=True)
        return self.answers.get(member)

    def keys(self, member: str, name: str, most: int | None = None) -> Keys | None:
        found = self.fetch(member, name)
        return None if found is None else found.keys()

    def wrapped(self, reader: str, key: bytes | None = None) -> Fetched:
        """The blob with its key for a reader."""
        box = bytes.fromhex(reader_of(who(reader).box))
        return Fetched(self.sealed, wrap(key or self.key, box, self.random))

    def given(self, by: str, reader: str) -> Fetched:
        """What a member hands over to another now."""
        with self.stores[by].reading() as reading:
            data = reading.blob(self.blob)
            assert data is not None
            return Fetched(data, reading.wrapped(self.blob, reader_of(who(reader).box)))

    def kept(self, by: str) -> set[str]:
        """For whom a member keeps the key."""
        return {name for name in self.stores if self.given(by, name).wrap is not None}

    def opened(self, by: str) -> bytes:
        with self.stores[by].reading() as reading:
            return open_blob(reading, self.blob, who(by))


def test_who_may_read_a_blob_keeps_its_key_for_its_maker_and_its_other_readers() -> None:
    """And for nobody else. A maker that comes back from an older backup has nobody else's word of
    its own keys.
    """
    group = Group("insurer")
    group.answers = {"insurer": group.wrapped("notary")}
    assert group.fetchers["notary"].run() == 1
    assert group.kept("notary") == {"insurer", "agent", "notary", "utility"}
    with group.stores["insurer"].writing() as block:
        block.put_blob(group.sealed, "miaopei/outcomes/1")  # without its key
    group.answers = {"agent": Fetched(group.sealed), "notary": group.given("notary", "insurer")}
    one = group.fetchers["insurer"]
    assert (one.run(), one.missing) == (1, {})
    assert group.opened("insurer") == frame([b"row"])


def test_a_reader_has_the_key_from_another_where_its_maker_has_ended() -> None:
    """The standby payer had the bytes from one who reads nothing, and asked nobody else."""
    group = Group("insurer")
    group.answers = {"insurer": group.wrapped("notary")}
    group.fetchers["notary"].run()
    group.silent = {"insurer", "notary"}
    group.answers = {"cloud": Fetched(group.sealed)}
    agent = group.fetchers["agent"]
    assert (agent.run(), list(agent.missing)) == (1, [group.blob])
    group.silent = {"insurer"}
    assert (agent.run(), list(agent.missing)) == (0, [group.blob]), "nobody has it yet"
    group.answers |= {"notary": group.given("notary", "agent")}
    group.add("agent")  # a process, or a member, that begins anew
    for brought in (agent, group.fetchers["agent"]):
        assert (brought.run(), brought.missing) == (1, {})
    assert group.opened("agent") == frame([b"row"])
    assert group.kept("agent") == {"agent"}, "that its maker is who says so it cannot tell"


def test_who_comes_back_asks_on_for_a_key_that_was_lacking() -> None:
    group = Group("insurer")
    group.silent, group.answers = {"insurer"}, {"cloud": Fetched(group.sealed)}
    group.fetchers["agent"].run()
    again = Fetcher(Node(group.stores["agent"], who("agent"), lambda: START, bytes), group)
    assert list(again.missing) == [group.blob]
    group.answers |= {"utility": group.wrapped("agent")}
    assert (again.run(), again.missing) == (1, {})
    assert group.opened("agent") == frame([b"row"])


def test_a_key_that_does_not_open_is_none_and_another_is_asked() -> None:
    group = Group("insurer")
    group.silent = {"insurer"}
    group.answers = {"notary": group.wrapped("agent", bytes(32)), "cloud": Fetched(group.sealed)}
    agent = group.fetchers["agent"]
    assert (agent.run(), list(agent.missing)) == (1, [group.blob])
    assert group.kept("agent") == set()
    group.answers |= {"utility": group.wrapped("agent")}
    assert (agent.run(), agent.missing) == (1, {})
    assert group.opened("agent") == frame([b"row"])


@pytest.mark.parametrize("gives", ["no key", "another key", "nothing that unwraps"])
def test_a_maker_that_keeps_its_key_from_one_reader_keeps_it_from_none(gives: str) -> None:
    """Those to whom it gave it hand it on; where nobody has one, what it gave is told of where it
    is read.
    """
    group = Group("insurer")
    bad = {"no key": Fetched(group.sealed), "another key": group.wrapped("agent", bytes(32)),
           "nothing that unwraps": Fetched(group.sealed, bytes(92))}[gives]  # fmt: skip
    group.answers = {"insurer": bad}
    alone = group.fetchers["agent"]
    alone.run()
    assert (gives == "nothing that unwraps") == bool(alone.missing), "that is asked for again"
    with pytest.raises(RecordDamaged):
        group.opened("agent")
    group.answers |= {"insurer": group.wrapped("notary")}
    group.fetchers["notary"].run()
    group.answers = {"insurer": bad, "notary": group.given("notary", "agent")}
    group.add("agent")
    agent = group.fetchers["agent"]
    assert (agent.run(), agent.missing) == (1, {})
    assert group.opened("agent") == frame([b"row"])
    assert group.kept("agent") == {"agent"}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("says", ["nothing", "bytes", "another key"])
def test_who_names_the_blob_of_another_in_an_act_of_its_own_has_no_key_kept_for_it(
    first: bool, says: str
) -> None:
    """It may have seen it wait in the order, and been quicker: it has no key to hand over."""
    group = Group(*(("cloud", "insurer") if first else ("insurer", "cloud")))
    group.answers = {"insurer": group.wrapped("notary")}
    if says != "nothing":
        bad = group.wrapped("notary", bytes(32))
        group.answers["cloud"] = bad if says == "another key" else Fetched(group.sealed)
    notary = group.fetchers["notary"]
    assert (notary.run(), notary.missing) == (1, {})
    assert group.opened("notary") == frame([b"row"]), "nor does it keep the key from who reads it"
    assert "cloud" not in group.kept("notary")


def test_a_false_key_of_who_named_it_first_is_not_the_last_word_while_its_maker_is_silent() -> None:
    group = Group("cloud", "insurer")
    group.answers = {"cloud": group.wrapped("notary", bytes(32))}
    group.silent = {"insurer"}
    notary = group.fetchers["notary"]
    assert (notary.run(), list(notary.missing)) == (1, [group.blob])
    group.silent = set()
    group.answers |= {"insurer": group.wrapped("notary")}
    assert (notary.run(), notary.missing) == (1, {})
    assert group.opened("notary") == frame([b"row"])


def test_keys_of_who_is_away_are_asked_for_rarely_and_all_at_once_when_it_is_back() -> None:
    """The bytes are here: they are neither fetched nor written again. One key is asked for in each
    round, so that whoever is back is seen at once.
    """
    group = Group("insurer")
    many = [seal(frame([b"row %d" % at]), group.random) for at in range(20)]
    sealed = {digest(data): Fetched(data) for data, _ in many}
    keys = {digest(data): key for data, key in many}
    for name, has in sealed.items():
        reference = {**json.loads(group.leaves[0])["act"]["body"]["outcomes"], "blob": name}
        reference["length"] = len(has.data)
        act = {"kind": "confirm_payments", "by": "insurer",
               "body": {"debt": DEBT, "outcomes": reference}}  # fmt: skip
        group.leaves.append(
            canonical({"leaf": "act", "act": act, "result": {"ok": True, "notes": []}})
        )
    del group.leaves[0]
    group.add("agent")
    agent, asked = group.fetchers["agent"], Counter[str]()

    def answer(member: str, name: str, most: int | None = None) -> Fetched | None:
        asked[member] += 1
        if member in group.silent:
            raise OutsideFault("silent", retry=True)
        if member == "cloud":
            return sealed[name]
        if member != "insurer":
            return None
        box = bytes.fromhex(reader_of(who("agent").box))
        return Fetched(sealed[name].data, wrap(keys[name], box, group.random))

    group.fetch, group.silent = answer, {"insurer"}  # type: ignore[method-assign]
    assert agent.run() == 20
    for _ in range(fetching.PATIENT + 5):
        agent.run()
    asked.clear()
    for _ in range(fetching.RARELY - 1):
        agent.run()
    assert asked["notary"] <= fetching.RARELY + 20, "not twenty in each round"
    group.silent = set()
    agent.run()
    agent.run()
    assert agent.missing == {}


@pytest.mark.parametrize("first", [True, False])
def test_bytes_beyond_the_length_that_the_record_says_are_not_kept(first: bool) -> None:
    """A few bytes on the record fill nobody's disk; and who says a false length of another's blob
    keeps it from nobody.
    """
    store = Counting()
    data = bytes(100_000)
    others = Others({digest(data): data})
    one = fetcher(store, others)
    say(store, "cloud", [data], 1 if first else None)
    if not first:
        say(store, "notary", [data], 1)
    for _ in range(3):
        one.run()
    assert held(store, {digest(data): data}) == [not first]
    if first:
        say(store, "notary", [data])
        assert (one.run(), one.missing) == (1, {})
        assert held(store, {digest(data): data}) == [True]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("says", ["bytes", "another key", "a false length"])
def test_who_names_a_blob_first_for_no_reader_keeps_no_key_from_one(
    says: str, together: bool
) -> None:
    """It saw it wait in the order and was quicker, by an act of a kind that has no readers: what it
    hands over in the maker's place is not the last word, in one block or two.
    """
    group = Group("insurer")
    length = 1 if says == "a false length" else len(group.sealed)
    uses = {"blob": group.blob, "length": length, "count": 1, "root": "0" * 64, "media": "x"}
    act = {"kind": "log_uses", "by": "cloud", "body": {"uses": uses}}
    first = canonical({"leaf": "act", "act": act, "result": {"ok": True, "notes": []}})
    honest = group.leaves[0]
    bad = group.wrapped("notary", bytes(32)) if says == "another key" else Fetched(group.sealed)
    group.answers = {"cloud": bad, "insurer": group.wrapped("notary")}
    group.leaves = [first, honest] if together else [first]
    group.add("notary")
    notary = group.fetchers["notary"]
    notary.run()
    if not together:
        with group.stores["notary"].writing() as block:
            block.append_leaves([honest])
            block.finish_block(1, START, 2)
        for _ in range(2):
            notary.run()
    assert notary.missing == {}
    assert group.opened("notary") == frame([b"row"])
    assert "cloud" not in group.kept("notary")
    assert "agent" in group.kept("notary"), "its maker gave it, for its readers"


def test_row_keys_that_one_reader_keeps_back_are_asked_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The maker is away; who answers first gives the key of the blob and none of its rows."""
    group = Group("insurer")
    given = group.wrapped("agent")
    group.silent = {"insurer"}
    group.answers = {"notary": given, "utility": Fetched(given.data, given.wrap, b"all")}
    monkeypatch.setattr(fetching, "keep_row_keys", lambda *given: given[-1] == b"all")
    agent = group.fetchers["agent"]
    agent.run()
    for _ in range(4):
        agent.run()
    assert agent.missing == {}


def test_who_reads_nothing_asks_no_further_than_for_the_bytes() -> None:
    group = Group("insurer")
    group.answers = dict.fromkeys(("insurer", "agent", "notary"), Fetched(group.sealed))
    cloud = group.fetchers["cloud"]
    assert (cloud.run(), cloud.missing) == (1, {})
    assert group.asked == ["insurer"]


def test_a_key_that_nobody_keeps_is_not_asked_for_for_ever() -> None:
    """A reader that had no seat when it was sealed: once all who might have it have said no."""
    group = Group("insurer")
    group.silent = {"utility"}
    group.answers = {"insurer": Fetched(group.sealed)}
    agent = group.fetchers["agent"]
    assert (agent.run(), list(agent.missing)) == (1, [group.blob])
    group.silent = {"cloud"}  # who reads nothing has nothing for us
    assert (agent.run(), agent.missing) == (1, {})
    assert list(agent.keyless) == [group.blob]
    for _ in range(fetching.PATIENT + 5):
        agent.run()
    group.asked.clear()
    for _ in range(fetching.RARELY):
        assert agent.run() == 0
    assert group.asked.count("insurer") == 1, "but it is now and then: who had none may have one"
    group.answers |= {"utility": group.wrapped("agent")}
    for _ in range(fetching.RARELY):
        agent.run()
    assert group.opened("agent") == frame([b"row"])
    assert agent.keyless == {}


# What is written down as missing ------------------------------------------------------------------


@pytest.mark.parametrize(
    "kept",
    [
        ["ab" * 32, "x", "cloud"],
        ["ab" * 32, "x", "cloud", "hills"],
        ["ab" * 32, "x", "cloud", "hills", 7],
        ["ab" * 32, "x", "cloud", "hills", 7, [["notary", "two"]]],
    ],
)
def test_what_earlier_software_wrote_down_as_missing_is_asked_for(kept: list[object]) -> None:
    store = MemoryStore()
    with store.writing() as block:
        block.put_progress(LACKING, canonical([kept]))
    first, more = kept[:5], [("notary", "two")] * (len(kept) > 5)
    with store.reading() as reading:
        (missing,) = lacking(reading)
    assert missing.as_json()[: len(first)] == first
    assert missing.namings[1:] == tuple(more)
    assert Missing.read(missing.as_json()) == missing
    assert list(fetcher(store, Others({})).missing) == ["ab" * 32]


def test_one_member_names_a_blob_for_a_few_listings_and_takes_no_other_members_place() -> None:
    missing = Missing("ab" * 32, "x", "cloud", "0")
    for number in range(1, 3 * NAMED_AT_MOST):
        missing = missing.also(Missing("ab" * 32, "x", "cloud", str(number)))
    assert missing.listings("cloud") == [str(number) for number in range(NAMED_AT_MOST)]
    missing = missing.also(Missing("ab" * 32, "x", "notary", "hills"))
    assert missing.listings("notary") == ["hills"]
    assert missing.makers == ("cloud", "notary")
