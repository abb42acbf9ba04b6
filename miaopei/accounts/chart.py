"""The chart of accounts: a closed list of names that lines of an entry may use.

One chart for every owner (carrier, policyholder, payer). What an owner does not use stays empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an account is; assets and expenses grow on the debit side, the others on the credit."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"

    @property
    def grows_by_debit(self) -> bool:
        """Whether a debit makes the account larger."""
        return self in (Kind.ASSET, Kind.EXPENSE)


class Account(StrEnum):
    """The name that stands in an entry. Names never change; new accounts are added."""

    CASH_AT_BANK = "cash_at_bank"
    PREMIUM_RECEIVABLE = "premium_receivable"
    PREMIUM_WRITTEN = "premium_written"
    CLAIMS_INCURRED = "claims_incurred"
    CLAIMS_PAYABLE = "claims_payable"
    DUE_FROM_CO_INSURERS = "due_from_co_insurers"
    DUE_TO_CO_INSURERS = "due_to_co_insurers"
    RECEIVABLE_FROM_OVERPAID = "receivable_from_overpaid"
    PAYOUT_TO_ALLOT = "payout_to_allot"
    ALLOTMENT_PAYABLE = "allotment_payable"
    DATA_FEES = "data_fees"
    DATA_FEE_INCOME = "data_fee_income"
    COMPUTE_RENT = "compute_rent"
    COMPUTE_RENT_INCOME = "compute_rent_income"
    FEES_PAYABLE = "fees_payable"
    FEES_RECEIVABLE = "fees_receivable"
    PREMIUM_DEPOSIT = "premium_deposit"
    PREMIUM_REFUND_PAYABLE = "premium_refund_payable"


@dataclass(frozen=True)
class Described:
    """An account in both languages."""

    kind: Kind
    zh: str
    en: str


CHART: dict[Account, Described] = {
    Account.CASH_AT_BANK: Described(Kind.ASSET, "银行存款", "Cash at bank"),
    Account.PREMIUM_RECEIVABLE: Described(Kind.ASSET, "应收保费", "Premium receivable"),
    Account.PREMIUM_WRITTEN: Described(Kind.INCOME, "保费收入", "Premium written"),
    Account.CLAIMS_INCURRED: Described(Kind.EXPENSE, "赔付支出", "Claims incurred"),
    Account.CLAIMS_PAYABLE: Described(Kind.LIABILITY, "应付赔付款", "Claims payable"),
    Account.DUE_FROM_CO_INSURERS: Described(Kind.ASSET, "应收共保人代付款", "Due from co-insurers"),
    Account.DUE_TO_CO_INSURERS: Described(Kind.LIABILITY, "应付共保人代付款", "Due to co-insurers"),
    Account.RECEIVABLE_FROM_OVERPAID: Described(
        Kind.ASSET, "应收投保人多付赔款", "Receivable from overpaid policyholders"
    ),
    Account.PAYOUT_TO_ALLOT: Described(
        Kind.LIABILITY, "待分配赔款", "Payout received, to be allotted"
    ),
    Account.ALLOTMENT_PAYABLE: Described(
        Kind.LIABILITY, "应付农户分配款", "Allotment payable to households"
    ),
    Account.DATA_FEES: Described(Kind.EXPENSE, "数据调用费", "Data fees"),
    Account.DATA_FEE_INCOME: Described(Kind.INCOME, "数据调用收入", "Data fee income"),
    Account.COMPUTE_RENT: Described(Kind.EXPENSE, "算力租金", "Compute rent"),
    Account.COMPUTE_RENT_INCOME: Described(Kind.INCOME, "算力租金收入", "Compute rent income"),
    Account.FEES_PAYABLE: Described(Kind.LIABILITY, "应付数据与算力费", "Fees payable"),
    Account.FEES_RECEIVABLE: Described(Kind.ASSET, "应收数据与算力费", "Fees receivable"),
    Account.PREMIUM_DEPOSIT: Described(Kind.LIABILITY, "预收保费", "Premium received before cover"),
    Account.PREMIUM_REFUND_PAYABLE: Described(
        Kind.LIABILITY, "应付退保费", "Premium to be returned"
    ),
}
