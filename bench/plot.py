"""A picture of rows beside their aims: `python -m bench.plot ROWS.json PICTURE.svg` (or .png).

A bar reaches right of the line where an aim is met, and says by how much.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MET, MISSED = "#2f6690", "#c0392b"


def share(row: dict[str, Any]) -> float | None:
    """How many times over an aim is met: the aim over the value where less is better, or the other
    way round; None where there is no aim, or where nought is aimed at."""
    words = str(row["aim"]).replace(",", "").split()
    if len(words) < 2 or words[0] not in {"<=", ">="} or not row["value"]:
        return None
    aim = float(words[1])
    if not aim:
        return None
    return aim / row["value"] if words[0] == "<=" else row["value"] / aim


def draw(rows: list[dict[str, Any]], file: Path) -> None:
    """One bar a row that has an aim."""
    import matplotlib as mpl

    mpl.use("svg" if file.suffix == ".svg" else "agg")
    mpl.rcParams |= {"svg.hashsalt": "bench", "font.size": 9}
    from matplotlib import pyplot as plt

    shown = [(row, met) for row in reversed(rows) if (met := share(row)) is not None]
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(shown) + 1.2), layout="constrained")
    names = [f"{row['id']}  {row['value']:.3g} {row['unit']} ({row['aim']})" for row, _ in shown]
    axes.barh(names, [met - 1 for _, met in shown], left=1,
              color=[MET if met >= 1 else MISSED for _, met in shown])  # fmt: skip
    axes.axvline(1, color="#22303c", lw=1)
    axes.set_xscale("log")
    axes.set_xlabel("times the aim (right of the line: met)")
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2]))
