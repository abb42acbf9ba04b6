"""What `miaopei net mandate` does: from the payer's folder to the standby's, both of this account.

Said again it hands over what has changed since: new policies, other accounts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....settings import Language
from ... import speak
from .. import control, mending
from ..life import voting
from ..make import write_plan
from ..plan import Net, no, sentence

SECONDS = 300.0


def mandate(net: Net, listing: str, *, as_json: bool, language: Language) -> None:
    """Errors   Refused net.no_standby, net.no_listing; OutsideFault where one is down."""
    first = net.at(voting.ask(net)["member"])
    entry = control.call(first, "listed", listing=listing)
    if entry is None or entry["listing"]["standby_payer"] is None:
        raise no("no_standby", listing=listing[:60])
    payer, standby = entry["listing"]["payer"], entry["listing"]["standby_payer"]
    kept, start = 0, 0
    while start is not None:
        asked: dict[str, Any] = {"listing": listing, "start": start}
        part = control.call(net.at(payer), "payees", seconds=SECONDS, **asked)
        asked = {"listing": listing, "payees": part["payees"]}
        kept += control.call(net.at(standby), "keep_payees", seconds=SECONDS, **asked)
        start = part["next"]
    if standby not in net.banked:
        grown = replace(net, standbys=(*net.standbys, standby))
        write_plan(grown)
        with control.stopped(net.folder, standby, SECONDS):  # it starts with a bank
            if (bank := control.call(net.folder, "status")["bank"]) is not None:
                mending.tell_bank(grown, bank)
        control.until_there(net.at(standby), SECONDS)
    facts = {"listing": listing, "payer": payer, "standby": standby, "count": kept}
    if as_json:
        speak.show_json({"what": "mandated", **facts})
    else:
        speak.out(sentence("mandated", language, **facts))
