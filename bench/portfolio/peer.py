"""One peer in a process of its own: reads columns, then answers "run" with seconds and a sum.

`python peer.py METHOD FOLDER`. Each does what its users would write: a great circle in floats, the
table joined or looked up, money in whole fen. `vectors` is the same with our integer product.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

import numpy as np

METHOD, FOLDER = sys.argv[1], Path(sys.argv[2])
GIVEN = json.loads((FOLDER / "given.json").read_text())
RADIUS, KM = 6371.0088, [metres / 1000 for metres in GIVEN["radii"]]
LAT, LON = (radians(GIVEN[name] / 1e6) for name in ("lat", "lon"))
DAY = GIVEN["day"]
TABLE = np.load(FOLDER / "table.npy")  # basis points by plan and ring, at the magnitude
Answer = Callable[[], tuple[int, int]]


def column(name: str) -> np.ndarray:
    """One column of the book."""
    return np.load(FOLDER / f"{name}.npy")


def numpy(*, vectors: bool = False) -> Answer:
    """Whole columns, one step after another."""
    names = ("id", "lat", "lon", "plan", "insured", "event_limit", "year_limit", "spent", "since",
             "until", "x", "y", "z")  # fmt: skip
    a = {name: column(name) for name in names}
    table = np.c_[TABLE, np.zeros(len(TABLE), np.int64)]
    degrees = {name: a[name] / 1e6 for name in ("lat", "lon")}
    edges = np.array(GIVEN["edges"])

    def ring() -> np.ndarray:
        if vectors:
            cx, cy, cz = GIVEN["centre"]
            product = a["x"] * np.int64(cx) + a["y"] * np.int64(cy) + a["z"] * np.int64(cz)
            return len(edges) - np.searchsorted(edges[::-1], product, "right")
        la, lo = np.radians(degrees["lat"]), np.radians(degrees["lon"])
        h = np.sin((la - LAT) / 2) ** 2 + cos(LAT) * np.cos(la) * np.sin((lo - LON) / 2) ** 2
        return np.searchsorted(KM, 2 * RADIUS * np.arcsin(np.sqrt(h)), "left")

    def run() -> tuple[int, int]:
        share = table[a["plan"], ring()]
        pay = np.minimum((a["insured"] * share + 5_000) // 10_000, a["event_limit"])
        pay = np.minimum(pay, np.maximum(a["year_limit"] - a["spent"], 0))
        pay = np.where((a["since"] <= DAY) & (a["until"] > DAY), pay, 0)
        rows = np.flatnonzero(pay > 0)
        return len(a["id"][rows]), int(pay[rows].sum())

    return run


def polars(*, vectors: bool = False) -> Answer:
    """A lazy frame, the table joined."""
    import polars as pl

    names = ("id", "plan", "insured", "event_limit", "year_limit", "spent", "since", "until",
             "x", "y", "z")  # fmt: skip
    frame = pl.DataFrame(
        {n: column(n) for n in names} | {n: column(n) / 1e6 for n in ("lat", "lon")}
    )
    plan, ring = np.indices(TABLE.shape)
    table = pl.DataFrame(
        {"plan": plan.ravel().astype(np.int16), "ring": ring.ravel(), "bp": TABLE.ravel()}
    )
    lat, lon = pl.col("lat").radians(), pl.col("lon").radians()
    h = ((lat - LAT) / 2).sin() ** 2 + cos(LAT) * lat.cos() * ((lon - LON) / 2).sin() ** 2
    far, edges = 2 * RADIUS * h.sqrt().arcsin(), KM
    if vectors:
        far = -sum(
            pl.col(n).cast(pl.Int64) * c for n, c in zip("xyz", GIVEN["centre"], strict=True)
        )
        edges = [-edge for edge in GIVEN["edges"]]
    chain = pl.when(far <= edges[0]).then(0)
    for number, edge in enumerate(edges[1:], 1):
        chain = chain.when(far <= edge).then(number)
    ring_of = chain.otherwise(len(edges)).cast(pl.Int64).alias("ring")
    left = pl.max_horizontal(pl.col("year_limit") - pl.col("spent"), 0)
    pay = pl.min_horizontal(
        (pl.col("insured") * pl.col("bp") + 5_000) // 10_000, "event_limit", left
    )

    def run() -> tuple[int, int]:
        query = frame.lazy().filter((pl.col("since") <= DAY) & (pl.col("until") > DAY))
        query = query.with_columns(ring_of).filter(pl.col("ring") < len(edges))
        query = query.join(table.lazy(), on=["plan", "ring"])
        found = query.select("id", pay.alias("pay")).filter(pl.col("pay") > 0).collect()
        return len(found), int(found["pay"].to_numpy().sum())

    return run


def duckdb(*, vectors: bool = False) -> Answer:
    """One statement over a table in memory, two threads."""
    import duckdb as duck
    import pyarrow as pa

    con = duck.connect()
    con.execute("set threads=2")
    names = ("id", "plan", "insured", "event_limit", "year_limit", "spent", "since", "until",
             "x", "y", "z")  # fmt: skip
    book = pa.table({n: column(n) for n in names} | {n: column(n) / 1e6 for n in ("lat", "lon")})
    plan, ring = np.indices(TABLE.shape)
    shares = pa.table({"plan": plan.ravel(), "ring": ring.ravel(), "bp": TABLE.ravel()})
    con.register("b", book)
    con.register("t", shares)
    con.execute("create table book as select * from b")
    con.execute("create table shares as select * from t")
    far = (
        f"2*{RADIUS}*asin(sqrt(pow(sin((radians(lat)-{LAT!r})/2),2)+{cos(LAT)!r}*cos(radians(lat))"
        f"*pow(sin((radians(lon)-{LON!r})/2),2)))"
    )
    edges = KM
    if vectors:
        parts = zip("xyz", GIVEN["centre"], strict=True)
        far = "-(" + "+".join(f"{n}::BIGINT*({c})" for n, c in parts) + ")"
        edges = [-edge for edge in GIVEN["edges"]]
    cases = " ".join(f"when d <= {edge} then {n}" for n, edge in enumerate(edges))
    statement = f"""with q as (select *, {far} d from book where since <= {DAY} and until > {DAY}),
        r as (select *, case {cases} else {len(edges)} end ring from q)
        select id, pay from (select id, least((insured*bp+5000)//10000, event_limit,
            greatest(year_limit-spent, 0)) pay from r join shares using (plan, ring)
            where r.ring < {len(edges)}) where pay > 0"""

    def run() -> tuple[int, int]:
        found = con.execute(statement).fetchnumpy()
        return len(found["id"]), int(np.asarray(found["pay"]).astype(np.int64).sum())

    return run


def decimal() -> Answer:
    """A plain loop in Python over decimals, as a first version would be written."""
    from decimal import ROUND_HALF_UP, Decimal

    cent, hundred = Decimal("0.01"), Decimal(100)
    money = ("insured", "event_limit", "year_limit", "spent")
    lists = [column(n).tolist() for n in ("id", "plan", "since", "until")]
    lists += [(column(n) / 1e6).tolist() for n in ("lat", "lon")]
    lists += [[Decimal(v) / hundred for v in column(n).tolist()] for n in money]
    table = [[Decimal(int(bp)) / 10_000 for bp in row] for row in TABLE]
    rows = list(zip(*lists, strict=True))

    def run() -> tuple[int, int]:
        found = []
        for id_, plan, since, until, lat, lon, insured, event_limit, year_limit, spent in rows:
            if not since <= DAY < until:
                continue
            la, lo = radians(lat), radians(lon)
            h = sin((la - LAT) / 2) ** 2 + cos(LAT) * cos(la) * sin((lo - LON) / 2) ** 2
            km = 2 * RADIUS * asin(sqrt(h))
            for ring, edge in enumerate(KM):
                if km <= edge:
                    pay = (insured * table[plan][ring]).quantize(cent, ROUND_HALF_UP)
                    pay = min(pay, event_limit, max(year_limit - spent, Decimal(0)))
                    if pay > 0:
                        found.append((id_, pay))
                    break
        return len(found), int(sum(pay for _, pay in found) * 100)

    return run


METHODS: dict[str, Callable[[], Answer]] = {
    "numpy": numpy,
    "numpy.vectors": lambda: numpy(vectors=True),
    "polars": polars,
    "polars.vectors": lambda: polars(vectors=True),
    "duckdb": duckdb,
    "duckdb.vectors": lambda: duckdb(vectors=True),
    "decimal": decimal,
}

if __name__ == "__main__":
    work = METHODS[METHOD]()
    work()  # warm
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        rows, total = work()
        print(json.dumps([time.perf_counter() - started, rows, total]), flush=True)
