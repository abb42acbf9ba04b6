"""Numbers as people read them, in zh and en: money, magnitudes, times. No words of terms."""

from __future__ import annotations

from typing import Literal

from ...measures.instant import beijing_text
from ...measures.money import FEN_A_LOSS_UNIT, FEN_A_WAN, FEN_A_YUAN
from ..words import Kind

Language = Literal["zh", "en"]
PPM_A_PERCENT = 10_000
METRES_A_KM = 1_000


def said(value: int, kind: Kind, language: Language) -> str:
    """A value with its unit; a code or a flag as a bare number or yes and no."""
    zh = language == "zh"
    match kind:
        case Kind.MONEY:
            return money(value, language)
        case Kind.LOSS:
            return money(value * FEN_A_LOSS_UNIT, language)
        case Kind.MAGNITUDE:
            return f"{_tenths(value)}级" if zh else _tenths(value)
        case Kind.RATIO:
            return f"{_trimmed(value, PPM_A_PERCENT)}%"
        case Kind.MINUTES:
            return minutes(value, language)
        case Kind.INSTANT:
            text = beijing_text(value * 60)[:16]
            return f"北京时间{text}" if zh else f"{text} Beijing time"
        case Kind.FLAG:
            return ("是" if value else "否") if zh else ("yes" if value else "no")
        case Kind.METRES:
            return f"{_trimmed(value, METRES_A_KM)}{'公里' if zh else ' km'}"
        case Kind.COUNT | Kind.CODE | Kind.PART:
            return f"{value:,}"


def money(fen: int, language: Language) -> str:
    """Chinese in 万元 where that is a short number, else in yuan; English in yuan."""
    sign, size = ("-" if fen < 0 else ""), abs(fen)
    if language == "zh" and size >= FEN_A_WAN and size % (FEN_A_WAN // 1000) == 0:
        return f"{sign}{_trimmed(size, FEN_A_WAN)}万元"
    unit = "元" if language == "zh" else " yuan"
    return f"{sign}{_trimmed(size, FEN_A_YUAN)}{unit}"


def minutes(value: int, language: Language) -> str:
    """Whole hours as hours, anything else as minutes."""
    if value and value % 60 == 0:
        hours = value // 60
        return f"{hours:,}小时" if language == "zh" else f"{hours:,} {_many('hour', hours)}"
    return f"{value:,}分钟" if language == "zh" else f"{value:,} {_many('minute', value)}"


def span(low: int | None, high: int | None, kind: Kind, language: Language) -> str:
    """A half-open step: '5.0级(含)至5.5级(不含)'. None: no end on that side."""
    zh = language == "zh"
    if low is None and high is None:
        return "全部" if zh else "all"
    if low is None:
        upper = said(high or 0, kind, language)
        return f"不满{upper}" if zh else f"below {upper}"
    lower = said(low, kind, language)
    if high is None:
        return f"{lower}（含）以上" if zh else f"{lower} and above"
    upper = said(high, kind, language)
    return (
        f"{lower}（含）至{upper}（不含）"
        if zh
        else f"from {lower} (included) to {upper} (not included)"
    )


def _many(noun: str, count: int) -> str:
    return noun if abs(count) == 1 else f"{noun}s"


def _tenths(value: int) -> str:
    return f"{'-' if value < 0 else ''}{abs(value) // 10}.{abs(value) % 10}"


def _trimmed(value: int, unit: int) -> str:
    """value / unit exactly, thousands set apart, no trailing zeros; unit a power of ten."""
    digits = len(str(unit)) - 1
    whole, rest = divmod(value, unit)
    fraction = str(rest).zfill(digits).rstrip("0")
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"
