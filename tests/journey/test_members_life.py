"""Members come, go and change keys while the record goes on: real engines, nodes and databases.

What they sign after every change is checked by three programs that know the genesis alone.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from miaopei.acts.envelope import Act, sign
from miaopei.acts.freshness import USUAL
from miaopei.acts.rule_sets import RULES
from miaopei.acts.seats import KEYS
from miaopei.adapters.engine.certificates import certificate
from miaopei.adapters.engine.rpc import EngineRpc
from miaopei.adapters.keys import load_or_make
from miaopei.cli.net import control
from miaopei.cli.net.plan import Net, database, founding
from miaopei.errors import Refused
from miaopei.ledger import checkpoint, quorum
from miaopei.ledger.certificate import founders, from_json
from miaopei.measures.identity import content_id
from miaopei.measures.suites import SigningKey
from miaopei.node.order.parcel import Parcel
from tests.support import nets
from tests.support.nets import Running
from tests.support.seating import fresh
from tests.support.town import identity

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
FOUNDERS = ("insurer", "cloud", "regulator", "notary")


@pytest.fixture(scope="module")
def four() -> Iterator[Running]:
    """Insurer, government cloud, regulator and notary under a live clock."""
    with nets.running("life", 4) as made:
        yield made


def anew(four: Running) -> None:
    """Read the plan again: it has changed."""
    four.net = Net.of(four.net.folder)


def seats(four: Running, member: str = "cloud") -> dict[str, Any]:
    """Who sits in the record, by one member's copy."""
    status = control.call(four.net.at(member), "status")
    return {seat["member"]: seat for seat in status["seats"]}


def neighbours(four: Running, member: str) -> set[str]:
    """The names of the engines that a member's engine is connected with."""
    engine = EngineRpc(four.net.at(member) / "rpc.sock")
    return {peer["node_info"]["moniker"] for peer in engine.ask("net_info")["peers"]}


def until(holds: Callable[[], bool], seconds: float = nets.SECONDS) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_o04_a_member_that_is_not_admitted_is_refused_by_peers_and_by_the_door(
    four: Running,
) -> None:
    """Only one of four wants it: it runs, with keys and addresses of all, and gets nothing."""
    done = four.miaopei("join", "stranger", "--by", "cloud", "--json", check=False)
    assert (done.returncode, json.loads(done.stdout)["votes"]) == (1, 1), done.stderr
    anew(four)
    for number in range(3):
        four.name("cloud", f"while-refused-{number}")
    until(lambda: _row(four, "stranger").verdict == "no_seat")
    until(lambda: all(neighbours(four, m) >= set(FOUNDERS) - {m} for m in FOUNDERS))
    for _ in range(15):  # it tries to connect all the while
        for member in FOUNDERS:
            assert neighbours(four, member) == set(FOUNDERS) - {member}
        time.sleep(0.2)
    # Its own engine counts a neighbour from the handshake on, until that one has asked the record
    # who this is and hangs up: it may be caught between the two, and is alone again afterwards.
    until(lambda: neighbours(four, "stranger") == set())
    row = _row(four, "stranger")
    assert (row.height or 0, row.power) == (0, None)
    assert four.standing().goes_on


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (("a/b",), "act.bad_body"),
        (("../outside",), "act.bad_body"),
        (("king", "--role", "king"), "act.role_unknown"),
        (("heavy", "--power", "5"), "net.votes_of_one"),
    ],
)
def test_who_cannot_join_leaves_nothing_behind(
    four: Running, said: tuple[str, ...], code: str
) -> None:
    """Refused before a folder, a database or a row in the plan is made of it."""
    before = sorted(four.net.folder.rglob("keys.json")), (four.net.folder / "net.json").read_bytes()
    done = four.miaopei("join", *said, "--json", check=False)
    assert done.returncode == 1
    assert [one["code"] for one in json.loads(done.stdout)["refusals"]] == [code], done.stdout
    after = sorted(four.net.folder.rglob("keys.json")), (four.net.folder / "net.json").read_bytes()
    assert after == before
    assert not (four.net.folder / "outside").exists()


def test_o04_acts_of_who_has_no_seat_come_to_nothing(four: Running) -> None:
    """Of one that the record knows nothing the door says so at every engine, before it queues; one
    that the record knows and nobody has seated has no vote.
    """
    value = four.net.genesis
    nobody = sign(
        identity("seventh").acts, content_id("chain", value), "admit_member", "seventh", "x",
        {"id": "x", "operator": "x", **nets.BODY},
    )  # fmt: skip
    for member in FOUNDERS:
        assert queued(four, member, nobody) == (1, "act.member_unknown")
    wish = json.loads((four.net.at("stranger") / "seat.json").read_text("utf-8"))
    keys = load_or_make(four.net.at("stranger") / "keys.json", "stranger")
    chain, end = content_id("chain", value), int(time.time()) + USUAL
    endless = sign(keys.acts, chain, "seat_member", "stranger", "me", wish)
    assert queued(four, "cloud", endless) == (1, "act.no_end")
    late = sign(keys.acts, chain, "seat_member", "stranger", "me", wish, end - 2 * USUAL)
    assert queued(four, "cloud", late) == (1, "act.too_late")
    own = sign(keys.acts, chain, "seat_member", "stranger", "me", wish, end)
    assert queued(four, "cloud", own) == (0, "")
    four.name("cloud", "after-it")
    asked: dict[str, Any] = {"kind": "seat_member", "body": wish}
    assert control.call(four.net.at("cloud"), "approval", **asked)["by"] == ["cloud"]


def queued(four: Running, member: str, act: Act) -> tuple[int, str]:
    """What a member's engine says to an act that somebody hands it."""
    engine = EngineRpc(four.net.at(member) / "rpc.sock")
    item = base64.b64encode(Parcel(1, (act,)).to_bytes()).decode("ascii")
    said = engine.ask("broadcast_tx_sync", tx=item)
    return said["code"], said["log"]


def _row(four: Running, member: str) -> Any:
    return next(row for row in four.standing().rows if row.member == member)


def test_it_is_approved_by_more_and_has_every_block(four: Running) -> None:
    assert four.miaopei("approve", "stranger", "--by", "insurer", check=False).returncode == 1
    told = nets.as_json(four.miaopei("approve", "stranger", "--json"))
    assert told["done"]
    four.whole()
    assert seats(four, "stranger")["stranger"]["power"] == 1
    until(lambda: len(neighbours(four, "stranger")) == 4)


def certified(four: Running, member: str) -> int:
    """The changes of the set in a certificate that a member's engine gives now; it holds."""
    begins = founding((four.net.folder / "genesis.json").read_bytes())
    engine = EngineRpc(four.net.at(member) / "rpc.sock")
    height = control.call(four.net.at(member), "status")["height"] - 1
    made = certificate(engine, height)
    found = quorum.check(from_json(made), begins.chain, founders(begins.file))
    return found.changes


def test_the_certificate_carries_the_change(four: Running) -> None:
    four.name("cloud", "one-more")
    four.name("cloud", "and-one-more")
    for member in four.net.members:
        assert certified(four, member) == 1


def test_every_key_of_a_member_is_changed_and_it_votes_by_the_new_one(four: Running) -> None:
    before = seats(four)["notary"]
    earlier = load_or_make(four.net.at("notary") / "keys.json", "notary").log
    # Five equal votes: with one away it goes on only where the notary's earlier key signs as long
    # as it counts, and then its new one.
    four.miaopei("down", "regulator")
    four.miaopei("rotate", "notary")
    after = seats(four)["notary"]
    assert all(before[name] != after[name] for name in KEYS)
    four.name("cloud", "with-the-new-key", seconds=150)
    four.miaopei("heal", "regulator")
    four.whole()
    assert certified(four, "insurer") == 2
    with pytest.raises(Refused) as again:
        control.call(
            four.net.at("notary"), "act", kind="rotate_keys", ref="again",
            body={"keys": {"engine": fresh("again")}}, seconds=150,
        )  # fmt: skip
    assert [refusal.code for refusal in again.value.refusals] == ["act.rotated_lately"]
    four.whole()
    the_earlier_key_is_good_for_what_it_signed_before(four, earlier)


def the_earlier_key_is_good_for_what_it_signed_before(four: Running, earlier: SigningKey) -> None:
    """Checkpoints of before the change are sound; one that it signs afterwards is not."""
    assert nets.as_json(four.miaopei("audit", "notary", "--json"))["sound"]
    address = make_conninfo(four.net.postgres.start(), dbname=database("notary"))
    with psycopg.connect(address) as connection:
        query = "select size, text from own.checkpoint order by size"
        signed = dict(connection.execute(query).fetchall())
        key = checkpoint.verifier_key(four.net.genesis["origin"], earlier)
        by_it = [size for size, text in signed.items() if is_by(text, key)]
        assert by_it == list(signed)[: len(by_it)]
        assert 0 < len(by_it) < len(signed) - 1
        size = list(signed)[-2]  # while it runs the last may be another one by now
        head = checkpoint.parse(signed[size])
        forged = checkpoint.sign(head.origin, head.size, head.root, earlier)
        change = "update own.checkpoint set text = %s where size = %s"
        connection.execute(change, (forged, size))
        connection.commit()
        told = json.loads(four.miaopei("audit", "notary", "--json", check=False).stdout)
        connection.execute(change, (signed[size], size))
        connection.commit()
    assert [each["stage"] for each in told["findings"]] == ["columns"]
    assert nets.as_json(four.miaopei("audit", "notary", "--json"))["sound"]


def is_by(text: str, key: str) -> bool:
    """Whether a checkpoint is signed by a key."""
    try:
        checkpoint.verify(text, key)
    except Refused:
        return False
    return True


def test_a_reader_has_no_vote_and_may_get_it_back(four: Running) -> None:
    """A-14: the regulator reads along, then votes again."""
    four.miaopei("seat", "regulator", "--power", "0")
    assert seats(four)["regulator"]["power"] == 0
    four.name("cloud", "the-regulator-reads")
    four.whole()
    told = nets.as_json(four.miaopei("status", "--json"))
    assert {row["member"]: row["power"] for row in told["members"]}["regulator"] == 0
    refused = four.miaopei("seat", "regulator", "--power", "9", check=False)
    assert "third" in refused.stderr
    four.miaopei("seat", "regulator", "--power", "1")
    four.name("cloud", "and-votes")
    four.whole()


def test_the_same_change_of_votes_twice_a_day_is_made_twice(four: Running) -> None:
    """What was undone since is wanted anew, on one day too; what is so already asks nobody."""
    for power in (0, 1):
        told = nets.as_json(four.miaopei("seat", "regulator", "--power", str(power), "--json"))
        assert told["done"]
        assert told["by"]
        assert seats(four)["regulator"]["power"] == power
    height = control.call(four.net.at("cloud"), "status")["size"]
    again = nets.as_json(four.miaopei("seat", "regulator", "--power", "1", "--json"))
    assert (again["what"], again["done"], again["by"]) == ("weighs_so", True, "")
    assert control.call(four.net.at("cloud"), "status")["size"] == height


def test_a_member_leaves_and_is_refused_from_then_on(four: Running) -> None:
    keys = [{"key": fresh("a bank"), "since": 0, "until": None}]
    named = {"name": {"zh": "银行", "en": "A bank"}, "operator": "a-bank"}
    bank = {"id": "a-bank", **named, "roles": ["bank"], "keys": keys}
    for member in ("insurer", "cloud", "regulator"):  # three of five
        asked = {"kind": "admit_member", "ref": "a bank", "body": bank}
        control.call(four.net.at(member), "act", seconds=150, **asked)
    assert not control.call(four.net.at("cloud"), "entry", member="a-bank")
    _think_better_of_it(four)
    four.miaopei("leave", "stranger")
    anew(four)
    _say_again(four)
    four.whole()  # what the insurer has seen final comes to each in its own time
    assert control.call(four.net.at("cloud"), "entry", member="a-bank")["roles"] == ["bank"]
    assert "stranger" not in four.net.members
    assert "stranger" not in seats(four)
    four.whole()
    last = four.miaopei("leave", "notary", check=False)
    assert last.returncode == 1
    assert "third" in last.stderr
    four.name("cloud", "four-again")
    # It came, a key changed, it left; where a set came back, what lay between may be left out.
    assert certified(four, "notary") >= 3


def _think_better_of_it(four: Running) -> None:
    """One of three takes its word back by a command, and says it again later: another act."""
    found = nets.as_json(four.miaopei("withdraw", "regulator", "--json"))
    (number,) = (wish["name"] for wish in found if wish["kind"] == "admit_member")
    for _ in range(2):
        back = nets.as_json(four.miaopei("withdraw", "regulator", number[:12], "--json"))
        assert (back["what"], back["name"]) == ("withdrawn", number)
        (waits,) = four.standing().waiting
        assert (waits["by"], "regulator" in waits["lacks"]) == (["cloud", "insurer"], True)
        refused = four.miaopei("withdraw", "regulator", number, "--lang", "en", check=False)
        assert refused.returncode == 1
        assert "No one word of regulator" in refused.stderr
        said = nets.as_json(four.miaopei("agree", "regulator", number, "--json"))
        assert said["what"] == "agreed_waits"
        (waits,) = four.standing().waiting
        assert waits["by"] == ["cloud", "insurer", "regulator"]


def _say_again(four: Running) -> None:
    """Three of four are enough, and no act says so: one that has spoken says it once more."""
    (waits,) = four.standing().waiting
    assert (waits["kind"], waits["again"]) == ("admit_member", True)
    told = "".join(four.miaopei("agree", "insurer", "--lang", "en").stdout.split())
    assert "oncemore:cloud,insurer,notary,regulator" in told
    (wish,) = nets.as_json(four.miaopei("agree", "insurer", "--json"))
    assert (
        nets.as_json(four.miaopei("agree", "insurer", wish["name"], "--json"))["what"] == "agreed"
    )
    assert not four.standing().waiting


def test_what_cannot_come_to_anything_is_refused_before_it_is_sent(four: Running) -> None:
    """Two of four votes away: no wish is left in a queue; nor is a member asked that is down."""
    four.miaopei("down", "notary")
    assert _code(four, "rotate", "notary", "--json") == "net.is_down"
    assert not (four.net.at("notary") / "rotation.json").exists()
    four.miaopei("down", "insurer")
    try:
        assert _code(four, "seat", "notary", "--power", "0", "--json") == "net.too_few_up"
        assert _code(four, "join", "late", "--json") == "net.too_few_up"
    finally:
        four.miaopei("heal", "insurer")
        four.miaopei("heal", "notary")
    four.whole()
    assert seats(four)["notary"]["power"] == 1
    assert not four.standing().waiting


def _code(four: Running, *said: str) -> str:
    done = four.miaopei(*said, check=False)
    assert done.returncode == 1, done.stderr
    (one,) = json.loads(done.stdout)["refusals"]
    return str(one["code"])


def test_rules_beyond_the_software_are_not_raised(four: Running) -> None:
    refused = four.miaopei("raise-rules", "--lang", "en", check=False)
    assert refused.returncode == 1
    assert "No member's software has rule set" in refused.stderr
    assert four.miaopei("raise-rules", "--anyway", check=False).returncode == 1
    four.name("cloud", "goes-on")  # no height comes at which all would stop
    assert {row.rules for row in four.standing().rows} == {RULES}
