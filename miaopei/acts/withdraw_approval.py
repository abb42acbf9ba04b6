"""`withdraw_approval`: a member takes back its word for what waits for the words of others.

Body: {approval, word}: the digest of kind and body of what it has wanted, and the id of the act by
which it said so. The word counts no more, as if it had not been said, and may be said anew: a later
word is another, which this takes back not. What has had its effect is not taken back. Who has lost
its seat may take back what it said in it, since with a seat again the word would count again.
Source: docs/specs/consortium.md, section 13.
"""

from __future__ import annotations

from . import approvals
from .base import KNOWN_ROLES, Moment, Outcome, fields
from .envelope import Act
from .state import State

KIND = "withdraw_approval"
ROLES = KNOWN_ROLES  # whoever has said so


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for a word that does not stand, and for what has had its effect or is over."""
    approval, word = fields(act.body, approval=str, word=str)
    approvals.withdraw(state, approval, word, act.by, now)
    return Outcome()
