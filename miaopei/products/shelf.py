"""The shelf: every product of the package, and those that a caller adds, each one file.

A product is a module here with a PRODUCT, or a JSON file in a folder that the caller hands in. All
are checked as they are put on the shelf. Which product is sold to whom is the market's affair.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.resources.abc import Traversable
from types import ModuleType

from ..errors import Refusal, Refused
from ..terms.check import check_file
from ..terms.filing import Product, Version


class Shelf:
    """Products by id, by the hash of a filing, by the instant of an occurrence."""

    def __init__(self, products: Iterable[Product]) -> None:
        """Errors   Refused with every fault of every product, or terms.product_twice."""
        faults: list[Refusal] = []
        self._by_id: dict[str, Product] = {}
        for product in products:
            faults += product.check()
            if self._by_id.setdefault(product.id, product) != product:
                faults.append(Refusal("terms.product_twice", {"product": product.id}))
        if faults:
            raise Refused(*faults)

    def __iter__(self) -> Iterator[Product]:
        return iter(sorted(self._by_id.values(), key=lambda product: product.id))

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, id: str) -> Product:
        """One product by its id; Refused terms.no_product."""
        if id not in self._by_id:
            raise Refused(Refusal("terms.no_product", {"product": id[:64]}))
        return self._by_id[id]

    def at(self, id: str, instant: int) -> Version | None:
        """The version of a product in force at an instant (UTC seconds), or None."""
        return self.find(id).version_at(instant)


def shelf(*modules: ModuleType, folder: Traversable | None = None) -> Shelf:
    """The package's products, with those of further modules and of a folder of JSON files.

    Errors   Refused with every fault of what is added.
    """
    own = _own()
    added = [module.PRODUCT for module in modules]
    if folder is not None:
        added += _of_folder(folder)
    return Shelf((*own, *added)) if added else own


@cache
def _own() -> Shelf:
    package = import_module(__package__ or "")
    names = (found.name for found in pkgutil.iter_modules(package.__path__))
    modules = (import_module(f".{name}", __package__) for name in names if name != "shelf")
    return Shelf(module.PRODUCT for module in modules if hasattr(module, "PRODUCT"))


def _of_folder(folder: Traversable) -> list[Product]:
    """Every product of a folder; a file of another shape is refused, not passed over."""
    found: list[Product] = []
    faults: list[Refusal] = []
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".json"):
            continue
        data = file.read_bytes()
        refusals = check_file(data)
        faults += [Refusal(r.code, {**r.facts, "file": file.name}) for r in refusals]
        if not refusals:
            found.append(Product.from_json(json.loads(data)))
    if faults:
        raise Refused(*faults)
    return found
