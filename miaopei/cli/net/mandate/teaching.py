"""What help shows beside the usage of this command (see `commands.teaching`)."""

from __future__ import annotations

from collections.abc import Mapping

MANDATE: Mapping[str, tuple[str, str]] = {
    "net mandate": (
        "miaopei net mandate DIR LISTING",
        "把付款所需交给挂牌的备用付款方：付给谁、付到哪个账户、经哪家银行；有变动时再执行一次。",
    ),
}
