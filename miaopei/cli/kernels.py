"""`miaopei kernels`: compile the products' terms ahead of any event."""

from __future__ import annotations

from collections.abc import Sequence

from ..products.shelf import shelf
from ..settings import Language
from ..terms.canonical import meaning_hash
from ..wiring.kernels import kernels
from . import speak


def prepare(names: Sequence[str], *, as_json: bool, language: Language) -> int:
    """Every version of the named products, of all where none is named; what is ready is kept.

    Errors   Refused terms.no_product, kernels.no_numba.
    """
    speaker, ready = speak.Speaker(language), kernels()
    products = [shelf().find(name) for name in names] or list(shelf())
    said = []
    for product in products:
        for version in product.versions:
            for made in ready.prepare(version.terms):
                said.append(
                    {
                        "product": product.id,
                        "version": version.number,
                        "benefit": made.benefit,
                        "shape": str(made.shape),
                        "meaning": meaning_hash(version.terms),
                        "milliseconds": round(made.seconds * 1000),
                    }
                )
                if not as_json:
                    took = f"{made.seconds * 1000:,.0f} ms"
                    speak.out(f"{product.id}-{version.number} {made.benefit} {made.shape}: {took}")
    if as_json:
        speak.show_json(said)
    else:
        speak.note(speaker.text("kernels_ready", count=len(said), folder=str(ready.folder)))
    return 0
