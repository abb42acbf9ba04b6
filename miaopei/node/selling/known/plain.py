"""A name or number as it is compared: so that spelling hides nobody.

Left out: case, width, spaces, punctuation, accents, what nobody sees. Traditional characters become
simplified ones, and letters of other scripts that look like Latin ones become those.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from opencc import OpenCC

# Capital and small letters that look alike, each beside its Latin look (Unicode TR 39, the letters
# of Cyrillic and Greek that stand alone for Latin ones).
CYRILLIC = (
    (
        "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421"
        "\u0422\u0423\u0425\u04ae\u051a\u051c\u04ba\u0430\u0432\u0435\u0455\u0456"
        "\u0458\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u04af\u051b"
        "\u051d\u04bb\u0501\u04cf"
    ),
    "ABESIJKMHOPCTYXYQWHabesijkmhopctyxyqwhdl",
)
GREEK = (
    (
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4"
        "\u03a5\u03a7\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5"
        "\u03c7"
    ),
    "ABEZHIKMNOPTYXabeikvoptux",
)
LOOKS = str.maketrans(CYRILLIC[0] + GREEK[0], CYRILLIC[1] + GREEK[1])


def plain(text: str) -> str:
    """What is compared of a text: letters and digits; empty where there are none."""
    wide = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode("utf-8"))
    parts = unicodedata.normalize("NFKD", _simplified().convert(wide))
    kept = (each for each in parts.translate(LOOKS) if unicodedata.category(each)[0] in "LN")
    return "".join(kept).casefold()


@cache
def _simplified() -> OpenCC:
    return OpenCC("t2s")
