"""A made-up book for measuring masses: every policy declares a sum, one carrier carries all."""

from __future__ import annotations

import json
import os
import random
from typing import Any

from miaopei.market.listing import Listing, Overpaid
from miaopei.market.placement import whole
from miaopei.measures.instant import HOUR, from_beijing
from miaopei.measures.money import wan, yuan
from miaopei.node.effects.decider import Decider
from miaopei.node.node import Node
from miaopei.node.scheme import Wanted, issue
from miaopei.terms import build as b
from miaopei.terms.filing import Product, Revision, Text, Version, input_rule
from miaopei.terms.words import Code, IfMissing, Kind

from .world import AREAS, member, source

OURS = b.source("测速用，自拟", "made up for measuring", dated="2026-01-01")
BOOK, AT_ONCE = "sums", 250_000
GROUPING = {
    "kind": "shocks", "threshold_tenths": 50, "hours": 72, "km": 50, "same_shock_seconds": 60,
    "same_shock_km": 100, "counted_types": ["Ms", "M"],
}  # fmt: skip


def sums() -> Product:
    """Pays the sum that a policy declares, within a band of magnitudes and a yearly limit."""
    said: dict[str, Any] = {"sources": ("cenc.rapid",), "if_missing": IfMissing.HOLD}
    role = b.observed_code(
        "role",
        (Code(0, "outside", "其他地区", "elsewhere"), Code(1, "own", "本地区", "the prefecture")),
        zh="震中位置", en="place of the epicentre", measure="shock.role", **said,
        definition_zh="主震震中是否在本地区。",
        definition_en="Whether the main shock's epicentre lies in the prefecture.",
    )  # fmt: skip
    magnitude = b.observed(
        "magnitude", Kind.MAGNITUDE, low=0, high=100, zh="震级", en="magnitude",
        measure="shock.magnitude", **said, definition_zh="主震震级。",
        definition_en="The magnitude of the main shock.",
    )  # fmt: skip
    year = b.figure("year", wan(40), Kind.MONEY, zh="年度限额", en="the limit", source=OURS)
    insured = b.declared(
        "insured", Kind.MONEY, low=1, high=wan(100), zh="保额", en="the sum insured"
    )
    band = b.clause(
        "band_limit",
        b.bands(magnitude, (0, 0), (50, wan(5)), (55, wan(10)), (60, wan(30)), source=OURS),
        zh="按{magnitude}所在的档。",
        en="By the band of the {magnitude}.",
    )
    rule = b.clause(
        "house_rule",
        b.either(b.one_of(role, "own"), b.least(insured, band), b.nothing()),
        zh="震中在本地区的，赔付{insured}，以{band_limit}为限。",
        en="For an epicentre in the prefecture, {insured}, at most {band_limit}.",
    )
    left = b.clause(
        "house_left",
        b.minus(year, b.spent("house", year)),
        zh="{year}减去本年度已赔。",
        en="What is left of {year}.",
    )
    house = b.clause(
        "house",
        b.least(rule, left),
        zh="{house_rule}，以{house_left}为限。",
        en="{house_rule}, at most {house_left}.",
    )
    area = json.loads((AREAS / "532900.json").read_text("utf-8"))
    rules = {"freeze_seconds": 12 * HOUR, "revision": Revision.FIRST_SETTLES}
    return Product(
        id="sums",
        name=Text("保额（测速）", "Sums (bench)"),
        peril="earthquake",
        versions=(Version(1, b.terms("sums", 1, house), 0, None, Text("自拟", "made up")),),
        grouping=GROUPING,
        area={"own": ["532900"], "surrounding": [], "cells": area["set"],
              "resolution": area["resolution"]},
        inputs=(input_rule(role, **rules), input_rule(magnitude, **rules)),
        benefits=("house",),
        illustrative=True,
        notes=Text("测速用。", "For measuring."),
    )  # fmt: skip


def list_sums(node: Node) -> None:
    """Sources, areas, product and listing; the carrier has an account."""
    key = node.identity.acts.public_key().public_bytes_raw().hex()
    node.accept("admit_member", "carrier", member("carrier"))
    for name in ("cenc.rapid", "cenc.catalogue"):
        node.accept("register_source", name, source(name, key))
    for file in sorted(AREAS.glob("53*.json")):
        node.accept("file_area", file.stem, json.loads(file.read_text("utf-8")))
    product = sums()
    node.accept("file_product", "product", {"product": product.as_json()})
    me = node.identity.member
    listing = Listing(
        BOOK, product.id, BOOK, whole("carrier"), me, None, (me,), 1, Overpaid.KEPT, None, solo=True
    )
    body = {"listing": listing.as_json(), "product": product.hash, "arrears": False}
    node.accept("list_product", "listing", body)
    with node.store.writing() as block:
        block.put_payee("carrier/carrier", {"account": "y", "name": "y"})


def put_policies(node: Node, decider: Decider, count: int) -> None:
    """Policies in force, in batches; no two sums are alike by design."""
    since, until = from_beijing("2015-08-20"), from_beijing("2025-08-20")
    chance = random.Random(7)
    for start in range(0, count, AT_ONCE):
        wanted = [
            Wanted(since, until, since, yuan(100), {"account": f"P{start + i}", "name": "某"},
                   {"insured": chance.randrange(yuan(1_000), wan(25))})
            for i in range(min(AT_ONCE, count - start))
        ]  # fmt: skip
        issue(node, BOOK, wanted, f"batch-{start}-{os.urandom(4).hex()}", decider.spread)
        decider.run()
