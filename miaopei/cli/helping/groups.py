"""What help says of the program and of each group of commands, English text -> Chinese."""

from __future__ import annotations

from collections.abc import Mapping

PROGRAM = (
    "秒赔 Miaopei：自动赔付、可以证明的保险。\n\n"
    "从 `miaopei demo` 开始：启动真实的 PostgreSQL 和沙箱银行，用 2015—2021 年中国地震目录回放两款"
    "云南地震指数保险，应赔的赔付，并留下任何人都能用 `miaopei verify` 核验的回执。\n\n"
    "各命令用 `--help` 查看说明；`--lang en` 显示英文，也可设 `MIAOPEI_LANG` 或 `LANG`。\n\n"
    "退出码：0 成功；1 被拒绝或未通过核验；2 用法有误；3 外部故障，可重试；"
    "4 告警：记录与应有的不符。"
)

GROUPS: Mapping[str, str] = {
    "The engine that several members share (CometBFT).": "多成员共用的引擎（CometBFT）。",
    "Several members, one record: made, brought up, watched, hurt and healed.": (
        "多个成员，一份记录：建立、运行、查看、施加故障与恢复。"
    ),
    "One member of a consortium, on a machine of its own.": "联盟的一个成员，在自己的机器上。",
    "Checkpoints on a second ledger (an EVM chain), and both sides compared.": (
        "把检查点锚定到另一条链（EVM）上，并对照两边。"
    ),
    "Meters over MQTT 5: the broker, the concentrators that may speak, and how they stand.": (
        "经 MQTT 5 的电表：服务器、获准上报的集中器及其现状。"
    ),
    "What a record adds up to: premium and claims, reliability of supply, complaints.": (
        "一份记录的汇总：保费与赔款、供电可靠性、投诉。"
    ),
    "Data calls and compute rent: rates, claim models, invoices, disputes.": (
        "数据调用与算力租金：费率、理赔模型、账单、争议。"
    ),
    "Money that comes in: premium, and what was paid too much and comes back.": (
        "到账的款项：保费，以及退回的多付赔款。"
    ),
    "Persons: consents, grants, uses, export, erasure.": (
        "个人信息：授权、权限、使用记录、导出、删除。"
    ),
    "Selling: offers, applications, premium, policies and their changes.": (
        "销售：承保方案、投保、保费、保单及其变更。"
    ),
    "The products' terms: words, hashes, checks.": "产品条款：条文、摘要、检查。",
    "Terms compiled ahead of any event, for large books.": "为大型保单簿事先编译条款。",
    "Facts: files of earthquakes, losses, deaths; the two systems of a grid.": (
        "事实：地震、损失、死亡的文件；电网的两个系统。"
    ),
}
