"""Compiled kernels: kept on disk, never compiled while somebody waits, stopped when wrong."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from miaopei.adapters import kernels as made
from miaopei.adapters.kernels import Kernels, making
from miaopei.errors import ReadingsDisagree, Refused
from miaopei.policies import layout as laid
from miaopei.products.shelf import shelf
from miaopei.terms import columnar, exact
from miaopei.terms.fused import Shape, dtype_of, loop

DELAY = shelf().find("power_restoration").version(1).terms
START = 26_000_000
SEEN = {"planned_restoration": START, "actual_restoration": START + 400, "outage_cause": 2}


def rows(count: int = 40_000) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    return {
        "deductible": rng.integers(0, 48 * 60, count, endpoint=True),
        "occurrence_limit": rng.integers(0, 10**7, count, endpoint=True),
    }


def spent(count: int = 40_000) -> np.ndarray[Any, Any]:
    return np.random.default_rng(6).integers(0, 2 * 10**7, count, endpoint=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kernels")
    assert len(Kernels(folder).prepare(DELAY)) == 3
    return folder


def test_what_is_prepared_is_found_by_another_process_without_compiling(folder: Path) -> None:
    """A second process loads it; numba counts what it compiled and what it took from disk."""
    code = f"""
import json
from pathlib import Path
from miaopei.adapters.kernels import Kernels
from miaopei.products.shelf import shelf
terms = shelf().find("power_restoration").version(1).terms
kernels = Kernels(Path({str(folder)!r}))
found = kernels.load(terms)
runs = [kernel.run for kernel in kernels._ready.values()]
print(json.dumps([found, sum(len(r.stats.cache_hits) for r in runs),
                  sum(len(r.stats.cache_misses) for r in runs)]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, 3, 0]


def test_nothing_is_compiled_where_nothing_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("compiled while an event waits")

    kernels = Kernels(tmp_path)
    assert not kernels.load(DELAY)
    monkeypatch.setattr(making, "_loaded", never)
    monkeypatch.setattr(made, "compiled", never)
    answer = kernels.settle_many(DELAY, "delay", SEEN, rows(), spent())
    wanted = columnar.settle_many(DELAY, "delay", SEEN, rows(), spent())
    assert answer.tobytes() == wanted.tobytes()


def test_same_bytes_with_and_without(folder: Path) -> None:
    kernels = Kernels(folder)
    assert kernels.load(DELAY)
    assert kernels.ready(DELAY, "delay", Shape.BOOK)
    fast = kernels.settle_many(DELAY, "delay", SEEN, rows(), spent())
    plain = Kernels(folder / "empty").settle_many(DELAY, "delay", SEEN, rows(), spent())
    assert fast.tobytes() == plain.tobytes()
    assert len(np.unique(fast)) > 10


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda g: g["columns"].update(deductible=np.array([5, 9_999, 6] * 20)), "out_of_range"),
        (lambda g: g["columns"].pop("deductible"), "missing_input"),
        (lambda g: g["columns"].update(deductible=np.ones(60)), "not_whole"),
        (lambda g: g["columns"].update(deductible=np.ones(7, np.int64)), "ragged_columns"),
        (lambda g: g["observed"].update(outage_cause=None), "not_whole"),
        (lambda g: g["observed"].update(outage_cause=2**70), "out_of_range"),
    ],
)
def test_refusals_are_those_of_the_plain_reading(spoil: Any, code: str, folder: Path) -> None:
    kernels = Kernels(folder)
    kernels.load(DELAY)
    given = {"observed": dict(SEEN), "columns": {n: c[:60] for n, c in rows().items()}}
    spoil(given)
    found = []
    for read in (kernels.settle_many, columnar.settle_many):
        with pytest.raises(Refused) as refused:
            read(DELAY, "delay", given["observed"], given["columns"], spent(60))
        found.append(refused.value.refusals)
    assert found[0] == found[1]
    assert {r.code for r in found[0]} == {f"terms.{code}"}


def test_a_kernel_cut_short_is_made_again_and_never_answers(tmp_path: Path) -> None:
    Kernels(tmp_path).prepare(DELAY, (Shape.BOOK,))
    (kept,) = tmp_path.rglob("*.nbc")
    kept.write_bytes(kept.read_bytes()[:100])
    kernels = Kernels(tmp_path)
    assert not kernels.load(DELAY, (Shape.BOOK,))
    assert len(kernels.prepare(DELAY, (Shape.BOOK,))) == 1
    assert kernels.settle_many(DELAY, "delay", SEEN, rows(60), spent(60)).max() > 0


@pytest.mark.parametrize("kept", ["*.nbc", "*.nbi", "kernel.py", "ready"])
def test_one_altered_byte_is_never_loaded(folder: Path, tmp_path: Path, kept: str) -> None:
    """Machine code altered on the disk would crash the process, or pay other amounts."""
    shutil.copytree(folder, tmp_path / "k")
    kernels = Kernels(tmp_path / "k")
    assert kernels.load(DELAY, (Shape.BOOK,))
    for path in (tmp_path / "k").rglob(kept):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] = 0xFF if data[len(data) // 2] != 0xFF else 0
        stamp = path.stat()
        path.write_bytes(data)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    again = Kernels(tmp_path / "k")
    assert not again.load(DELAY, (Shape.BOOK,))
    fell = again.settle_many(DELAY, "delay", SEEN, rows(60), spent(60))
    assert fell.tolist() == kernels.settle_many(DELAY, "delay", SEEN, rows(60), spent(60)).tolist()


def test_without_numba_preparing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "find_spec", lambda _: None)
    kernels = Kernels(tmp_path)
    assert not kernels.load(DELAY)
    with pytest.raises(Refused) as refused:
        kernels.prepare(DELAY)
    assert refused.value.refusals[0].code == "kernels.no_numba"


def test_a_kernel_that_refuses_what_the_terms_do_not_is_an_alarm(tmp_path: Path) -> None:
    def spoil(text: str) -> str:
        return text.replace("c1 > 2880", "c1 > 1000").replace("> 2880", "> 1000")

    kernels = Kernels(tmp_path, alter=spoil)
    kernels.prepare(DELAY, (Shape.BOOK,))
    with pytest.raises(ReadingsDisagree):
        kernels.settle_many(DELAY, "delay", SEEN, rows(), spent())


def test_a_wrong_kernel_gives_another_amount_than_the_exact_reading(tmp_path: Path) -> None:
    """The hook by which a test puts a wrong kernel where the right one stood."""
    kernels = Kernels(tmp_path, alter=lambda text: text.replace("* 5000", "* 5001"))
    kernels.prepare(DELAY, (Shape.BOOK,))
    own = {"deductible": 30, "occurrence_limit": 10**7}
    column = {name: np.array([value, value], dtype=np.int64) for name, value in own.items()}
    wrong = kernels.settle_many(DELAY, "delay", SEEN, column, np.zeros(2, np.int64))
    right = exact.settle(DELAY, "delay", SEEN, own, {"delay": 0}).amount_fen
    assert wrong.tolist() != [right, right]


def test_a_forked_child_answers_too(folder: Path) -> None:
    kernels = Kernels(folder)
    kernels.load(DELAY)
    before = kernels.settle_many(DELAY, "delay", SEEN, rows(), spent())  # its threads run now
    read, write = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if not child:
        try:
            after = kernels.settle_many(DELAY, "delay", SEEN, rows(), spent())
            write.send_bytes(b"same" if after.tobytes() == before.tobytes() else b"other")
        finally:
            os._exit(0)
    write.close()
    assert read.poll(300)
    assert read.recv_bytes() == b"same"
    os.waitpid(child, 0)


def book(count: int = 40_000) -> laid.Layout:
    """Delay policies as a laid-out book, all in force."""
    own = {n: c.astype(dtype_of(0, 10**7 if n == "occurrence_limit" else 2880))
           for n, c in rows(count).items()}  # fmt: skip
    never = np.zeros(count, dtype=np.int64)
    return laid.lay_out(own, never, never + 10)


def test_an_answer_that_is_held_is_never_written_over(folder: Path) -> None:
    """Memory is used again only once nobody looks at any part of the answer that lay in it."""
    kernels = Kernels(folder)
    kernels.load(DELAY)
    layout, before = book(), np.zeros(40_000, dtype=np.int64)
    first = kernels.paid(DELAY, "delay", SEEN, layout, before, 5)
    amounts, said = first.amounts[7:], first.amounts.tolist()
    del first
    later = SEEN | {"actual_restoration": START + 6_000}
    second = kernels.paid(DELAY, "delay", later, layout, before, 5)
    assert amounts.tolist() == said[7:]
    assert second.amounts.tolist() != said
    where = second.amounts.__array_interface__["data"][0]
    del second
    again = kernels.paid(DELAY, "delay", SEEN, layout, before, 5)
    assert again.amounts.__array_interface__["data"][0] == where
    assert again.amounts.tolist() == said
    assert amounts.tolist() == said[7:]


def test_two_who_ask_at_once_get_their_own_answers(folder: Path) -> None:
    kernels = Kernels(folder)
    kernels.load(DELAY)
    layout, before = book(), np.zeros(40_000, dtype=np.int64)
    asked = [SEEN | {"actual_restoration": START + late} for late in range(300, 6_300, 300)]
    alone = [kernels.paid(DELAY, "delay", seen, layout, before, 5) for seen in asked]
    with ThreadPoolExecutor(4) as pool:
        both = list(pool.map(lambda s: kernels.paid(DELAY, "delay", s, layout, before, 5), asked))
    for one, other in zip(alone, both, strict=True):
        assert one.rows.tolist() == other.rows.tolist()
        assert one.amounts.tolist() == other.amounts.tolist()
    assert len({int(one.amounts.sum()) for one in alone}) > 10


def test_a_pair_out_of_range_is_refused_as_by_the_plain_reading(folder: Path) -> None:
    kernels = Kernels(folder)
    kernels.prepare(DELAY, (Shape.YEARS,), ("actual_restoration",))
    observed = {
        "planned_restoration": np.array([START]), "outage_cause": np.array([2]),
        "actual_restoration": np.array([START + 300, 5], dtype=np.int32),
    }  # fmt: skip
    declared = {name: column[:2] for name, column in rows().items()}
    years, events, policy = np.array([0, 1]), np.array([0, 2]), np.array([0, 1], dtype=np.int32)
    given = (years, events, policy, observed, declared, ("actual_restoration",))
    found = []
    for own in (kernels, Kernels(folder / "empty")):
        with pytest.raises(Refused) as refused:
            own.years(DELAY, "delay", *given)
        found.append(refused.value.refusals)
    assert found[0] == found[1]
    assert found[0][0].code == "terms.out_of_range"


def test_no_text_of_the_terms_becomes_code() -> None:
    words = {item.name for item in DELAY.inputs} | {clause.name for clause in DELAY.benefits}
    for shape in Shape:
        text = loop(DELAY, "delay", shape).text
        assert not [name for name in words if name in text]
        assert text.isascii()


def test_a_pair_that_names_no_policy_never_reaches_into_memory(folder: Path) -> None:
    kernels = Kernels(folder)
    kernels.prepare(DELAY, (Shape.YEARS,), ("actual_restoration",))
    observed = {
        "planned_restoration": np.array([START]), "outage_cause": np.array([2]),
        "actual_restoration": np.array([START + 300, START + 400]),
    }  # fmt: skip
    given: list[Any] = [
        np.array([0, 1]), np.array([0, 2]), np.array([0, 1], dtype=np.int32), observed,
        {name: column[:2] for name, column in rows().items()}, ("actual_restoration",),
    ]  # fmt: skip
    assert len(kernels.years(DELAY, "delay", *given).net) == 1
    for far in (2, -1, 2**31 - 1):
        spoilt = [*given]
        spoilt[2] = np.array([0, far], dtype=np.int32)
        with pytest.raises(IndexError):
            kernels.years(DELAY, "delay", *spoilt)
    for place, value in ((0, [0, 2]), (1, [0, 3]), (1, [1, 0])):
        spoilt = [*given]
        spoilt[place] = np.array(value)
        with pytest.raises(Refused) as refused:
            kernels.years(DELAY, "delay", *spoilt)
        assert refused.value.refusals[0].code == "terms.ragged_columns"
