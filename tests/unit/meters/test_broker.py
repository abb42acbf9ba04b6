"""A real Mosquitto: births, deaths, who may say what, and no reading lost on bad days."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from miaopei.adapters.meters import broker
from miaopei.adapters.meters.admitted import certificates
from miaopei.adapters.meters.sealed import is_sealed
from miaopei.errors import Refused
from tests.unit.meters.conftest import NAMES, Field, until


def readings(count: int, power: str = "off", who: str = "0571") -> list[tuple[str, str, int]]:
    now = int(time.time())
    return [(f"{who}{n:05d}", power, now - 1) for n in range(count)]


def test_batches_come_signed_and_in_line(meadow_up: Field) -> None:
    for _ in range(5):
        meadow_up.sandbox.read("c1", readings(40))
    meadow_up.sandbox.read("c2", readings(3, who="0572"))
    until(lambda: meadow_up.whole("c1", 5) and meadow_up.whole("c2", 1))
    assert meadow_up.readings() == 203
    assert meadow_up.device()["state"] == "online"
    until(lambda: meadow_up.sandbox.about()["waiting"] == 0)


def test_lost_on_the_way_is_asked_for_and_comes(meadow_up: Field) -> None:
    meadow_up.sandbox.read("c1", readings(1))
    meadow_up.sandbox.misbehave("lose", uses=2)
    for _ in range(3):
        meadow_up.sandbox.read("c1", readings(1))
    until(lambda: meadow_up.whole("c1", 4))
    assert meadow_up.readings() == 4


def test_what_a_concentrator_has_forgotten_is_noted_and_holds_nothing_up(meadow_up: Field) -> None:
    meadow_up.sandbox.misbehave("lose", uses=1)
    meadow_up.sandbox.misbehave("forget", uses=1)
    for _ in range(2):
        meadow_up.sandbox.read("c1", readings(1))
    until(lambda: meadow_up.device()["lost"] == 1)
    assert (meadow_up.device()["missing"], meadow_up.device()["next"]) == (0, 3)


def test_said_twice_is_taken_once_and_forged_is_not_taken(meadow_up: Field) -> None:
    meadow_up.sandbox.misbehave("twice", uses=1)
    meadow_up.sandbox.read("c1", readings(2))
    until(lambda: sum(each.known for each in meadow_up.taken) == 1)
    meadow_up.sandbox.misbehave("forge", uses=1)
    meadow_up.sandbox.read("c1", readings(2))
    until(lambda: meadow_up.device()["refused"] == 1)
    assert meadow_up.device()["why"] == "grid.forged"
    meadow_up.sandbox.read("c1", readings(2))  # the gap is seen, and the true one is asked for
    until(lambda: meadow_up.whole("c1", 3))
    assert meadow_up.readings() == 6


def test_a_broker_dead_and_back_loses_no_reading(meadow: Field, tmp_path: Path) -> None:
    """Killed with batches on their way, twice; what was said while it was dead comes afterwards."""
    process = broker.start(meadow.folder, meadow.port)
    try:
        with meadow.listener() as listener:
            meadow.sandbox.connect(NAMES, "127.0.0.1", meadow.port, tmp_path / "clients")
            until(lambda: listener.connected and meadow.kept().online)
            for round_ in range(2):
                for _ in range(20):
                    meadow.sandbox.read("c1", readings(10))
                process.kill()
                process.wait()
                for _ in range(20):
                    meadow.sandbox.read("c1", readings(10))
                until(lambda: not listener.connected)
                process = broker.start(meadow.folder, meadow.port)
                until(lambda n=40 * (round_ + 1): meadow.whole("c1", n), 60)
            assert meadow.readings() == 800
            assert listener.failed is None
    finally:
        process.terminate()
        process.wait()


def test_our_own_process_away_loses_no_reading(meadow: Field, tmp_path: Path) -> None:
    with broker.running(meadow.folder, meadow.port):
        meadow.sandbox.connect(NAMES, "127.0.0.1", meadow.port, tmp_path / "clients")
        with meadow.listener():
            until(lambda: meadow.kept().online)
        for _ in range(10):
            meadow.sandbox.read("c1", readings(5))
        with meadow.listener():
            until(lambda: meadow.whole("c1", 10))
    assert meadow.readings() == 50


def test_taken_off_the_broker_and_not_kept_is_asked_for_again(meadow_up: Field) -> None:
    """A process that died between the broker's acknowledgement and our transaction."""
    real, gone = meadow_up.meters.take, []

    def dies(came: list[object]) -> object:
        batches = [c for c in came if is_sealed(c.payload)]  # type: ignore[attr-defined]
        if batches and not gone:
            gone.extend(batches)
            came = [c for c in came if c not in batches]
        return real(came)  # type: ignore[arg-type]

    meadow_up.meters.take = dies  # type: ignore[assignment,method-assign]
    meadow_up.sandbox.read("c1", readings(7))
    until(lambda: bool(gone))
    meadow_up.sandbox.read("c1", readings(7))
    until(lambda: meadow_up.whole("c1", 2))
    assert meadow_up.readings() == 14


def test_a_concentrator_that_dies_is_dead_by_its_last_will(meadow_up: Field) -> None:
    assert meadow_up.device()["state"] == "online"
    meadow_up.sandbox.stop(kill=True)
    until(lambda: meadow_up.device()["state"] == "dead")
    assert meadow_up.kept().state(int(time.time())) == "dead"


def test_one_that_says_nothing_is_stale(meadow_up: Field) -> None:
    heard = meadow_up.kept().heard_at
    assert heard is not None
    assert meadow_up.kept().state(heard + 180) == "online"
    assert meadow_up.kept().state(heard + 181) == "stale"
    meadow_up.known.keys["c9"] = ("0" * 64,)
    assert meadow_up.device("c9")["state"] == "never"


def client(
    field: Field, folder: Path, name: str, said: list[object], calls_itself: str = ""
) -> mqtt.Client:
    """A stranger's client with a certificate of our authority, under an id of its own choice."""
    certificates.issue(field.folder, folder, name)
    made = mqtt.Client(CallbackAPIVersion.VERSION2, calls_itself or name, protocol=mqtt.MQTTv5)
    context = ssl.create_default_context(cafile=str(field.folder / "ca.pem"))
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    made.tls_set_context(context)
    made.on_message = lambda _c, _u, message: said.append(message.topic)
    made.on_publish = lambda _c, _u, _mid, code, _props: said.append(str(code))
    made.connect("127.0.0.1", field.port)
    made.loop_start()
    until(made.is_connected)
    return made


def test_a_client_writes_its_own_topics_and_reads_nobodys(meadow_up: Field, tmp_path: Path) -> None:
    said: list[object] = []
    made = client(meadow_up, tmp_path / "stranger", "c3", said)
    for topic in ("batch", "state", "ask"):
        made.subscribe(f"miaopei/meters/c1/{topic}", 1)
    made.subscribe("#", 1)
    made.publish("miaopei/meters/c1/batch", b"x", 1)
    until(lambda: "Not authorized" in said)
    meadow_up.sandbox.read("c1", readings(1))
    until(lambda: meadow_up.whole("c1", 1))
    time.sleep(0.3)
    assert said == ["Not authorized"]
    assert meadow_up.device()["refused"] == 0
    made.loop_stop()
    made.disconnect()


def test_nobody_takes_over_our_session_by_calling_himself_us(
    meadow_up: Field, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for round_ in range(5):
        made = client(meadow_up, tmp_path / "stranger", "c3", [], broker.NODE)
        meadow_up.sandbox.read("c1", readings(3))
        until(lambda n=round_ + 1: meadow_up.whole("c1", n))
        made.loop_stop()
        made.disconnect()
    assert meadow_up.readings() == 15
    assert not [r for r in caplog.records if "the broker is not reached" in r.getMessage()]


def test_without_a_certificate_nobody_is_let_in(meadow_up: Field) -> None:
    context = ssl.create_default_context(cafile=str(meadow_up.folder / "ca.pem"))
    made = mqtt.Client(CallbackAPIVersion.VERSION2, "x", protocol=mqtt.MQTTv5)
    made.tls_set_context(context)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        made.connect("127.0.0.1", meadow_up.port)
        made.loop(1)
        assert made.is_connected() is False
        raise ConnectionError("the broker closed it")


def test_a_stolen_certificate_is_let_in_no_more_and_a_new_one_is(
    meadow: Field, tmp_path: Path
) -> None:
    """c1 is revoked between two starts of the broker; c2, and c1 with a new certificate, go on."""
    with broker.running(meadow.folder, meadow.port), meadow.listener():
        stolen = client(meadow, tmp_path / "stolen", "c1", [])
        stolen.loop_stop()
        stolen.disconnect()
    before = broker.listed(meadow.folder)
    assert certificates.revoke(meadow.folder, "c1") == 2, "the one of the town, and the stolen one"
    assert certificates.revoke(meadow.folder, "c1") == 0
    assert broker.listed(meadow.folder) != before
    with broker.running(meadow.folder, meadow.port), meadow.listener() as listener:
        context = ssl.create_default_context(cafile=str(meadow.folder / "ca.pem"))
        context.load_cert_chain(tmp_path / "stolen/c1.pem", tmp_path / "stolen/c1.key")
        refused = mqtt.Client(CallbackAPIVersion.VERSION2, "c1", protocol=mqtt.MQTTv5)
        refused.tls_set_context(context)
        said: list[str] = []
        refused.on_connect = lambda *_: said.append("in")
        with suppress(OSError):
            refused.connect("127.0.0.1", meadow.port)
            for _ in range(20):
                refused.loop(0.1)
        assert said == []
        meadow.sandbox.connect(["c2"], "127.0.0.1", meadow.port, tmp_path / "clients")
        until(lambda: listener.connected and meadow.kept("c2").online)
        anew = client(meadow, tmp_path / "anew", "c1", [])
        anew.loop_stop()
        anew.disconnect()


def test_a_machine_without_a_broker_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker.shutil, "which", lambda *_a, **_k: None)
    with pytest.raises(Refused) as refused:
        broker.program()
    (refusal,) = refused.value.refusals
    assert refusal.code == "grid.no_mosquitto"
    assert "apt-get install" in str(refusal.facts["command"])
