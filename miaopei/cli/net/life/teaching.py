"""What help shows beside the usage of these commands (see `commands.teaching`)."""

from __future__ import annotations

from collections.abc import Mapping

LIVING: Mapping[str, tuple[str, str]] = {
    "net init": (
        "miaopei net init DIR --members 6 --replay",
        "为每个成员各建一个文件夹：创始、密钥和设置。",
    ),
    "net up": (
        "miaopei net up DIR --detach",
        "在本机启动所有成员，并显示实时表；按 Ctrl-C 全部停止。",
    ),
    "net status": (
        "miaopei net status DIR --json",
        "每个成员一行：角色、是否在线、高度、根、落后多少，以及其根是否与其他成员相同。",
    ),
    "net map": (
        "miaopei net map DIR --port 8430",
        "提供节点部署图：成员、角色、高度、最新摘要、落后多少，以及谁在说谎；实时。",
    ),
    "net down": (
        "miaopei net down DIR",
        "有序停止整个网络，或停止一个成员；被停的成员在修复前不再启动。",
    ),
    "net kill": (
        "miaopei net kill DIR insurer",
        "立即杀死成员的两个进程（SIGKILL）；监护进程会重新启动它们。",
    ),
    "net cut": (
        "miaopei net cut DIR insurer",
        "切断一个成员，直到修复：以 --apart 建立的网络切断网线，否则冻结其两个进程。",
    ),
    "net slow": (
        "miaopei net slow DIR insurer --kbit 256",
        "让一个成员发出的数据缓慢通过，直到修复（以 --apart 建立的网络）。",
    ),
    "net skew": (
        "miaopei net skew DIR insurer --seconds 3600",
        "把一个成员的时钟拨错，直到其节点重新启动。",
    ),
    "net heal": (
        "miaopei net heal DIR insurer",
        "让被切断、停止或杀死的成员继续；说谎者须加 --rebuild。",
    ),
    "net lie": (
        "miaopei net lie DIR insurer",
        "让一个成员从下一个区块起报出错误的根，如同损坏的成员所为。",
    ),
    "net demo": (
        "miaopei net demo DIR --json",
        (
            "在网络上回放 2015—2021 年：三方裁定，两份相同的即结案，由保险公司付款。加 outage"
            "则由六个成员各司其职演完 `demo outage` 的一天；同一网络可先地震后停电，不可反过来。"
        ),
    ),
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
        "换上席位的新密钥并重新启动；--key act 不停机更换行为密钥；中断后再次运行即可续行。",
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
    "net agree": (
        "miaopei net agree DIR notary 3f9c1b7a52d08e64b1c7f02d9a5e8346",
        "列出等待某成员同意的事项全文，或以所列编号前 32 位由它同意：挂牌只约束已同意者。",
    ),
    "net withdraw": (
        "miaopei net withdraw DIR notary 3f9c1b7a",
        "列出某成员已同意而尚未生效的事项，或以编号开头由它撤回同意。",
    ),
    "net reopen-round": (
        "miaopei net reopen-round DIR yunnan_dali --by notary",
        "裁定方未能一致的案件在排除故障后再裁定一轮。",
    ),
}
