"""A member that another program keeps from listening says so before it asks anybody anything."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from miaopei.adapters.engine import home
from miaopei.cli import speak
from miaopei.cli.net import member, mending, running, watching
from miaopei.cli.net.plan import Net, Seat
from miaopei.cli.net.shown.standing import below
from miaopei.errors import OutsideFault, Refused
from miaopei.errors.texts import say
from miaopei.settings import Language
from miaopei.wiring.machine import Machine

TAKEN = "address already in use"


def placed(folder: Path, engine: str, blobs: str) -> Machine:
    """A member's folder, as far as it says where the member listens."""
    settings = folder / home.ENGINE / "config" / "config.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f'moniker = "notary"\n\n[p2p]\nladdr = "tcp://{engine}"\n', "utf-8")
    told = Machine("notary", "host=/nowhere", blobs, None, {})
    told.write(folder)
    return told


@pytest.mark.parametrize("option", ["engine", "blobs"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_whichever_address_is_taken_is_named_with_the_way_out(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    host: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIAOPEI_LANG", "en")
    family, *_, where = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    with socket.create_server(where[:2], family=family) as held:
        taken = f"{host}:{held.getsockname()[1]}"
        both = {"engine": f"{host}:0", "blobs": f"{host}:0", option: taken}
        told = placed(tmp_path, **both)
        assert member.main(tmp_path, bound=False) == 1
        said = capsys.readouterr().err
        assert TAKEN in said.lower()
        assert f"cannot listen at {taken} " in said
        assert f"--listen-{option}" in said
    mending.need_free(tmp_path, told)


@pytest.mark.parametrize(
    ("language", "start"), [("en", "This member cannot"), ("zh", "本成员无法")]
)
def test_it_is_said_in_the_language_of_who_asks_and_not_of_who_started(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    language: Language,
    start: str,
) -> None:
    monkeypatch.setenv("MIAOPEI_LANG", "zh" if language == "en" else "en")
    net = Net(tmp_path, (Seat("notary", "n", "n", "h:1", "h:2"),))
    at = net.at("notary")
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as held:
        placed(at, f"127.0.0.1:{held.getsockname()[1]}", "127.0.0.1:0")
        assert member.main(at, bound=False) == 1
    (at / "node.log").write_text(capsys.readouterr().err, "utf-8")
    process = {"member": "notary", "wanted": True, "restarts": running.FALLS, "fell": 0}
    row = watching.Row(
        "notary", "n", "n", (), 1, False, None, None, None, None, None, None, None, 0,
        *("net.cannot_listen", "down", None, None),
        refusals=watching.last_words(net, "notary", process).refusals,
    )  # fmt: skip
    (line, _) = below(net, watching.Standing((row,), None, False), language)
    assert start in line
    assert "{" not in line
    with pytest.raises(OutsideFault) as fault:
        running._not_fallen(net, process)
    told, _ = speak.fault(fault.value)
    assert say(told, language).startswith(start)


def test_an_engine_whose_settings_are_gone_says_so_itself(tmp_path: Path) -> None:
    told = placed(tmp_path, "127.0.0.1:0", "127.0.0.1:0")
    for left in ("[p2p]", "no = toml = at all", None):
        settings = tmp_path / home.ENGINE / "config" / "config.toml"
        settings.unlink() if left is None else settings.write_text(left)
        mending.need_free(tmp_path, told)


def test_an_address_of_no_machine_is_named_too(tmp_path: Path) -> None:
    told = placed(tmp_path, "192.0.2.1:1", "127.0.0.1:0")  # RFC 5737: nobody has it
    with pytest.raises(Refused, match=r"192\.0\.2\.1:1") as refused:
        mending.need_free(tmp_path, told)
    assert refused.value.refusals[0].facts["option"] == "engine"


def test_where_its_engine_listens_is_read_from_what_was_written_for_it(tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    (engine / "config").mkdir(parents=True)
    home.write_settings(engine, "notary", "127.0.0.1:26656", (), quick=True, reached="a:1")
    assert home.listens_at(engine) == "127.0.0.1:26656"
