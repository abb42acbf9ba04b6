"""HTTP on loopback or a unix socket: reads calls, says answers, or says them wrongly."""

from __future__ import annotations

import json
import select
import socketserver
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .script import Plan
from .service import Answer, Bank, Problem, enveloped

LARGEST_BODY = 16 * 1024 * 1024
LOOPBACK = "127.0.0.1"
HOSTS = frozenset({LOOPBACK, "localhost"})


class _Server(socketserver.ThreadingMixIn):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True
    bank: Bank


class LoopbackServer(_Server, socketserver.TCPServer):
    """On 127.0.0.1 and nowhere else."""

    def __init__(self, bank: Bank, port: int) -> None:
        self.bank = bank
        super().__init__((LOOPBACK, port), Handler)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"


class SocketServer(_Server, socketserver.UnixStreamServer):
    """On a unix socket that only its owner may open."""

    def __init__(self, bank: Bank, path: Path) -> None:
        self.bank, self._path = bank, path
        # Left behind by a bank that was killed. The folder's lock is ours, so nobody listens there.
        if path.is_socket():
            path.unlink()
        super().__init__(str(path), Handler)
        path.chmod(0o600)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"unix:{self._path}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 120
    server: LoopbackServer | SocketServer

    def do_GET(self) -> None:
        """Reading calls."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Calls that change something."""
        self._answer("POST")

    def do_DELETE(self) -> None:
        """Only the script can be deleted."""
        self._answer("DELETE")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged: who paid whom stands in the store."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the HTTP library itself refuses is said in the bank's form as well."""
        self.close_connection = True
        detail = message or explain or HTTPStatus(code).phrase
        self._say(Answer({"problem": "bad_request", "detail": detail}, int(code)))

    def _answer(self, method: str) -> None:
        try:
            answer = self._dispatch(method)
        except Problem as problem:
            body = {"problem": problem.code, "detail": problem.detail}
            answer = Answer(body, problem.status)
            self.close_connection = True
        self._say(answer)

    def _dispatch(self, method: str) -> Answer:
        host = (self.headers.get("Host") or LOOPBACK).rsplit(":", 1)[0]
        if host not in HOSTS:
            raise Problem(421, "not_here", "this bank answers to 127.0.0.1 only")
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.split("/") if part]
        bank = self.server.bank
        if (method, *parts) == ("POST", "payments"):
            return bank.pay(self._read("application/xml"))
        asked = self._body() if method == "POST" else {}
        match (method, *parts):
            case ("GET",):
                return bank.about()
            case ("GET", "key"):
                return bank.public_key()
            case ("POST", "payments", "ask"):
                return bank.ask(asked.get("ids"))
            case ("POST", "payments", "close"):
                return bank.close(asked.get("id"))
            case ("GET", "payments", key):
                return bank.ask([key])
            case ("GET", "accounts", number, "statement"):
                query = parse_qs(url.query)
                return bank.statement(
                    number, _count(query, "after", 0), _count(query, "limit", 500)
                )
            case ("GET", "accounts", number, "credits"):
                query = parse_qs(url.query)
                return bank.credits(number, _count(query, "after", 0), _count(query, "limit", 500))
            case (_, "control", *rest):
                return _control(bank, method, rest, asked)
        raise Problem(404, "no_such_call", f"{method} {url.path} is not known here")

    def _read(self, media: str) -> bytes:
        """Errors   Problem. A web page of another site cannot send these types unasked."""
        if self.headers.get_content_type() != media:
            raise Problem(415, "wrong_type", f"send Content-Type: {media}")
        length = self.headers.get("Content-Length") or ""
        if not length.isdigit() or int(length) > LARGEST_BODY:
            raise Problem(413, "too_long", f"give a Content-Length of at most {LARGEST_BODY}")
        return self.rfile.read(int(length))

    def _body(self) -> dict[str, Any]:
        """Errors   Problem."""
        data = self._read("application/json")
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            raise Problem(400, "not_json", "the body is not JSON") from None
        if not isinstance(body, dict):
            raise Problem(400, "not_json", "the body is a JSON object")
        return body

    def _say(self, answer: Answer) -> None:
        plan = answer.plan
        if plan.silent is not None:
            answer = self._hold(plan)
            if answer.plan.silent is not None:
                self.close_connection = True
                return
        time.sleep(plan.slow_seconds)
        kind, signed = "application/json", ""
        data = json.dumps(enveloped(answer.body), ensure_ascii=False).encode()
        if answer.message is not None:
            kind, data = "application/xml", answer.message
            signed = f"Bank-Signature: {answer.signature}\r\n"
        phrase = HTTPStatus(answer.status).phrase
        close = "Connection: close\r\n" if self.close_connection else ""
        head = (
            f"HTTP/1.1 {answer.status} {phrase}\r\nContent-Type: {kind}\r\n{signed}"
            f"Content-Length: {len(data)}\r\nServer: miaopei-sandbox-bank\r\n{close}\r\n"
        )
        try:
            self.wfile.write((head.encode() + data) * (2 if plan.twice == "wire" else 1))
        except OSError:
            self.close_connection = True  # the other side has gone; what was done stands

    def _hold(self, plan: Plan) -> Answer:
        """Say nothing until the other side goes, or answer 504 late."""
        readable, _, _ = select.select([self.connection], [], [], plan.hold_seconds)
        if readable:
            return Answer({}, plan=plan)
        self.close_connection = True
        return Answer({"problem": "time_out", "detail": "no answer in time"}, 504)


def _control(bank: Bank, method: str, parts: list[str], asked: dict[str, Any]) -> Answer:
    match (method, *parts):
        case ("POST", "accounts"):
            return bank.open_accounts(asked.get("accounts"))
        case ("POST", "account"):
            return bank.change_account(asked)
        case ("POST", "pay-in"):
            return bank.pay_in(asked)
        case ("GET", "script"):
            return bank.script()
        case ("POST", "script"):
            return bank.script(_listed(asked.get("rules", [asked])))
        case ("DELETE", "script"):
            return bank.script(clear=True)
        case ("POST", "release"):
            return bank.release(asked.get("ids"), asked.get("code"))
    raise Problem(404, "no_such_call", f"{method} /control/{'/'.join(parts)} is not known here")


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Problem(400, "bad_request", "`rules` is a list")
    return value


def _count(query: dict[str, list[str]], name: str, default: int) -> int:
    text = query.get(name, [str(default)])[0]
    if not text.isdecimal() or len(text) > 18:
        raise Problem(400, "bad_request", f"`{name}` is a whole number from 0")
    return int(text)
