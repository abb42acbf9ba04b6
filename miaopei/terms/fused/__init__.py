"""Terms as the text of one fused loop over rows: whole numbers, refusals by number.

`cases`, `cells` and `writing` write words, `rule` what one row is owed, `loops` the loops around
it. What is written is plain Python over 64-bit integers; an adapter compiles it. No text of the
terms enters it: inputs are numbered, so nothing that is filed can become code.
"""

from ...measures.place import threshold
from .asked import Input, guard, reach
from .loops import REFUSED, SPAN, Argument, Loop, Shape, dtype_of, loop
from .rule import Rule, write
from .writing import Reason

__all__ = [
    "REFUSED", "SPAN", "Argument", "Input", "Loop", "Reason", "Rule", "Shape", "dtype_of", "guard",
    "loop", "reach", "threshold", "write",
]  # fmt: skip
