"""The page check.html in a real Chromium, spoken to as script/shots does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

from tests.unit.receipts.gathered import Held

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "miaopei" / "portal" / "static" / "check.html"
# Waits for the verdict of the file that was chosen, and gives it.
ANSWER = """
new Promise((done) => {
  const answer = document.getElementById("answer");
  delete answer.dataset.verdict;
  answer.replaceChildren();
  document.getElementById("vkey").value = KEY;
  document.getElementById("form").requestSubmit();
  const look = () => {
    if (!answer.dataset.verdict) return setTimeout(look, 5);
    const { verdict, failed } = answer.dataset;
    done({ verdict, failed: failed || "", text: answer.innerText });
  };
  look();
})
"""


def shots() -> Any:
    """script/shots as a module."""
    loader = SourceFileLoader("shots", str(ROOT / "script" / "shots"))
    module = module_from_spec(spec_from_loader("shots", loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


@dataclass
class Checker:
    """The opened page, and a folder for what it is given."""

    tab: Any
    folder: Path

    def open(self, address: str) -> None:
        """Go to the page and wait until its scripts have run."""
        self.tab.ask("Page.navigate", url=address)
        self.tab.until(lambda said: said.get("method") == "Page.loadEventFired")
        self.tab.ask("DOM.enable")

    def js(self, expression: str) -> Any:
        """The value of an expression, waited for."""
        given = {"awaitPromise": True, "returnByValue": True, "expression": expression}
        answer = self.tab.ask("Runtime.evaluate", **given)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def choose(self, field: str, data: bytes | None) -> None:
        """Put a file, or none, into a field."""
        if data is None:
            self.js(f"document.getElementById('{field}').value = ''")
            return
        path = self.folder / f"{field}.json"
        path.write_bytes(data)
        root = self.tab.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.tab.ask("DOM.querySelector", nodeId=root, selector=f"#{field}")["nodeId"]
        self.tab.ask("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def check(self, held: Held) -> dict[str, str]:
        """What the page says of a file: {verdict, failed, text}."""
        self.choose("file", held.data)
        self.choose("genesis", held.genesis)
        found: dict[str, str] = self.js(ANSWER.replace("KEY", json.dumps(held.vkey or "")))
        return found


@contextmanager
def checker(folder: Path) -> Iterator[Checker]:
    """A browser of our own."""
    module = shots()
    with module.running(module.ready()) as tab:
        yield Checker(tab, folder)
