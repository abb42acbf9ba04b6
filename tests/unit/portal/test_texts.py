"""The portal's words: both languages, the same facts in both, every key that is asked for."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

import pytest

from miaopei.acts.base import KNOWN_ROLES
from miaopei.errors import Refusal
from miaopei.errors.texts import table
from miaopei.portal.problems import STATUS
from miaopei.portal.texts import preferred, sentence, text, texts
from miaopei.products.shelf import shelf

PORTAL = files("miaopei.portal")
ASKED = re.compile(r"""(?:\bt|text)\(\s*["']([a-z_]+\.[a-z0-9_]+)["']\s*[,)]""")
BEGUN = re.compile(r"""["'](\w+\.[a-z_]+_)["']\s*\+|f["'](\w+\.\w+_)\{""")


def sources() -> str:
    """Every template and module of the portal as one text."""
    folders = ["", "pages", "api", "views", "plots", "texts", "buying", "outages", "invoices"]
    found = [p for f in folders for p in (PORTAL / f).iterdir() if p.name.endswith(".py")]
    found += [p for p in (PORTAL / "templates").iterdir() if p.name.endswith(".html")]
    return "\n".join(path.read_text("utf-8") for path in found)


def facts(said: str) -> set[str]:
    """The names of the facts in a text."""
    return {name for _, name, _, _ in Formatter().parse(said) if name}


def test_each_text_stands_in_both_languages_with_the_same_facts() -> None:
    for key, entry in texts().items():
        assert set(entry) == {"zh", "en"}, key
        assert all(entry.values()), key
        assert facts(entry["zh"]) == facts(entry["en"]), key


def test_each_refusal_of_the_portal_stands_in_both_languages() -> None:
    for name, entry in table("portal").items():
        assert set(entry) == {"zh", "en"}, name
        assert facts(entry["zh"]) == facts(entry["en"]), name
    assert {code.partition(".")[2] for code in STATUS if code.startswith("portal.")} == set(
        table("portal")
    )


def test_every_key_asked_for_is_there_and_none_is_left_over() -> None:
    written = sources()
    asked = set(ASKED.findall(written))
    assert asked <= set(texts()), asked - set(texts())
    begun = {one or other for one, other in BEGUN.findall(written)}
    begun |= {"states."}
    unused = {
        key for key in set(texts()) - asked
        if not any(key.startswith(start) for start in begun)
        and f'"{key}"' not in written and f"'{key}'" not in written
    }  # fmt: skip
    assert not unused


def test_every_role_kind_and_state_has_a_word() -> None:
    for role in KNOWN_ROLES:
        assert text(f"record.role_{role}", "zh")
    for became in ("decided", "compared", "source_not_counted", "other_value", "superseded",
                   "not_comparable", "not_deciding"):  # fmt: skip
        assert text(f"events.became_{became}", "en")


def test_every_benefit_of_a_product_has_a_word_on_pages_and_in_sentences() -> None:
    benefits = {benefit for product in shelf() for benefit in product.benefits}
    assert {"house", "deaths", "delay"} <= benefits
    for benefit in benefits:
        assert not text(f"common.benefit_{benefit}", "zh").isascii()
        assert not table("verify")[f"benefit_{benefit}"]["zh"].isascii()


def test_who_names_a_role_that_is_none_is_told_which_there_are() -> None:
    named = ", ".join(sorted(KNOWN_ROLES))
    for language, known in (("en", named), ("zh", named.replace(", ", "、"))):
        assert known in table("act")["role_unknown"][language]


def test_states_are_those_of_the_record() -> None:
    """docs/specs/record.md, section 6, names each state of a case and its Chinese word."""
    spec = (PORTAL / ".." / ".." / "docs" / "specs" / "record.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`[a-z_]+`,? ?)+)\| ([^|]+)\|", spec, re.MULTILINE)
    named = {}
    for names, words in rows:
        keys = re.findall(r"`([a-z_]+)`", names)
        spoken = [word.strip() for word in words.split(" / ")]
        if len(keys) == len(spoken) and not words.isascii():
            named.update(zip(keys, spoken, strict=True))
    assert len(named) == 15
    assert {key: text(f"states.{key}", "zh") for key in named} == named


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, "zh"),
        ("en", "en"),
        ("EN-us;q=0.3", "en"),
        ("en;q=0.4, zh-TW;q=0.5", "zh"),
        ("*", "zh"),
        ("en;q=0", "zh"),
        ("," * 5000, "zh"),
    ],
)
def test_the_language_asked_for(header: str | None, wanted: str) -> None:
    assert preferred(header) == wanted


def test_a_code_without_a_text_is_named() -> None:
    assert "made.up" in sentence(Refusal("made.up"), "en")
