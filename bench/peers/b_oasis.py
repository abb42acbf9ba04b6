"""Workload B by OasisLMF's own chain, in its environment: `python b_oasis.py NUMBERS.npz FOLDER`.

The deterministic case: one sample, no yearly limit (its terms have none), float32. Inputs, the
structure files and its numba caches are made before the timed runs. The same protocol as b_peer.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from oasislmf.pytools.common import data as oasis
from oasislmf.pytools.getmodel.common import Event_dtype, EventIndexBin_dtype, FootprintHeader

Z, RUN = dict(np.load(sys.argv[1])), Path(sys.argv[2])
YEARS, EVENTS, POLICIES, PROCESSES = 2_000, 10_000, 100_000, 2
THRESHOLDS = np.array((2_500, 3_300, 4_300, 5_000, 5_800, 7_000))


def write(path, dtype, count, **columns):
    rows = np.zeros(count, dtype)
    for name, values in columns.items():
        rows[name] = values
    rows.tofile(RUN / path)


def prepare():
    shutil.rmtree(RUN, ignore_errors=True)
    for name in ("input", "static", "work/il_S1", "out"):
        (RUN / name).mkdir(parents=True)
    i, n = np.arange(1, POLICIES + 1), POLICIES
    write(
        "input/items.bin",
        oasis.items_dtype,
        n,
        item_id=i,
        coverage_id=i,
        areaperil_id=i,
        vulnerability_id=Z["product"] + 1,
        group_id=i,
    )
    write("input/correlations.bin", oasis.correlations_dtype, n, item_id=i, hazard_group_id=i)
    (Z["si"] / 100.0).astype(oasis.oasis_float).tofile(RUN / "input/coverages.bin")
    write(
        "input/fm_programme.bin",
        oasis.fm_programme_dtype,
        n,
        from_agg_id=i,
        level_id=1,
        to_agg_id=i,
    )
    write(
        "input/fm_policytc.bin",
        oasis.fm_policytc_dtype,
        n,
        level_id=1,
        agg_id=i,
        layer_id=1,
        profile_id=i,
    )
    write(
        "input/fm_profile.bin",
        oasis.fm_profile_dtype,
        n,
        profile_id=i,
        calcrule_id=14,
        limit1=Z["event_limit"] / 100.0,
        share1=1,
    )
    write("input/fm_xref.bin", oasis.fm_xref_dtype, n, output=i, agg_id=i, layer_id=1)
    write(
        "input/fmsummaryxref.bin",
        oasis.fm_summary_xref_dtype,
        n,
        output=i,
        summary_id=1,
        summaryset_id=1,
    )
    number = oasis.oasis_int
    write(
        "input/fm_summary_map.bin",
        np.dtype([("loc_id", number), ("item_id", number), ("building_id", number)]),
        n,
        loc_id=i,
        item_id=i,
        building_id=1,
    )
    np.arange(1, EVENTS + 1, dtype="i4").tofile(RUN / "input/events.bin")
    when = np.zeros(EVENTS, [("event_id", "i4"), ("period_no", "i4"), ("occ_date_id", "i4")])
    when["event_id"], when["period_no"] = np.arange(1, EVENTS + 1), Z["year"] + 1
    when["occ_date_id"] = 700000
    (RUN / "input/occurrence.bin").write_bytes(
        np.array([1, YEARS], "i4").tobytes() + when.tobytes()
    )
    periods = np.array([1000, 500, 250, 200, 100, 50, 25, 10, 5, 2], "i4")
    periods.tofile(RUN / "input/returnperiods.bin")
    shares = np.unique(Z["step"])
    write(
        "static/damage_bin_dict.bin",
        oasis.damagebin_dtype,
        len(shares),
        bin_index=np.arange(1, len(shares) + 1),
        bin_from=shares / 1e4,
        bin_to=shares / 1e4,
        interpolation=shares / 1e4,
    )
    product, tier = np.meshgrid(np.arange(16), np.arange(7), indexing="ij")
    rows = np.zeros(112, oasis.vulnerability_dtype)
    rows["vulnerability_id"], rows["intensity_bin_id"] = product.ravel() + 1, tier.ravel() + 1
    rows["damage_bin_id"] = np.searchsorted(shares, Z["step"].ravel()) + 1
    rows["probability"] = 1
    head = np.array([len(shares)], "i4").tobytes()
    (RUN / "static/vulnerability.bin").write_bytes(head + rows.tobytes())
    tier = np.searchsorted(THRESHOLDS, Z["speed"], "right")
    print_ = np.zeros(len(tier), Event_dtype)
    print_["areaperil_id"], print_["intensity_bin_id"] = Z["policy"] + 1, tier + 1
    print_["probability"] = 1
    header = np.zeros(1, FootprintHeader)
    header["num_intensity_bins"] = 7
    (RUN / "static/footprint.bin").write_bytes(header.tobytes() + print_.tobytes())
    index = np.zeros(EVENTS, EventIndexBin_dtype)
    index["event_id"] = np.arange(1, EVENTS + 1)
    index["offset"] = header.nbytes + Z["first"][:-1] * Event_dtype.itemsize
    index["size"] = np.diff(Z["first"]) * Event_dtype.itemsize
    index.tofile(RUN / "static/footprint.idx")


def shell(line):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-ec", line],
        cwd=RUN,
        check=True,
        env=os.environ | {"PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def chain():
    shutil.rmtree(RUN / "work/il_S1", ignore_errors=True)
    (RUN / "work/il_S1").mkdir(parents=True)
    one = (
        "( evepy {p} {n} | gulmc -S0 -a0 | fmpy -a2 | summarypy -m -t il -1 "
        'work/il_S1/P{p}.bin ) & pids="$pids $!";'
    )
    started = "".join(one.format(p=p, n=PROCESSES) for p in range(1, PROCESSES + 1))
    shell(
        f'pids=""; {started} for q in $pids; do wait $q; done;'
        " lecpy -K il_S1 -r -F -f -O out/ept.csv"
    )


def oep250():
    """EPCalc 1, EPType 1 (OEP) at 250 years, in cents."""
    with (RUN / "out/ept.csv").open() as file:
        for row in csv.DictReader(file):
            kind = (row["EPCalc"], row["EPType"], float(row["ReturnPeriod"]))
            if kind[1:] == ("1", 250.0):
                return round(float(row["Loss"]) * 100)
    return None


def main():
    prepare()
    shell(
        "fmpy -a2 --create-financial-structure-files -p input;"
        " summarypy --create-summarypy-files -t il -p input"
    )
    chain()
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        chain()
        seconds = time.perf_counter() - started
        answer = {"seconds": seconds, "total": None, "aep250": None, "oep250": oep250()}
        print(json.dumps(answer), flush=True)


main()
