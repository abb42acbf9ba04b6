package main

// Checks of the amount and the claim: the terms read again on the attested facts and the opened row.

import (
	"crypto/hmac"
	"encoding/hex"
	"math/big"
)

// The amount -----------------------------------------------------------------------------------------

// settleAgain is what the terms give this row for the trigger's facts, in fen.
func (r *receipt) settleAgain(it row, spent any) *big.Int {
	value := r.made("trigger").value
	benefit := text(get(value, "benefit"))
	clause := r.product().version(get(value, "version")).terms.benefit(benefit)
	observed, unknown := r.inputs(it.subject)
	if len(unknown) > 0 {
		span := bounds(clause, known{certain(observed, unknown), it.declared, map[string]any{benefit: spent}})
		if span.least.Cmp(span.most) < 0 {
			return span.most
		}
	}
	return settle(clause, known{observed, it.declared, map[string]any{benefit: spent}})
}

func certain(observed map[string]any, unknown map[string]bool) map[string]any {
	found := map[string]any{}
	for name, value := range observed {
		if !unknown[name] {
			found[name] = value
		}
	}
	return found
}

// notKnown: what is not known of this policy could change its amount; then its claim is held.
func (r *receipt) notKnown(it row) bool {
	value := r.made("trigger").value
	benefit := text(get(value, "benefit"))
	observed, unknown := r.inputs(it.subject)
	clause := r.product().version(get(value, "version")).terms.benefit(benefit)
	span := bounds(clause, known{certain(observed, unknown), it.declared, map[string]any{benefit: int64(0)}})
	return len(unknown) > 0 && span.least.Cmp(span.most) < 0
}

func checkAmount(r *receipt) {
	stated, it := r.claim(), r.ownRow()
	gross, net := r.settleAgain(it, int64(0)), r.settleAgain(it, get(stated, "spent_fen"))
	how, released := r.released()
	declined := r.declined(how, released)
	if declined {
		net = new(big.Int)
	}
	owed := r.capped(net)
	demand(gross.Cmp(whole64(get(stated, "gross_fen"))) == 0, "verify.gross")
	demand(net.Cmp(whole64(get(stated, "terms_fen"))) == 0, "verify.terms")
	demand(owed.Cmp(whole64(get(stated, "owed_fen"))) == 0, "verify.owed")
	settled := whole64(get(stated, "settled_fen"))
	pay := larger(new(big.Int), new(big.Int).Sub(owed, settled))
	state := r.stateOf(gross, owed, settled)
	if declined && state == "exhausted" {
		state = "declined"
	}
	if get(stated, "state") == "held" {
		state, pay = "held", new(big.Int)
	}
	demand(state == stated["state"], "verify.claim_state")
	demand(pay.Cmp(whole64(get(stated, "pay_fen"))) == 0, "verify.pay")
}

func (r *receipt) stateOf(gross, owed, settled *big.Int) string {
	switch {
	case owed.Cmp(settled) < 0:
		return text(r.listing()["kept_or_receivable"])
	case gross.Sign() != 0 && owed.Sign() == 0:
		return "exhausted"
	case owed.Cmp(gross) < 0:
		return "cut"
	}
	return "paid"
}

// capped is the amount under the listing's occurrence cap, by where its largest-remainder line fell.
func (r *receipt) capped(net *big.Int) *big.Int {
	limit := r.listing()["occurrence_cap_fen"]
	totals := obj(get(r.made("settlement").value, "totals"))
	line := get(totals, "cap")
	demand((limit == nil) == (line == nil), "verify.cap")
	if limit == nil || r.value["claim"] == nil {
		return net
	}
	total, payable := whole64(get(line, "total_fen")), whole64(get(line, "payable_fen"))
	fits := payable.Cmp(whole64(limit)) <= 0 && payable.Cmp(total) <= 0 && total.Cmp(whole64(get(totals, "terms_fen"))) == 0
	demand(fits, "verify.cap")
	if total.Sign() == 0 {
		return new(big.Int)
	}
	share, rest := new(big.Int).DivMod(new(big.Int).Mul(net, payable), total, new(big.Int))
	order := rest.Cmp(whole64(get(line, "threshold")))
	if order > 0 || order == 0 && num(r.opened("claim")["index"]) <= num(get(line, "last")) {
		share.Add(share, big.NewInt(1))
	}
	return share
}

func checkClaim(r *receipt) {
	opened, value, it := r.opened("claim"), r.claim(), r.opened("row")
	fields := exactly(value, "v", "trigger", "policy", "position", "gross_fen", "spent_fen", "terms_fen",
		"owed_fen", "settled_fen", "pay_fen", "state", "salt")
	demand(fields && value["v"] == int64(1), "verify.claim_fields")
	trigger, row := r.made("trigger"), obj(it["row"])
	demand(value["trigger"] == trigger.id && value["policy"] == get(row, "policy") && value["position"] == it["position"], "verify.claim_other")
	mac := hmac.New(inUse.newHash, unhex(get(row, "salt")))
	mac.Write(append([]byte("miaopei/v1/claim\x00"), unhex(trigger.id)...))
	demand(value["salt"] == hex.EncodeToString(mac.Sum(nil)), "verify.claim_salt")
	settled := r.made("settlement").value
	demand(opened["count"] == at(settled, "totals", "claims"), "verify.claim_count")
	good := idIncluded("claim", value, num(opened["index"]), num(opened["count"]), opened["path"], get(settled, "claims_root"))
	demand(good, "verify.claim_path")
}
