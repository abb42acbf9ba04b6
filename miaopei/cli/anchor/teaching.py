"""What help shows for these commands beside usage: an example, and in Chinese what they do."""

from __future__ import annotations

from collections.abc import Mapping

TAUGHT: Mapping[str, tuple[str, str]] = {
    "anchor install": (
        "miaopei anchor install",
        "用 npm 取得试用链 anvil，放入单独的目录，并核对 SHA-256。",
    ),
    "anchor chain": (
        "miaopei anchor chain --port 8545",
        "在本机运行试用链，直到 Ctrl-C；再次运行时从原处继续。",
    ),
    "anchor key": (
        "miaopei anchor key",
        "生成本成员在另一条链上的密钥（只一次），并显示地址。",
    ),
    "anchor deploy": (
        "miaopei anchor deploy --rpc URL --writer ADDRESS",
        "在链上部署合约，写明记录的来源摘要和有权写入的密钥。",
    ),
    "anchor join": (
        "miaopei anchor join --rpc URL --contract ADDRESS --since 12 --writer ADDRESS",
        "接入其他成员已部署的合约；先核对其代码与来源。",
    ),
    "anchor allow": (
        "miaopei anchor allow ADDRESS",
        "投票准许一个密钥写入；过半写入者同意后生效。",
    ),
    "anchor remove": (
        "miaopei anchor remove ADDRESS",
        "投票去掉一个密钥的写入权；它已锚定的内容不变。",
    ),
    "anchor start": (
        "miaopei anchor start --every 60",
        (
            "按序锚定已证实的检查点，直到 Ctrl-C；链中断期间未送出的，恢复后补送。任何一方被改动"
            "时以退出码 4 结束，在人查看之前不再锚定。"
        ),
    ),
    "anchor status": (
        "miaopei anchor status --json",
        "已锚定到哪里，还有什么待送；有待送时退出码为 1，有一方被改动时为 4。",
    ),
    "anchor check": (
        "miaopei anchor check --json",
        (
            "由全部叶子重新计算本记录，与每个锚点双向比对。0：两边一致；1：链上只缺待送的；4：有一方"
            "被改动，指出是哪一方、在哪个条目数。"
        ),
    ),
}
