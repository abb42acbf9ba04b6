"""What help shows for meters beside usage: an example, and in Chinese what a command does."""

from __future__ import annotations

from collections.abc import Mapping

METERS: Mapping[str, tuple[str, str]] = {
    "meters broker": (
        "miaopei meters broker --host 127.0.0.1 --port 8883 --data var/live",
        "运行 MQTT 服务器 Mosquitto，证书和访问规则由本程序生成，按 Ctrl-C 结束。",
    ),
    "meters admit": (
        "miaopei meters admit C-0574-01 --key HEX --into FOLDER",
        "登记一台集中器：认可其公钥，签发连接服务器的证书，并写明报文向谁密封。",
    ),
    "meters devices": (
        "miaopei meters devices --json",
        "各集中器：在线、失联、离线或从未上报，缺失和已失的序号。",
    ),
    "meters bind": (
        "miaopei meters bind readers.csv",
        "用 CSV（concentrator,customer,since）登记每台集中器抄读哪些用户；其他用户的读数不收。",
    ),
    "meters revoke": (
        "miaopei meters revoke C-0574-01 --from 2026-08-01T09:00:00+08:00",
        "吊销一台集中器的公钥和证书：此后来自它的一律不收。",
    ),
}
