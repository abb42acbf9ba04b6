"""Kernels written by hand, for nothing but comparison: what a specialist would write for A, B and
the delay cover. They live here only; no product has one."""

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")  # the others do not survive a fork

import numba as nb
import numpy as np

CHUNK = 65_536


@nb.njit(parallel=True, nogil=True)
def quake(x, y, z, since, until, plan, insured, event_limit, year_limit, spent,
          cx, cy, cz, day, edges, table, places, amounts, counts):  # fmt: skip
    """A: `edges` are products by ring, `table` basis points by plan and ring for the magnitude."""
    rows, last = len(x), edges[len(edges) - 1]
    for c in nb.prange(len(counts)):
        w = c * CHUNK
        for i in range(c * CHUNK, min(rows, (c + 1) * CHUNK)):
            dot = np.int64(x[i]) * cx + np.int64(y[i]) * cy + np.int64(z[i]) * cz
            if dot < last or since[i] > day or until[i] <= day:
                continue
            ring = 0
            while dot < edges[ring]:
                ring += 1
            pay = (insured[i] * table[plan[i], ring] + 5_000) // 10_000
            pay = min(min(pay, event_limit[i]), max(year_limit[i] - spent[i], 0))
            if pay > 0:
                places[w] = i
                amounts[w] = pay
                w += 1
        counts[c] = w - c * CHUNK


@nb.njit(parallel=True, nogil=True)
def wind(years, events, policy, intensity, plan, insured, event_limit, year_limit, thresholds,
         table, spent, by_event):  # fmt: skip
    """B: `spent` is a row of zeros a part, one entry a policy."""
    parts, count = len(spent), len(years) - 1
    for part in nb.prange(parts):
        own = spent[part]
        for y in range(part * count // parts, (part + 1) * count // parts):
            for e in range(years[y], years[y + 1]):
                total = np.int64(0)
                for j in range(events[e], events[e + 1]):
                    if intensity[j] < thresholds[0]:
                        continue
                    step = 0
                    while step + 1 < len(thresholds) and intensity[j] >= thresholds[step + 1]:
                        step += 1
                    p = policy[j]
                    pay = (insured[p] * table[plan[p], step] + 5_000) // 10_000
                    pay = min(min(pay, event_limit[p]), max(year_limit[p] - own[p], 0))
                    own[p] += pay
                    total += pay
                by_event[e] = total
            for j in range(events[years[y]], events[years[y + 1]]):
                own[policy[j]] = 0


@nb.njit(parallel=True, nogil=True)
def delay(planned, actual, excluded, deductible, limit, spent, amounts):
    """The delay cover: started hours in three tiers, a limit an occurrence and one a year."""
    for i in nb.prange(len(amounts)):
        hours = (max(actual - planned - deductible[i], 0) + 59) // 60
        pay = min(hours, 4) * 5_000 + max(min(hours, 12) - 4, 0) * 8_000
        pay += max(hours - 12, 0) * 12_000
        pay = 0 if excluded else min(pay, limit[i])
        amounts[i] = min(pay, 20_000_000 - spent[i])


@nb.njit(parallel=True, nogil=True)
def read(columns):
    """The sum of an array far larger than any cache: how fast memory can be read."""
    total = np.int64(0)
    for i in nb.prange(len(columns)):
        total += columns[i]
    return total
