"""The peers' environments, apart from ours: `python -m bench.environments [NAME ...]`.

Each is made from a lock under `bench/peers` (every version fixed, every file by its hash) in
`.bench-peers`, once; nothing of it enters our own environment. How a lock is written anew:

    .venv/bin/uv pip compile bench/peers/NAME.in --generate-hashes --only-binary :all: \
        --no-emit-index-url --no-header --no-annotate -o bench/peers/NAME.lock

(for `climada` with `--overrides bench/peers/climada.overrides`).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS, PLACE = ROOT / "bench" / "peers", ROOT / ".bench-peers"
NAMES = ("core", "rules", "oasis", "climada")


def python_of(name: str) -> Path:
    """The interpreter of one environment, which is made first where it is not there yet."""
    folder, lock = PLACE / name, LOCKS / f"{name}.lock"
    stamp, wanted = folder / "made-from", hashlib.sha256(lock.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return python
    uv = [str(Path(sys.executable).parent / "uv"), "-q"]
    print(f"peers: installing {name} into {folder.relative_to(ROOT)}", file=sys.stderr)
    subprocess.run([*uv, "venv", "--clear", "-p", sys.executable, str(folder)], check=True)
    sync = [*uv, "pip", "sync", "-p", str(python), "--require-hashes", str(lock)]
    subprocess.run(sync, check=True)
    if name == "climada":
        _without_gdal(folder)
    stamp.write_text(wanted, "utf-8")
    return python


def _without_gdal(folder: Path) -> None:
    """CLIMADA asks for GDAL's source package, which needs GDAL's headers; only its reading of night
    lights uses it. An empty module lets the rest be imported.
    """
    (package,) = folder.glob("lib/python3*/site-packages")
    osgeo = package / "osgeo"
    osgeo.mkdir(exist_ok=True)
    for module in ("__init__", "gdal", "ogr", "osr"):
        (osgeo / f"{module}.py").write_text("", "utf-8")


if __name__ == "__main__":
    for each in sys.argv[1:] or NAMES:
        print(python_of(each))
