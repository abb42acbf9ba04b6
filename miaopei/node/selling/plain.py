"""A name or number as it is compared: so that spelling hides nobody."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """Without case, width and spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
