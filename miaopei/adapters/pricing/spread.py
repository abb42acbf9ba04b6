"""The same block function in one process, in threads, or on Ray's workers: same bytes everywhere.

Ray listens on every network interface, whatever address it is told. So it is started here only
where this process can reach no network but itself (see `alone`), or joined where an operator runs a
cluster behind its own walls.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from ...errors import OutsideFault, Refusal, Refused

Shared = TypeVar("Shared")
Part = TypeVar("Part")
Result = TypeVar("Result")
TRIES = 5  # a block whose worker is lost is done again so often
STARTS = 4
AHEAD = 2  # blocks a worker that wait at Ray, so that no worker ever waits for us


class Engine(StrEnum):
    """Where blocks are worked on."""

    HERE = "here"
    THREADS = "threads"
    RAY = "ray"


def spread(
    function: Callable[[Shared, Part], Result],
    shared: Shared,
    parts: Sequence[Callable[[], Part]],
    *,
    engine: Engine,
    workers: int,
    address: str | None = None,
) -> Iterator[tuple[int, Result]]:
    """The results with the numbers of their parts, as they come; `shared` is handed out once.

    Parts are made when their turn comes, so a whole is never copied at once.
    Errors   what the function raises; OutsideFault where a part was lost five times;
             Refused pricing.ray_listens, pricing.no_ray.
    """
    if engine is Engine.RAY:
        with on_ray(workers, address) as session:
            yield from session.run(function, session.held(shared), parts)
    elif engine is Engine.THREADS and workers > 1:
        yield from _in_threads(function, shared, parts, workers)
    else:
        for number, part in enumerate(parts):
            yield number, function(shared, part())


def _in_threads(
    function: Callable[[Shared, Part], Result],
    shared: Shared,
    parts: Sequence[Callable[[], Part]],
    workers: int,
) -> Iterator[tuple[int, Result]]:
    with ThreadPoolExecutor(workers) as pool:
        yield from enumerate(pool.map(lambda part: function(shared, part()), parts))


class Session:
    """Ray's workers at hand: `held` puts a value where all of them see it, `run` works on parts."""

    def __init__(self, ray: Any, workers: int) -> None:
        self.ray, self.workers = ray, workers

    def held(self, value: object) -> Any:
        """A value that workers of one machine read without a copy."""
        return self.ray.put(value)

    def run(
        self,
        function: Callable[[Shared, Part], Result],
        held: Any,
        parts: Sequence[Callable[[], Part]],
    ) -> Iterator[tuple[int, Result]]:
        """Results as they come; a part whose worker is lost is done again by another.

        Errors   as `spread`.
        """
        ray, left = self.ray, list(enumerate(parts))[::-1]
        remote = ray.remote(max_retries=TRIES, num_cpus=1)(function)
        waiting: dict[Any, int] = {}
        while left or waiting:
            while left and len(waiting) < self.workers * AHEAD:
                number, part = left.pop()
                waiting[remote.remote(held, part())] = number
            (ready,), _ = ray.wait(list(waiting), num_returns=1)
            number = waiting.pop(ready)
            try:
                yield number, ray.get(ready)
            except ray.exceptions.RayTaskError as error:
                cause = error.cause
                raise cause if isinstance(cause, Refused) else error from None
            except ray.exceptions.RayError as error:
                what = f"Ray, block {number}: {type(error).__name__}"
                raise OutsideFault(what, retry=True) from None


@contextmanager
def on_ray(workers: int, address: str | None = None) -> Iterator[Session]:
    """Ray, started with so many workers or joined at an address; left as it was found.

    Errors   Refused pricing.ray_listens, pricing.no_ray.
    """
    if address is None and not alone():
        raise Refused(Refusal("pricing.ray_listens", {}))
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    try:
        import ray  # type: ignore[import-not-found,unused-ignore]  # an extra: it may be missing
    except ImportError:
        raise Refused(Refusal("pricing.no_ray", {})) from None
    given: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        given |= {"num_cpus": workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    else:
        given |= {"address": address}
    _start(ray, given)
    try:
        yield Session(ray, workers)
    finally:
        ray.shutdown()


def _start(ray: Any, given: dict[str, Any]) -> None:
    """Ray gives itself 30 seconds; a busy machine may need more, so it is asked again."""
    for turn in range(STARTS):
        try:
            ray.init(**given)
            return
        except Exception as error:  # noqa: BLE001 - Ray raises nothing narrower
            ray.shutdown()
            if turn + 1 == STARTS:
                raise OutsideFault(f"Ray: {error}"[:200], retry=True) from None


def alone() -> bool:
    """Whether this process reaches no network but itself: no interface is up other than lo."""
    for interface in Path("/sys/class/net").iterdir():
        try:
            up = int((interface / "flags").read_text("ascii"), 16) & 1
        except (OSError, ValueError):
            continue
        if up and interface.name != "lo":
            return False
    return True


def confine(arguments: Sequence[str]) -> int | None:
    """Run the command again where only lo exists; its exit code, or None where we are there.

    Errors   Refused pricing.ray_listens where the system does not allow it.
    """
    import subprocess

    if os.environ.get("MIAOPEI_ALONE") == "1" or alone():
        return None
    run = [sys.executable, "-m", "miaopei.adapters.pricing.confined", *arguments]
    answer = subprocess.run(run, check=False, env=os.environ | {"MIAOPEI_ALONE": "1"})
    if answer.returncode == REFUSED_BY_SYSTEM:
        raise Refused(Refusal("pricing.ray_listens", {}))
    return answer.returncode


REFUSED_BY_SYSTEM = 71
