"""What a person meets at the command line: words, exit codes, and never a traceback."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

import miaopei
from miaopei.cli import speak
from miaopei.cli.commands import app, teaching
from miaopei.cli.main import language_of, main, verify_arguments
from miaopei.cli.place import Place
from miaopei.errors import Alarm, OutsideFault, Refused
from miaopei.errors.texts import table

DATA = Path(miaopei.__file__).parent / "data" / "earthquake"
CATALOGUE = str(DATA / "cenc_catalogue_2015_2021.csv")
COMMANDS = (
    *("demo", "replay", "verify", "why", "caused", "cases", "status", "audit", "rebuild"),
    *("serve", "doctor", "backup", "restore", "export", "terms", "feed"),
    *("begin", "resolve", "payee"),
)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIAOPEI_LANG", "en")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f" {command} " in said for command in COMMANDS)
    assert "Exit codes" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert "Usage: miaopei" in capsys.readouterr().out


@pytest.mark.timeout(1800)  # a look at each of a hundred commands
def test_every_command_has_an_example_that_its_own_options_accept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new command gets its line in commands/teaching.py: an example, and its help in Chinese."""
    monkeypatch.setattr(sys, "argv", ["miaopei"])
    every = dict(teaching.named(app))
    assert set(every) == set(teaching.TAUGHT)
    for name, (example, zh) in teaching.TAUGHT.items():
        for language, said in (("en", "Example: "), ("zh", "例: ")):
            assert main([*name.split(), "--help", "--lang", language]) == 0
            shown = re.sub(r"\s+", " ", capsys.readouterr().out)
            assert said in shown
        assert example.startswith(f"miaopei {name}")
        assert not zh.isascii()
        words = shlex.split(example)[1 + len(name.split()) :]
        options = [word for word in words if word.startswith("--")]
        assert all(option in shown for option in options), example


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["statu"], "no_such_command"),
        (["terms", "shw"], "no_such_command"),
        (["status", "--jsn"], "no_such_option"),
        (["status", "one-more"], "too_many_words"),
        (["status", "--data"], "option_without_value"),
        (["status", "--data", __file__], "not_a_folder"),
        (["verify"], "missing_word"),
        (["verify", "there-is-none"], "no_file"),
        (["verify", str(DATA)], "not_a_file"),
        (["serve", "--port", "99999"], "bad_value"),
        (["serve", "--port", "many"], "not_whole"),
        (["net", "map", "DIR", "--port", "70000"], "bad_value"),
        (["feed", "listen", "--seconds", "soon"], "not_number"),
        (["feed", "listen", "--seconds", "-1"], "bad_value"),
        (["net", "skew", "DIR", "notary", "--seconds", "99999999999"], "bad_value"),
        (["terms", "show", "yunnan_dali", "--lang", "fr"], "bad_value"),
    ],
)
def test_wrong_words_are_told_in_the_user_s_language_and_as_json(
    arguments: list[str],
    code: str,
    language: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIAOPEI_LANG", language)
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert "--help" in told.err
    assert told.err.isascii() is (language == "en")
    assert not told.out
    assert "{" not in told.err
    assert main(
        ["--json", *arguments] if code == "option_without_value" else [*arguments, "--json"]
    )
    told = capsys.readouterr()
    (refusal,) = json.loads(told.out)["refusals"]
    if code != "option_without_value":
        assert refusal["code"] in (f"cli.{code}", "cli.no_such_option")
    assert refusal[language] == told.err.strip()


@pytest.mark.parametrize("command", ["status", "cases", "audit", "rebuild", "why 12345678"])
def test_a_refusal_is_json_where_json_was_asked_for(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command.split(), "--data", str(tmp_path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["exit"] == 1
    assert [refusal["code"] for refusal in told["refusals"]] == ["cli.no_record"]
    assert all(refusal["zh"] and refusal["en"] for refusal in told["refusals"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "There is no command 'nonsense'"),
        (["replay", "there-is-none.csv", "--product", "yunnan_dali"], 2, "does not exist"),
        (["replay", CATALOGUE, "--product", "no_such"], 1, "no_such"),
        (["replay", CATALOGUE, "--product", "yunnan_dali", "--terms", "9"], 1, "9"),
        (["replay", __file__, "--product", "yunnan_dali"], 1, "not known"),
        (["replay", CATALOGUE, "--product", "power_restoration"], 1, "--declare"),
        (["terms", "show", "no_such"], 1, "no_such"),
        (["feed", "read", __file__], 1, "not known"),
        (["verify", __file__, "--key", "no-such-file"], 1, "no-such-file"),
        (["verify", "--json"], 2, "FILE is missing"),
    ],
)
def test_what_a_user_does_wrong_ends_in_a_sentence(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("command", ["status", "cases", "audit", "rebuild", "serve"])
def test_a_folder_without_a_record_says_what_to_do(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--data", str(tmp_path), "--lang", "zh"]) == 1
    assert "miaopei demo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OutsideFault("the bank is silent", retry=True), 3, "safe to try again"),
        (OutsideFault("the server died", retry=False), 3, "miaopei status"),
        (Alarm("readings differ", policy="p1"), 4, "no money moves"),
        (PermissionError(13, "Permission denied", "keys.json"), 3, "keys.json"),
        (Refused(), 1, ""),
    ],
)
def test_faults_and_alarms_have_their_own_codes(
    error: Exception,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr("miaopei.cli.terms.list_terms", fail)
    assert main(["terms", "list"]) == code
    assert said in capsys.readouterr().err


def test_the_language_is_that_of_the_option_then_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MIAOPEI_LANG")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert language_of([]) == "zh"
    assert language_of(["terms", "--lang", "en"]) == "en"
    assert language_of(["terms", "--lang=zh"]) == "zh"
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert language_of([]) == "en"


def test_terms_in_words_and_hashes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["terms", "show", "yunnan_dali", "--lang", "zh"]) == 0
    said = capsys.readouterr().out
    assert "2,800万元" in said.replace(" ", "")
    assert "依据薄弱" in said
    assert main(["terms", "hash", "yunnan_dali", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert [version["number"] for version in value["versions"]] == [1, 2]
    assert main(["terms", "list", "--json"]) == 0
    ids = {product["id"] for product in json.loads(capsys.readouterr().out)}
    assert {"yunnan_dali", "yunnan_yuxi", "power_restoration"} <= ids


def test_terms_check_tells_every_fault_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["terms", "show", "yunnan_yuxi", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    file = tmp_path / "product.json"
    file.write_text(json.dumps(value), "utf-8")
    assert main(["terms", "check", str(file)]) == 0
    capsys.readouterr()
    value["inputs"][0]["definition"]["en"] = ""
    value["inputs"][1]["definition"]["zh"] = ""
    file.write_text(json.dumps(value), "utf-8")
    assert main(["terms", "check", str(file), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["refusals"]) >= 2


def test_a_feed_is_read_by_content(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feed", "read", str(DATA / "loss_reports.csv"), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["format"] == "loss-report-csv"
    assert len(value["rows"]) == 6
    assert main(["feed", "read", CATALOGUE]) == 0
    assert "536 facts" in capsys.readouterr().out


def test_verify_reads_its_arguments_alone_or_leaves_them_to_typer(tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_bytes(b"{}")
    asked = verify_arguments(["--key", "k", str(file), "--json", "--lang=zh"])
    assert asked is not None
    assert (asked.file, asked.key, asked.json) == (file, "k", True)
    for arguments in ([], ["--help"], [str(file), str(file)], ["--key"], ["none.json"], ["-x"]):
        assert verify_arguments(arguments) is None
    assert verify_arguments([str(file), "--lang", "de"]) is None


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_of_a_table_is_cut_off_on_a_narrow_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures, brackets that look like markup, Chinese names of double width, long reasons."""
    rows = [
        ("2016-05-18", "云南大理州云龙县 [b]", "2,800.000", "截至期限没有该地区的评估损失。" * 2)
    ]
    headings = [("day", "left"), ("place", "left"), ("paid", "right"), ("why", "text")]
    monkeypatch.setattr(
        speak, "console", lambda: Console(width=width, markup=False, file=sys.stdout)
    )
    speak.show_table("title", headings, rows)
    said = re.sub(r"\s", "", capsys.readouterr().out)
    for cell in rows[0][:3]:
        assert re.sub(r"\s", "", cell) in said
    assert said.count("评估损失") == 2


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with (
        place.alone(),
        pytest.raises(Refused) as refused,
        Place(tmp_path).alone(),
    ):
        pass
    assert refused.value.refusals[0].code == "cli.folder_in_use"
    with place.alone():
        pass  # the lock is free again


def test_help_and_verify_start_without_the_database() -> None:
    """Measured by what is imported, so that a busy machine does not decide."""
    code = (
        "import sys; from miaopei.cli.main import main; main(sys.argv[1:]);"
        "print([m for m in ('psycopg', 'sqlalchemy', 'numpy', 'fastapi', 'h3', 'pydantic')"
        " if m in sys.modules], file=sys.stderr)"
    )
    for arguments, heavy in ((["verify", __file__], []), (["--help"], ["pydantic"])):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        found = done.stderr.strip().splitlines()[-1]
        assert all(name in heavy for name in eval(found)), found


def test_a_killed_pipe_is_no_traceback() -> None:
    command = [sys.executable, "-m", "miaopei.cli", "terms", "show", "yunnan_dali"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    time.sleep(0.1)
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()


@pytest.mark.parametrize("room", ["cli", "register", "scheme", "rebuild", "inspect", "backup"])
def test_texts_stand_in_both_languages_with_the_same_facts(room: str) -> None:
    import string

    for name, texts in table(room).items():
        assert set(texts) == {"zh", "en"}, name
        fields = {
            language: {field for _, field, _, _ in string.Formatter().parse(text) if field}
            for language, text in texts.items()
        }
        assert fields["zh"] == fields["en"], name
