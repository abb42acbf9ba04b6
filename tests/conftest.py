"""What every test may use: settings of Hypothesis, and a clean end when the run is told to stop."""

from __future__ import annotations

import os
import signal
from typing import NoReturn

from hypothesis import HealthCheck, settings

# The same examples on every run: a failure on one machine is a failure on all. MIAOPEI_SEARCH=1
# looks for new ones instead.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "search", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("search" if os.environ.get("MIAOPEI_SEARCH") else "ci")


def _stop(number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt(f"signal {number}")


# Told to stop from outside, fixtures still put away what they started (servers above all).
signal.signal(signal.SIGTERM, _stop)
