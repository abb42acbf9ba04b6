"""What the facts on file say for one input of a product, at one block time.

`find` asks the measure that the input names. A person's resolution stands in for a held finding and
is named in it. Same answer whatever order facts were read in, wherever the contract lets it be.
"""

from __future__ import annotations

from .outcome import Closed, Context, Finding, Found, Gathered, Held, Waiting, sentence

__all__ = ["Closed", "Context", "Finding", "Found", "Gathered", "Held", "Waiting", "sentence"]
