package main

// Checks of the contract: product, listing, trigger, terms in force, the row.

import (
	"math/big"
	"slices"
)

func checkProduct(r *receipt) {
	demand(r.product().hash == get(r.act("listing").body, "product"), "verify.product_hash")
	demand(r.act("product").index < r.act("listing").index, "verify.order")
}

type share struct {
	carrier string
	ppm     int64
}

func (r *receipt) listing() object {
	bad := "market.bad_field"
	given := obj(get(r.act("listing").body, "listing"))
	names := []string{
		"id", "product", "book", "placement", "payer", "standby_payer", "deciders", "k",
		"kept_or_receivable", "occurrence_cap_fen", "solo",
	}
	for _, name := range []string{"takeover_seconds", "decide_seconds", "hold_seconds"} {
		if seconds, there := given[name]; there {
			demand(wholeOrNull(seconds), bad)
			names = append(names, name)
		}
	}
	demand(exactly(given, names...), bad)
	for _, name := range []string{"id", "product", "book", "payer"} {
		text(given[name])
	}
	if given["standby_payer"] != nil {
		text(given["standby_payer"])
	}
	texts(given["deciders"])
	num(given["k"])
	boolean(given["solo"])
	demand(wholeOrNull(given["occurrence_cap_fen"]), bad)
	demand(given["kept_or_receivable"] == "kept" || given["kept_or_receivable"] == "receivable", bad)
	shares(given)
	return given
}

func shares(listing object) []share {
	bad := "market.share_bad"
	placement := get(listing, "placement")
	demand(exactly(placement, "shares", "illustrative") && isFlag(get(placement, "illustrative")), bad)
	found, total, seen := []share{}, int64(0), map[string]bool{}
	for _, item := range list(get(placement, "shares")) {
		demand(exactly(item, "carrier", "ppm"), bad)
		s := share{text(get(item, "carrier")), num(get(item, "ppm"))}
		demand(s.carrier != "" && s.ppm > 0 && s.ppm <= 1_000_000 && !seen[s.carrier], bad)
		seen[s.carrier] = true
		total += s.ppm
		found = append(found, s)
	}
	demand(total == 1_000_000, bad)
	return found
}

func checkListing(r *receipt) {
	value, subject := r.listing(), r.subject()
	demand(value["id"] == get(subject.value, "listing"), "verify.listing_other")
	demand(r.act("listing").index < subject.index, "verify.order")
	operators := map[string]string{}
	for name, m := range r.members() {
		operators[name] = plainText(get(m.entry, "operator"))
	}
	stands(value, operators)
}

// plainText: an operator that is no text counts as one of its own, by its bytes.
func plainText(value any) string {
	if given, ok := value.(string); ok {
		return given
	}
	return string(canonical(value))
}

// stands says whether the listing may stand: its members known, its deciders of different operators.
func stands(value object, operators map[string]string) {
	bad := "market.listing"
	for _, name := range []string{"id", "product", "book", "payer"} {
		demand(value[name] != "", bad)
	}
	demand(value["standby_payer"] != value["payer"], bad)
	if after, there := value["takeover_seconds"].(int64); there {
		demand(after > 0 && value["standby_payer"] != nil, bad)
	}
	for _, name := range []string{"decide_seconds", "hold_seconds"} {
		if seconds, there := value[name].(int64); there {
			demand(seconds > 0 && value["solo"] == false, bad)
		}
	}
	if limit, there := value["occurrence_cap_fen"].(int64); there {
		demand(limit > 0, bad)
	}
	deciders := texts(value["deciders"])
	named := append([]string{text(value["payer"])}, deciders...)
	if value["standby_payer"] != nil {
		named = append(named, text(value["standby_payer"]))
	}
	for _, s := range shares(value) {
		named = append(named, s.carrier)
	}
	for _, name := range named {
		_, known := operators[name]
		demand(known, bad)
	}
	n, k, held := int64(len(deciders)), num(value["k"]), map[string]bool{}
	seen := map[string]bool{}
	for _, name := range deciders {
		demand(!seen[name], bad)
		seen[name] = true
	}
	demand(1 <= k && k <= n, bad)
	if value["solo"] == true {
		demand(n == 1 && k == 1, bad)
		return
	}
	demand(n >= 3 && 2*k > n, bad)
	for _, name := range deciders {
		demand(!held[operators[name]], bad)
		held[operators[name]] = true
	}
}

func checkTrigger(r *receipt) {
	made := r.made("trigger")
	value := made.value
	demand(get(value, "product") == get(r.act("listing").body, "product"), "verify.trigger_other")
	demand(get(value, "book") == r.listing()["book"], "verify.trigger_other")
	demand(within(texts(r.product().value["benefits"]), text(get(value, "benefit"))), "verify.trigger_other")
	demand(knownRules(get(value, "rules")), "verify.rules_unknown")
	named := map[string]bool{}
	for _, stated := range obj(get(value, "facts")) {
		for _, parent := range texts(get(stated, "because")) {
			named[parent] = true
		}
	}
	because := texts(made.because)
	demand(len(named) == len(because), "verify.trigger_other")
	for i, parent := range because {
		demand(named[parent] && (i == 0 || because[i-1] < parent), "verify.trigger_other")
	}
}

// moments are the instants that an observation can make the deciding one.
func moments(o observation) any {
	switch o.kind {
	case "outage":
		return o.values["off_planned"]
	case "restoration":
		return o.values["first_off"]
	}
	return o.instant()
}

func checkVersion(r *receipt) {
	value := r.made("trigger").value
	instant := num(get(value, "instant"))
	stated, agreed, founding := false, false, false
	for _, each := range obj(get(value, "facts")) {
		if moment, there := obj(get(each, "detail"))["instant"]; there {
			stated, agreed = true, agreed || moment == instant
		}
	}
	for _, f := range r.facts() {
		founding = founding || moments(f.observation) == instant
	}
	demand((agreed || !stated) && founding, "verify.instant")
	found := r.product().versionAt(instant)
	demand(found != nil && found.number == get(value, "version"), "verify.version")
	terms := r.product().version(get(value, "version")).terms.value
	demand(contentID("terms.filing", terms) == get(value, "filing"), "verify.terms_hash")
	demand(contentID("terms.meaning", meaning(terms)) == get(value, "meaning"), "verify.terms_hash")
}

// The row --------------------------------------------------------------------------------------------

type row struct {
	value        object
	policy, book string
	transaction  string
	since, until int64
	declared     object
	subject      any
}

func readRow(value any) row {
	bad := "policies.bad_row"
	given := obj(value)
	get(given, "subject")
	demand(oneOf("issue", "endorse", "renew", "cancel", "reinstate")(given["transaction"]), bad)
	for _, name := range []string{"number", "since", "until", "year_from", "premium_fen"} {
		num(given[name])
	}
	for _, item := range obj(given["declared"]) {
		num(item)
	}
	found := row{
		given, text(given["policy"]), text(given["book"]), text(given["transaction"]), num(given["since"]),
		num(given["until"]), obj(given["declared"]), given["subject"],
	}
	demand(found.until > found.since && num(given["premium_fen"]) >= 0, bad)
	demand(isHex(given["salt"], 64) && isHex(given["policy"], 32), bad)
	return found
}

func (w row) speaksOf(instant int64) bool { return w.since <= instant && instant < w.until }
func (w row) covers(instant int64) bool   { return w.speaksOf(instant) && w.transaction != "cancel" }

func (r *receipt) opened(part string) object {
	demand(r.value[part] != nil, "verify.part_absent")
	return obj(r.value[part])
}

func (r *receipt) ownRow() row { return readRow(r.opened("row")["row"]) }

func (r *receipt) inBook(opened object) {
	value, it := r.made("trigger").value, readRow(opened["row"])
	token := it.subject == nil || isText(it.subject, 0, largest)
	whole := token && exactly(it.value, "v", "book", "policy", "transaction", "number", "since", "until", "year_from",
		"premium_fen", "salt", "subject", "declared")
	demand(whole && it.value["v"] == int64(1), "verify.row_fields")
	demand(it.book == get(value, "book"), "verify.row_book")
	good := idIncluded("row", it.value, num(opened["position"]), num(get(value, "book_size")),
		opened["path"], get(value, "book_root"))
	demand(good, "verify.row_path")
}

func checkRow(r *receipt) {
	r.inBook(r.opened("row"))
}

// recordedAt is when the batch with this place of the book came in force: the block of the k-th word.
func (r *receipt) recordedAt(position int64) int64 {
	type stated struct {
		size int64
		root string
	}
	deciders, k := texts(r.listing()["deciders"]), num(r.listing()["k"])
	for _, batch := range r.acts("batch") {
		count := num(at(batch.body, "rows", "count"))
		by, times := map[stated]map[string]bool{}, map[stated][]int64{}
		for _, hold := range r.acts("hold") {
			if get(hold.body, "batch") != batch.id {
				continue
			}
			said := stated{num(get(hold.body, "size")), text(get(hold.body, "root"))}
			if by[said] == nil {
				by[said] = map[string]bool{}
			}
			times[said] = append(times[said], r.time(hold.height))
			if within(deciders, hold.by) {
				by[said][hold.by] = true
			}
		}
		for said, members := range by {
			if said.size-count <= position && position < said.size && int64(len(members)) >= k {
				slices.Sort(times[said])
				return times[said][k-1] // later ones say it too
			}
		}
	}
	fail("verify.batch_absent", nil)
	return 0
}

func (r *receipt) claim() object { return obj(r.opened("claim")["claim"]) }

func (r *receipt) held() bool {
	return r.value["claim"] != nil && r.claim()["state"] == "held"
}

func (r *receipt) arrears() bool {
	value := get(r.act("listing").body, "arrears")
	return value != false && value != nil && value != int64(0) && value != ""
}

func (r *receipt) samePolicy(it row, other object, instant int64) bool {
	row := readRow(other["row"])
	return row.policy == it.policy && row.speaksOf(instant)
}

type amounts struct{ net, gross *big.Int }

// cmp orders by what is paid with what is spent, then by what is paid with nothing spent.
func (a amounts) cmp(b amounts) int {
	if order := a.net.Cmp(b.net); order != 0 {
		return order
	}
	return a.gross.Cmp(b.gross)
}

func (r *receipt) amounts(opened object) amounts {
	it := readRow(opened["row"])
	if it.transaction == "cancel" {
		return amounts{new(big.Int), new(big.Int)}
	}
	return amounts{r.settleAgain(it, get(r.claim(), "spent_fen")), r.settleAgain(it, int64(0))}
}

func checkInForce(r *receipt) {
	value, opened := r.made("trigger").value, r.opened("row")
	it, instant := r.ownRow(), num(get(value, "instant"))
	stated := false
	for _, hold := range r.acts("hold") {
		stated = stated || get(hold.body, "size") == get(value, "book_size") && get(hold.body, "root") == get(value, "book_root")
	}
	demand(stated, "verify.book_unstated")
	demand(it.covers(instant), "verify.not_in_force")
	recorded := r.recordedAt(num(opened["position"]))
	var before object
	late, otherLate := recorded > instant, false
	if r.value["before"] != nil {
		before = r.opened("before")
		r.inBook(before)
		otherLate = r.recordedAt(num(before["position"])) > instant
	}
	r.whyInForce(it, opened, before, instant, late, otherLate)
}

// whyInForce: a version recorded after the instant changes nothing, or the claim is held for a person.
func (r *receipt) whyInForce(it row, opened, before object, instant int64, late, otherLate bool) {
	why := func(holds bool) { demand(holds, "verify.held_why") }
	order := func() int { return r.amounts(before).cmp(r.amounts(opened)) }
	how, released := "", false
	if !r.held() {
		how, released = r.released()
	}
	switch {
	case r.held() && r.notKnown(it):
	case r.held():
		why(!r.arrears())
		why(before == nil || r.samePolicy(it, before, instant))
		why(before == nil || late == otherLate || order() < 0)
	case released:
		why(late || otherLate)
		why(how != "reserved" || before == nil || order() <= 0)
		if how == "other" && !r.declined(how, released) {
			why(before != nil)
			why(order() >= 0)
		}
	case otherLate && !late && before != nil && r.value["claim"] != nil:
		if !r.arrears() && r.samePolicy(it, before, instant) {
			why(order() == 0)
		}
	case late && !r.arrears():
		same := before != nil && !otherLate && r.samePolicy(it, before, instant)
		demand(same && order() == 0, "verify.recorded_late")
	}
}

// released is how a person has released the claim, by the last such act before the trigger.
func (r *receipt) released() (string, bool) {
	trigger, policy := r.made("trigger"), r.opened("row")["row"]
	var last *act
	said := []act{}
	for _, a := range r.acts("release") {
		if a.index < trigger.index && get(a.body, "policy") == get(policy, "policy") {
			said = append(said, a)
			if last == nil || a.index > last.index {
				one := a
				last = &one
			}
		}
	}
	if last == nil {
		return "", false
	}
	count, _ := trigger.value["releases"].(int64)
	demand(count > 0, "verify.held_why")
	for _, a := range said {
		for _, name := range []string{"listing", "occurrence", "benefit", "shock"} {
			demand(get(a.body, name) == get(trigger.value, name), "verify.held_why")
		}
	}
	return plainText(get(last.body, "how")), true
}

// declined: the release gives nothing; it says so, or the other version gives nothing.
func (r *receipt) declined(how string, released bool) bool {
	if !released || how != "other" {
		return released && how == "nothing"
	}
	if r.value["before"] == nil {
		return true
	}
	other := r.amounts(r.opened("before"))
	return other.net.Sign() == 0 && other.gross.Sign() == 0
}
