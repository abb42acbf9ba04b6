"""What help shows beside the usage of these commands (see `commands.teaching`)."""

from __future__ import annotations

from collections.abc import Mapping

KEEPING: Mapping[str, tuple[str, str]] = {
    "net import": (
        "miaopei net import DIR --from var/demo",
        "让单成员记录继续为联盟：同一棵树，旧证明与回执照旧有效；此后原记录不再接受行为。",
    ),
    "net audit": (
        "miaopei net audit DIR insurer",
        "把一个成员所存的一切互相核对，引擎的每个区块也重新读取，指出不同之处的记录、字段与位置。",
    ),
}
