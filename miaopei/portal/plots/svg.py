"""Elements of SVG as escaped text, and labels that keep out of each other's way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

LETTER, WIDE_LETTER, LINE = 6.6, 12.4, 15.0  # rough widths and height of text of 12 px

Box = tuple[float, float, float, float]


def tag(name: str, *inside: object, **attributes: object) -> Markup:
    """One element. `class_` gives class, `stroke_width` gives stroke-width; numbers are cut."""
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _short(value))
        for key, value in attributes.items()
        if value is not None
    )
    body = Markup("").join(escape(part) for part in inside)
    return Markup("<{0}{1}>{2}</{0}>").format(name, given, body)


def drawing(width: float, height: float, title: str, parts: Iterable[Markup]) -> Markup:
    """A whole picture with a name for those who do not see it."""
    return tag(
        "svg",
        *parts,
        class_="plot",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        aria_label=title,
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def dot(x: float, y: float, r: float, class_: str) -> Markup:
    """A round mark."""
    return tag("circle", cx=x, cy=y, r=r, class_=class_)


def words(x: float, y: float, said: str, anchor: str = "start", class_: str = "") -> Markup:
    """A line of text."""
    return tag("text", said, x=x, y=y, text_anchor=anchor, class_=class_ or None)


def width_of(said: str) -> float:
    """About how wide a text of 12 px is."""
    return sum(WIDE_LETTER if ord(letter) > 0x2E7F else LETTER for letter in said)


@dataclass
class Labels:
    """Places labels beside points, in the first place that is free and inside the picture."""

    left: float
    right: float
    bottom: float
    taken: list[Box]

    def put(self, x: float, y: float, said: str, class_: str = "", gap: float = 9) -> Markup:
        """A label beside a point; where no place is free it stands on the right."""
        long = width_of(said)
        tries = (
            ("start", x + gap, y + 4, x + gap),
            ("end", x - gap, y + 4, x - gap - long),
            ("middle", x, y - gap - 2, x - long / 2),
            ("middle", x, y + gap + 11, x - long / 2),
        )
        for anchor, at, base, left in tries:
            box = (left, base - 12, left + long, base + 3)
            if self._free(box):
                self.taken.append(box)
                return words(at, base, said, anchor, class_)
        anchor, at, base, left = tries[0]
        self.taken.append((left, base - 12, left + long, base + 3))
        return words(at, base, said, anchor, class_)

    def middle(self, x: float, y: float, said: str, class_: str = "") -> Markup | None:
        """A label over a point, or a line above or below it; None where no place is free."""
        long = width_of(said)
        for down in (4, -LINE, LINE + 8):
            box = (x - long / 2, y + down - 12, x + long / 2, y + down + 3)
            if self._free(box):
                self.taken.append(box)
                return words(x, y + down, said, "middle", class_)
        return None

    def _free(self, box: Box) -> bool:
        left, top, right, bottom = box
        if left < self.left or top < 2 or right > self.right or bottom > self.bottom:
            return False
        return all(right < a or left > c or bottom < b or top > d for a, b, c, d in self.taken)


def _short(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
