"""Payments by ISO 20022: what goes out fits the schema, and no bad word of a bank moves money."""

from __future__ import annotations

import http.client
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from miaopei.accounts.rail import Instruction, Outcome, OutcomeState
from miaopei.adapters.bank_rail import BankRail
from miaopei.adapters.iso20022 import initiation, status
from miaopei.adapters.sandbox_bank.starter import RunningBank
from miaopei.errors import OutsideFault
from tests.unit.bank.conftest import FUNDS, Order

SCHEMAS = Path(__file__).parents[3] / "miaopei" / "data" / "iso20022"
BANK_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAME = {"zh": "行", "en": "bank"}
ONE_SETTLED = "<NbOfTxsPerSts><DtldNbOfTxs>1</DtldNbOfTxs><DtldSts>ACSC</DtldSts></NbOfTxsPerSts>"


def schema(kept: str, spoken: str) -> etree.XMLSchema:
    """The published schema, read by the library alone."""
    text = (SCHEMAS / f"{kept}.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text.replace(kept.encode(), spoken.encode())))


def report(message: initiation.Initiation, **change: str) -> bytes:
    """A pain.002 written by hand here: everything settled, but for what is changed."""
    rows = ""
    for key, said in message.sent.items():
        amount = f"{said.instruction.amount_fen // 100}.{said.instruction.amount_fen % 100:02d}"
        row = (
            f"<TxInfAndSts><OrgnlInstrId>{key}</OrgnlInstrId>"
            f"<OrgnlEndToEndId>{said.end_to_end_id}</OrgnlEndToEndId>"
            f"<OrgnlUETR>{said.uetr}</OrgnlUETR><TxSts>ACSC</TxSts>"
            "<AccptncDtTm>2026-05-20T10:00:00Z</AccptncDtTm><AcctSvcrRef>R-1</AcctSvcrRef>"
            f'<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{amount}</InstdAmt></Amt></OrgnlTxRef>'
            "</TxInfAndSts>"
        )
        rows += change.get(key, row)
    total = f"{message.total_fen // 100}.{message.total_fen % 100:02d}"
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>S</MsgId><CreDtTm>2026-05-20T10:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message.id}</OrgnlMsgId>"
        "<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        f"<OrgnlNbOfTxs>{len(message.sent)}</OrgnlNbOfTxs><OrgnlCtrlSum>{total}</OrgnlCtrlSum>"
        "</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>P</OrgnlPmtInfId>"
        f"{rows}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def heard(message: initiation.Initiation, data: bytes) -> list[Outcome]:
    return status.outcomes(data, message, "bank", sandbox=True)


def two(order: Order) -> initiation.Initiation:
    return initiation.write([order(100, key="a-1"), order(250, key="b-1")], 1_780_000_000)


def test_what_goes_out_is_as_the_published_schema_wants_it(order: Order) -> None:
    orders = [order(n + 1, debtor=f"payer-{n % 3}") for n in range(50)]
    message = initiation.write(orders, 1_780_000_000)
    root = etree.fromstring(message.data)
    schema("pain.001.001.09", "pain.001.001.09").assertValid(root)
    space = {"i": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
    amounts = [e.text for e in root.iterfind(".//i:InstdAmt", space)]
    assert sum(round(float(str(a)) * 100) for a in amounts) == message.total_fen == 1275
    assert root.findtext(".//i:GrpHdr/i:NbOfTxs", None, space) == "50"
    assert root.findtext(".//i:GrpHdr/i:CtrlSum", None, space) == "12.75"
    counts = [e.text for e in root.iterfind(".//i:PmtInf/i:NbOfTxs", space)]
    assert counts == ["17", "17", "16"]
    uetrs = [str(e.text) for e in root.iterfind(".//i:UETR", space)]
    assert len(set(uetrs)) == 50
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab].*", u) for u in uetrs)


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(min_size=1, max_size=160),
    name=st.none() | st.text(max_size=160),
    fen=st.integers(-1, 10**19),
    key=st.text(min_size=1, max_size=80),
)
def test_whatever_is_not_refused_as_unsayable_fits_the_schema(
    text: str, name: str | None, fen: int, key: str
) -> None:
    given_one = Instruction(key, fen, "payer", text[:40], text, key, name)
    if initiation.unsayable(given_one) is None:
        root = etree.fromstring(initiation.write([given_one], 5).data)
        schema("pain.001.001.09", "pain.001.001.09").assertValid(root)
        space = {"i": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}
        assert root.findtext(".//i:Ustrd", None, space) == text


def test_the_banks_report_is_as_the_published_schema_wants_it(
    bank: RunningBank, order: Order
) -> None:
    orders = [order(5), order(7, creditor="nobody"), order(9)]
    answered = posted(bank, initiation.write(orders, 5).data)
    root = etree.fromstring(answered)
    schema("pain.002.001.12", "pain.002.001.10").assertValid(root)
    space = {"i": "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"}
    said = Counter(e.text for e in root.iterfind(".//i:TxSts", space))
    assert said == {"ACSC": 2, "RJCT": 1}
    assert root.findtext(".//i:GrpSts", None, space) == "PART"
    assert root.findtext(".//i:StsRsnInf/i:Rsn/i:Cd", None, space) == "AC01"


def posted(bank: RunningBank, data: bytes) -> bytes:
    host, port = bank.address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request("POST", "/payments", data, {"Content-Type": "application/xml"})
        return connection.getresponse().read()
    finally:
        connection.close()


def test_one_bad_account_does_not_hold_up_the_other_999(rail: BankRail, order: Order) -> None:
    orders = [order(100 + n, creditor=f"house-{n}") for n in range(999)]
    orders.insert(500, order(5, creditor="no-such-account"))
    orders[200] = order(100, creditor="x" * 40)  # not even an account number
    outcomes = rail.pay(orders)
    assert [o.id for o in outcomes] == [i.id for i in orders]
    assert Counter(o.code for o in outcomes) == {
        None: 998, "bank.unknown_account": 1, "bank.bad_instruction": 1,
    }  # fmt: skip
    paid = sum(o.amount_fen or 0 for o in outcomes if o.state is OutcomeState.EXECUTED)
    assert rail.statement("insurer").balance_fen == FUNDS - paid


def test_the_same_message_again_pays_nothing_more_and_another_under_its_id_nothing(
    bank: RunningBank, rail: BankRail, order: Order
) -> None:
    message = initiation.write([order(100, key="m-1"), order(200, key="m-2")], 5)
    first, again = posted(bank, message.data), posted(bank, message.data)
    assert [o.ref for o in heard(message, first)] == [o.ref for o in heard(message, again)]
    other = initiation.write([order(300, key="m-3")], 5)
    forged = other.data.replace(other.id.encode(), message.id.encode())
    with pytest.raises(OutsideFault, match="DU01"):
        heard(message, posted(bank, forged))
    assert rail.statement("insurer").balance_fen == FUNDS - 300


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<CtrlSum>3.50</CtrlSum>", "<CtrlSum>3.51</CtrlSum>", "AM10"),
        ("<NbOfTxs>2</NbOfTxs>", "<NbOfTxs>3</NbOfTxs>", "AM18"),
    ],
)
def test_totals_that_do_not_match_stop_the_whole_message_before_any_payment(
    bank: RunningBank, rail: BankRail, order: Order, old: str, new: str, code: str
) -> None:
    message = two(order)
    data = message.data.replace(old.encode(), new.encode(), 1)
    assert data != message.data
    with pytest.raises(OutsideFault, match=code) as fault:
        heard(message, posted(bank, data))
    assert fault.value.retry is False
    assert {o.state for o in rail.ask(["a-1", "b-1"])} == {OutcomeState.UNKNOWN}
    assert rail.statement("insurer").balance_fen == FUNDS


@pytest.mark.parametrize(
    "data",
    [
        b"<?xml version='1.0'?><!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><d>&b;</d>",
        b"<?xml version='1.0' encoding='GB18030'?><Document/>",
        b"<Document/>",
        b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'/>",
        b"<" * 1000,
        b"",
        "<Document/>".encode("utf-16"),
    ],
)
def test_what_is_no_message_is_refused_and_the_bank_lives(bank: RunningBank, data: bytes) -> None:
    said = json.loads(posted(bank, data))
    assert said["problem"] in ("bad_message", "too_long")
    assert bank.alive


def test_a_report_is_heard_as_it_was_meant(order: Order) -> None:
    message = two(order)
    first, second = heard(message, report(message))
    assert (first.id, first.state, first.amount_fen, first.ref) == (
        "a-1", OutcomeState.EXECUTED, 100, "R-1",
    )  # fmt: skip
    assert (second.id, second.amount_fen, second.at) == ("b-1", 250, 1_779_271_200)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<OrgnlNbOfTxs>2<", "<OrgnlNbOfTxs>3<"),
        ("<OrgnlCtrlSum>3.50<", "<OrgnlCtrlSum>3.51<"),
        ("<OrgnlInstrId>b-1<", "<OrgnlInstrId>c-1<"),
        ("<OrgnlInstrId>b-1<", "<OrgnlInstrId>a-1<"),
        ("<OrgnlEndToEndId>e2e-b-1<", "<OrgnlEndToEndId>other<"),
        ("<AcctSvcrRef>R-1</AcctSvcrRef>", ""),
        ("<AccptncDtTm>2026-05-20T10:00:00Z<", "<AccptncDtTm>2026-05-20T10:00:00<"),
        ('Ccy="CNY"', 'Ccy="USD"'),
        (">1.00</InstdAmt>", ">1.005</InstdAmt>"),
        ("pain.001.001.09", "pain.001.001.03"),
        ("<GrpHdr>", "<GrpHdr><Extra/>"),
        ("</Document>", ""),
        ("<Document ", "<!DOCTYPE Document><Document "),
        (
            "</OrgnlCtrlSum>",
            "</OrgnlCtrlSum>" + ONE_SETTLED,
        ),
    ],
)
def test_a_report_that_does_not_fit_is_silence(order: Order, old: str, new: str) -> None:
    message = two(order)
    data = report(message)
    assert old.encode() in data
    with pytest.raises(OutsideFault) as fault:
        heard(message, data.replace(old.encode(), new.encode()))
    assert fault.value.retry is True


def changed(message: initiation.Initiation, key: str, old: str, new: str) -> bytes:
    """The report with one instruction's answer changed."""
    whole = report(message).decode()
    row = next(r for r in re.findall(r"<TxInfAndSts>.*?</TxInfAndSts>", whole) if f">{key}<" in r)
    assert old in row
    return whole.replace(row, row.replace(old, new)).encode()


def test_a_wrong_amount_is_an_alarm_for_that_one_only(order: Order) -> None:
    message = two(order)
    outcomes = heard(message, changed(message, "b-1", ">2.50<", ">2.51<"))
    assert [o.state for o in outcomes] == [OutcomeState.EXECUTED, OutcomeState.DIFFERENT_AMOUNT]
    assert outcomes[1].amount_fen == 251


@pytest.mark.parametrize("code", ["ACTC", "ACSP", "PDNG", "RCVD", "QQQQ", "CANC"])
def test_an_unknown_status_code_is_no_payment_and_no_refusal(order: Order, code: str) -> None:
    message = two(order)
    outcomes = heard(message, changed(message, "b-1", "ACSC", code))
    assert [o.state for o in outcomes] == [OutcomeState.EXECUTED, OutcomeState.PENDING]


@pytest.mark.parametrize(
    ("reason", "state", "code"),
    [
        ("<Cd>AC04</Cd>", OutcomeState.REFUSED, "bank.account_closed"),
        ("<Cd>AM05</Cd>", OutcomeState.CONFLICT, "bank.conflict"),
        ("<Cd>DU03</Cd>", OutcomeState.CONFLICT, "bank.conflict"),
        ("<Cd>RR04</Cd>", OutcomeState.REFUSED, "bank.rr04"),
        ("<Prtry>closed_id</Prtry>", OutcomeState.REFUSED, "bank.closed_id"),
        ("<Prtry>账户 已冻结</Prtry>", OutcomeState.REFUSED, "bank.other"),
    ],
)
def test_a_duplicate_is_never_a_refusal(
    order: Order, reason: str, state: OutcomeState, code: str
) -> None:
    message = two(order)
    said = f"<TxSts>RJCT</TxSts><StsRsnInf><Rsn>{reason}</Rsn></StsRsnInf>"
    outcomes = heard(message, changed(message, "b-1", "<TxSts>ACSC</TxSts>", said))
    assert (outcomes[1].state, outcomes[1].code) == (state, code)
    with pytest.raises(OutsideFault):
        heard(message, changed(message, "b-1", "<TxSts>ACSC</TxSts>", "<TxSts>RJCT</TxSts>"))


def test_a_forged_message_is_not_believed(
    saying: Callable[[Callable[[bytes], bytes]], str], order: Order
) -> None:
    message = two(order)
    orders = [said.instruction for said in message.sent.values()]
    key = BANK_KEY.public_key().public_bytes_raw()

    def says(signature: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        def answer(call: bytes) -> bytes:
            if call.startswith(b"GET /key"):
                body = {"sandbox": True, "bank": NAME, "public_key": key.hex()}
                return http_answer(json.dumps(body).encode())
            data = report(message)
            return http_answer(data, f"Bank-Signature: {signature(data).hex()}\r\n")

        return answer

    honest = BankRail(saying(says(BANK_KEY.sign)), timeout=60)
    assert [str(o.state) for o in honest.pay(orders)] == ["executed", "executed"]
    forgers = (Ed25519PrivateKey.generate().sign, lambda data: BANK_KEY.sign(data + b" "))
    for forger in (*forgers, lambda _: b""):
        rail = BankRail(saying(says(forger)), timeout=60, key=key)
        with pytest.raises(OutsideFault, match="not signed") as fault:
            rail.pay(orders)
        assert fault.value.retry is True


def http_answer(body: bytes, head: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
