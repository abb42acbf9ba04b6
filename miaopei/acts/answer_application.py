"""`answer_application`: a person answers what was referred.

Body: {application, accept, loading_ppm, reason, person}. A loading multiplies the premium of a new
policy or a renewal; 1,000,000 is none. Who answered and why stands on the record.
"""

from __future__ import annotations

from ..underwriting.answer import premium
from ..underwriting.tariff import ONE
from . import sold
from .base import Moment, Outcome, fields, known, refuse
from .envelope import Act
from .file_offer import offer_of
from .pauses import check_open
from .state import State

KIND = "answer_application"
ROLES = frozenset({"operator", "carrier"})
LOADINGS = (100_000, 10_000_000)


def apply(state: State, act: Act, now: Moment) -> Outcome:
    """Refused for what is not referred, and for a loading where none can be."""
    name, accept, loading, reason, person = fields(
        act.body, application=str, accept=bool, loading_ppm=int, reason=str, person=str
    )
    value = dict(known(state, "application", name, "act.application_not_known"))
    if value["state"] != "referred":
        raise refuse("act.not_referred", id=name, state=value["state"])
    if not reason.strip() or not person.strip():
        raise refuse("act.bad_body", field="reason", why="needs a reason and a person")
    if loading != ONE:
        if value["kind"] != "issue" or not LOADINGS[0] <= loading <= LOADINGS[1]:
            raise refuse("act.bad_loading", loading=loading, low=LOADINGS[0], high=LOADINGS[1])
        offer = offer_of(state, value["listing"], value["offer"])
        fen, steps = premium(offer, value["facts"], value["declared"], loading)
        value |= {"premium_fen": fen, "loading_ppm": loading}
        value["steps"] = [step.as_json() for step in steps]
    said = {"person": person, "reason": reason, "accept": accept, "at": now.time, "act": act.id}
    value |= {"answered_by": said, "state": "accepted" if accept else "refused"}
    outcome = Outcome()
    if accept and value["kind"] != "cancel":
        check_open(state, value["listing"])
    if accept and value["kind"] == "issue" and not value["premium_fen"]:
        raise refuse("act.no_premium", id=name)
    sold.answered(state, outcome, now, value)
    return outcome
