"""Official place names: '云南大理州漾濞县', '云南昌宁', '老挝' -> the divisions they mean.

Names come from the filed areas (GB/T 2260); what lies outside their provinces is known only by
province or country. A name that could mean two places is unknown unless its province is printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from .area import AreaSet

# GB/T 2260: the short name of each province by the first two digits of its code.
_CODED = """
11北京 12天津 13河北 14山西 15内蒙古 21辽宁 22吉林 23黑龙江 31上海 32江苏 33浙江 34安徽
35福建 36江西 37山东 41河南 42湖北 43湖南 44广东 45广西 46海南 50重庆 51四川 52贵州
53云南 54西藏 61陕西 62甘肃 63青海 64宁夏 65新疆 71台湾 81香港 82澳门
"""
PROVINCES = {word[:2]: word[2:] for word in _CODED.split()}
_FULL = "省|市|回族自治区|壮族自治区|维吾尔自治区|自治区|特别行政区"
# Countries and seas that the Chinese catalogue prints, with no province before them.
ABROAD = (
    *("老挝", "缅甸", "越南", "泰国", "柬埔寨", "印度支那半岛", "印度", "孟加拉", "不丹", "尼泊尔"),
    *("巴基斯坦", "阿富汗", "塔吉克斯坦", "吉尔吉斯斯坦", "哈萨克斯坦", "乌兹别克斯坦", "俄罗斯"),
    *("蒙古", "朝鲜", "韩国", "日本", "菲律宾", "印尼", "马来西亚", "南海", "东海", "黄海"),
    *("中缅边境", "中老边境", "中越边境", "中印边境"),
)
_BORDER = re.compile(r"(?:交界|边境)(?:地区|处)?$")
KEPT = 4_096  # names that have been read and are kept at hand
_ENDS = ("县", "市", "区", "州", "旗")


@dataclass(frozen=True)
class Place:
    """What a name means: a prefecture and perhaps a county, or (both null) outside the areas."""

    prefecture: str | None
    county: str | None = None


OUTSIDE = Place(None)


@dataclass(frozen=True)
class Names:
    """The names of a set of areas."""

    areas: tuple[AreaSet, ...]

    @classmethod
    def of(cls, areas: Iterable[AreaSet]) -> Names:
        """In code order, whatever order the areas come in."""
        return cls(tuple(sorted(areas, key=lambda area: (area.set, area.code))))

    def find(self, text: str) -> tuple[Place, ...]:
        """The places that an official name means; empty where it is unknown or ambiguous.

        A border text ('关岭、贞丰交界') means each of its places, all of which must be known.
        """
        found = self._found.get(text)
        if found is None:
            if len(self._found) >= KEPT:
                self._found.clear()
            found = self._found[text] = self._find(text)
        return found

    @cached_property
    def _found(self) -> dict[str, tuple[Place, ...]]:
        return {}

    def _find(self, text: str) -> tuple[Place, ...]:
        plain = re.sub(r"[\x00-\x7f\s]+", "", text)
        parts = [plain]
        if _BORDER.search(plain) and not plain.startswith(ABROAD):
            parts = [p for p in re.split(r"[、，与和及]", _BORDER.sub("", plain)) if p]
        found: list[Place] = []
        province = ""
        for part in parts:
            named = _province(part)
            place = self._one(part if named else province + part)
            province = PROVINCES[named] if named else province
            if place is None:
                return ()
            found.append(place)
        return tuple(dict.fromkeys(found))

    def _one(self, text: str) -> Place | None:
        code = _province(text)
        if code is None:
            return OUTSIDE if text.startswith(ABROAD) else self._without_province(text)
        inside = [area for area in self.areas if area.code.startswith(code)]
        if not inside:
            return OUTSIDE
        rest = re.sub(f"^(?:{_FULL})", "", text.removeprefix(PROVINCES[code]))
        return _only(place for area in inside for place in _in_area(area, rest, all_names=True))

    def _without_province(self, text: str) -> Place | None:
        """A name with no province counts where it means no other place in China."""
        return _only(
            place for area in self.areas for place in _in_area(area, text, all_names=False)
        )


def _in_area(area: AreaSet, text: str, *, all_names: bool) -> Iterable[Place]:
    """The readings of a text as this prefecture, or one of its counties."""
    if text in (area.names if all_names else area.alone):
        yield Place(area.code)
    rests = [
        text.removeprefix(name) for name in area.names if text.startswith(name) and text != name
    ]
    for county in area.counties:
        if _means(county.names if all_names else county.alone, text) or any(
            _means(county.names, rest) for rest in rests
        ):
            yield Place(area.code, county.code)


def _means(names: Iterable[str], text: str) -> bool:
    """Equal to a name, or a name that ends in its kind (漾濞县) followed by a smaller place."""
    return any(text == n or (n.endswith(_ENDS) and text.startswith(n)) for n in names)


def _only(readings: Iterable[Place]) -> Place | None:
    """The one place that all readings agree on; where they share only a prefecture, that."""
    places = set(readings)
    if len(places) == 1:
        return places.pop()
    prefectures = {place.prefecture for place in places}
    return Place(prefectures.pop()) if len(prefectures) == 1 else None


def _province(text: str) -> str | None:
    return next((code for code, name in PROVINCES.items() if text.startswith(name)), None)
