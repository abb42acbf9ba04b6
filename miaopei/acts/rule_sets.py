"""Rule sets: which acts each knows. What ever ran stays: old blocks are applied as they were.

A new record begins with the newest; an older one is raised to it at a height, by one at a time.
What else a rule set changes says so where it is applied. Source: docs/specs/record.md, section 2.
"""

from __future__ import annotations

from . import (
    admit_batch,
    admit_member,
    admit_transactions,
    agree_rates,
    allot,
    answer_application,
    cannot_decide,
    change_account,
    change_key,
    close_ids,
    confirm_notices,
    confirm_payments,
    consent,
    convene,
    decide,
    dispute_invoice,
    end_grant,
    erase,
    file_area,
    file_claim_model,
    file_offer,
    file_product,
    file_sanctions,
    grant,
    hold_batch,
    issue_invoice,
    list_product,
    log_uses,
    meter_usage,
    open_round,
    pause_listing,
    pay_invoice,
    place_credit,
    raise_rules,
    receive_premium,
    record_credit,
    record_facts,
    register_source,
    release,
    reopen,
    repay,
    resolve,
    resume_listing,
    retain,
    revoke_consent,
    rotate_keys,
    seat_member,
    settle_dispute,
    show_difference,
    source_state,
    take_application,
    take_change,
    take_over,
    time,
    unseat_member,
    use_grant,
    withdraw_approval,
)
from .base import ActKind
from .voted import listing as voted_listing
from .voted import member as voted_member
from .voted import rules as voted_rules
from .voted import source as voted_source

RULES = 7  # the newest; a new record begins with it
SECOND: tuple[ActKind, ...] = (open_round, show_difference)  # acts that came with rule set 2
# With rule set 3; of raising the rules from now on more than two thirds of the votes decide.
THIRD: tuple[ActKind, ...] = (
    convene,
    pause_listing,
    pay_invoice,
    resume_listing,
    rotate_keys,
    seat_member,
    unseat_member,
    voted_rules,
)
# With rule set 4; from now on a claim model runs once for a trigger and purpose, and where members
# have seats a listing binds who has agreed, and votes decide on roles that weigh and on sources.
FOURTH: tuple[ActKind, ...] = (change_account, use_grant, voted_listing, voted_member, voted_source)
# With rule set 5; from now on acts of a live record whose members have seats name their ends.
# Rule set 6 has no further act; from now on a word said again brings about what has enough votes.
FIFTH: tuple[ActKind, ...] = (change_key,)
# With rule set 7; from now on a raise that is not in force yet is replaced by a later one.
SEVENTH: tuple[ActKind, ...] = (withdraw_approval,)
FIRST: tuple[ActKind, ...] = (
    admit_batch,
    admit_member,
    admit_transactions,
    agree_rates,
    allot,
    answer_application,
    cannot_decide,
    close_ids,
    confirm_notices,
    confirm_payments,
    consent,
    decide,
    dispute_invoice,
    end_grant,
    erase,
    file_area,
    file_claim_model,
    file_offer,
    file_product,
    file_sanctions,
    grant,
    hold_batch,
    issue_invoice,
    list_product,
    log_uses,
    meter_usage,
    place_credit,
    raise_rules,
    receive_premium,
    record_credit,
    record_facts,
    register_source,
    release,
    reopen,
    repay,
    resolve,
    retain,
    revoke_consent,
    settle_dispute,
    source_state,
    take_application,
    take_change,
    take_over,
    time,
)


def _kinds(*modules: ActKind) -> dict[str, ActKind]:
    return {module.KIND: module for module in modules}


RULE_SETS: dict[int, dict[str, ActKind]] = {
    1: _kinds(*FIRST),
    2: _kinds(*FIRST, *SECOND),
    3: _kinds(*FIRST, *SECOND, *THIRD),
    4: _kinds(*FIRST, *SECOND, *THIRD, *FOURTH),
    5: _kinds(*FIRST, *SECOND, *THIRD, *FOURTH, *FIFTH),
    6: _kinds(*FIRST, *SECOND, *THIRD, *FOURTH, *FIFTH),
    7: _kinds(*FIRST, *SECOND, *THIRD, *FOURTH, *FIFTH, *SEVENTH),
}
KINDS = RULE_SETS[RULES]
VOTED = (voted_listing, voted_member, voted_rules, voted_source)


def since(kind: str) -> int:
    """The first rule set that knows an act."""
    return min(rules for rules, kinds in RULE_SETS.items() if kind in kinds)


def votes_decide(rules: int, kind: str) -> bool:
    """Whether a rule set has an act in a form that votes may decide on; of one that is newer than
    all that we know, whether ours has.
    """
    return RULE_SETS[min(rules, RULES)].get(kind) in VOTED
