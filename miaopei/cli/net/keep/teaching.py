"""What help shows beside the usage of these commands (see `commands.teaching`)."""

from __future__ import annotations

from collections.abc import Mapping

KEEPING: Mapping[str, tuple[str, str]] = {
    "net import": (
        "miaopei net import DIR --from var/demo",
        "让单成员记录继续为联盟：同一棵树，旧证明与回执照旧有效；此后原记录不再接受行为。",
    ),
    "net backup": (
        "miaopei net backup DIR insurer insurer.backup",
        "把一个成员的全部写入一个文件，直到其最后一个经认证的根；其中没有密钥。",
    ),
    "net snapshot": (
        "miaopei net snapshot DIR cloud record.snapshot",
        "把记录（不含任何私有内容）写入一个文件，其他成员可由此开始。",
    ),
    "net restore": (
        "miaopei net restore DIR insurer insurer.backup",
        "让一个成员由自己的备份或任何成员的快照重新开始，全部核对；引擎的签名记录保持原样，不在或是旧副本时什么也不做。",
    ),
    "net audit": (
        "miaopei net audit DIR insurer",
        "把一个成员所存的一切互相核对，引擎的每个区块也重新读取，指出不同之处的记录、字段与位置。",
    ),
}
