"""Rules raised at a height in a real net: a member whose software has them not stops and says so.

The old software is ours with the newer rule sets taken out, run by one member of four.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from miaopei.acts.rule_sets import RULES
from miaopei.cli.net import control
from tests.support import nets
from tests.support.nets import Running

pytestmark = pytest.mark.timeout(1500)  # the first run builds the engine
OLD = """
import os, sys
if "members/notary" in " ".join(sys.orig_argv) and os.path.exists({flag!r}):
    from miaopei.acts import rule_sets
    for number in range(3, rule_sets.RULES + 1):
        del rule_sets.RULE_SETS[number]
    rule_sets.RULES, rule_sets.KINDS = 2, rule_sets.RULE_SETS[2]
"""


@pytest.fixture(scope="module")
def flag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While this file is there the notary runs the old software."""
    path = tmp_path_factory.mktemp("old") / "notary-is-old"
    path.touch()
    (path.parent / "sitecustomize.py").write_text(OLD.format(flag=str(path)), "utf-8")
    return path


@pytest.fixture(scope="module")
def four(flag: Path) -> Iterator[Running]:
    """Four members whose record begins with rule set 2."""
    with pytest.MonkeyPatch.context() as patched:
        paths = [str(flag.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        patched.setenv("PYTHONPATH", os.pathsep.join(paths))
        with nets.running("rules", 4, "--rules", "2") as made:
            yield made


def test_who_lacks_the_rules_stops_and_says_so_and_goes_on_once_it_has_them(
    four: Running, flag: Path
) -> None:
    knows = {row.member: (row.rules, row.knows) for row in four.standing().rows}
    assert knows == {
        "insurer": (2, RULES),
        "cloud": (2, RULES),
        "regulator": (2, RULES),
        "notary": (2, 2),
    }
    warned = four.miaopei("raise-rules", "--lang", "en", check=False)
    assert warned.returncode == 1
    assert "no rule set 3" in warned.stderr
    assert "notary" in warned.stderr
    raised = nets.as_json(four.miaopei("raise-rules", "--ahead", "3", "--anyway", "--json"))
    assert raised["rules"] == 3
    for number in range(5):
        four.name("cloud", f"after-{number}")

    def stopped(standing: nets.Standing) -> bool:
        row = next(row for row in standing.rows if row.member == "notary")
        return row.verdict == "down" and "install a newer one" in (row.trouble or "")

    standing = four.until(stopped)
    assert standing.goes_on
    assert {row.rules for row in standing.rows if row.member != "notary"} == {3}
    # What came with rule set 3: of raising the rules votes decide, and one is not enough.
    body = {"rules": 4, "height": 10**9}
    asked: dict[str, Any] = {"kind": "raise_rules", "body": body}
    control.call(four.net.at("insurer"), "act", ref="by votes", seconds=150, **asked)
    said = control.call(four.net.at("insurer"), "approval", **asked)
    assert (said["by"], said["done"]) == (["insurer"], None)
    # Wanted by another, at no height of its own: the same wish gets its word, no second one lies.
    words = ("raise-rules", "--anyway", "--json", "--by")
    own = json.loads(four.miaopei(*words, "cloud", "--ahead", "9000", check=False).stdout)
    assert own["height"] < 10**6, "a far one may be a typing error, and is joined by name alone"
    near = json.loads(four.miaopei(*words, "regulator", "--ahead", "9900", check=False).stdout)
    assert (near["height"], near["done"], near["by"]) == (own["height"], False, "cloud, regulator")
    far = json.loads(four.miaopei(*words, "cloud", "--height", str(10**9), check=False).stdout)
    assert (far["height"], far["done"], far["by"]) == (10**9, False, "cloud, insurer")
    kept = json.loads(four.miaopei(*words, "cloud", "--ahead", str(10**9), check=False).stdout)
    assert kept["height"] == own["height"], "of two with as many votes the nearer one"
    said = control.call(four.net.at("insurer"), "approval", **asked)
    assert (said["by"], said["done"]) == (["cloud", "insurer"], None)
    flag.unlink()  # a newer version is installed
    assert {row.rules for row in four.whole().rows} == {3}
