"""A member's backup in one file, and back. It holds no key: `keys.json` is kept apart, and neither
the engine's key nor its file of what it has signed is ever in it.

A tar of the log's entries, the blobs as they are stored (sealed), and what is private to us sealed
for our own box key and signed by the key of our checkpoints.
"""

from .private import closed
from .restoring import Restored, check, restore
from .writing import write

__all__ = ["Restored", "check", "closed", "restore", "write"]
