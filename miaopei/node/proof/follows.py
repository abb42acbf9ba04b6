"""Which notes of progress follow from the log, and are made again as it is applied again.

All others stay whatever happens to the record: what was written down before it was sent, what came
from outside, and what was done that cannot be undone. `tests/test_house.py` knows each by name.
A name that ends with a stroke stands for all that begin so.
"""

from __future__ import annotations

from ..effects.keeper import CLAIMS_UPTO, ROWS_UPTO
from ..fetching.missing import KEYLESS, LACKING, UPTO
from ..granted.asking import KEYS
from ..granted.wrapping import WRAPPED
from ..mass.schedules import SCHEDULE
from ..order import behind
from . import given

# How far the record was looked through: forgotten also where only its last blocks are given up.
LOOKED_THROUGH = (ROWS_UPTO, CLAIMS_UPTO, UPTO, LACKING, KEYLESS, KEYS, WRAPPED, SCHEDULE)
FOLLOWS = (*LOOKED_THROUGH, given.PROGRESS, behind.PROGRESS)
