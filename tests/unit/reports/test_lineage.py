"""Lineage over real and invented years: from a payout to the bytes, from a fact to every fen.

Row C-01: from any payout id, full lineage in one call; from any datum, all payouts it caused.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from typing import Any
from unittest.mock import patch

import pytest

from miaopei.adapters.feeds import shipped
from miaopei.errors import Refused
from miaopei.measures.identity import content_id, digest
from miaopei.measures.instant import beijing_day
from miaopei.measures.money import wan
from miaopei.node.proof.trail import StoreTrail
from miaopei.reports.lineage import Step, caused, why
from tests.unit.claims.replayed import DALI, YUXI, World, situations, world

PAID = 753_760_000 + wan(2_800) + wan(2_800) + wan(1_600) + 16_129_000 + wan(4_000)


@contextmanager
def trail(made: World) -> Iterator[StoreTrail]:
    with made.node.reading() as (reading, state):
        yield StoreTrail(reading, state, made.node.identity)


def settlements(read: StoreTrail, book: str) -> list[str]:
    return [s for _, s in read.range("settled", f"{book}/")]


def steps(tree: Step) -> Iterator[Step]:
    yield tree
    for parent in tree.because:
        yield from steps(parent)


def text(tree: Any, language: Any = "en") -> str:
    return "\n".join(tree.text(language))


# Backwards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_payout_leads_to_the_bytes_of_the_bulletin(language: Any) -> None:
    """2021-05-21 Yangbi: the row of the rapid report as it stands in the file that was read."""
    with trail(world()) as read:
        payout = read.instructions(settlements(read, DALI)[-1])[0]["payout"]
        tree = why(read, payout)
    names = [step.what for step in steps(tree)]
    for wanted in (
        "payout", "instruction", "claim_paid", "row", "terms", "settlement", "act", "trigger",
        "fact_official", "observation_shock", "attestation", "bytes",
    ):  # fmt: skip
        assert wanted in names
    bulletin = shipped.earthquake_file("cenc_rapid_reports.csv").decode()
    (row,) = [line for line in bulletin.splitlines() if "2021-05-21" in line]
    said = text(tree, language)
    assert row in said
    sources = [s.facts for s in steps(tree) if s.what == "attestation"]
    assert digest(bulletin.encode()) in {str(facts["file_sha256"]) for facts in sources}


def test_the_trace_is_read_as_clauses() -> None:
    """Dali v2, Ms 6.4 in the own area: 4,000 万元 by the band from 6.0 to 6.5."""
    with trail(world()) as read:
        tree = why(read, read.instructions(settlements(read, DALI)[-1])[0]["payout"])
    (terms,) = [step for step in steps(tree) if step.what == "terms"]
    assert terms.facts["amount_fen"] == wan(4_000)
    assert terms.facts["version"] == 2
    assert any("6.0级（含）至6.5级（不含）" in line for line in terms.lines["zh"])
    assert any("40,000,000 yuan" in line for line in terms.lines["en"])


def test_what_was_on_file_and_not_counted_is_said() -> None:
    """The catalogue's later 6.5 for Yangbi moved no money once the rapid 6.4 had settled."""
    with trail(world()) as read:
        occurrence = next(
            case["occurrence"]
            for _, case in read.range("case", f"{DALI}/")
            if case["settlement"] == settlements(read, DALI)[-1]
        )
        observed = [
            (id, entry)
            for id, entry in read.range("observation", "")
            if entry["observation"]["event_key"].startswith("2021-05-21 21:48")
        ]
        later = [id for id, e in observed if e["observation"]["values"]["magnitude_tenths"] == 65]
        assert len(later) == 1
        assert not caused(read, later[0]).effects
        assert why(read, occurrence[:12]).what == "occurrence"
    with trail(situations()) as read:
        tree = why(read, settlements(read, DALI)[3])
        shown = [step for step in steps(tree) if step.what.startswith("not_counted")]
        assert all(step.facts["source"] for step in shown)


def test_every_kind_of_id_and_its_beginning_are_found() -> None:
    with trail(world()) as read:
        settlement = settlements(read, YUXI)[0]
        value = read.get("settlement", settlement)["settlement"]
        trigger = value["trigger"]
        (claim,) = read.claims(trigger)
        observation = next(iter(read.get("trigger", trigger)["facts"].values()))["because"][0]
        act = read.get("observation", observation)["attested"][0]["act"]
        payout = read.instructions(settlement)[0]["payout"]
        case = next(c for _, c in read.range("case", f"{YUXI}/") if c["settlement"] == settlement)
        wanted = {
            settlement: "settlement",
            trigger: "trigger",
            content_id("claim", claim): "claim_paid",
            claim["policy"]: "policy",
            observation: "observation_shock",
            act: "act",
            payout: "payout",
            content_id("case", case): "case",
            case["occurrence"]: "occurrence",
        }
        for id, what in wanted.items():
            assert why(read, id).what == what
            assert why(read, f" {id[:14].upper()} ").what == what
        assert why(read, f"{payout}-1").what == "payout"
        assert why(read, "cenc.rapid").what == "source_counted"
        assert why(read, "usgs.comcat").what == "source_shown"


def test_a_day_stands_for_its_event_and_what_was_settled_is_told_first() -> None:
    """Yangbi, 2021-05-21 (Beijing): the house cover settled 4,000 万元, the others paid nothing."""
    with trail(world()) as read:
        tree = why(read, "2021-05-21")
        assert tree.what == "occurrence"
        assert tree.facts["cases"] == len(tree.because)
        kinds = [step.what for step in tree.because]
        assert kinds[0] == "case"
        assert kinds[0] not in kinds[1:]
        (settlement,) = tree.because[0].because
        assert settlement.because[0].what == "terms"  # how the amount follows comes first
        assert settlement.because[0].facts["amount_fen"] == wan(4_000)
        assert caused(read, "2021-05-21").effects
        said = text(tree)
        # Others of its cases end with the foreshock: both are named, the greatest is worked with.
        assert said.count("those of the shock of 2021-05-21 21:21:26; the greatest was M 6.4") == 3
        for would in ("60,000,000 yuan would have been due", "up to 46,000,000 yuan would have"):
            assert f"the insured prefecture, {would}" in said
        assert "30,000,000 yuan would have been due" not in said
        assert said.count("for the shock of 2021-05-21 21:48:35, M 6.4") == 4
        assert "no official source had spoken of this shock by the deadline" in said
        with pytest.raises(Refused) as refused:
            why(read, "2021-05-22")
        assert refused.value.refusals[0].code == "lineage.unknown"


def test_an_event_that_paid_nothing_says_so_at_once() -> None:
    """Gengma, 2015-03-01, struck before any version of the terms was in force."""
    with trail(world()) as read:
        days = {beijing_day(c["instant"]) for _, c in read.range("case", "") if c["instant"]}
        paid = {beijing_day(c["instant"]) for _, c in read.range("case", "") if c["settlement"]}
        assert days - paid
        for day in days:
            wanted = "occurrence" if day in paid else "occurrence_unpaid"
            assert why(read, day).what == wanted


def test_an_id_that_is_too_short_not_there_or_not_alone_is_refused() -> None:
    with trail(world()) as read:
        for given, code in (("abc", "too_short"), ("0" * 40, "unknown"), ("zz" * 20, "unknown")):
            with pytest.raises(Refused) as refused:
                why(read, given)
            assert refused.value.refusals[0].code == f"lineage.{code}"


def test_two_things_with_one_beginning_are_named() -> None:
    with trail(world()) as read:

        class Two(StoreTrail):
            def range(self, table: str, prefix: str) -> Iterator[tuple[str, Any]]:
                if table == "act":
                    return iter([("ab" * 32, 1), ("ab" * 5 + "00" * 27, 2)])
                return iter(())

        with pytest.raises(Refused) as refused:
            why(Two(read.reading, read.state, read.identity), "ab" * 5)
        assert refused.value.refusals[0].code == "lineage.ambiguous"
        assert "act abab" in str(refused.value.refusals[0].facts["several"])


def test_refusals_say_why_and_how_near() -> None:
    with trail(situations()) as read:
        said = {}
        for _, case in read.range("case", f"{DALI}/"):
            if case["state"] != "settled" and case["benefit"] == "house":
                said[case["reason"]] = text(why(read, content_id("case", case)))
    assert "at 1,000 yuan, 12,440 yuan would have been due" in said["terms_give_zero"]
    assert "the name '云南巍山' says the insured prefecture" in said["roles_differ"]
    assert (
        "Had the epicentre been in the insured prefecture, 20,000,000 yuan" in said["roles_differ"]
    )
    assert "between 0 yuan and 11,200,000 yuan" in said["area_not_named"]
    assert "the official rapid report is awaited" in said["no_rapid_report"]


def test_a_person_and_their_reason_are_named() -> None:
    with trail(situations()) as read:
        trees = [why(read, settlement) for settlement in settlements(read, DALI)]
        persons = [s for tree in trees for s in steps(tree) if s.what == "resolution"]
    assert [s.facts["person"] for s in persons] == ["a surveyor"]
    assert persons[0].facts["reason"] == "seen on site"


def test_a_household_s_line_leads_through_the_list_to_the_payout() -> None:
    with trail(situations()) as read:
        debt = next(a["act"] for _, a in read.range("allotment", ""))
        row = read.instructions(debt)[0]
        tree = why(read, row["payout"])
    assert tree.what == "payout_line"
    names = [step.what for step in steps(tree)]
    assert {"act", "claim_paid", "settlement", "bytes"} <= set(names)


# Forwards -----------------------------------------------------------------------------------------


def test_each_fact_leads_to_the_printed_payouts() -> None:
    with trail(world()) as read:
        yangbi = settlements(read, DALI)[-1]
        trigger = read.get("settlement", yangbi)["settlement"]["trigger"]
        facts = read.get("trigger", trigger)["facts"]
        found = caused(read, facts["magnitude"]["because"][0])
    assert found.sums() == {
        "pay_fen": wan(4_000), "executed_fen": wan(4_000), "refused_fen": 0, "open_fen": 0,
        "held_fen": 0,
    }  # fmt: skip
    assert [effect.settlement for effect in found.effects] == [yangbi]
    assert len(found.effects[0].payouts) == 5


def test_who_does_not_pay_knows_what_the_record_says_and_not_a_zero() -> None:
    """Instructions lie with the payer alone: elsewhere its confirmations are all there is."""
    with trail(world()) as read:
        yangbi = settlements(read, DALI)[-1]
        trigger = read.get("settlement", yangbi)["settlement"]["trigger"]
        fact = read.get("trigger", trigger)["facts"]["magnitude"]["because"][0]
        policy = caused(read, fact).effects[0].payouts[0]["policy"]
        with patch.object(type(read.reading), "instructions", lambda *_: []):
            other = replace(read, identity=replace(read.identity, member="regulator"))
            whole, one = caused(other, fact), caused(other, policy)
    unknown = {"refused_fen": None, "open_fen": None}
    paid = {"pay_fen": wan(4_000), "executed_fen": wan(4_000), "held_fen": 0}
    assert whole.sums() == {**paid, **unknown}
    assert "40,000,000 yuan paid by the bank as the record has it" in text(whole)
    assert one.sums() == {"pay_fen": None, "executed_fen": None, "held_fen": 0, **unknown}
    assert "? to pay, ? paid" in text(one)
    assert "问" in text(whole, "zh")


def test_the_whole_product_and_operator_caused_every_printed_fen() -> None:
    with trail(world()) as read:
        products = [
            caused(read, value["act"]).sums()["executed_fen"]
            for _, value in read.range("product", "")
        ]
        listings = [
            caused(read, value["act"]).sums()["executed_fen"]
            for _, value in read.range("listing", "")
        ]
        reports = caused(read, "loss.national").sums()["pay_fen"]
    assert sum(products) == sum(listings) == PAID
    assert reports == 753_760_000 + 16_129_000  # the two covers paid by share


def test_policies_batches_decisions_and_confirmations_lead_on() -> None:
    with trail(situations()) as read:
        first = settlements(read, DALI)[0]
        value = read.get("settlement", first)["settlement"]
        trigger = value["trigger"]
        key = f"{trigger}/{value['counter']:012d}/miaopei"
        decision = read.get("decision", key)["act"]
        confirmed = next(note["act"] for k, note in read.range("paid", f"{first}/"))
        (claim, *_) = read.claims(trigger)
        batch = next(b for _, b in read.range("in_force", f"{DALI}/"))
        whole = caused(read, claim["policy"]).sums()
        for id in (first, trigger, decision, confirmed):
            sums = caused(read, id).sums()
            assert sums["pay_fen"] == wan(16_800)
            # the bank paid the payout, and the holder handed it on to the list
            assert sums["executed_fen"] == 2 * wan(16_800)
        # years' settlements of one policy: 16,800 + 2,000 + 2,000 + 2,000 + 1,120 万元
        assert whole["pay_fen"] == wan(23_920)
        assert caused(read, batch).sums()["pay_fen"] >= wan(22_800)
        payout = read.instructions(first)[0]
        alone = caused(read, payout["payout"])
        assert alone.sums()["pay_fen"] == payout["amount_fen"]
        assert alone.sums()["executed_fen"] == payout["amount_fen"]


def test_a_fact_that_paid_nothing_says_which_cases_name_it() -> None:
    with trail(situations()) as read:
        held = next(
            c for _, c in read.range("case", f"{DALI}/")
            if c["reason"] == "roles_differ" and c["benefit"] == "house"
        )  # fmt: skip
        found = caused(read, held["facts"]["held"]["observation"])
    assert found.effects == ()
    assert {case["benefit"] for case in found.cases} == {"house", "deaths"}
    assert "has caused no payout" in text(found)


# Both ---------------------------------------------------------------------------------------------


def test_both_directions_are_plain_data_and_meet() -> None:
    """Every payout's lineage names an observation, and that observation names the payout."""
    with trail(world()) as read:
        for book in (DALI, YUXI):
            for settlement in settlements(read, book):
                for row in read.instructions(settlement):
                    tree = why(read, row["payout"])
                    json.dumps(tree.as_json())
                    seen = [s.id for s in steps(tree) if s.what.startswith("observation_")]
                    assert seen
                    forward = caused(read, seen[0]).as_json()
                    json.dumps(forward)
                    ids = [p["payout"] for e in forward["effects"] for p in e["payouts"]]
                    assert row["payout"] in ids


def test_sentences_leave_no_gap_in_either_language() -> None:
    with trail(situations()) as read:
        ids = [*settlements(read, DALI), *(o for o, _ in read.range("observation", ""))]
        ids += [content_id("case", case) for _, case in read.range("case", "")]
        ids += [read.instructions(a["act"])[0]["payout"] for _, a in read.range("allotment", "")]
        for id in ids:
            for language in ("zh", "en"):
                for said in (text(why(read, id), language), text(caused(read, id), language)):
                    assert not re.search(r"{[a-z_]+}|\?", said)
                    assert "lineage." not in said


def test_every_sentence_stands_in_both_languages_with_the_same_facts() -> None:
    table = tomllib.loads((files("miaopei.errors") / "texts" / "lineage.toml").read_text("utf-8"))
    for name, texts in table.items():
        assert set(texts) == {"zh", "en"}, name
        holes = [set(re.findall(r"{(\w+)}", texts[language])) for language in ("zh", "en")]
        assert holes[0] == holes[1], name


def test_who_reads_no_book_is_told_for_whom_it_is_sealed_and_who_may_grant_it() -> None:
    """A member outside the group has the settlement on its record, and no claim of it."""
    with trail(world()) as read:

        class Outside(StoreTrail):
            def claims(self, trigger: str) -> Sequence[dict[str, Any]]:
                return ()

        other = replace(read.identity, member="outsider")
        settlement = settlements(read, DALI)[-1]
        outside = Outside(read.reading, read.state, other)
        tree = why(outside, settlement, outside.shut_out)
        (told,) = [s for s in steps(tree) if s.what == "book_sealed"]
        assert told.facts["parties"] == told.facts["holders"] == read.identity.member
        assert f"--to outsider {DALI}" in text(tree)
        assert "book_sealed" not in {s.what for s in steps(why(read, settlement, read.shut_out))}
        assert "book_sealed" not in {s.what for s in steps(why(outside, settlement))}, "on pages"
