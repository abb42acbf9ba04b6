"""Facts about the house that no import shows: sizes, purity, words, texts, and docs that are true.

Each test looks at everything that is there, so it grows with the project. What may not import what
is in `pyproject.toml` (import-linter).
"""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from miaopei.errors.texts import rooms, table
from miaopei.node.proof.follows import FOLLOWS
from tests.support.house import (
    PACKAGE,
    ROOT,
    calls,
    dotted,
    functions,
    lines_of,
    modules,
    nothing,
    parsed,
    public_functions,
    shown,
    texts_of,
    tracked,
)
from tests.support.notes import written

MONEY = (
    *("acts", "claims", "pricing", "market", "policies", "underwriting", "terms", "accounts"),
    "measures",
)
PURE = (*MONEY, "reports", "evidence", "products", "ledger")
MODULE_LINES, FUNCTION_LINES, FOLDER_MODULES, DOCSTRING_LINES = 400, 60, 9, 12
ONE_FILE_EACH = {"acts", "products", "versions"}  # rooms that grow by a file for each new thing

# What is not yet as it should be, by the beginning of its line. Mended, it must be taken out here;
# nothing is added.
TOO_LARGE_AT_PRESENT: tuple[str, ...] = ()
NOT_WRITTEN_AT_PRESENT = ()

DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Written in parts, so that this file does not hold what it forbids.
HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs"),
            ("npmmirror", "com"),
            ("proxy", "golang"),
            ("tuna", "tsinghua"),
            ("mirrors", "aliyun"),
            ("repo1", "maven"),
        )
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w./:])/(?:home|root|Users|work|mnt)/\w|(?<![\w./:])/tmp/\w+/\w")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|HA" r"CK|raise NotImplemented" r"Error)\b")
SKIPPED = re.compile(
    r"pytest\.(?:sk" r"ip|xf" r"ail|import" r"orskip)|mark\.(?:sk" r"ip|xf" r"ail)"
)


# purity -----------------------------------------------------------------------------------------
def test_pure_rooms_ask_nothing_of_the_world() -> None:
    forbidden = {"open", "input", "print", "eval", "exec", "compile", "__import__", "breakpoint"}
    forbidden |= {"hash"}  # differs from process to process
    clocks = re.compile(
        r"(?:^|\.)(?:datetime|date)\.(?:now|utcnow|today)$|^(?:time|random|os|secrets|uuid)\."
    )
    nothing(
        f"{shown(path, call)} calls {name}"
        for path in modules(*PURE)
        for name, call in calls(path)
        if name in forbidden or clocks.search(name)
    )


def test_money_rooms_know_no_fractions() -> None:
    found = []
    for path in modules(*MONEY):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
                found.append(f"{shown(path, node)} {node.value!r}")
            elif isinstance(node, ast.Call) and dotted(node.func) in ("float", "round"):
                found.append(f"{shown(path, node)} {dotted(node.func)}()")
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                found.append(f"{shown(path, node)} divides with /")
    nothing(found)


def test_the_auditor_takes_nothing_of_the_tree_but_its_hashes() -> None:
    nothing(
        f"{shown(path, node)} {name.name}"
        for path in modules("ledger/audit")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("merkle")
        for name in node.names
        if name.name not in ("leaf_hash", "node_hash")
    )


# sizes ------------------------------------------------------------------------------------------
def test_modules_functions_and_folders_can_be_read_at_a_sitting() -> None:
    found = []
    for path in modules():
        lines = len(path.read_text("utf-8").splitlines())
        if lines > MODULE_LINES:
            found.append(f"{shown(path)} has {lines} lines")
        found += [
            f"{shown(path, function)} {function.name} has {lines_of(function)} lines"
            for function in functions(path)
            if lines_of(function) > FUNCTION_LINES
        ]
    for folder in {path.parent for path in modules()}:
        count = len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        if count > FOLDER_MODULES and folder.name not in ONE_FILE_EACH:
            found.append(f"{shown(folder)} has {count} modules")
    nothing(found, TOO_LARGE_AT_PRESENT)


def test_every_module_and_every_longer_function_says_what_it_is() -> None:
    nothing(shown(path) for path in modules() if not ast.get_docstring(parsed(path)))
    nothing(
        f"{shown(path, function)} {function.name}"
        for path in modules()
        for function in public_functions(path)
        if lines_of(function) > DOCSTRING_LINES and not ast.get_docstring(function)
    )


# refusals ---------------------------------------------------------------------------------------
def names_in(text: str) -> set[str]:
    """The {names} of a sentence."""
    return {
        name.split("!")[0].split(".")[0] for _, name, _, _ in string.Formatter().parse(text) if name
    }


@pytest.mark.parametrize("room", rooms())
def test_every_refusal_has_both_languages_with_the_same_facts(room: str) -> None:
    found = []
    for code, texts in table(room).items():
        if set(texts) != {"zh", "en"}:
            found.append(f"{room}.{code} has {sorted(texts)}")
        elif names_in(texts["zh"]) != names_in(texts["en"]):
            found.append(f"{room}.{code} names different facts in zh and en")
        elif not re.search("[\u3000-\u9fff\uff00-\uffef]", texts["zh"]):
            found.append(f"{room}.{code} has no Chinese in zh")
        found += [
            f"{room}.{code} sends to {page}.md, which is there in Chinese"
            for page in re.findall(r"docs/[\w/-]+(?=\.md)", texts.get("zh", ""))
            if (ROOT / f"{page}{TWIN}").is_file()
        ]
    nothing(found)


def raised_codes() -> Iterator[tuple[Path, ast.Call, str, set[str] | None]]:
    """Refusals written out in the code: place, code, and facts where those are written out."""
    for path in modules():
        for name, call in calls(path):
            if not call.args or not isinstance(call.args[0], ast.Constant):
                continue
            code = call.args[0].value
            if not isinstance(code, str) or not re.fullmatch(r"[a-z]+\.[a-z_0-9]+", code):
                continue
            if name.rsplit(".")[-1].lstrip("_").lower() not in ("refusal", "refuse", "refused"):
                continue
            facts: set[str] | None = {word.arg or "**" for word in call.keywords}
            for given in call.args[1:]:
                plain = isinstance(given, ast.Dict) and all(
                    isinstance(key, ast.Constant) for key in given.keys
                )
                if not plain or facts is None:
                    facts = None
                else:
                    facts |= {key.value for key in given.keys}
            yield path, call, code, None if facts is None or "**" in facts else facts


def test_every_refusal_in_the_code_can_be_said() -> None:
    found = []
    for path, call, code, facts in raised_codes():
        room, _, name = code.partition(".")
        texts = table(room).get(name)
        if texts is None:
            found.append(f"{shown(path, call)} {code} has no text")
        elif facts is not None and (missing := names_in(texts["en"]) - facts):
            found.append(f"{shown(path, call)} {code} is not given {sorted(missing)}")
    nothing(found)


def written_words() -> tuple[set[str], set[str], set[str]]:
    """Words that stand in the code, and beginnings and ends of those that are put together."""
    words, beginnings, ends = set(), set(), set()
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
            elif isinstance(node, ast.keyword | ast.arg) and node.arg:
                words.add(node.arg)
            elif isinstance(node, ast.Attribute):
                words.add(node.attr)
            elif isinstance(node, ast.JoinedStr):
                first, last = node.values[0], node.values[-1]
                if isinstance(first, ast.Constant) and not str(first.value).endswith("."):
                    beginnings.add(str(first.value))
                if isinstance(last, ast.Constant) and str(last.value).startswith("_"):
                    ends.add(str(last.value))
    return words, beginnings, ends


def test_every_text_of_a_refusal_is_used() -> None:
    words, beginnings, ends = written_words()
    starts = tuple(each for each in beginnings if re.fullmatch(r"(?:[a-z]+\.)?[a-z_]{3,}_", each))
    stops = tuple(each for each in ends if re.fullmatch(r"_[a-z_]{3,}", each))

    def used(code: str) -> bool:
        name = code.partition(".")[2]
        put_together = code.startswith(starts) or name.startswith(starts) or code.endswith(stops)
        return code in words or name in words or put_together

    nothing(
        code
        for room in rooms()
        for code in (f"{room}.{name}" for name in table(room))
        if not used(code)
    )


# docs -------------------------------------------------------------------------------------------
def docs() -> list[tuple[Path, str]]:
    return list(texts_of("README*.md", "CHANGELOG.md", "docs/*.md", "docs/*/*.md"))


def there(folder: Path, name: str) -> bool:
    """Whether a file is there, or a folder that holds one; `name` may leave out its ending."""
    found = [folder / name, *(folder / name).parent.glob((folder / name).name + ".*")]
    return any(path.is_file() or (path.is_dir() and any(path.glob("**/*.*"))) for path in found)


def test_the_rooms_of_the_architecture_page_are_those_on_disk() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"^miaopei/(\S+)", text, re.MULTILINE))
    there = {
        path.name
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or any(file.is_file() for file in path.glob("*"))
    }
    assert named == there - {"__pycache__", "__init__.py"}


def test_docs_name_only_files_that_exist() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in tracked()} - {"README.md"}
    found = []
    for path, text in docs():
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        links = [link for link in re.findall(r"\]\(([^)#\s]+)", prose) if "://" not in link]
        found += [
            f"{shown(path)} links to {link}" for link in links if not there(path.parent, link)
        ]
        words = re.findall(r"`([\w.-]+/[\w./-]+)`", prose)
        found += [
            f"{shown(path)} names {word}"
            for word in words
            if word.split("/")[0] in top
            and ".." not in word
            and not re.fullmatch(r"miaopei/\w+/\d+", word)  # a media type
            and not there(ROOT, word)
        ]
    nothing(found, NOT_WRITTEN_AT_PRESENT)


def test_docstrings_and_comments_cite_only_files_and_sections_that_exist() -> None:
    cited = re.compile(r"\b((?:docs|miaopei|tests|script)/[\w./-]*\.[a-z]+)(?:,\s+section (\d+))?")
    found, seen = [], 0
    for path, text in texts_of("*.py"):
        holders = (n for n in ast.walk(parsed(path)) if isinstance(n, DOCUMENTED))
        said = [ast.get_docstring(node) or "" for node in holders]
        for file, section in cited.findall("\n".join([*said, *re.findall(r"#.*", text)])):
            seen += 1
            target, heading = ROOT / file, f"\n## {section}."
            if not target.is_file() or (section and heading not in target.read_text("utf-8")):
                found.append(f"{shown(path)} cites {file} {section}")
    assert seen > 100
    nothing(found)


def test_docs_name_only_what_the_file_holds_that_they_name_beside_it() -> None:
    said = re.compile(r"`([A-Za-z_]\w*)(?:\(\))?`[^`.\n]{0,24}? in `(miaopei/[\w/]+\.py)`")
    found = [(path, name, file) for path, text in docs() for name, file in said.findall(text)]
    assert found
    nothing(
        f"{shown(path)} names {name}, which is not in {file}"
        for path, name, file in found
        if not re.search(rf"\b{name}\b", (ROOT / file).read_text("utf-8"))
    )


def commands(command: Any, above: str = "") -> Iterator[str]:
    """Every command that can be typed, as it is typed."""
    if isinstance(command, TyperGroup):
        context = command.make_context("miaopei", [], resilient_parsing=True)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, f"{above} {name}".strip())
    else:
        yield above


def test_every_command_is_in_the_docs() -> None:
    from miaopei.cli.commands import app

    everything = "\n".join(text for _, text in docs())
    nothing(
        f"miaopei {name}"
        for name in commands(typer.main.get_command(app))
        if not re.search(rf"(?:miaopei |`){re.escape(name)}\b", everything)
    )


TWIN = ".zh-CN.md"  # how the name of a page in Chinese ends; the English page is the one without


def skeleton(text: str) -> dict[str, list[str]]:
    """What a page and its twin have in common, whatever their language.

    The levels of headings; of each line of code what is typed, up to the two blanks before its
    explanation; figures, commands and names of code in a line of prose; and where links lead within
    the project, in whatever order a sentence names them. What chooses the language is one word. A
    picture is one, whichever language its words are in.
    """
    text = re.sub(r"--lang \w+|(?<=`)(?:MIAOPEI_)?LANG=[\w.-]+", "language", text)
    code = re.findall(r"^(?:    .+|```[^`]*^```)$", text, re.MULTILINE)
    typed = [line for block in code for line in block.splitlines() if line[:3] != "```"]
    prose = re.sub(r"^(?:    .+|```[^`]*^```)$", "", text, flags=re.MULTILINE)
    name = re.compile(r"(?:miaopei|script/|net|member|--)|\S+$")
    links = re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", prose)
    words = re.sub(r"`[^`]+`|\]\([^)]*\)", "", prose)
    return {
        "headings": re.findall(r"^(#+) ", prose, re.MULTILINE),
        "code": [re.split(r"\s{2,}", line.strip())[0] for line in typed],
        "figures": sorted(re.findall(r"\d(?:[\d,.]*\d)?", words)),
        "names": sorted(filter(name.match, set(re.findall(r"`([^`]+)`", prose)))),
        "links": sorted(link.replace(TWIN, ".md").replace(".zh.", ".en.") for link in links),
    }


def test_a_page_and_its_chinese_twin_say_the_same_commands_and_link_to_the_same() -> None:
    pages = dict(docs())
    twins = [path for path in pages if path.name.endswith(TWIN)]
    assert twins
    found = []
    for twin in twins:
        page = twin.with_name(twin.name.replace(TWIN, ".md"))
        if page not in pages:
            found.append(f"{shown(twin)} has no English page")
            continue
        if f"]({page.name})" not in pages[twin] or f"]({twin.name})" not in pages[page]:
            found.append(f"{shown(twin)} and {page.name} do not link to each other")
        for link in re.findall(r"\]\((?![a-z]+:)([^)#\s]+)\.md[)#]", pages[twin]):
            there_is = (twin.parent / f"{link}{TWIN}").resolve()
            if there_is in pages and there_is != twin:
                found.append(f"{shown(twin)} links to {link}.md, which is there in Chinese")
        found += [
            f"{shown(twin)} shows {picture} in English, which is there in Chinese"
            for picture in re.findall(r"\]\(([^)\s]+)\.en\.\w+\)", pages[twin])
            if any(twin.parent.glob(f"{picture}.zh.*"))
        ]
        ours, theirs = skeleton(pages[twin]), skeleton(pages[page])
        for part, said in theirs.items():
            lacks, more = Counter(said) - Counter(ours[part]), Counter(ours[part]) - Counter(said)
            found += [f"{shown(twin)} lacks of its {part}: {each}" for each in lacks]
            found += [f"{shown(twin)} has other {part}: {each}" for each in more]
            if not lacks and not more and said != ours[part]:
                found.append(f"{shown(twin)} has its {part} in another order")
    nothing(found)


# Pages whose rows say what shows them; each name in them is held against the project.
SHOWN_BY = ("docs/mission.md", "docs/operations/controls.md")
WORDS_OF_A_COMMAND = re.compile(r"miaopei ((?:[a-z][a-z-]+ ?)+)")


def named_tests(text: str) -> Iterator[tuple[str, str]]:
    """File and name of every test that a page names; `::name` alone is of the file before it."""
    file = ""
    for word in re.findall(r"`([^`\s]*::\w+|tests/[\w/]+\.py)`", text):
        before, mark, name = word.partition("::")
        file = before or file
        if mark:
            yield file, name


@pytest.mark.parametrize("page", SHOWN_BY)
def test_pages_that_say_what_shows_a_row_name_tests_and_commands_that_exist(page: str) -> None:
    from miaopei.cli.commands import app

    text = (ROOT / page).read_text("utf-8")
    found = []
    for file, name in named_tests(text):
        path = ROOT / file
        if not path.is_file() or f"def {name}(" not in path.read_text("utf-8"):
            found.append(f"{page} names {file}::{name}")
    known = set(commands(typer.main.get_command(app)))
    assert len(known) > 100
    firsts = {name.partition(" ")[0] for name in known}
    for said in re.findall(r"`([^`]+)`", text):
        if match := WORDS_OF_A_COMMAND.match(said):
            words = match[1].split()
            one, two = words[0], " ".join(words[:2])
            group = any(name.startswith(f"{one} ") for name in known)
            if one not in firsts or (group and len(words) > 1 and two not in known):
                found.append(f"{page} names miaopei {two}")
    nothing(found)


def test_every_row_of_the_outage_line_has_a_named_test() -> None:
    text = (ROOT / "docs" / "mission.md").read_text("utf-8")
    lines = [line.split("|") for line in text.splitlines() if line.startswith("| O-")]
    shown_by = {row.strip(): line for line in lines for row in line[1].split(",")}
    wanted = [f"O-{number:02}" for number in range(1, 23)]
    nothing(row for row in wanted if row not in shown_by)
    tested = {
        row.strip() for line in lines if list(named_tests(line[3])) for row in line[1].split(",")
    }
    nothing(f"{row} names no test" for row in wanted if row not in tested)


def test_every_control_says_how_it_stands() -> None:
    text = (ROOT / "docs" / "operations" / "controls.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| control")
    ]
    assert len(rows) >= 30
    for control, where, shown_by, stands in rows:
        assert stands.startswith(("met", "partly: ", "not met")), control
        assert stands.startswith("not met") or (where and shown_by), control
        assert len(stands) > len("not met: ") or stands == "met", control


def test_help_says_every_group_command_and_option_in_both_languages() -> None:
    from miaopei.cli.commands import app
    from miaopei.cli.commands.teaching import TAUGHT, named
    from miaopei.cli.helping.groups import GROUPS
    from miaopei.cli.helping.options import OPTIONS
    from miaopei.cli.helping.showing import tree

    root = typer.main.get_command(app)
    found, used = [], {"Show this message and exit."}  # typer's own
    for command in tree(root):
        grouped = command is not root and hasattr(command, "commands")
        for name, text, known in (
            *((param.name, param.help, OPTIONS) for param in command.params),
            *([("", command.help, GROUPS)] if grouped else []),
        ):
            used.add(text)
            if text not in known:
                found.append(f"{command.name} {name}: no Chinese for {text!r}")
    both = {**OPTIONS, **GROUPS, **{name: zh for name, (_, zh) in TAUGHT.items()}}
    found += [f"nothing says {text!r}" for text in {*OPTIONS, *GROUPS} - used]
    found += [f"{name} is not taught" for name, _ in named(app) if name not in TAUGHT]
    found += [
        f"{text!r} has no Chinese"
        for text, zh in both.items()
        if not re.search("[\u4e00-\u9fff]", zh)
    ]
    nothing(found)


# what a member writes down ----------------------------------------------------------------------
STAYS = (
    # What was written down before it was sent, and what was heard of it.
    *("asked/", "close/", "confirm/", "decide/", "mass/", "pay/", "show/", "grid/pending/"),
    *("selling/admit/", "selling/begun", "selling/key/", "selling/moving", "notice/confirm/"),
    *("notice/closed", "notice/confirmed/", "notice/last/", "notice/newest/"),
    *("notice/page/", "notice/pages"),
    # What came from outside and stands nowhere else.
    *("grid/came/", "grid/feeder/", "grid/heard/", "grid/line/", "grid/said/"),
    *("grid/transformers", "meters/device/", "meters/page/", "meters/pages", "meters/report/"),
    *("sanctions/", "selling/corrected/", "selling/credits/", "selling/of/", "selling/subject/"),
    # What was done and cannot be undone.
    *("erased/", "gone/", "uses/logged"),
    # Words for whoever looks on, the last counts: why something is not done.
    *("alarm/", "refused/", "erasure/"),
)
# Where the text of the place does not tell the name: the names that it writes.
BY_OTHERS = {
    "miaopei/adapters/grid/intake.py _write_down": ("grid/said/",),
    "miaopei/node/effects/notices.py _page": ("notice/page/",),
    "miaopei/node/granted/parts.py keep": ("keys/", "granted/"),
    "miaopei/node/mass/run.py _chunks": ("mass/",),
    "miaopei/node/scheme.py issue": (),  # a batch of policies, by whatever name it is given
    "miaopei/node/selling/known/accounts.py _written": ("selling/key/",),
}


def test_every_note_of_progress_is_known_to_follow_from_the_log_or_to_stay() -> None:
    """One that follows is forgotten where a member's record is made anew (`node.proof.follows`)."""
    found, seen = [], set[str]()
    for place, begins in written():
        if "" in begins and place not in BY_OTHERS:
            found.append(f"{place} writes a note under a name that its text does not tell")
        names = {each for each in begins if each} | set(BY_OTHERS.get(place, ()))
        found += [f"{place} writes {name}" for name in names - {*FOLLOWS, *STAYS}]
        seen |= names
    found += [f"nothing writes {name}" for name in {*FOLLOWS, *STAYS} - seen]
    found += [f"{name} follows and stays" for name in set(FOLLOWS) & set(STAYS)]
    nothing(found)


# what does not belong into a public project -----------------------------------------------------
def test_no_file_names_a_registry_or_this_machine() -> None:
    nothing(
        f"{shown(path)}:{number} {found[0]}"
        for path, text in texts_of()
        for number, line in enumerate(text.splitlines(), 1)
        if (found := HOSTS.search(line) or MACHINE_PATHS.search(line))
    )


def test_nothing_is_left_unfinished_skipped_or_waved_through() -> None:
    found = []
    for path, text in texts_of("*.py", "*.toml", "script/*", ".ci/*"):
        for number, line in enumerate(text.splitlines(), 1):
            place = f"{shown(path)}:{number}"
            if left := UNFINISHED.search(line) or SKIPPED.search(line):
                found.append(f"{place} {left[0]}")
            waved = re.search(r"# (?:type: ignore|no" r"qa)\b(.*)", line)
            if waved and PACKAGE in path.parents and not re.search(r"\s(?:-|#) \w", waved[1]):
                found.append(f"{place} gives no reason: {waved[0]}")
    nothing(found)


def test_the_lock_holds_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"], "uv"]
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==([^\s\\]+)", lock, re.MULTILINE))
    found = []
    for requirement in wanted:
        name, _, version = requirement.partition("==")
        name = re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()
        if name not in pinned or version not in ("", pinned[name]):
            found.append(f"{requirement} (script/lock writes the lock anew)")
    assert lock.count("--hash=sha256:") > len(pinned)
    nothing(found)
