package main

// Checks of a refusal: the case as it stood, and its reason worked out again where it can be.

import "strings"

// awaiting: the measures for which a case may wait in each state; none: any.
var awaiting = map[string][]string{
	"awaiting_rapid_report": {"shock.magnitude", "shock.role", "shock.position"},
	"awaiting_report":       {"loss.area", "loss.total", "value"},
	"awaiting_death_notice": {"deaths.area"},
	"awaiting_quorum":       nil,
}

func checkCase(r *receipt) {
	made := r.made("case")
	value := made.value
	demand(get(value, "listing") == r.listing()["id"], "verify.case_other")
	demand(within(texts(r.product().value["benefits"]), text(get(value, "benefit"))), "verify.case_other")
	if r.has("trigger") {
		trigger := r.made("trigger")
		for _, name := range []string{"listing", "occurrence", "benefit", "revision"} {
			demand(get(value, name) == get(trigger.value, name), "verify.case_other")
		}
		demand(get(value, "trigger") == trigger.id, "verify.case_other")
		demand(made.index > trigger.index, "verify.order")
	}
	if r.has("settlement") {
		demand(get(value, "settlement") == r.made("settlement").id && get(value, "state") == "settled", "verify.case_other")
	} else {
		open := oneOf("settled", "ready", "deciding")(get(value, "state"))
		demand(get(value, "settlement") == nil && !open, "verify.case_other")
	}
	r.time(made.height)
	get(value, "reason")
}

func checkReason(r *receipt) {
	if r.has("settlement") {
		r.policyReason()
	} else {
		r.caseReason(r.made("case").value)
	}
}

func differs(holds bool) { demand(holds, "verify.reason_differs") }

func (r *receipt) caseReason(value object) {
	state, code := text(get(value, "state")), get(value, "reason")
	until, facts := get(value, "until"), obj(get(value, "facts"))
	if code == "no_terms_in_force" {
		differs(r.product().versionAt(num(get(value, "instant"))) == nil)
		return
	}
	if code == "part_of_an_earlier_sequence" {
		return
	}
	if get(value, "instant") == nil {
		differs(at(facts, "refusal", "code") == code)
		return
	}
	observed := map[string]any{}
	for name, stated := range facts {
		if !within(aside, name) {
			observed[name] = get(stated, "value")
		}
	}
	version := r.product().versionAt(num(get(value, "instant")))
	differs(version != nil)
	body := version.terms.benefit(get(value, "benefit"))
	missing := firstMissing(body, observed)
	switch {
	case state == "held_undecided":
		differs(missing == "" && at(facts, "refusal", "code") == code)
	case state == "held_deciders":
		_, round := facts["round"]
		differs(missing == "" && round)
	case strings.HasPrefix(state, "awaiting_") || strings.HasPrefix(state, "held_") || state == "closed":
		demand(missing != "", "verify.nothing_missing")
		r.waits(value, missing, until)
	default:
		differs(missing == "" || code == "outside_area")
		r.refusedOrZero(state, code, facts, observed, body)
	}
}

func (r *receipt) refusedOrZero(state string, code any, facts object, observed map[string]any, body *node) {
	spent := map[string]any{}
	noneSpent(body, spent)
	amount, refusal := attempt(func() *bigInt { return settle(body, known{observed, nil, spent}) })
	switch {
	case state == "refused":
		differs(refusal != nil)
		said := object{"code": refusal.code, "facts": object{}}
		if refusal.facts != nil {
			said["facts"] = refusal.facts
		}
		differs(same(said, get(facts, "refusal")))
	case code == "outside_area" || code == "terms_give_zero":
		differs(amount != nil && amount.Sign() == 0)
		if code == "outside_area" {
			differs(observed[r.roleName()] == int64(0))
		}
	default:
		fail("verify.reason_unknown", nil)
	}
}

func noneSpent(n *node, found map[string]any) {
	if n.word == "spent" {
		found[text(n.value["benefit"])] = int64(0)
	}
	for _, child := range n.children {
		noneSpent(child, found)
	}
}

func (r *receipt) roleName() string {
	for _, rule := range r.product().rules {
		if rule["measure"] == "shock.role" {
			return text(rule["name"])
		}
	}
	unreadable("no role")
	return ""
}

// waits: the state is that of the input that is missing first, and its deadline has (not) passed.
func (r *receipt) waits(value object, missing string, until any) {
	state, rule := text(get(value, "state")), r.product().rule(missing)
	time := r.time(r.made("case").height)
	measures, waiting := awaiting[state]
	switch {
	case state == "closed":
		differs(rule["close_after_seconds"] != nil)
		start := r.founder(get(value, "occurrence")).instant()
		demand(time >= start+num(rule["close_after_seconds"]), "verify.not_yet_closed")
	case waiting:
		differs(measures == nil || within(measures, text(rule["measure"])))
		demand(until == nil || num(until) > time, "verify.deadline_past")
	default:
		r.heldReason(value, rule)
	}
}

// heldReason: what disagrees is here; where the epicentre lies is read again, and disagrees again.
func (r *receipt) heldReason(value, rule object) {
	held, _ := obj(get(value, "facts"))["held"].(object)
	differs(len(held) > 0 && held["input"] == rule["name"])
	named := []any{}
	if observation, there := held["observation"]; there {
		named = append(named, observation)
	}
	if values, there := held["values"]; there {
		for _, side := range list(values) {
			named = append(named, get(side, "observation"))
		}
	}
	for _, name := range named {
		r.fact(name)
	}
	if _, there := held["by_name"]; !there {
		return
	}
	o := r.fact(get(held, "observation")).observation
	role, reason, byName, byCell := r.readRole(o)
	differs(role == nil && reason == get(value, "reason"))
	differs(same(without(held, "input"), object{
		"observation": o.id, "instant": o.instant(), "place": o.values["place"], "cell": o.values["cell"],
		"by_name": byName, "by_position": byCell,
	}))
}

// policyReason: one policy of a settled case that got nothing.
func (r *receipt) policyReason() {
	instant := get(r.made("trigger").value, "instant")
	if r.value["claim"] != nil {
		demand(get(r.claim(), "pay_fen") == int64(0), "verify.paid_after_all")
		return
	}
	it := r.ownRow()
	if it.covers(num(instant)) {
		demand(r.settleAgain(it, int64(0)).Sign() == 0, "verify.gross")
	}
}
