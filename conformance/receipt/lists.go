package main

// Sealed lists (docs/specs/outage.md, section 3): the policy's own row, or its neighbours, and what
// follows for its inputs.

type listed struct {
	name    string
	stated  object
	entries []any
}

func (r *receipt) listed() []listed {
	found := []listed{}
	for name, stated := range obj(get(r.made("trigger").value, "facts")) {
		if entries, ok := obj(get(stated, "detail"))["lists"]; ok && entries != nil {
			if given := list(entries); len(given) > 0 {
				found = append(found, listed{name, obj(stated), given})
			}
		}
	}
	return found
}

func (r *receipt) line(name string, source any) object {
	for _, item := range r.lines() {
		if get(item, "input") == name && get(item, "source") == source {
			return obj(item)
		}
	}
	fail("verify.list_absent", nil)
	return nil
}

func checkLists(r *receipt) {
	wanted := map[[2]string]bool{}
	for _, l := range r.listed() {
		for _, entry := range l.entries {
			said, source := r.fact(get(entry, "observation")), text(get(entry, "source"))
			reference := get(entry, "list")
			demand(same(get(said.values, "list"), reference) && said.source == source, "verify.list_other")
			if reference != nil {
				wanted[[2]string{l.name, source}] = true
				r.openedList(r.line(l.name, source), obj(reference))
			}
		}
	}
	given := map[[2]string]bool{}
	for _, item := range r.lines() {
		given[[2]string{text(get(item, "input")), text(get(item, "source"))}] = true
	}
	demand(len(given) == len(r.lines()) && len(given) == len(wanted), "verify.list_other")
	for each := range given {
		demand(wanted[each], "verify.list_other")
	}
}

func listRow(value object, scope bool) {
	bad := "evidence.bad_list"
	if scope {
		demand(exactly(value, "v", "salt", "token"), bad)
	} else {
		demand(exactly(value, "v", "salt", "token", "off", "on"), bad)
		demand(wholeOrNull(value["off"]) && wholeOrNull(value["on"]), bad)
		if value["off"] != nil && value["on"] != nil {
			demand(num(value["on"]) >= num(value["off"]), bad)
		}
	}
	demand(value["v"] == int64(1) && isHex(value["token"], 64) && isHex(value["salt"], 64), bad)
}

// openedList: the policy's row stands in the list; or what stands beside its place leaves no room.
func (r *receipt) openedList(line, reference object) {
	token, count := get(r.opened("row")["row"], "subject"), num(line["count"])
	demand(line["count"] == get(reference, "count"), "verify.list_path")
	scope := r.product().rule(text(line["input"]))["measure"] == "outage.scope"
	tokens, places, before := []string{}, []int64{}, ""
	for _, item := range list(line["rows"]) {
		value, index := obj(get(item, "row")), num(get(item, "index"))
		listRow(value, scope)
		demand(text(value["token"]) > before, "verify.list_path")
		before = text(value["token"])
		good := idIncluded("list_row", value, index, count, get(item, "path"), get(reference, "root"))
		demand(good, "verify.list_path")
		tokens, places = append(tokens, before), append(places, index)
	}
	if token == nil || len(tokens) == 1 && tokens[0] == token {
		return
	}
	own, n := text(token), len(tokens)
	between := n == 0 && count == 0 ||
		n == 1 && places[0] == 0 && tokens[0] > own ||
		n == 1 && places[0] == count-1 && tokens[0] < own ||
		n == 2 && places[1] == places[0]+1 && tokens[0] < own && tokens[1] > own
	demand(between, "verify.list_gap")
}

// inputs are what the terms read for one policy, and those that are not known of it.
func (r *receipt) inputs(token any) (map[string]any, map[string]bool) {
	observed, unknown := map[string]any{}, map[string]bool{}
	for name, stated := range obj(get(r.made("trigger").value, "facts")) {
		observed[name] = get(stated, "value")
	}
	for _, l := range r.listed() {
		value, known := r.personal(l, token)
		if known {
			observed[l.name] = value
		} else {
			unknown[l.name] = true
		}
	}
	return observed, unknown
}

// rowOf is the token's own row among those opened of one list; nil where there is none.
func (r *receipt) rowOf(name string, entry, token any) object {
	for _, item := range list(r.line(name, get(entry, "source"))["rows"]) {
		if row := obj(get(item, "row")); token != nil && get(row, "token") == token {
			return row
		}
	}
	return nil
}

// personal is one person's value of an input that differs by person.
func (r *receipt) personal(l listed, token any) (any, bool) {
	measure := r.product().rule(l.name)["measure"]
	demand(measure == "outage.scope" || measure == "outage.restored", "evidence.not_listed")
	said, onList := map[string]any{}, int64(0)
	for _, entry := range l.entries {
		source := text(get(entry, "source"))
		if get(entry, "list") == nil {
			if measure == "outage.restored" {
				said[source] = get(entry, "value")
			}
			continue
		}
		row := r.rowOf(l.name, entry, token)
		if row != nil {
			onList = 1
		}
		said[source] = nil
		if on, ok := row["on"].(int64); ok {
			said[source] = floorDiv(on, 60)
		}
	}
	if measure == "outage.scope" {
		return onList, true
	}
	asked := at(l.stated, "detail", "asked")
	spoken := []int64{}
	for _, source := range texts(get(asked, "sources")) {
		if said[source] != nil {
			spoken = append(spoken, num(said[source]))
		}
	}
	for _, value := range spoken {
		near := int64(0)
		for _, other := range spoken {
			if max(other-value, value-other) <= num(get(asked, "tolerance")) {
				near++
			}
		}
		if near >= num(get(asked, "operators")) {
			return value, true
		}
	}
	return nil, false
}
