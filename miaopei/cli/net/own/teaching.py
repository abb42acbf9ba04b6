"""What help shows beside the usage of these commands (see `commands.teaching`)."""

from __future__ import annotations

from collections.abc import Mapping

OWN: Mapping[str, tuple[str, str]] = {
    "member init": (
        (
            "miaopei member init DIR --id insurer --role carrier --role decider"
            " --engine insurer.example:26656 --blobs insurer.example:26657"
        ),
        "在本机生成一个成员的密钥，并写出交给其他成员的席位文件，其中没有秘密。",
    ),
    "member found": (
        "miaopei member found DIR insurer.seat.json cloud.seat.json ...",
        "以这些席位文件的成员创立记录；每个成员各自以相同的文件运行，启动前逐一核对摘要。",
    ),
    "member join": (
        "miaopei member join DIR genesis.json insurer.seat.json cloud.seat.json ...",
        "准备加入他人已创立的记录；席位须由他们以 approve 同意。",
    ),
    "member up": (
        "miaopei member up DIR --detach",
        "在看护进程之下启动本成员：数据库、节点和引擎；按 Ctrl-C 停止。",
    ),
    "member down": ("miaopei member down DIR", "有序停止本成员。"),
    "member status": (
        "miaopei member status DIR --json",
        "本成员的现状，以及其他成员经网络的应答，每个成员一行。",
    ),
}
