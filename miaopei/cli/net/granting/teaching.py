"""What help shows beside the usage of these commands (see `commands.teaching`)."""

from __future__ import annotations

from collections.abc import Mapping

GRANTING: Mapping[str, tuple[str, str]] = {
    "member grant": (
        "miaopei member grant DIR LISTING --to regulator --purpose audit --until DATE",
        "授予另一成员查阅本成员挂牌保单簿的权限，写明目的和期限，记录在案。",
    ),
    "member end-grant": (
        "miaopei member end-grant DIR --to regulator --purpose supervision",
        "收回本成员授予的这样的权限：此后新增的内容不再对其打开。",
    ),
    "member grants": (
        "miaopei member grants DIR --json",
        "谁可为何目的查阅谁的保单簿、到何时为止，以及每一次使用。",
    ),
    "member recompute": (
        "miaopei member recompute DIR --all",
        "在本成员自己的副本上以精确解读重算结案：相同，或指出首个不同的保单（退出码 4）。",
    ),
    "net grant": (
        "miaopei net grant DIR LISTING --from insurer --to regulator --purpose audit --until DATE",
        "授予一个成员查阅挂牌保单簿的权限，写明目的和期限，记录在案。",
    ),
    "net end-grant": (
        "miaopei net end-grant DIR --from insurer --to regulator --purpose supervision",
        "收回这样的权限：此后新增的内容不再对其打开；已读的仍是已读。",
    ),
    "net grants": (
        "miaopei net grants DIR --json",
        "谁可为何目的查阅谁的保单簿、到何时为止，以及每一次使用。",
    ),
    "net recompute": (
        "miaopei net recompute DIR regulator --all",
        (
            "在一个成员自己的副本上以精确解读重算结案：相同，或指出首个不同的保单，并给出双方的"
            "计算过程（退出码 4）。"
        ),
    ),
}
