"""HTTP on loopback: the calls of a sandbox's own role, and the control side of all."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .meters import Concentrators
from .rules import BadRule, Rules
from .sms import SmsGateway
from .source import SourceSystem
from .trade import KINDS, TradeData

LOOPBACK = "127.0.0.1"
HOSTS = frozenset({LOOPBACK, "localhost"})
LARGEST_BODY = 64 * 1024 * 1024
NAMES = {
    "command": ("grid.command", "供电服务指挥系统（沙箱）", "Supply-service command (sandbox)"),
    "meters": ("grid.meter", "用电采集系统（沙箱）", "Electricity-use acquisition (sandbox)"),
    "concentrators": ("grid.meter", "集中器（沙箱）", "Concentrators (sandbox)"),
    "trade": ("trade", "贸易数据平台（沙箱，回放）", "Trade data platform (sandbox, replay)"),
    "sms": ("sms", "短信、微信、语音网关（沙箱）", "SMS, WeChat and voice gateway (sandbox)"),
}
DIED = 70


class Trouble(Exception):
    """The call cannot be answered; carries the status and why."""

    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(why)


class Sandbox:
    """One process's self: its store, its rules, and the system that it plays."""

    def __init__(self, role: str, folder: Path) -> None:
        self.role = role
        self._turn = threading.Lock()
        self._store = sqlite3.connect(folder / f"{role}.sqlite3", check_same_thread=False)
        self._store.execute("pragma journal_mode = wal")
        self.rules = Rules(self._store)
        self.source: SourceSystem | None = None
        self.sms: SmsGateway | None = None
        self.concentrators: Concentrators | None = None
        self.trade: TradeData | None = None
        if role == "concentrators":
            self.concentrators = Concentrators(folder, self._store, self.rules, self._turn)
        elif role == "trade":
            self.trade = TradeData(self._store, self.rules)
        elif role == "sms":
            self.sms = SmsGateway(self._store, self.rules)
        else:
            self.source = SourceSystem(NAMES[role][0], folder, self._store, self.rules)

    def call(self, what: Callable[[], Any]) -> Any:
        """Do one thing under the lock and keep it; slow, silent or dying where a rule says so."""
        with self._turn:
            slow = self.rules.take("slow")
            silent = self.rules.take("silent") is not None
            dies = self.rules.take("die") is not None
            self._store.commit()
            found = None if silent and not dies else what()
            self._store.commit()
        if dies:
            os._exit(DIED)
        time.sleep(0 if slow is None else slow["seconds"])
        if silent:
            raise ConnectionAbortedError
        return found

    def control(self, method: str, body: Any) -> Any:
        """Add a rule, forget them all, or list them."""
        with self._turn:
            if method == "DELETE":
                self.rules.clear()
            elif method == "POST":
                try:
                    self.rules.add(body)
                except BadRule as error:
                    raise Trouble(400, str(error)) from None
            self._store.commit()
            return {"rules": self.rules.all()}

    def about(self) -> dict[str, Any]:
        """Who answers here."""
        _, zh, en = NAMES[self.role]
        with self._turn:
            plays = self.sms or self.source or self.concentrators or self.trade
            more = plays.about() if plays else {}
        return {"name": {"zh": zh, "en": en}, "pid": os.getpid(), **more}


class Server(ThreadingHTTPServer):
    """On 127.0.0.1 and nowhere else."""

    daemon_threads = True

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        super().__init__((LOOPBACK, port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 120
    server: Server

    def do_GET(self) -> None:
        """Reading calls."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Calls that change something."""
        self._answer("POST")

    def do_DELETE(self) -> None:
        """Only rules can be deleted."""
        self._answer("DELETE")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""

    def _answer(self, method: str) -> None:
        try:
            self._dispatch(method)
        except Trouble as trouble:
            self.close_connection = True
            self._say({"problem": trouble.why}, trouble.status)
        except ConnectionAbortedError:
            self.close_connection = True
        except (KeyError, TypeError, ValueError) as error:
            self.close_connection = True
            self._say({"problem": f"{type(error).__name__}: {error}"}, 400)
        except OSError:
            self.close_connection = True

    def _dispatch(self, method: str) -> None:
        if (self.headers.get("Host") or LOOPBACK).rsplit(":", 1)[0] not in HOSTS:
            raise Trouble(421, "this sandbox answers to 127.0.0.1 only")
        sandbox = self.server.sandbox
        source, sms, meters = sandbox.source, sandbox.sms, sandbox.concentrators
        trade, asked = sandbox.trade, urlsplit(self.path)
        body: Any = self._body() if method == "POST" else None
        match (method, *asked.path.strip("/").split("/")):
            case ("GET", ""):
                self._say(sandbox.about())
            case (_, "control", "rules"):
                self._say(sandbox.control(method, body))
            case ("POST", "control", "say") if source:
                self._say(sandbox.call(lambda: source.say(body)))
            case ("GET", "messages", number) if source and number.isdigit():
                found = sandbox.call(lambda: source.again(int(number)))
                if found is None:
                    raise Trouble(410, f"no message {number} here")
                self._send(found[0], found[1])
            case ("POST", "control", what) if meters and what in ("keys", "connect", "read"):
                self._say(sandbox.call(lambda: getattr(meters, what)(**body)))
            case ("POST", "control", "customers") if trade:
                self._say(sandbox.call(lambda: trade.customers(body["customers"])))
            case ("GET", "data", kind, token) if trade and kind in KINDS:
                span = {name: int(value) for name, value in parse_qsl(asked.query)}
                self._say(sandbox.call(lambda: trade.rows(kind, token, **span)))
            case ("POST", "control", "phones") if sms:
                self._say(sandbox.call(lambda: sms.phones(body["phones"])))
            case ("POST", "control", "wechat") if sms:
                self._say(sandbox.call(lambda: sms.wechat(body["accounts"])))
            case ("GET", "control", "texts") if sms:
                self._say({"texts": sandbox.call(sms.all)})
            case ("POST", "texts") if sms:
                self._say(sandbox.call(lambda: sms.send(body["texts"])))
            case ("POST", "texts", "ask") if sms:
                self._say(sandbox.call(lambda: sms.ask(body["ids"])))
            case _:
                raise Trouble(404, f"{method} {self.path} is not known here")

    def _body(self) -> Any:
        length = self.headers.get("Content-Length") or ""
        if not length.isdigit() or int(length) > LARGEST_BODY:
            raise Trouble(413, f"give a Content-Length of at most {LARGEST_BODY}")
        return json.loads(self.rfile.read(int(length)))

    def _say(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps({"sandbox": True, **body}, ensure_ascii=False).encode()
        self._send(data, {"Content-Type": "application/json"}, status)

    def _send(self, data: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response_only(status, HTTPStatus(status).phrase)
        for name, value in {**headers, "Sandbox": "true", "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
