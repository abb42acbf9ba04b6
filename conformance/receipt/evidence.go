package main

// Checks of the evidence: who vouches for each fact, from which bytes, and what the facts come to.

import (
	"math/big"
	"sort"
)

type fact struct {
	observation
	attestation object
	act         act
}

// facts that the record took, by observation id.
func (r *receipt) facts() map[string]fact {
	if r.taken != nil {
		return r.taken
	}
	found := map[string]fact{}
	acts := append([]act{}, r.acts("facts")...)
	sort.Slice(acts, func(a, b int) bool { return acts[a].index < acts[b].index })
	for _, a := range acts {
		refused, cut, last := map[any]bool{}, false, int64(-1)
		for _, note := range list(get(a.result, "notes")) {
			index := obj(get(note, "facts"))["index"]
			refused[index] = true
			cut = cut || get(note, "code") == "act.and_more"
			if number, ok := index.(int64); ok {
				last = max(last, number)
			}
		}
		for index, item := range list(get(a.body, "facts")) {
			if refused[int64(index)] {
				continue
			}
			f := fact{readObservation(get(item, "observation")), readAttestation(get(item, "attestation")), a}
			if cut && int64(index) > last && !r.good(f) {
				continue
			}
			if _, known := found[f.id]; !known {
				found[f.id] = f
			}
		}
	}
	r.taken = found
	return found
}

func (r *receipt) good(f fact) bool {
	source, time := r.source(f.source, f.act.index), r.time(f.act.height)
	return vouched(f.attestation, f.observation, source, time) && admissible(f.observation, source, time)
}

func checkObservations(r *receipt) {
	facts := r.facts()
	demand(len(facts) > 0 || len(r.acts("facts")) == 0, "verify.facts_empty")
	for _, f := range facts {
		demand(r.good(f), "evidence.not_admissible")
	}
}

func checkOriginals(r *receipt) {
	for _, f := range r.facts() {
		demand(originalFits(f.attestation), "verify.original")
	}
}

// founder is the observation that an occurrence's id names.
func (r *receipt) founder(occurrence any) observation {
	rule := contentID("grouping", r.product().grouping())
	for id, f := range r.facts() {
		if contentID("occurrence", object{"rule": rule, "founding": id}) == occurrence {
			return f.observation
		}
	}
	fail("verify.no_founder", nil)
	return observation{}
}

func (r *receipt) fact(id any) fact {
	f, known := r.facts()[text(id)]
	demand(known, "verify.fact_absent")
	return f
}

// window is how far, in metres and seconds, what decides may lie from the founder.
func window(rule object) (metres, slack int64) {
	if rule["kind"] != "shocks" {
		return 0, 0
	}
	number := func(name string, otherwise int64) int64 {
		value, there := rule[name]
		if !there && otherwise >= 0 {
			return otherwise
		}
		demand(isWhole(value, 1, largest), "evidence.bad_rule")
		return num(value)
	}
	demand(len(list(get(rule, "counted_types"))) > 0, "evidence.bad_rule")
	number("threshold_tenths", -1)
	number("hours", 72)
	number("like_shock_tenths", 0)
	near := max(number("same_shock_seconds", -1), number("like_shock_seconds", 0))
	return (number("km", 50) + number("same_shock_km", -1)) * 1000, near
}

func checkEvent(r *receipt) {
	value, rule := r.subject().value, r.product().grouping()
	metres, slack := window(rule)
	founder := r.founder(get(value, "occurrence"))
	for _, item := range obj(get(value, "facts")) {
		stated, ok := item.(object)
		if !ok {
			continue
		}
		because, ok := stated["because"].([]any)
		if !ok || len(because) == 0 {
			continue
		}
		deciding := r.fact(because[0])
		if deciding.kind != "shock" || founder.kind != "shock" {
			continue
		}
		gap := deciding.instant() - founder.instant()
		near := isNear(
			vectorOf(num(deciding.values["lat_udeg"]), num(deciding.values["lon_udeg"])),
			vectorOf(num(founder.values["lat_udeg"]), num(founder.values["lon_udeg"])), metres,
		)
		demand(max(gap, -gap) <= num(get(rule, "hours"))*3600+slack && near, "verify.outside_sequence")
	}
}

var aside = []string{"held", "waiting", "closed", "refusal", "round"} // entries of a case's facts that are no inputs

func checkFacts(r *receipt) {
	subject := r.subject()
	for name, stated := range obj(get(subject.value, "facts")) {
		if within(aside, name) {
			continue
		}
		for _, parent := range list(get(stated, "because")) {
			demand(r.fact(parent).act.index < subject.index, "verify.fact_late")
		}
		r.readAgain(name, obj(stated), subject.value)
	}
}

func (r *receipt) readAgain(name string, stated, value object) {
	rule := r.product().rule(name)
	if get(stated, "how") == "person" {
		r.byPerson(name, stated, value)
		return
	}
	because := list(stated["because"])
	demand(len(because) > 0, "verify.fact_absent")
	first := r.fact(because[0])
	named := append(texts(rule["sources"]), texts(rule["fallback"])...)
	demand(within(named, first.source), "verify.source_not_named")
	entry := r.source(first.source, first.act.index)
	demand(entry != nil && entry["counted"] == true, "verify.source_not_counted")
	demand(get(stated, "value") == r.measure(rule, stated, first), "verify.fact_differs")
}

// byPerson: a person's word stands where sources disagreed; the act that says so must be here.
func (r *receipt) byPerson(name string, stated, value object) {
	var last *act
	each := r.product().grouping()["decides"] == "every_shock"
	for _, a := range r.acts("resolution") {
		about := get(a.body, "listing") == get(value, "listing") &&
			get(a.body, "occurrence") == get(value, "occurrence") && get(a.body, "input") == name
		if each && obj(get(stated, "detail"))["act"] != a.id {
			continue
		}
		if about && (last == nil || a.index > last.index) {
			said := a
			last = &said
		}
	}
	demand(last != nil, "verify.resolution_absent")
	demand(same(get(last.body, "value"), get(stated, "value")), "verify.fact_differs")
}

func parameter(rule object, name, otherwise string) string {
	value, there := obj(rule["params"])[name]
	if !there {
		return otherwise
	}
	given, _ := value.(string)
	return given
}

// measure reads one input again from the observation that it names first.
func (r *receipt) measure(rule, stated object, first fact) any {
	name := text(rule["name"])
	switch rule["measure"] {
	case "shock.magnitude":
		return r.magnitude(stated, first)
	case "shock.role":
		value, _, byName, byCell := r.readRole(first.observation)
		detail := obj(get(stated, "detail"))
		demand(value != nil, "verify.role_differs")
		demand(byName == detail["by_name"] && byCell == detail["by_position"], "verify.role_side")
		return value
	case "shock.position":
		part := map[string]int{"x": 0, "y": 1, "z": 2}
		which, known := part[parameter(rule, "part", "")]
		demand(known, "verify.unreadable")
		return unitVector(num(get(first.values, "lat_udeg")), num(get(first.values, "lon_udeg")))[which]
	case "loss.area":
		sum := int64(0)
		for _, code := range texts(get(r.product().area(), "own")) {
			sum += num(at(first.values, "items", code, parameter(rule, "item", "civil_houses")))
		}
		return sum
	case "loss.total":
		return num(at(first.values, "totals", parameter(rule, "item", "civil_houses")))
	case "deaths.area":
		return r.deaths(stated)
	case "value":
		demand(get(first.values, "name") == parameter(rule, "reading", name), "verify.fact_absent")
		return num(first.values["value"])
	case "outage.scope":
		plan(stated, first)
		return int64(1)
	case "outage.planned":
		return floorDiv(num(plan(stated, first)["on_planned"]), 60)
	case "outage.restored":
		return r.restored(rule, stated, first)
	case "outage.cause":
		return num(get(first.values, "cause"))
	}
	unreadable("no such measure")
	return nil
}

func floorDiv(a, b int64) int64 {
	return new(big.Int).Div(big.NewInt(a), big.NewInt(b)).Int64()
}

func (r *receipt) magnitude(stated object, first fact) any {
	types := texts(get(r.product().grouping(), "counted_types"))
	comparable := get(first.values, "event_type") == "earthquake" && within(types, text(get(first.values, "magnitude_type")))
	demand(comparable, "verify.not_comparable")
	used, _ := obj(get(stated, "detail"))["used"].(object)
	for _, item := range used {
		pair := list(item)
		demand(len(pair) == 2, "verify.unreadable")
		found := get(r.fact(pair[0]).values, "magnitude_tenths")
		demand(found == pair[1], "verify.fact_differs")
		demand(num(found) <= num(get(stated, "value")), "verify.larger_shock")
	}
	return num(first.values["magnitude_tenths"])
}

func (r *receipt) deaths(stated object) any {
	counts, sum := map[string]int64{}, int64(0)
	for _, parent := range list(get(stated, "because")) {
		values := r.fact(parent).values
		area := text(get(values, "area"))
		if _, known := counts[area]; !known {
			counts[area] = num(get(values, "count"))
		}
	}
	for _, code := range texts(get(r.product().area(), "own")) {
		count, known := counts[code]
		demand(known, "verify.unreadable")
		sum += count
	}
	return sum
}

// plan: the one that counts was published before the outage began, and not cancelled.
func plan(stated object, first fact) object {
	demand(first.kind == "outage" && first.values["state"] == "planned", "verify.no_plan")
	began := num(at(stated, "detail", "instant"))
	demand(num(first.values["published_at"]) < began, "verify.plan_too_late")
	return first.values
}

// restored: of a complete report, and near what every other source that is named says.
func (r *receipt) restored(rule, stated object, first fact) any {
	demand(first.kind == "restoration" && first.values["complete"] == true, "verify.report_incomplete")
	minute := floorDiv(num(first.values["last_on"]), 60)
	for _, parent := range list(stated["because"]) {
		apart := floorDiv(num(get(r.fact(parent).values, "last_on")), 60) - minute
		demand(max(apart, -apart) <= num(rule["tolerance"]), "verify.sources_apart")
	}
	return minute
}
