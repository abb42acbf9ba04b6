"""Workload B by one peer, in its own environment: `python b_peer.py METHOD NUMBERS.npz`.

Loads, says ready, then runs once for each line on standard input and answers with a line of JSON:
seconds, total, and the 250-year losses by year and by event, in cents. Each is written as its users
would write it for speed; loading is not timed.
"""

import json
import resource
import sys
import time

import numpy as np

METHOD, PATH = sys.argv[1:3]
YEARS, EVENTS, POLICIES = 2_000, 10_000, 100_000
THRESHOLDS = (2_500, 3_300, 4_300, 5_000, 5_800, 7_000)
Z = dict(np.load(PATH))
EVENT = np.repeat(np.arange(EVENTS, dtype=np.int32), np.diff(Z["first"]))


def by_year(keys, values):
    found = np.zeros(YEARS, np.int64)
    found[np.asarray(keys)] = np.asarray(values)
    return found


def polars():
    import polars as pl

    pairs = pl.DataFrame({"ev": EVENT, "pol": Z["policy"], "speed": Z["speed"]})
    events = pl.DataFrame({"ev": np.arange(EVENTS, dtype=np.int32), "year": Z["year"]})
    names = {"si": "si", "prod": "product", "evlim": "event_limit", "agglim": "year_limit"}
    book = {"pol": np.arange(POLICIES, dtype=np.int32)} | {k: Z[v] for k, v in names.items()}
    policies = pl.DataFrame(book)
    products, tiers = np.meshgrid(np.arange(16), np.arange(7), indexing="ij")
    steps = pl.DataFrame(
        {
            "prod": products.ravel().astype(np.int16),
            "tier": tiers.ravel().astype(np.int64),
            "bp": Z["step"].ravel(),
        }
    )

    def run():
        tier = pl.lit(6)
        for number in range(6, 0, -1):
            tier = (
                pl.when(pl.col("speed") < THRESHOLDS[number - 1]).then(number - 1).otherwise(tier)
            )
        pay = pl.min_horizontal((pl.col("si") * pl.col("bp") + 5000) // 10000, "evlim")
        x = (
            pairs.lazy()
            .with_columns(tier=tier.cast(pl.Int64))
            .filter(pl.col("tier") > 0)
            .join(events.lazy(), on="ev")
            .join(policies.lazy(), on="pol")
            .join(steps.lazy(), on=["prod", "tier"])
            .select("ev", "year", "pol", "agglim", pay=pay)
        )
        largest = x.group_by("ev", "year").agg(pl.col("pay").sum())
        largest = largest.group_by("year").agg(pl.col("pay").max())
        total = x.group_by("year", "pol").agg(pl.col("pay").sum(), pl.col("agglim").first())
        total = total.group_by("year").agg(pl.min_horizontal("pay", "agglim").sum().alias("l"))
        o, r = pl.collect_all([largest, total])
        return by_year(r["year"], r["l"]), by_year(o["year"], o["pay"])

    return run


def duckdb():
    import duckdb
    import pyarrow as pa

    con = duckdb.connect()
    con.execute("set threads=2")
    products, tiers = np.meshgrid(np.arange(16), np.arange(7), indexing="ij")
    given = {
        "pairs": pa.table({"ev": EVENT, "pol": Z["policy"], "speed": Z["speed"]}),
        "events": pa.table({"ev": np.arange(EVENTS, dtype=np.int32), "year": Z["year"]}),
        "pol": pa.table(
            {
                "pol": np.arange(POLICIES, dtype=np.int32),
                "si": Z["si"],
                "prod": Z["product"],
                "evlim": Z["event_limit"],
                "agglim": Z["year_limit"],
            }
        ),
        "step": pa.table(
            {
                "prod": products.ravel().astype(np.int16),
                "tier": tiers.ravel().astype(np.int64),
                "bp": Z["step"].ravel(),
            }
        ),
    }
    for name, table in given.items():
        con.register("given", table)
        con.execute(f"create table {name} as select * from given")
        con.unregister("given")
    cases = " ".join(f"when speed<{at} then {number}" for number, at in enumerate(THRESHOLDS))
    sql = f"""create or replace temp table x as select * from (
        select p.ev, e.year, p.pol, least((q.si*s.bp+5000)//10000, q.evlim) pay, q.agglim
        from pairs p join events e on e.ev=p.ev join pol q on q.pol=p.pol
        join step s on s.prod=q.prod and s.tier=(case {cases} else 6 end)) where pay>0"""

    def run():
        con.execute(sql)
        o = con.execute(
            "select year, max(l)::BIGINT l from (select ev, year, sum(pay) l from x"
            " group by ev, year) group by year"
        ).fetchnumpy()
        r = con.execute(
            "select year, sum(l)::BIGINT l from (select year, pol, least(sum(pay),"
            " any_value(agglim)) l from x group by year, pol) group by year"
        ).fetchnumpy()
        return by_year(r["year"], r["l"]), by_year(o["year"], o["l"])

    return run


def climada():
    """ImpactCalc with the cover by policy; the yearly limit, which it has not, by scipy."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import pandas as pd
    import scipy.sparse as sp
    from climada.engine import ImpactCalc
    from climada.entity import Exposures, ImpactFunc, ImpactFuncSet
    from climada.hazard import Centroids, Hazard

    lat, lon = np.linspace(-40, 40, POLICIES), np.linspace(0, 60, POLICIES)
    wind = sp.csr_matrix((Z["speed"] / 100, (EVENT, Z["policy"])), shape=(EVENTS, POLICIES))
    hazard = Hazard(
        haz_type="XX", centroids=Centroids(lat=lat, lon=lon), event_id=np.arange(1, EVENTS + 1),
        event_name=[str(i) for i in range(EVENTS)], frequency=np.full(EVENTS, 1 / YEARS),
        date=Z["year"].astype(int) * 365 + 700000, intensity=wind, units="m/s",
    )  # fmt: skip
    table = {
        "value": Z["si"] / 100.0,
        "impf_XX": Z["product"].astype(int) + 1,
        "deductible": 0.0,
        "cover": Z["event_limit"] / 100.0,
        "centr_XX": np.arange(POLICIES),
    }
    exposures = Exposures(data=pd.DataFrame(table), lat=lat, lon=lon, value_unit="USD")
    functions = []
    for product in range(16):  # steps as steep lines: winds are whole hundredths
        xs, ys = [0.0], [0.0]
        for number, at in enumerate(THRESHOLDS):
            xs += [at / 100 - 0.001, at / 100]
            ys += [Z["step"][product, number] / 1e4, Z["step"][product, number + 1] / 1e4]
        xs.append(999.0)
        ys.append(Z["step"][product, 6] / 1e4)
        functions.append(
            ImpactFunc(
                haz_type="XX",
                id=product + 1,
                intensity=np.array(xs),
                mdd=np.array(ys),
                paa=np.ones(len(xs)),
            )
        )
    functions = ImpactFuncSet(functions)
    limit, ones = Z["year_limit"] / 100.0, np.ones(EVENTS)
    of_year = sp.csr_matrix((ones, (Z["year"], np.arange(EVENTS))), shape=(YEARS, EVENTS))

    def run():
        impact = ImpactCalc(exposures, functions, hazard).impact(
            save_mat=True, assign_centroids=False, ignore_cover=False, ignore_deductible=False
        )
        yearly = (of_year @ impact.imp_mat).tocsr()
        yearly.data = np.minimum(yearly.data, limit[yearly.indices])
        total = np.round(np.asarray(yearly.sum(axis=1)).ravel() * 100).astype(np.int64)
        largest = np.zeros(YEARS, np.int64)
        np.maximum.at(largest, Z["year"], np.round(impact.at_event * 100).astype(np.int64))
        return total, largest

    return run


def main():
    run = {"polars": polars, "duckdb": duckdb, "climada": climada}[METHOD]()
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        total, largest = run()
        seconds = time.perf_counter() - started
        worst, most = np.sort(total)[::-1], np.sort(largest)[::-1]
        answer = {
            "seconds": seconds,
            "total": int(total.sum()),
            "aep250": int(worst[7]),
            "oep250": int(most[7]),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        print(json.dumps(answer), flush=True)


main()
