package main

// Checks of the money: decisions, settlement, totals, the split between carriers, the bank.

import (
	"math/big"
	"sort"
)

var amountNames = []string{"gross_fen", "terms_fen", "owed_fen", "pay_fen"}

func checkDecisions(r *receipt) {
	made, trigger := r.made("settlement"), r.made("trigger")
	value, listing := made.value, r.listing()
	equal, operators := map[string]bool{}, map[string]bool{}
	members := r.members()
	for _, a := range r.acts("decisions") {
		demand(within(texts(listing["deciders"]), a.by), "verify.not_a_decider")
		demand(!equal[a.by], "verify.decided_twice")
		alike := get(a.body, "trigger") == trigger.id &&
			get(a.body, "revision") == get(value, "revision") && get(value, "revision") == get(trigger.value, "revision") &&
			get(a.body, "counter") == get(value, "counter") && roundOf(a.body) == roundOf(value) &&
			get(a.body, "book_size") == get(trigger.value, "book_size") &&
			get(a.body, "book_root") == get(trigger.value, "book_root") &&
			at(a.body, "claims", "root") == get(value, "claims_root") &&
			at(a.body, "claims", "count") == at(value, "totals", "claims") &&
			same(get(a.body, "totals"), get(value, "totals"))
		demand(alike, "verify.decision_differs")
		demand(trigger.index < a.index && a.index < made.index, "verify.order")
		equal[a.by] = true
		m, known := members[a.by]
		demand(known, "verify.unreadable")
		operators[plainText(get(m.entry, "operator"))] = true
	}
	demand(int64(len(operators)) >= num(listing["k"]), "verify.too_few_deciders")
	names := []any{}
	for name := range equal {
		names = append(names, name)
	}
	sort.Slice(names, func(a, b int) bool { return names[a].(string) < names[b].(string) })
	demand(same(names, get(value, "deciders")), "verify.deciders_differ")
}

// roundOf is the round of a word or a settlement: the first where none is named.
func roundOf(value object) any {
	if round, named := value["round"]; named {
		return round
	}
	return int64(1)
}

func checkSettlement(r *receipt) {
	made, listing := r.made("settlement"), r.listing()
	value, trigger := made.value, r.made("trigger")
	fits := get(value, "trigger") == trigger.id && get(value, "listing") == listing["id"] &&
		get(value, "book") == listing["book"] && get(value, "payer") == listing["payer"] && get(value, "k") == listing["k"]
	demand(fits, "verify.settlement_other")
	by, caused := false, false
	for _, a := range r.acts("decisions") {
		by = by || a.id == made.by
		caused = caused || same(made.because, []any{trigger.id, a.id})
	}
	if listing["solo"] == true || get(trigger.value, "rules") == int64(1) {
		caused = by && same(made.because, []any{trigger.id, made.by})
	}
	demand(caused, "verify.settlement_other") // in a round another's word, or the time, may end it
	r.time(made.height)
	get(value, "counter")
}

func checkTotals(r *receipt) {
	sums := obj(get(r.made("settlement").value, "totals"))
	demand(exactly(sums, "in_force", "claims", "held", "gross_fen", "terms_fen", "owed_fen", "pay_fen",
		"kept_fen", "receivable_fen", "cap", "carriers"), "verify.totals")
	for name, value := range sums {
		demand(name == "cap" || name == "carriers" || isWhole(value, 0, largest), "verify.totals")
	}
	carriers := list(sums["carriers"])
	for _, name := range []string{"pay_fen", "receivable_fen"} {
		carried := new(big.Int)
		for _, part := range carriers {
			carried.Add(carried, whole64(get(part, name)))
		}
		demand(carried.Cmp(whole64(sums[name])) == 0, "verify.totals")
	}
	demand(num(sums["claims"]) <= num(sums["in_force"]), "verify.totals")
	placed := shares(r.listing())
	demand(len(placed) == len(carriers), "verify.totals")
	for i, part := range carriers {
		demand(get(part, "carrier") == placed[i].carrier, "verify.totals")
	}
	if r.value["claim"] == nil {
		return
	}
	for _, name := range amountNames {
		own := num(get(r.claim(), name))
		fits := own <= num(sums[name]) && (num(sums["claims"]) != 1 || own == num(sums[name]))
		demand(fits, "verify.totals")
	}
}

// split divides by largest remainder; ties go to the carrier that stands earlier.
func split(fen int64, placed []share) map[string]int64 {
	whole, left := big.NewInt(1_000_000), fen
	parts, rests, order := make([]int64, len(placed)), make([]int64, len(placed)), make([]int, len(placed))
	for i, s := range placed {
		part, rest := new(big.Int).DivMod(new(big.Int).Mul(big.NewInt(fen), big.NewInt(s.ppm)), whole, new(big.Int))
		parts[i], rests[i], order[i] = part.Int64(), rest.Int64(), i
		left -= parts[i]
	}
	sort.SliceStable(order, func(a, b int) bool { return rests[order[a]] > rests[order[b]] })
	found := map[string]int64{}
	for place, i := range order {
		if int64(place) < left {
			parts[i]++
		}
		if parts[i] != 0 {
			found[placed[i].carrier] = parts[i]
		}
	}
	return found
}

func checkSplit(r *receipt) {
	claim, trigger := r.claim(), r.made("trigger").value
	pay := num(get(claim, "pay_fen"))
	demand(pay >= 0, "verify.split")
	wanted, found := split(pay, shares(r.listing())), map[string]int64{}
	for _, part := range list(r.value["payouts"]) {
		value := obj(get(part, "payout"))
		fields := exactly(value, "v", "occurrence", "policy", "benefit", "carrier", "line", "revision")
		fits := fields && value["v"] == int64(1) && value["occurrence"] == get(trigger, "occurrence") &&
			value["policy"] == get(claim, "policy") && value["benefit"] == get(trigger, "benefit") &&
			value["line"] == int64(0) && value["revision"] == get(trigger, "revision")
		demand(fits, "verify.payout_fields")
		carrier := text(value["carrier"])
		_, twice := found[carrier]
		demand(!twice, "verify.payout_twice")
		found[carrier] = num(get(part, "amount_fen"))
	}
	for carrier, fen := range found {
		demand(wanted[carrier] == fen, "verify.split")
	}
	for carrier := range wanted {
		_, there := found[carrier]
		demand(there, "verify.split")
	}
}

func checkPayments(r *receipt) {
	used := map[string]bool{}
	for _, part := range list(r.value["payouts"]) {
		if get(part, "paid") == nil {
			continue
		}
		paid := obj(get(part, "paid"))
		outcome := obj(paid["outcome"])
		r.underRoot(paid)
		used[text(paid["act"])] = true
		payout := get(part, "payout")
		demand(get(outcome, "payout") == contentID("payout", payout), "verify.outcome_other")
		demand(get(outcome, "amount_fen") == get(part, "amount_fen"), "verify.outcome_amount")
		demand(get(outcome, "payer") == get(payout, "carrier"), "verify.outcome_other")
		final := get(outcome, "state") == "executed" || get(outcome, "state") == "refused"
		demand(isWhole(get(outcome, "number"), 1, largest) && final, "verify.outcome_state")
	}
	for _, a := range r.acts("payments") {
		demand(used[a.id], "verify.payment_unused")
	}
}

func (r *receipt) underRoot(paid object) {
	settlement := r.made("settlement")
	for _, a := range r.acts("payments") {
		if a.id != paid["act"] {
			continue
		}
		demand(get(a.body, "debt") == settlement.id, "verify.payment_other")
		demand(a.by == get(settlement.value, "payer"), "verify.not_the_payer")
		demand(a.index > settlement.index, "verify.order")
		good := paid["count"] == at(a.body, "outcomes", "count") && idIncluded("outcome", paid["outcome"],
			num(paid["index"]), num(paid["count"]), paid["path"], at(a.body, "outcomes", "root"))
		demand(good, "verify.outcome_path")
		return
	}
	fail("verify.payment_absent", nil)
}
