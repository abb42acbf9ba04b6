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
    "member approve": (
        "miaopei member approve DIR reinsurer.seat.json",
        "本成员同意一个新成员（席位文件）或他人已提出的事项（wishes）；票数不足时退出码为 1。",
    ),
    "member wishes": (
        "miaopei member wishes DIR",
        "各成员已提出而票数尚不足的事项；以 approve 加上本成员的同意，以 withdraw 撤回。",
    ),
    "member withdraw": (
        "miaopei member withdraw DIR 3f9c1b7a",
        "撤回本成员对尚未生效事项（wishes）的同意；以后可再表示。",
    ),
    "member meet": (
        "miaopei member meet DIR notary.seat.json",
        "收下其他成员较新的席位文件：现在的地址和密钥。",
    ),
    "member move": (
        "miaopei member move DIR --engine HOST:26656 --blobs HOST:26657",
        "自此使用别的地址，并写出新的席位文件交给其他成员（meet）。",
    ),
    "member rotate": (
        "miaopei member rotate DIR --key engine",
        "为本成员的席位换上新密钥并以其运行，--key act 更换行为密钥；把新的席位文件交给其他成员。",
    ),
    "member leave": (
        "miaopei member leave DIR --reason 'its own wish'",
        "提出撤销本成员（或另一成员）的席位；其他成员同意后再运行一次，即停止已失席位的成员。",
    ),
    "member seat": (
        "miaopei member seat DIR regulator --power 0",
        "提出变更一个成员的票数；票数不足时退出码为 1。",
    ),
    "member raise-rules": (
        "miaopei member raise-rules DIR --ahead 1000",
        "提出自某一高度起适用下一规则集；届时每个成员的软件都须具备。",
    ),
    "member pause": (
        "miaopei member pause DIR LISTING --reason TEXT --person NAME",
        "表示暂停一个挂牌的销售；须两个成员各自表示。",
    ),
    "member resume": (
        "miaopei member resume DIR LISTING --reason TEXT --person NAME",
        "表示恢复一个挂牌的销售；须两个成员各自表示。",
    ),
    "member reopen-round": (
        "miaopei member reopen-round DIR yunnan_dali",
        "裁定方未能一致的案件在排除故障后再裁定一轮。",
    ),
    "member audit": (
        "miaopei member audit DIR",
        "把本成员所存的一切互相核对；有发现时退出码为 4。",
    ),
    "member backup": (
        "miaopei member backup DIR insurer.backup",
        "把本成员的全部写入一个文件；其中没有密钥。",
    ),
    "member snapshot": (
        "miaopei member snapshot DIR record.snapshot",
        "把记录（不含任何私有内容）写入一个文件，其他成员可由此开始。",
    ),
    "member restore": (
        "miaopei member restore DIR insurer.backup",
        "让本成员由自己的备份或任何成员的快照重新开始，全部核对。",
    ),
    "member carry": (
        "miaopei member carry DIR carry.json",
        "代另一成员送出它已签名而自己不能送出的行为。",
    ),
    "member rebuild": (
        "miaopei member rebuild DIR",
        "由引擎的区块重建本成员的数据库，用于与其他成员不一致时。",
    ),
    "member down": ("miaopei member down DIR", "有序停止本成员。"),
    "member map": (
        "miaopei member map DIR --port 8430",
        "以网页显示本成员所见的成员图：自己的现状，以及其他成员经网络的应答；仅限本机访问。",
    ),
    "member status": (
        "miaopei member status DIR --json",
        "本成员的现状，以及其他成员经网络的应答，每个成员一行。",
    ),
}
