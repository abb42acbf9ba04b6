"""Pictures of prices, in Chinese and English, as SVG (glyphs as outlines) and PNG.

Same input, same SVG bytes: no dates, no random ids, and one font that comes with the extra `plots`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from math import floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Refusal
from ...errors.texts import Language, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WAN = 1_000_000  # fen
INK, SOFT, PAID, LOST = "#22303c", "#9aa5b1", "#c0392b", "#2f6690"
BARE = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # no line goes through these words
LANGUAGES: tuple[Language, ...] = ("zh", "en")
Draw = Callable[["Axes", Callable[..., str]], None]


def available() -> bool:
    """Whether the extra `plots` is installed."""
    return all(find_spec(name) is not None for name in ("matplotlib", "pylopdf_fonts_zh_cn"))


def exceedance(
    folder: Path, title: str, lines: Mapping[str, Sequence[tuple[int, int]]], years: int
) -> None:
    """curve.{zh,en}.{svg,png}: the loss reached in k of n years, by return period n / k."""

    def draw(axes: Axes, words: Callable[..., str]) -> None:
        styles = {"aep": (PAID, "-"), "oep": (LOST, "--")}
        for name, points in lines.items():
            colour, dash = styles[name]
            shown = [(years / rank, fen / WAN) for rank, fen in points if fen]
            if shown:
                periods, losses = zip((float(years), shown[0][1]), *shown, strict=True)
                axes.step(periods, losses, dash, where="pre", color=colour, lw=1.8,
                          label=words(f"curve_{name}"))  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlim(1, years)
        axes.set_ylim(bottom=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel(words("axis_period"))
        axes.set_ylabel(words("axis_loss"))
        axes.set_title(words("plot_curve", title=title, years=f"{years:,}"))
        axes.legend(frameon=False, loc="upper left")

    _both(folder, "curve", draw)


def payouts(folder: Path, name: str, title: str, events: Sequence[tuple[str, int]]) -> None:
    """NAME.{zh,en}.{svg,png}: a bar an event, by day, in 万元."""

    def draw(axes: Axes, words: Callable[..., str]) -> None:
        amounts = [fen / WAN for _, fen in events]
        axes.bar(range(len(events)), amounts, color=PAID, width=0.6)
        for at, amount in enumerate(amounts):
            axes.annotate(f"{amount:,.0f}", (at, amount), (0, 4), textcoords="offset points",
                          ha="center", fontsize=9)  # fmt: skip
        axes.set_xticks(range(len(events)), [day for day, _ in events], rotation=25, ha="right")
        axes.set_xlim(-0.7, max(len(events), 1) - 0.3)
        axes.margins(y=0.12)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_ylabel(words("axis_paid"))
        axes.set_title(words("plot_payouts", title=title))

    _both(folder, name, draw)


def payout_and_loss(folder: Path, pairs: Sequence[tuple[str, int, int, str]]) -> None:
    """basis.{zh,en}.{svg,png}: payout over assessed loss, both axes logarithmic, lines of equal
    ratio. `pairs`: (day, payout, loss, ratio in per cent), both above zero.
    """

    def draw(axes: Axes, words: Callable[..., str]) -> None:
        ordered = sorted(pairs, key=lambda pair: pair[2])
        losses = [loss / WAN for _, _, loss, _ in ordered]
        paid = [fen / WAN for _, fen, _, _ in ordered]
        (left, right), (low, high) = _decades(losses), _decades(paid)
        for share in (1.0, 0.1, 0.01):
            axes.plot([left, right], [left * share, right * share], color=SOFT, lw=0.8, zorder=1)
            end = min(right, high / share)
            axes.annotate(f"{share:.0%}", (end, end * share), (4, 3), color=SOFT, fontsize=9,
                          textcoords="offset points", annotation_clip=False)  # fmt: skip
        axes.scatter(losses, paid, color=PAID, s=36, zorder=3)
        for number, (day, _, _, ratio) in enumerate(ordered):
            above = number % 2 == 1  # neighbours stand on different sides
            axes.annotate(f"{day}\n{ratio} %", (losses[number], paid[number]),
                          (-6, 6) if above else (6, -6), textcoords="offset points", fontsize=8.5,
                          ha="right" if above else "left", va="bottom" if above else "top",
                          bbox=BARE, zorder=2)  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(left, right)
        axes.set_ylim(low, high)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel(words("axis_assessed"))
        axes.set_ylabel(words("axis_paid"))
        axes.set_title(words("plot_basis"))

    _both(folder, "basis", draw)


def _decades(amounts: Sequence[float]) -> tuple[float, float]:
    """The powers of ten around amounts, with room for a label at the lower end."""
    given = amounts or [1.0]
    return 10.0 ** floor(log10(min(given) / 2)), 10.0 ** (floor(log10(max(given))) + 1)


def _both(folder: Path, name: str, draw: Draw) -> None:
    """One picture in both languages and both forms."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    for language in LANGUAGES:

        def words(text: str, *, language: Language = language, **facts: str) -> str:
            return say(Refusal(f"pricing.{text}", facts), language)

        with rc_context(_style()):  # type: ignore[arg-type]  # its keys are a list of literals
            figure = Figure(figsize=(7.2, 4.2), layout="constrained")
            FigureCanvasAgg(figure)
            draw(figure.add_subplot(), words)
            path = folder / f"{name}.{language}"
            figure.savefig(path.with_name(path.name + ".svg"), metadata={"Date": None})
            figure.savefig(path.with_name(path.name + ".png"), dpi=150, metadata={"Software": None})


@cache
def _style() -> dict[str, Any]:
    """Quiet axes, and a font that has both languages."""
    import pylopdf_fonts_zh_cn  # type: ignore[import-untyped,unused-ignore]  # ships no types
    from matplotlib import font_manager

    path = Path(pylopdf_fonts_zh_cn.__file__).parent / "NotoSansSC-Regular.otf"
    font_manager.fontManager.addfont(path)
    family = font_manager.FontProperties(fname=path).get_name()
    return {
        "font.family": family,
        "font.size": 10,
        "axes.titlesize": 11.5,
        "axes.titlelocation": "left",
        "axes.edgecolor": SOFT,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e4e7eb",
        "axes.unicode_minus": False,
        "svg.hashsalt": "miaopei",
        "svg.fonttype": "path",
    }
