"""What help shows beside usage: an example for each command, and in Chinese what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import typer
from typer.models import CommandInfo

from ...settings import Language
from ..anchor.teaching import TAUGHT as ANCHOR
from ..net.granting.teaching import GRANTING
from ..net.keep.teaching import KEEPING
from ..net.life.teaching import LIVING
from ..net.mandate.teaching import MANDATE
from ..net.own.teaching import OWN
from ..outage.teaching import METERS

# Command: an example, and what it does in Chinese; in English the command itself says it.
TAUGHT: Mapping[str, tuple[str, str]] = {
    **ANCHOR,
    "demo": (
        "miaopei demo --once --json register.json",
        (
            "回放 2015—2021 年：真实地震自动赔付，并留下回执。再次运行会在同一目录重新开始；结束"
            "后不留任何进程。"
        ),
    ),
    "replay": (
        "miaopei replay catalogue.csv --product yunnan_dali --terms 1 --what-if",
        (
            "用任何一份地震目录试算任何产品：不动款，不留痕。不给 --rapid 时只按目录的复核震级计"
            "算，可能落入另一档。"
        ),
    ),
    "backtest": (
        "miaopei backtest catalogue.csv --product yunnan_dali --terms 1 --terms 2 --out FOLDER",
        (
            "某一产品在整份地震目录上会赔多少：逐年赔款、燃烧成本及其区间，可并列比较各版本。"
            "金额与 replay 相同。"
        ),
    ),
    "basis-risk": (
        "miaopei basis-risk catalogue.csv --product yunnan_dali --losses losses.csv --out FOLDER",
        "指数赔款与评估损失逐次对照：占比、相关系数、误赔和漏赔。",
    ),
    "price": (
        "miaopei price catalogue.csv --product yunnan_dali --years 100000 --out FOLDER",
        (
            "从地震目录或自己的事件损失表，到超越曲线和保费：按主震的复发规律抽取多年，逐年通过条款"
            "计算。"
        ),
    ),
    "verify": (
        "miaopei verify receipt.json --key log.vkey",
        "离线核验一份回执，只需要日志公钥；不成立时退出码为 1。",
    ),
    "receipt": (
        "miaopei receipt 2021-05-21 --policy POLICY --out receipt.json",
        "交付一笔付款、一份保单或一次拒赔的回执，任何人都能独自核验。",
    ),
    "why": (
        "miaopei why 2021-05-21",
        "为什么赔或不赔，一直追到速报的原始字节。可用事件日期或任何编号（至少前 8 位）。",
    ),
    "caused": (
        "miaopei caused 2021-05-21",
        "一条事实、一个来源、一个行为或一次结案引起的一切，直到每一分钱。",
    ),
    "cases": (
        "miaopei cases --all",
        "正在等待的案件：等什么事实或什么人，到何时，通知谁。",
    ),
    "status": (
        "miaopei status --json",
        "记录的现状：日志、保单簿、各状态的案件、应付和已付。",
    ),
    "audit": (
        "miaopei audit",
        "把所存的一切互相对照，指出有差异的记录、字段和位置；有发现时退出码为 4。",
    ),
    "rebuild": (
        "miaopei rebuild --memory",
        "把整个日志重新执行一遍，逐字节比较；有差异时退出码为 4。",
    ),
    "serve": (
        "miaopei serve --port 8421",
        "在 127.0.0.1 上打开记录的网页，按 Ctrl-C 结束。",
    ),
    "doctor": (
        "miaopei doctor",
        "检查这台机器：目录、空间、PostgreSQL、节假日历、记录；有一项不行时退出码为 1。",
    ),
    "backup": (
        "miaopei backup record.backup",
        "把整个记录写进一个文件。密钥不在其中，请另行保管 keys.json。",
    ),
    "restore": (
        "miaopei restore record.backup --data NEW_FOLDER",
        "把备份恢复到放有该记录 keys.json 的新目录，逐叶核对。",
    ),
    "export": (
        "miaopei export FOLDER",
        "把日志写成静态文件（C2SP tlog-tiles），连同公钥和全部附件。",
    ),
    "begin": (
        "miaopei begin yunnan --data var/live",
        "用一份方案开始自己的实时记录：产品、挂牌、保单、账户。",
    ),
    "import": (
        "miaopei import policies.csv --listing yunnan_dali --preview",
        "从 CSV、Parquet 或 OED 位置文件导入保单并使其生效；有错的行逐一列出，其余照常。",
    ),
    "release": (
        'miaopei release SETTLEMENT POLICY --how reserved --reason "papers seen" --person "Wang"',
        "对待确认的理赔作出决定：按预留金额、按另一版本的金额，或不赔。",
    ),
    "allot": (
        "miaopei allot SETTLEMENT households.csv --rebuilt 10 --repaired 1",
        "把已到账的赔款按名单分配到户：先预览，加 --yes 才记录并付款。",
    ),
    "money open": (
        "miaopei money open --json",
        "还有哪些款应收而未到：各批次的保费，各案件应退回的多付赔款。",
    ),
    "money receive": (
        "miaopei money receive BATCH --reference B-7 --part picc=400000.00",
        "登记某批次保单的保费已经到账；不写 --part 即为全部应收。",
    ),
    "money repay": (
        "miaopei money repay LISTING/OCCURRENCE/BENEFIT --reference B-9",
        "登记投保人退回的多付赔款；不写 --part 即为全部应退。",
    ),
    "accept-clock": (
        "miaopei accept-clock",
        "确认本机时钟无误，记录的时间随之前进；时间不能倒回，请先核对。",
    ),
    "resolve": (
        "miaopei resolve CASE --value 1 --reason '...' --person '...'",
        "由人确认一个待确认的案件，姓名和理由写入记录。",
    ),
    "reopen": (
        "miaopei reopen CASE --reason '...' --person '...'",
        "把无法裁定的案件重新提交裁定，姓名和理由写入记录。",
    ),
    "payee": (
        "miaopei payee policy/NUMBER --account 6200 --name '...' --person '...' --reason '...'",
        "更正一个账户；银行已明确拒付的会重新下单。保单的账户变更写入记录（只写承诺值）。",
    ),
    "engine install": (
        "miaopei engine install",
        "从固定版本的源代码编译多成员共用的引擎。",
    ),
    "kernels prepare": (
        "miaopei kernels prepare quake_circle",
        "把产品条款事先编译成快速循环并存盘，事故发生时无须再编译；需安装 miaopei[fast]。",
    ),
    "terms list": (
        "miaopei terms list",
        "货架上的全部产品和版本。",
    ),
    "terms show": (
        "miaopei terms show yunnan_dali --version 2",
        "条款全文：条文、表、定义、来源，以及依据有多可靠。",
    ),
    "terms hash": (
        "miaopei terms hash yunnan_dali",
        "产品备案的摘要，以及各版本的备案摘要和含义摘要。",
    ),
    "terms check": (
        "miaopei terms check product.json",
        "检查一份条款或产品文件（JSON），一次指出全部问题。",
    ),
    "feed read": (
        "miaopei feed read catalogue.csv",
        "读一份事实文件。按内容识别格式；每一行要么是事实，要么是写明原因的拒绝。",
    ),
    "feed take": (
        "miaopei feed take rapid.csv --data var/live",
        "把一份事实文件收进实时记录：签名、入账、裁定、付款。",
    ),
    "feed trust": (
        "miaopei feed trust grid.command --key HEX --url http://127.0.0.1:9001",
        "信任一个电网系统的公钥，并记下向它补召消息的地址。",
    ),
    "feed sources": (
        "miaopei feed sources --json",
        "各电网系统：在报还是静默、公钥、收到多少、缺失和已失的序号。",
    ),
    "feed listen": (
        "miaopei feed listen --port 8430 --sms http://127.0.0.1:9002",
        "接收推送的消息，补召缺失，裁定、付款、发通知，按 Ctrl-C 结束。",
    ),
    "policy offer": (
        "miaopei policy offer planned_outage",
        "备案一份承保方案（文件或随附方案名），自此按新版销售；已售保单保持原版。",
    ),
    "policy sanctions": (
        "miaopei policy sanctions sandbox",
        "备案并保存名单的下一版，供核对投保人。",
    ),
    "policy pause": (
        "miaopei policy pause LISTING --reason 'a doubt about the source' --person Li",
        "暂停一个挂牌的销售；已生效的保单照常裁定和赔付。",
    ),
    "policy resume": (
        "miaopei policy resume LISTING --reason 'the source is sound' --person Li",
        "恢复一个挂牌的销售。",
    ),
    "policy token": (
        "miaopei policy token integrated_energy",
        "为渠道生成接口令牌，只显示一次；旧令牌即失效。",
    ),
    "policy apply": (
        "miaopei policy apply application.json --agent A17",
        "受理一份投保申请（JSON），当场答复：承保、不予承保或转人工。",
    ),
    "policy answer": (
        "miaopei policy answer ID --accept --reason TEXT --person NAME",
        "人工答复转来的申请，可加费。",
    ),
    "policy collect": (
        "miaopei policy collect",
        "向银行查询到账，已缴的入簿生效，应退的退回。",
    ),
    "policy pay-in": (
        "miaopei policy pay-in MP0000000000000000",
        "在沙箱银行里模拟一笔转账缴费。",
    ),
    "policy place-credit": (
        "miaopei policy place-credit CREDIT REFERENCE --reason TEXT --person NAME",
        "说明一笔未写参考号的到账属于哪份申请。",
    ),
    "policy list": (
        "miaopei policy list",
        "保单、待办申请、规模不足的产品、未归属的到账。",
    ),
    "policy show": (
        "miaopei policy show POLICY",
        "一张保单：现行内容和每一笔交易。",
    ),
    "policy endorse": (
        "miaopei policy endorse POLICY --at 2026-08-01 --set deductible=60",
        "自某日起批改；可早于已登记的变更。",
    ),
    "policy renew": (
        "miaopei policy renew POLICY --at 2027-04-01",
        "自止期起续保一年。",
    ),
    "policy cancel": (
        "miaopei policy cancel POLICY --at 2026-08-01",
        "自某日起退保，按剩余天数经银行退费。",
    ),
    "policy reinstate": (
        "miaopei policy reinstate POLICY --at 2026-08-01 --set reinstated=1000",
        "另缴保费，恢复已被赔款用去的年度限额；金额以元计。",
    ),
    "report experience": (
        "miaopei report experience --json",
        "各产品按条款版本的保费、赔款、赔付率、数据费和租金。",
    ),
    "report unearned": (
        "miaopei report unearned --on 2026-10-01 --json",
        "某日的未赚保费：按时间均匀赚得，精确到分，按挂牌和条款版本列出；只作报表，不作分录。",
    ),
    "report reliability": (
        "miaopei report reliability --served 6000",
        "在案停电的供电可靠性指标 SAIDI、SAIFI、CAIDI（IEEE 1366）及重大事件日。",
    ),
    "report complaints": (
        "miaopei report complaints",
        "每次停电的投诉工单：获赔客户与未获赔客户对照。",
    ),
    "invoice rates": (
        (
            "miaopei invoice rates LISTING CARRIER --provider ID --since 2026-05 --user 0.12"
            " --record 0.03 --rent 5000"
        ),
        "约定自某月起的费率：每户、每条、每月租金，单位为元。",
    ),
    "invoice model": (
        "miaopei invoice model LISTING CARRIER model.json --id delay --version 1 --benefit delay",
        "上传理赔模型：JSON 条款，校验并取哈希，从不是代码。",
    ),
    "invoice run": (
        "miaopei invoice run MODEL TRIGGER --provider ID --purpose claims --caller desk",
        "在数据旁运行理赔模型：只有结果离开，调用计量入账；先查授权。",
    ),
    "invoice issue": (
        "miaopei invoice issue LISTING CARRIER 2026-05",
        "开具某月账单：用户数、条数各按费率，另加租金。",
    ),
    "invoice pay": (
        "miaopei invoice pay LISTING/CARRIER/2026-05",
        "经银行向供电公司支付账单，有争议的部分暂留。",
    ),
    "invoice list": ("miaopei invoice list", "全部账单及金额。"),
    "invoice show": (
        "miaopei invoice show LISTING/CARRIER/2026-05 --html invoice.html",
        "一份账单，每行展开到各次调用；可写成可打印的网页。",
    ),
    "invoice csv": ("miaopei invoice csv invoices.csv", "全部账单各行，写成 CSV。"),
    "invoice recount": (
        "miaopei invoice recount --json",
        "仅凭日志复算每份账单；有不符时退出码为 1。",
    ),
    "invoice dispute": (
        'miaopei invoice dispute LISTING/CARRIER/2026-05 1 --reason "not ours" --person Li',
        "对某一行提出争议，可指明其中的调用。",
    ),
    "invoice settle": (
        'miaopei invoice settle LISTING/CARRIER/2026-05/001 --run RUN --reason "..." --person Wang',
        "以复算解决争议；--run 指明的调用作废并冲减。",
    ),
    "person list": (
        "miaopei person list --json",
        "本成员知道哪些人：只列令牌，不打开任何个人信息。",
    ),
    "person show": (
        "miaopei person show policy/NUMBER --purpose claims --role clerk",
        "查看一人的信息（脱敏）；须有权限，每次使用记入记录。",
    ),
    "person export": (
        "miaopei person export TOKEN --purpose access --role clerk --out person.json",
        "把本成员所存的一人全部信息写成机器可读文件；须有权限，记入记录。",
    ),
    "person fetch": (
        (
            "miaopei person fetch TOKEN customs --purpose claims --role clerk"
            " --from http://127.0.0.1:9000 --since 2021-01-01 --until 2022-01-01"
        ),
        "经当事人授权，向外部数据源调取物流轨迹、交易流水或海关申报；每次调用（含被拒的）记入记录。",
    ),
    "person uses": (
        "miaopei person uses TOKEN --json",
        "一人的信息被谁、何时、为何使用过，取自记录。",
    ),
    "person erase": (
        "miaopei person erase TOKEN --reason request",
        "永久删除一人的个人信息；依法须保存或有未了结理赔时拒绝，并说明日期。",
    ),
    "person retain": (
        "miaopei person retain TOKEN --until 2030-01-01 --ground lawsuit",
        "声明本成员须保存某人信息至某日，此前任何成员都不能删除；--end 为收回。",
    ),
    "person rotate": (
        "miaopei person rotate --fresh",
        "更换主密钥：成员照常运行，逐批重新包裹；--retire 销毁旧版本。",
    ),
    "person consent": (
        "miaopei person consent TOKEN --purpose claims --grantee ID --scope a --until 2030-01-01",
        "记录当事人的授权（范围、目的、期限），--revoke 为撤回。",
    ),
    "person grant": (
        "miaopei person grant --role clerk --purpose claims --scope name --until 2027-01-01",
        "允许某一角色为某一目的使用本成员所存个人信息，--end 为收回。",
    ),
    "person token": (
        "miaopei person token --group grid/yuyao",
        "由标准输入的户号求出主体令牌。",
    ),
    "replay-outages": (
        "miaopei replay-outages outages.csv --only Planned --deductible 60 --json",
        "用一份历次停电文件试算计划送电延误险：延误几次、共多少分钟、会赔多少；不动款，不留痕。",
    ),
    **METERS,
    **GRANTING,
    **MANDATE,
    **KEEPING,
    **LIVING,
    **OWN,
}


def named(app: typer.Typer, above: str = "") -> Iterator[tuple[str, CommandInfo]]:
    """Every command by the words that call it."""
    for info in app.registered_commands:
        called = info.name or getattr(info.callback, "__name__", "")
        yield f"{above}{called}", info
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from named(group.typer_instance, f"{above}{group.name} ")


def teach(app: typer.Typer, language: Language) -> None:
    """Give each command its example, and in Chinese its help."""
    for name, info in named(app):
        if name in TAUGHT:
            example, zh = TAUGHT[name]
            info.epilog = f"{'例' if language == 'zh' else 'Example'}: `{example}`"
            info.help = zh if language == "zh" else None
