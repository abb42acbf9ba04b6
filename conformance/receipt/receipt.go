package main

// The shape of a receipt (docs/specs/receipt.md, section 1), and its entries sorted by role.

const largestFile = 16_000_000

// roles in their order, each with the kind of act, or what was made.
var roles = []struct{ name, kind string }{
	{"genesis", "genesis"}, {"members", "admit_member"}, {"product", "file_product"},
	{"listing", "list_product"}, {"batch", "admit_batch"}, {"hold", "hold_batch"},
	{"areas", "file_area"}, {"sources", "register_source"}, {"facts", "record_facts"},
	{"resolution", "resolve"}, {"trigger", "made"}, {"decisions", "decide"},
	{"settlement", "made"}, {"payments", "confirm_payments"}, {"case", "made"},
	{"blocks", "block"}, {"release", "release"},
	{"keys", "change_key"},
}

type shown struct {
	index int64
	leaf  object
	path  []any
}

type act struct {
	id, role, by, kind string
	index, height      int64
	value, body        object
	result             object
	signed             []byte
}

type made struct {
	id            string
	by            any
	index, height int64
	value         object
	because       any
}

type block struct{ index, height, time, rules, leaves int64 }

// receipt is the file, and what its holder was given to hold it against.
type receipt struct {
	value   object
	leaves  map[string][]shown
	vkey    string // given from outside; empty for none
	genesis object // the file given from outside; nil for none
	read    map[string][]act
	filed   *product
	taken   map[string]fact
}

func malformed(where string) {
	fail("verify.malformed", object{"at": where})
}

func shapeOf(value any, where string, names ...string) object {
	if !exactly(value, names...) {
		malformed(where)
	}
	return obj(value)
}

// typed wants each field to be of the kind of the sample beside its name.
func typed(value object, where string, kinds ...any) {
	for i := 0; i < len(kinds); i += 2 {
		name := kinds[i].(string)
		good := false
		switch kinds[i+1].(type) {
		case int:
			number, ok := value[name].(int64)
			good = ok && number >= 0
		case string:
			_, good = value[name].(string)
		case []any:
			_, good = value[name].([]any)
		case object:
			_, good = value[name].(object)
		}
		if !good {
			malformed(where + "." + name)
		}
	}
}

func pathShape(value any, where string) {
	steps := list(value)
	if len(steps) > 64 {
		malformed(where + ".path")
	}
	for _, step := range steps {
		if !isText(step, 64, 64) {
			malformed(where + ".path")
		}
	}
}

func readReceipt(value any, vkey string, genesis object) *receipt {
	given, ok := value.(object)
	if !ok {
		malformed("$")
	}
	names := []string{
		"v", "receipt", "vkey", "checkpoint", "leaves", "row", "before", "claim", "payouts",
		"signer", "sig",
	}
	if given["certificate"] != nil {
		names = append(names, "certificate")
		typed(given, "$", "certificate", object{})
	}
	if _, there := given["lines"]; there {
		names = append(names, "lines")
		typed(given, "$", "lines", []any{})
	}
	shapeOf(given, "$", names...)
	typed(given, "$", "v", 0, "receipt", "", "vkey", "", "checkpoint", "", "leaves", object{},
		"payouts", []any{}, "signer", "", "sig", "")
	if given["v"] != int64(1) || (given["receipt"] != "payout" && given["receipt"] != "refusal") {
		malformed("$.receipt")
	}
	r := &receipt{value: given, leaves: map[string][]shown{}, vkey: vkey, genesis: genesis}
	r.readLeaves(obj(given["leaves"]))
	rowShape(given["row"], "$.row")
	rowShape(given["before"], "$.before")
	if given["claim"] != nil {
		claim := shapeOf(given["claim"], "$.claim", "claim", "index", "count", "path")
		typed(claim, "$.claim", "claim", object{}, "index", 0, "count", 0, "path", []any{})
		pathShape(claim["path"], "$.claim")
	}
	for _, item := range list(given["payouts"]) {
		payoutShape(item)
	}
	for _, item := range r.lines() {
		lineShape(item)
	}
	return r
}

func (r *receipt) readLeaves(leaves object) {
	wanted := []string{}
	for _, role := range roles {
		given, _ := leaves[role.name].([]any)
		if role.name != "release" && role.name != "keys" || len(given) > 0 {
			wanted = append(wanted, role.name)
		}
	}
	shapeOf(leaves, "$.leaves", wanted...)
	for _, role := range wanted {
		typed(leaves, "$.leaves", role, []any{})
		for _, item := range list(leaves[role]) {
			where := "$.leaves." + role
			entry := shapeOf(item, where, "index", "leaf", "path")
			typed(entry, where, "index", 0, "leaf", object{}, "path", []any{})
			pathShape(entry["path"], where)
			r.leaves[role] = append(r.leaves[role],
				shown{num(entry["index"]), obj(entry["leaf"]), list(entry["path"])})
		}
	}
}

func rowShape(value any, where string) {
	if value != nil {
		row := shapeOf(value, where, "row", "position", "path")
		typed(row, where, "row", object{}, "position", 0, "path", []any{})
		pathShape(row["path"], where)
	}
}

func payoutShape(value any) {
	part := shapeOf(value, "$.payouts", "payout", "amount_fen", "paid")
	typed(part, "$.payouts", "payout", object{}, "amount_fen", 0)
	if part["paid"] != nil {
		paid := shapeOf(part["paid"], "$.payouts.paid", "outcome", "act", "index", "count", "path")
		typed(paid, "$.payouts.paid", "outcome", object{}, "act", "", "index", 0, "count", 0, "path", []any{})
		pathShape(paid["path"], "$.payouts.paid")
	}
}

func lineShape(value any) {
	line := shapeOf(value, "$.lines", "input", "source", "count", "rows")
	typed(line, "$.lines", "input", "", "source", "", "count", 0, "rows", []any{})
	for _, item := range list(line["rows"]) {
		row := shapeOf(item, "$.lines.rows", "row", "index", "path")
		typed(row, "$.lines.rows", "row", object{}, "index", 0, "path", []any{})
		pathShape(row["path"], "$.lines.rows")
	}
}

func (r *receipt) lines() []any {
	if r.value["lines"] == nil {
		return nil
	}
	return list(r.value["lines"])
}

func (r *receipt) payout() bool { return r.value["receipt"] == "payout" }

func (r *receipt) has(role string) bool { return len(r.leaves[role]) > 0 }

// parts: all that this kind of receipt needs is there, and nothing that it may not have.
func (r *receipt) parts() {
	once := []string{"genesis", "product", "listing", "case"}
	row, claim := r.value["row"] != nil, r.value["claim"] != nil
	payouts := len(list(r.value["payouts"])) > 0
	wanted := true
	if r.payout() || r.has("settlement") {
		once = append(once, "trigger", "settlement")
		if r.payout() {
			wanted = row && claim && payouts
		} else {
			wanted = row && !payouts
		}
		wanted = wanted && r.has("decisions") && r.has("hold")
	} else {
		wanted = !row && !claim && !payouts
		for _, role := range []string{"trigger", "decisions", "payments", "batch", "hold"} {
			wanted = wanted && !r.has(role)
		}
	}
	for _, role := range once {
		wanted = wanted && len(r.leaves[role]) == 1
	}
	demand(wanted && (row || r.value["before"] == nil), "verify.parts")
}

// What stands in the leaves ------------------------------------------------------------------------

func (r *receipt) one(role string) shown {
	demand(len(r.leaves[role]) == 1, "verify.leaf_count")
	return r.leaves[role][0]
}

func (r *receipt) genesisValue() object {
	leaf := r.one("genesis").leaf
	demand(exactly(leaf, "leaf", "value"), "verify.leaf_shape")
	return obj(leaf["value"])
}

// isAct says whether these are the fields of an act, with or without an end.
func isAct(value object) bool {
	if exactly(value, "v", "chain", "kind", "by", "key", "ref", "body", "sig") {
		return value["v"] == int64(1)
	}
	until, whole := value["until"].(int64)
	ended := exactly(value, "v", "chain", "kind", "by", "key", "ref", "body", "sig", "until")
	return ended && value["v"] == int64(2) && whole && until >= 0
}

func readAct(role, kind string, s shown) act {
	demand(exactly(s.leaf, "leaf", "height", "act", "result") && s.leaf["leaf"] == "act", "verify.leaf_shape")
	value := obj(s.leaf["act"])
	demand(isAct(value) && value["kind"] == kind, "verify.leaf_role")
	height, ok := s.leaf["height"].(int64)
	demand(ok, "verify.leaf_shape")
	signed := append([]byte("miaopei/v1/act\x00"), canonical(without(value, "sig"))...)
	wish := without(without(value, "sig"), "until") // the same act whenever it ends
	wish["v"] = int64(1)
	id := contentID("act", wish)
	body, _ := value["body"].(object)
	result, _ := s.leaf["result"].(object)
	return act{id, role, plainText(value["by"]), kind, s.index, height, value, body, result, signed}
}

// acts of one role; every act of the receipt is read, so that one bad act spoils all.
func (r *receipt) acts(wanted string) []act {
	return r.allActs()[wanted]
}

func (r *receipt) allActs() map[string][]act {
	if r.read != nil {
		return r.read
	}
	found := map[string][]act{}
	for _, role := range roles {
		if role.kind == "genesis" || role.kind == "made" || role.kind == "block" {
			continue
		}
		for _, s := range r.leaves[role.name] {
			found[role.name] = append(found[role.name], readAct(role.name, role.kind, s))
		}
	}
	r.read = found
	return found
}

func (r *receipt) act(role string) act {
	found := r.acts(role)
	demand(len(found) == 1, "verify.leaf_count")
	return found[0]
}

func (r *receipt) made(role string) made {
	s := r.one(role)
	fits := exactly(s.leaf, "leaf", "height", "by", "what", "id", "value", "because")
	_, named := s.leaf["because"].([]any)
	demand(fits && named && s.leaf["leaf"] == "made" && s.leaf["what"] == role, "verify.leaf_shape")
	height, ok := s.leaf["height"].(int64)
	demand(ok, "verify.leaf_shape")
	demand(contentID(role, s.leaf["value"]) == s.leaf["id"], "verify.made_id")
	return made{
		text(s.leaf["id"]), s.leaf["by"], s.index, height, obj(s.leaf["value"]),
		s.leaf["because"],
	}
}

func (r *receipt) blocks() map[int64]block {
	found := map[int64]block{}
	for _, s := range r.leaves["blocks"] {
		fits := exactly(s.leaf, "leaf", "height", "time", "rules", "acts", "leaves", "writes", "previous")
		demand(fits && s.leaf["leaf"] == "block", "verify.leaf_shape")
		b := block{s.index, num(s.leaf["height"]), num(s.leaf["time"]), num(s.leaf["rules"]), num(s.leaf["leaves"])}
		_, twice := found[b.height]
		demand(!twice, "verify.block_twice")
		found[b.height] = b
	}
	return found
}

func (r *receipt) time(height int64) int64 {
	found, known := r.blocks()[height]
	demand(known, "verify.block_missing")
	return found.time
}

type member struct {
	entry object
	since int64
}

func (r *receipt) members() map[string]member {
	found := map[string]member{}
	for _, entry := range list(get(r.genesisValue(), "members")) {
		found[plainText(get(entry, "id"))] = member{obj(entry), 0}
	}
	for _, a := range r.acts("members") {
		name := plainText(get(a.body, "id"))
		if _, known := found[name]; !known {
			found[name] = member{a.body, a.index}
		}
	}
	return found
}

// subject is the trigger, or for a refusal without one the case.
func (r *receipt) subject() made {
	if r.has("trigger") {
		return r.made("trigger")
	}
	return r.made("case")
}

func digest(data []byte) []byte { return h(data) }
