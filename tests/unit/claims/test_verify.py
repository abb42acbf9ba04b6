"""Verifying: true receipts hold, amounts are those in print, and each lie is found by its check.

The lies are signed again by the operator's own key, so that it is not the receipt's signature that
finds them.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import miaopei
from miaopei.acts import change_key
from miaopei.acts.rule_sets import KINDS, RULE_SETS
from miaopei.claims.receipt import Kind, Receipt, from_json
from miaopei.claims.verify import check_names, explain, verify
from miaopei.claims.verify.explain import in_words
from miaopei.claims.verify.frame import AGREED, MAY_SEND
from miaopei.cli.main import main
from miaopei.measures.identity import canonical
from miaopei.measures.instant import beijing_day
from miaopei.measures.money import wan
from miaopei.node.proof.receipts import Collector
from tests.unit.claims.made import invented, refused, replayed, yangbi
from tests.unit.claims.replayed import DALI, IDENTITY, POWER, outages, three

# Printed payouts (doi 10.11899/zzfy20210303, Tables 2 and 4) in 万元 by Beijing day and product.
PRINTED = {
    ("2015-10-30", "yunnan_dali"): 753_760_000,
    ("2016-05-18", "yunnan_dali"): wan(2_800),
    ("2017-03-27", "yunnan_dali"): wan(2_800),
    ("2018-08-13", "yunnan_yuxi"): wan(1_600),
    ("2018-09-08", "yunnan_yuxi"): 16_129_000,
    ("2021-05-21", "yunnan_dali"): wan(4_000),
}


def failures(receipt: Receipt, vkey: str | None = None) -> tuple[str, ...]:
    return verify(receipt.to_bytes(), vkey or receipt.vkey).failed


# True receipts ------------------------------------------------------------------------------------


def test_every_printed_payout_has_a_receipt_that_holds() -> None:
    found = {}
    for receipt in replayed():
        verdict = verify(receipt.to_bytes(), receipt.vkey)
        assert verdict.holds, verdict.failed
        assert [c.name for c in verdict.checks] == list(check_names(receipt.kind))
        trigger = receipt.leaves["trigger"][0].leaf["value"]
        day = beijing_day(int(str(verdict.about["instant_at"])))
        found[day, trigger["listing"]] = verdict.about["pay_fen"]
    assert found == PRINTED


def test_every_refusal_of_the_replayed_years_holds() -> None:
    assert len(refused()) >= 5
    for name, receipt in refused().items():
        assert failures(receipt) == (), name


def test_every_way_a_case_can_end_has_a_receipt_that_holds() -> None:
    wanted = {
        "paid 1", "paid 2", "exhausted 1", "held 1", "ended", "roles_differ", "terms_give_zero",
        "area_not_named", "no_rapid_report",
    }  # fmt: skip
    assert wanted <= set(invented())
    for name, receipt in invented().items():
        assert failures(receipt) == (), name


def test_the_larger_shock_pays_the_difference() -> None:
    """A-07 under the second Dali contract: 5.6 gives 2,000 万元, 6.1 gives 4,000 in all."""
    claim = invented()["paid 2"].claim
    assert claim is not None
    amounts = [claim.claim[f"{name}_fen"] for name in ("owed", "settled", "pay")]
    assert amounts == [wan(4_000), wan(2_000), wan(2_000)]


def test_the_first_lines_say_replay_sandbox_and_who_decided() -> None:
    receipt = replayed()[0]
    verdict = verify(receipt.to_bytes(), receipt.vkey)
    assert verdict.labels == ("replay", "sandbox", "shares_made_up", "one_operator")
    english, chinese = explain(verdict, "en"), explain(verdict, "zh")
    assert english[0].startswith("HOLDS")
    assert english[1].startswith("REPLAY")
    assert english[2].startswith("SANDBOX")
    assert "Decided by one operator." in english[:6]
    assert chinese[1].startswith("回放")
    assert chinese[2].startswith("沙箱")
    assert "由一家运营方裁定。" in chinese[:6]


def test_sentences_leave_no_gap() -> None:
    """No placeholder without a value and no bare code, in any true receipt or without a key."""
    verdicts = [verify(r.to_bytes(), r.vkey) for r in (*refused().values(), *invented().values())]
    verdicts.append(verify(yangbi().to_bytes(), None))
    for verdict in verdicts:
        for line in (*explain(verdict, "zh"), *explain(verdict, "en")):
            assert "{" not in line
            assert "?" not in line
            assert not re.search(r"\b(label|rests|check|near|reason)_[a-z]", line)


def test_how_near_is_said_and_true() -> None:
    """Magnitude and area by the first Dali contract's bands; a share of 1,000 yuan in 90 万元."""
    near = {
        name: [n.as_json() for n in verify(r.to_bytes(), r.vkey).near]
        for name, r in invented().items()
    }
    (share,) = [n for n in near["terms_give_zero"] if n["code"] == "verify.near_input"]
    assert share["facts"]["needed_en"] == "1,000 yuan"
    # 1,120 万元 / 900 = 12,444.4 yuan, half up to ten yuan
    assert share["facts"]["would_fen"] == 1_244_000
    codes = [n["code"] for n in near["roles_differ"]]
    assert codes == ["verify.near_sides", "verify.near_role", "verify.near_role_up_to"]
    assert near["roles_differ"][1]["facts"]["would_fen"] == wan(2_000)
    assert near["ended"][0]["code"] == "verify.near_policy_end"
    assert near["exhausted 1"][0]["facts"]["gross_fen"] == wan(1_120)
    outside = refused()["house outside_area"]
    said = "\n".join(explain(verify(outside.to_bytes(), outside.vkey), "en"))
    assert "Had the epicentre been in the insured prefecture" in said


def test_an_inferred_total_is_said_to_be_one() -> None:
    """Two totals of the replayed reports are inferred from the printed payouts themselves."""
    notes = [
        line
        for receipt in replayed()
        for line in explain(verify(receipt.to_bytes(), receipt.vkey), "en")
        if line.startswith("Note: the report's total loss")
    ]
    assert len(notes) == 2
    assert all("inferred from the printed payout" in note for note in notes)


def test_another_shape_of_product_has_receipts_too() -> None:
    """Minutes late above a deductible that the policy declares; a cause that is not covered."""
    with outages().node.reading() as (reading, state):
        collector = Collector(reading, IDENTITY)
        found = []
        for _, id in state.range("settled", f"{POWER}/"):
            trigger = state.need("settlement", id)["settlement"]["trigger"]
            policy = reading.rows(POWER, 1)[0].row.policy
            paid = any(claim["pay_fen"] for claim in reading.claims(trigger))
            make = collector.payout if paid else collector.policy_refusal
            found.append(make(id, policy))
    verdicts = [verify(receipt.to_bytes(), receipt.vkey) for receipt in found]
    assert [v.failed for v in verdicts] == [(), (), ()]
    assert [v.kind for v in verdicts] == ["payout", "refusal", "refusal"]
    assert all("illustrative" in v.labels for v in verdicts)
    late = found[0].claim
    assert late is not None
    assert late.claim["pay_fen"] > 0
    # 100 minutes late where 120 are the policyholder's own: the 121st minute would have paid
    near = [n.facts for n in verdicts[1].near if "Actual" in str(n.facts["input_en"]).title()]
    assert near[0]["was_en"] == "2021-03-08 09:40 Beijing time"
    assert near[0]["needed_en"] == "2021-03-08 10:01 Beijing time"
    causes = [n.facts["was_en"] for n in verdicts[2].near]
    assert causes == ["war"]


def test_two_of_three_deciders_carry_a_settlement() -> None:
    """The payer has paid nothing yet: settled and paid are different things."""
    with three().node.reading() as (reading, state):
        (settlement,) = [id for _, id in state.range("settled", f"{DALI}/")]
        trigger = state.need("settlement", settlement)["settlement"]["trigger"]
        policy = reading.claims(trigger)[0]["policy"]
        receipt = Collector(reading, IDENTITY).payout(settlement, policy)
    verdict = verify(receipt.to_bytes(), receipt.vkey)
    assert verdict.failed == ()
    assert "one_operator" not in verdict.labels
    said = {check.name: check.facts for check in verdict.checks}
    assert said["decisions"] == {"deciders": 2, "k": 2}
    assert said["payments"] == {
        "executed_fen": 0, "refused_fen": 0, "open_fen": wan(5_000),
    }  # fmt: skip
    assert "bank_said" not in verdict.rests
    value = json.loads(receipt.to_bytes())
    value["leaves"]["decisions"].pop()
    value["sig"] = ""
    alone = from_json(value).signed(IDENTITY.acts.sign)
    assert verify(alone.to_bytes(), receipt.vkey).failed == ("decisions",)


def test_without_a_key_from_outside_nothing_is_proved() -> None:
    receipt = replayed()[0]
    verdict = verify(receipt.to_bytes(), None)
    assert verdict.failed == ("log_key",)
    assert "own_key" in verdict.labels
    assert not verdict.holds
    assert explain(verdict, "en")[0].startswith("NOT CHECKED: give the key")
    value = json.loads(receipt.to_bytes())
    value["sig"] = value["sig"][::-1]
    spoilt = from_json(value).to_bytes()
    assert explain(verify(spoilt, None), "en")[0].startswith("DOES NOT HOLD"), "and is damaged"


def test_what_is_given_in_the_place_of_a_receipt_a_key_or_a_genesis_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither is a false receipt, nor one of another record."""
    receipt = replayed()[0]
    whole, text, torn = (tmp_path / name for name in ("r.json", "README.md", "torn.json"))
    whole.write_bytes(receipt.to_bytes())
    text.write_text("# A text\n\nwith 1 + 1 + 1\n")
    torn.write_bytes(receipt.to_bytes()[:-9])

    def said(*words: str) -> str:
        assert main(["verify", *words, "--lang", "en"]) == 1
        shown = capsys.readouterr()
        return shown.out + shown.err

    assert said(str(text), "--key", receipt.vkey).startswith("NO RECEIPT FILE")
    assert said(str(torn), "--key", receipt.vkey).startswith("DOES NOT HOLD")
    assert "is no genesis file" in said(str(whole), "--genesis", str(text))
    assert "nor a file that holds one" in said(str(whole), "--key", str(text))
    founding = tmp_path / "genesis.json"
    founding.write_bytes(canonical({"seats": []}))
    told = said(str(whole), "--genesis", str(founding))
    assert told.startswith("NOT CHECKED")
    assert "with --key" in told, "of one member's log"


def test_with_the_key_of_another_log_it_fails() -> None:
    receipt = replayed()[0]
    other = invented()["ended"].vkey.replace("receipts", "others")
    for vkey in (other, "", "nonsense", receipt.vkey + "A"):
        assert {"log_key", "checkpoint"} <= set(verify(receipt.to_bytes(), vkey).failed)


# Anything at all ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"\x00" * 100,
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a":1,"a":2}',
        b'{"v":NaN}',
        b'{"v":1e400}',
        b'{"v":1.5}',
        b"9" * 5_000,
        b'{"v":' + b"9" * 5_000 + b"}",
        b'"\\ud800"',
        '{"v":"e\u0301"}'.encode(),
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
    ],
)
def test_anything_else_is_refused_and_never_an_exception(data: bytes) -> None:
    verdict = verify(data, "nonsense")
    assert not verdict.holds
    assert verdict.kind is None
    assert verdict.failed[0] in ("bytes", "shape")
    for language in ("zh", "en"):
        assert explain(verdict, language)


@pytest.mark.parametrize("at", [10**15, -(10**15)])
def test_a_time_beyond_the_calendar_is_told_as_the_number_that_it_is(at: int) -> None:
    """A forged receipt may say any; the verdict is said all the same."""
    for language in ("zh", "en"):
        assert in_words({"occurrence_at": at}, language)["occurrence"] == at


def test_a_file_that_is_too_long_is_not_read() -> None:
    verdict = verify(b" " * 16_000_001, None)
    assert verdict.checks[0].why is not None
    assert verdict.checks[0].why.code == "verify.too_long"


def test_cut_spaced_and_doubled_files_are_refused() -> None:
    data = yangbi().to_bytes()
    vkey = yangbi().vkey
    spaced = json.dumps(json.loads(data), indent=1).encode()
    doubled = data[:-1] + b',"v":1}'
    for other in (data[:-1], data[: len(data) // 2], data + b"\n", spaced, doubled):
        assert verify(other, vkey).failed[0] == "bytes"


# The program --------------------------------------------------------------------------------------


def test_it_knows_the_same_senders_as_the_record() -> None:
    """Written apart from `acts`, so that one fault does not hide in both; equal all the same."""
    for kind, roles in MAY_SEND.items():
        alone = RULE_SETS[3] if kind in AGREED else KINDS  # of several whoever agreed last sends it
        assert roles == set(alone[kind].ROLES)
    changed = {kind for kind in MAY_SEND if KINDS[kind] is not RULE_SETS[3].get(kind)}
    assert changed == AGREED - {change_key.KIND}  # of a member's own key it may say so alone


def test_every_code_has_its_sentences() -> None:
    table = tomllib.loads((files("miaopei.errors") / "texts" / "verify.toml").read_text("utf-8"))
    names = {name for kind in Kind for name in check_names(kind)}
    used = {f"check_{name}{end}" for name in names for end in ("", "_fails")}
    folder = Path(miaopei.__path__[0]) / "claims" / "verify"
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                at = {"fails": 0, "demand": 1}.get(node.func.id)
                if at is not None and isinstance(node.args[at], ast.Constant):
                    used.add(node.args[at].value)
    assert used <= set(table)
    for name, texts in table.items():
        assert set(texts) == {"zh", "en"}, name
        holes = [set(re.findall(r"{(\w+)}", texts[language])) for language in ("zh", "en")]
        assert holes[0] == holes[1], name


def test_verifying_needs_no_database_no_network_and_no_columns() -> None:
    script = (
        "import sys; import miaopei.claims.verify; heavy = {'numpy', 'psycopg', 'sqlalchemy', "
        "'httpx', 'typer', 'rich', 'pydantic', 'h3', 'alembic', 'asyncio', 'socket'}; "
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    root = str(Path(miaopei.__path__[0]).parent)
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True
    )
    assert run.stdout.strip() == "[]"
