"""What help shows beside the usage of these commands (see `commands.teaching`)."""

from __future__ import annotations

from collections.abc import Mapping

LIVING: Mapping[str, tuple[str, str]] = {
    "net join": (
        "miaopei net join DIR reinsurer --role carrier --power 1",
        "备好一个新成员并启动，由其他成员投票授予席位；未获席位前其他成员拒绝它。",
    ),
    "net approve": (
        "miaopei net approve DIR reinsurer --by insurer",
        "让成员对等待中的新成员表示同意；票数不足时退出码为 1。",
    ),
    "net leave": (
        "miaopei net leave DIR agent --reason 'its own wish'",
        "以投票撤销一个成员的席位并停止它；票数不足时退出码为 1。",
    ),
    "net seat": (
        "miaopei net seat DIR regulator --power 0",
        "以投票变更一个成员的票数：只读成员可获表决权，反之亦然。",
    ),
    "net rotate": (
        "miaopei net rotate DIR notary --key engine --key node",
        "为成员的席位换上新密钥并以其重新启动；中断后再次运行即可续行。",
    ),
    "net raise-rules": (
        "miaopei net raise-rules DIR --ahead 20",
        "以投票自某一高度起把记录的规则提升一级；每个成员的软件都须具备该规则。",
    ),
    "net pause": (
        "miaopei net pause DIR LISTING --by insurer --by regulator --reason TEXT --person NAME",
        "由两个成员暂停一个挂牌的销售；已生效的保单照常赔付。",
    ),
    "net resume": (
        "miaopei net resume DIR LISTING --by insurer --by regulator --reason TEXT --person NAME",
        "由两个成员恢复一个挂牌的销售。",
    ),
    "net reopen-round": (
        "miaopei net reopen-round DIR yunnan_dali --by notary",
        "裁定方未能一致的案件在排除故障后再裁定一轮。",
    ),
}
