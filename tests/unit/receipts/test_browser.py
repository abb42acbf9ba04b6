"""The page that checks receipts in the browser, in real headless Chromium, opened as a file.

It may make fewer checks than ours, but says which; of those it makes it must say the same.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from miaopei.adapters.keys import fresh
from miaopei.claims.verify import check_names
from miaopei.ledger.checkpoint import verifier_key
from miaopei.measures.identity import canonical
from miaopei.measures.suites import named, within
from miaopei.portal.texts import text
from tests.unit.claims.forging import forged
from tests.unit.claims.test_verify_forged import FORGERIES, payout
from tests.unit.receipts.browser import PAGE, Checker, checker, shots
from tests.unit.receipts.gathered import Held, gathered, put_off, quakes, signed_by, solo
from tests.unit.receipts.go_program import build, failed
from tests.unit.receipts.spoiling import misspelt, spoilt
from tests.unit.receipts.test_other_program import drawn

NAMES = "[...document.querySelectorAll('.checks code')].map((each) => each.textContent)"
SPOILT, DRAWN = 240, 60
# Of `observations` the page makes the signatures and digests; the form of values is `admissible`.
NOT_MADE = {
    *("listing", "observations", "event", "facts", "lists", "in_force", "totals", "reason"),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    with checker(tmp_path_factory.mktemp("browser")) as opened:
        opened.open(f"{PAGE.as_uri()}?lang=en")
        yield opened


@pytest.fixture(scope="module")
def left_out(page: Checker) -> set[str]:
    """The checks that the page names as not made."""
    found = page.js("[...document.querySelectorAll('#left-out code')].map((e) => e.textContent)")
    return set(found)


def test_good_receipts_of_every_kind_hold_and_the_page_says_what_it_left_out(
    page: Checker, left_out: set[str]
) -> None:
    assert left_out == {"admissible", *(NOT_MADE - {"observations"})}
    for held in gathered():
        said = page.check(held)
        assert said["verdict"] == "holds", (held.name, said["failed"])
        assert re.match(
            r"✓ The checks made here hold\s+All \d+ checks made here passed\.", said["text"]
        )


def test_an_end_is_signed(page: Checker) -> None:
    said = page.check(put_off())
    assert (said["verdict"], said["failed"]) == ("holds-not", "acts")


def test_exactly_two_thirds_of_the_votes_are_too_few(page: Checker) -> None:
    """Four of six; five are enough."""
    said = page.check(signed_by(4))
    assert (said["verdict"], said["failed"]) == ("holds-not", "certificate")
    assert page.check(signed_by(5))["verdict"] == "holds"


def test_named_forgeries_fail_by_the_checks_that_the_page_makes(page: Checker) -> None:
    for name, (change, _) in FORGERIES.items():
        held = solo(name, forged(payout("yunnan_dali"), change))
        ours, said = set(held.verdict().failed), set(page.check(held)["failed"].split())
        if said == {"entries"}:  # what is no act at all it says of all entries, and goes no further
            assert "acts" in ours, name
        else:  # it says of original bytes what it says of the attestation
            assert said - {"observations"} == ours - NOT_MADE - {"originals"}, (name, said, ours)


def test_a_receipt_of_suite_gm_is_refused_by_name(page: Checker) -> None:
    held = gathered()[0]
    with within(named("gm")):
        vkey = verifier_key("example.org/log", fresh("log").log)
    value = {**json.loads(held.data), "vkey": vkey}
    said = page.check(Held("gm", canonical(value), vkey))
    assert (said["verdict"], said["failed"]) == ("holds-not", "suite")
    assert "suite gm is not known to this program" in said["text"]


def test_spoilt_receipts_never_hold(page: Checker) -> None:
    for held in spoilt(SPOILT, seed=4):
        said = page.check(held)
        allowed = {"holds-not"}
        if held.vkey is None and held.genesis is None:
            allowed.add("unchecked")
        elif held.name.startswith("held_against of consortium"):
            allowed.add("not_a_genesis")  # nothing is judged by a file that is none
        assert said["verdict"] in allowed, held.name
        assert said["failed"] or said["verdict"] == "not_a_genesis"


def test_a_spelling_that_one_program_refuses_all_of_them_refuse(
    page: Checker, tmp_path: Path
) -> None:
    """Minus zero, and half of a character that takes two: signed anew, so that nothing else says
    no."""
    good = gathered()[0]
    held = [
        misspelt(good, b'"index":0,', b'"index":-0,'),
        misspelt(good, b'"zh":"', b'"zh":"\\ud800'),
        misspelt(good, b'"zh":"', b'"zh":"\\udc00\\ud800'),
    ]
    others = failed(build(tmp_path), held, tmp_path)
    for each, other in zip(held, others, strict=True):
        said = page.check(each)
        assert (said["verdict"], said["failed"]) == ("holds-not", "bytes"), each.name
        assert "bytes" in each.verdict().failed, each.name
        assert "bytes" in other, each.name


def test_what_the_page_checks_it_judges_as_ours_does(page: Checker) -> None:
    """The forger who holds every key: only what the page says that it leaves out gets past it."""
    seen = 0
    for held in drawn(DRAWN, seed=11):
        ours, said = set(held.verdict().failed), page.check(held)
        if said["verdict"] == "holds":
            # A listing that is not in its recorded form, which the page says it does not look at,
            # fails with us each check that reads anything of it.
            assert ours <= NOT_MADE or "listing" in ours, (held.name, ours)
        else:
            assert ours, (held.name, said["failed"])
        seen += bool(ours)
    assert seen > DRAWN // 4


def test_every_check_is_made_or_named_as_left_out(page: Checker, left_out: set[str]) -> None:
    receipts = quakes()
    kinds = {receipts["printed 0"].kind, receipts["house outside_area"].kind}
    wanted = {name for kind in kinds for name in check_names(kind)}
    made = set()
    for held in gathered():
        page.check(held)
        made |= set(page.js(NAMES))
    inside = {"originals"}  # the page looks at the original bytes with the attestation
    assert wanted - inside <= made | left_out
    assert not made & left_out
    assert {"genesis_file", "certificate"} <= made


def test_a_dropped_file_is_checked_and_nothing_is_sent(page: Checker) -> None:
    held = gathered()[0]
    page.open(f"{PAGE.as_uri()}?lang=en")
    page.tab.ask("Network.enable")
    sent: list[str] = []
    read = page.tab.message

    def noted() -> bytes:
        said: bytes = read()
        if json.loads(said).get("method") == "Network.requestWillBeSent":
            sent.append(said.decode())
        return said

    page.tab.message = noted
    data = base64.b64encode(held.data).decode()
    verdict = page.js(
        f"""(async () => {{
          document.getElementById("vkey").value = {json.dumps(held.vkey)};
          const bytes = Uint8Array.from(atob("{data}"), (letter) => letter.charCodeAt(0));
          const given = new DataTransfer();
          given.items.add(new File([bytes], "dropped.json"));
          const how = {{ dataTransfer: given, cancelable: true }};
          document.dispatchEvent(new DragEvent("drop", how));
          const answer = document.getElementById("answer");
          while (!answer.dataset.verdict) await new Promise((on) => setTimeout(on, 5));
          return answer.dataset.verdict;
        }})()"""
    )
    tried = page.js("fetch('http://127.0.0.1:9/').then(() => 'sent', (e) => 'refused')")
    page.tab.message = read
    assert verdict == "holds"
    assert tried == "refused"
    assert [s for s in sent if "127.0.0.1:9" not in s] == []


def test_the_page_says_all_of_it_in_both_languages_and_fits_its_window(tmp_path: Path) -> None:
    good, bad = gathered()[0], spoilt(4, seed=4)[3]
    module = shots()
    with checker(tmp_path) as page:
        for language, first in (("zh", "本页所做的核验成立"), ("en", "The checks made here hold")):
            for width, height in module.SIZES.values():
                metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
                page.tab.ask("Emulation.setDeviceMetricsOverride", mobile=width < 500, **metrics)
                page.open(f"{PAGE.as_uri()}?lang={language}")
                assert page.check(bad)["verdict"] == "holds-not"
                said = page.check(good)
                assert first in said["text"]
                assert page.js(module.WIDER) == []
                text = page.js("document.body.innerText")
                assert bool(re.search("[一-鿿]", text.replace("中文", ""))) == (language == "zh")


def of_a_consortium() -> Held:
    """A good receipt of several members, with its genesis file."""
    return next(held for held in gathered() if held.genesis is not None)


@pytest.mark.parametrize(
    ("language", "first", "next_step", "never"),
    [
        ("en", "Not checked: give the genesis file", "check again", "not hold"),
        ("zh", "尚未核验：请给出创始文件", "再核验一次", "不成立"),
    ],
)
def test_a_consortiums_receipt_without_its_genesis_file_is_not_called_false(
    page: Checker, language: str, first: str, next_step: str, never: str
) -> None:
    """Nothing is wrong with it, and nothing proven: what lacks is said, and what to do next."""
    good = of_a_consortium()
    page.open(f"{PAGE.as_uri()}?lang={language}")
    said = page.check(Held("none", good.data))
    assert (said["verdict"], said["failed"]) == ("unchecked", "genesis_file certificate")
    assert said["text"].startswith(f"? {first}")
    assert "genesis.json" in said["text"]
    assert next_step in said["text"]
    assert never not in said["text"]
    assert "✗" not in said["text"]
    assert page.check(good)["verdict"] == "holds"
    spoilt = good.data.replace(b'"pay_fen":', b'"pay_fen":1', 1)
    assert page.check(Held("spoilt", spoilt))["verdict"] == "holds-not"


def test_the_page_says_what_lacks_as_the_sites_own_pages_do(page: Checker) -> None:
    for lacks in ("genesis", "key"):
        found = page.js(f"TEXTS.unchecked_{lacks}")
        wanted = [text(f"receipts.unchecked_{lacks}", language) for language in ("zh", "en")]
        assert found == wanted


def test_a_file_that_is_no_genesis_is_named_and_nothing_is_judged_by_it(page: Checker) -> None:
    page.open(f"{PAGE.as_uri()}?lang=en")
    good = of_a_consortium()
    for wrong in (b"{}", b'{"seats":{}}', good.data[:9_000], b"no json", b"[" * 9_000):
        said = page.check(Held("wrong", good.data, None, wrong))
        assert said["verdict"] == "not_a_genesis", wrong[:9]
        assert "genesis.json is no genesis file" in said["text"]
        assert "as they were given: a BOM" in said["text"]
        assert "Nothing was checked" in said["text"]
    said = page.check(Held("large", good.data, None, b" " * 100_001))
    assert said["verdict"] == "genesis_too_large"
    assert "100001 bytes, 100,000 at most" in said["text"]
    page.choose("genesis", None)


def test_without_a_file_or_key_the_page_says_what_to_do(page: Checker) -> None:
    page.open(f"{PAGE.as_uri()}?lang=en")
    said = page.check(Held("none", gathered()[0].data))
    assert (said["verdict"], said["failed"]) == ("unchecked", "log_key")
    assert said["text"].startswith("? Not checked: give the log key")
    page.choose("file", None)
    said = page.js("document.getElementById('form').requestSubmit(), 1") and page.js(
        "document.getElementById('answer').innerText"
    )
    assert said == "Choose a receipt first."
