"""Who is seen to differ, by the roots that members tell: one far behind hides nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from miaopei.cli.net.own import elsewhere
from miaopei.cli.net.plan import Net, Seat
from miaopei.cli.net.watching import SILENT, LastWords, _verdict, compared, last_words

SIX = {"utility": 1, "insurer": 1, "agent": 1, "regulator": 0, "cloud": 1, "notary": 1}


def told(**heights: dict[int, str]) -> dict[str, tuple[int, bool]]:
    """All others have come to 311."""
    whole = {302: "a", 307: "b", 311: "c"}
    return compared({name: heights.get(name, whole) for name in SIX}, SIX)


def test_a_liar_is_seen_while_a_reader_is_far_behind() -> None:
    found = told(regulator={302: "a"}, utility={302: "a", 307: "x"})
    assert found["utility"] == (307, True)
    assert found["regulator"] == (302, False)
    assert {name for name, (_, differs) in found.items() if differs} == {"utility"}


def test_what_is_right_goes_by_votes_and_not_by_heads() -> None:
    roots = {"one": {9: "a"}, "two": {9: "a"}, "three": {9: "b"}}
    found = compared(roots, {"one": 0, "two": 1, "three": 3})
    assert {name for name, (_, differs) in found.items() if differs} == {"one", "two"}


def test_of_two_alone_neither_is_right() -> None:
    found = compared({"one": {9: "a"}, "two": {9: "b"}}, {"one": 1, "two": 1})
    assert found == {"one": (9, True), "two": (9, True)}


@pytest.mark.parametrize("away", [False, True])
def test_who_says_that_it_has_an_alarm_is_told_as_alarmed_whatever_its_words(away: bool) -> None:
    status = {"height": 9, "trouble": "KeyError: 'policy'", "alarm": True}
    assert _verdict({}, status, None, 9, True, away=away) == "alarm"
    said = {"height": 9, "trouble": "alarmed by nothing", "alarm": False}
    assert _verdict({}, said, None, 9, True, away=away) == "agrees"


def test_what_another_member_says_of_itself_has_the_shape_of_a_status() -> None:
    said = {"chain": "miaopei-1", "height": 9, "alarm": True, "waits": False}
    status = elsewhere._status(said, "miaopei-1")
    assert (status["alarm"], status["trouble"], status["other"]) == (True, None, False)


def test_who_has_no_height_in_common_is_not_compared() -> None:
    assert compared({"one": {9: "a"}, "two": {8: "b"}}, {"one": 1, "two": 1}) == {}


def test_who_is_down_is_told_by_its_engine_where_its_node_said_nothing(tmp_path: Path) -> None:
    net = Net(tmp_path, (Seat("a", "a", "a", "h:1", "h:2"),))
    at = net.at("a")
    at.mkdir(parents=True)
    node, taken = at / "node.log", "panic: address already in use"
    node.write_text("")
    (at / "engine.log").write_text(f"{taken}\n\n")
    assert last_words(net, "a", {"wanted": True, "fell": 0}) == LastWords(taken)
    node.write_text("a word of last week\n")
    before = node.stat().st_size
    assert last_words(net, "a", {"wanted": True, "fell": before}) == LastWords(taken)
    with node.open("a") as log:
        log.write("no rule set 9: install a newer one\n")
    assert last_words(net, "a", {"wanted": True, "fell": before}) == LastWords(
        node.read_text().split("\n")[1]
    )
    stuck = {"wanted": True, "fell": before, "up": True, "trouble": None}
    assert last_words(net, "a", stuck) == LastWords(SILENT)
    assert last_words(net, "a", {**stuck, "trouble": "why"}) == LastWords("why")
    assert last_words(net, "a", {"wanted": False, "fell": 0}) is None
    node.write_text("")
    (at / "engine.log").write_text("a block\n" * 50_000 + f"{taken}\n")
    assert last_words(net, "a", {"wanted": True, "fell": 9}) == LastWords(taken)
