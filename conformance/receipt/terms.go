package main

// The filed form of terms and products (docs/specs/terms.md, sections 2, 5 and 6), read strictly.

const (
	mostWords  = 5_000
	mostLevels = 40
)

// node is one word; named words are shared by all that cite them.
type node struct {
	word     string // the word, or figure, clause
	name     string
	value    object
	children []*node // in the order of the fields
	parts    map[string]*node
	lists    map[string][]*node
}

type wordSize struct{ words, depth int }

// What a field holds: w a word, W a list of words, f a cited figure, i an integer, I a list of
// integers, s text, t provenance, S a list of texts, p parameters, c codes, R rows, r rates,
// k a kind; a question mark after it: or null.
var words = map[string][][2]string{
	"fixed":    {{"value", "i"}, {"kind", "k"}},
	"spent":    {{"benefit", "s"}, {"within", "y"}, {"high", "f"}},
	"plus":     {{"items", "W"}},
	"minus":    {{"left", "w"}, {"right", "w"}},
	"times":    {{"count", "w"}, {"each", "w"}},
	"least":    {{"items", "W"}},
	"most":     {{"items", "W"}},
	"pro_rata": {{"amount", "w"}, {"part", "w"}, {"whole", "w"}, {"rounding", "o"}, {"unit_fen", "i"}},
	"band":     {{"of", "w"}, {"kind", "k"}, {"rows", "R"}, {"source", "t"}},
	"tier":     {{"of", "w"}, {"counting", "n"}, {"size", "i"}, {"rates", "r"}, {"source", "t"}},
	"either":   {{"test", "w"}, {"then", "w"}, {"otherwise", "w"}},
	"at_least": {{"left", "w"}, {"right", "w"}},
	"one_of":   {{"of", "w"}, {"codes", "I"}},
	"near":     {{"of", "W"}, {"centre", "W"}, {"radius", "f"}},
	"every":    {{"items", "W"}},
	"any":      {{"items", "W"}},
	"not":      {{"item", "w"}},
}

var named = map[string][][2]string{
	"figure":   {{"name", "s"}, {"value", "i"}, {"kind", "k"}, {"zh", "s"}, {"en", "s"}, {"source", "t"}},
	"clause":   {{"name", "s"}, {"zh", "s"}, {"en", "s"}, {"body", "w"}},
	"declared": {{"name", "s"}, {"kind", "k"}, {"low", "i"}, {"high", "i"}, {"zh", "s"}, {"en", "s"}},
	"observed": {
		{"name", "s"}, {"kind", "k"}, {"low", "i"}, {"high", "i"}, {"zh", "s"}, {"en", "s"},
		{"measure", "s"}, {"params", "p"}, {"sources", "S"}, {"fallback", "S"}, {"if_missing", "m"},
		{"definition_zh", "s"}, {"definition_en", "s"}, {"codes", "c"},
	},
}

var choices = map[string][]string{
	"k": {"money", "magnitude", "ratio", "count", "minutes", "instant", "flag", "code", "loss", "metres", "part"},
	"y": {"policy_year"}, "o": {"half_up", "down", "exact"}, "n": {"started", "full", "exact"},
	"m": {"hold", "close"},
}

type terms struct {
	value    object
	inputs   map[string]*node
	benefits map[string]*node
}

type termsReader struct {
	inputs, figures, clauses map[string]*node
	sizes                    map[string]wordSize
	size                     wordSize
	written                  int
}

func notTerms(where string) {
	fail("terms.bad_value", object{"at": where})
}

func readTerms(value any) *terms {
	given, ok := value.(object)
	if !ok || given["format"] != "miaopei.terms/1" || !exactly(given, "format", "id", "version",
		"period", "currency", "governing", "filed_wording_digest", "inputs", "figures", "clauses", "benefits") {
		notTerms("$")
	}
	digest := given["filed_wording_digest"]
	head := isText(given["id"], 0, 4000) && isWhole(given["version"], -largest, largest) &&
		given["period"] == "policy_year" && isText(given["currency"], 0, 4000) &&
		isText(given["governing"], 0, 4000) && (digest == nil || isText(digest, 0, 4000))
	if !head {
		notTerms("$")
	}
	t := &termsReader{map[string]*node{}, map[string]*node{}, map[string]*node{}, map[string]wordSize{}, wordSize{}, 0}
	for _, item := range list(given["inputs"]) {
		word, _ := obj(item)["word"].(string)
		if word != "declared" && word != "observed" {
			fail("terms.unknown_word", nil)
		}
		t.keep(t.inputs, t.fields(word, item, named[word], "word"))
	}
	for _, item := range list(given["figures"]) {
		t.keep(t.figures, t.fields("figure", item, named["figure"]))
	}
	for _, item := range list(given["clauses"]) {
		t.size = wordSize{}
		clause := t.fields("clause", item, named["clause"])
		t.keep(t.clauses, clause)
		t.sizes[clause.name] = wordSize{t.size.words + 1, t.size.depth + 1}
	}
	found := &terms{given, t.inputs, map[string]*node{}}
	order := []*node{}
	for _, name := range texts(given["benefits"]) {
		clause, known := t.clauses[name]
		if !known {
			fail("terms.unknown_name", nil)
		}
		found.benefits[name] = clause
		order = append(order, clause)
	}
	filedOrder(given, order)
	return found
}

// filedOrder: figures and clauses stand in the order of the walk, and none is spare.
func filedOrder(given object, benefits []*node) {
	seen, figures, clauses := map[*node]bool{}, []any{}, []any{}
	var walk func(n *node)
	walk = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, child := range n.children {
			walk(child)
		}
		switch n.word {
		case "figure":
			figures = append(figures, n.value)
		case "clause":
			clauses = append(clauses, n.value)
		}
	}
	for _, clause := range benefits {
		walk(clause)
	}
	if !same(figures, given["figures"]) || !same(clauses, given["clauses"]) {
		fail("terms.not_filed_form", nil)
	}
}

func (t *termsReader) keep(table map[string]*node, n *node) {
	for _, known := range []map[string]*node{t.inputs, t.figures, t.clauses} {
		if known[n.name] != nil {
			fail("terms.name_twice", nil)
		}
	}
	table[n.name] = n
}

func (t *termsReader) fields(word string, value any, form [][2]string, extra ...string) *node {
	names := append([]string{}, extra...)
	for _, field := range form {
		names = append(names, field[0])
	}
	if !exactly(value, names...) {
		notTerms(word)
	}
	n := &node{word: word, value: obj(value), parts: map[string]*node{}, lists: map[string][]*node{}}
	for _, field := range form {
		t.field(n, field[0], field[1], n.value[field[0]])
	}
	n.name, _ = n.value["name"].(string)
	return n
}

func (t *termsReader) field(n *node, name, kind string, value any) {
	good := true
	switch kind {
	case "i":
		good = isWhole(value, -largest, largest)
	case "s":
		good = isText(value, 0, 4000)
	case "t":
		good = isProvenance(value)
	case "S":
		for _, item := range list(value) {
			good = good && isText(item, 0, 4000)
		}
	case "I":
		for _, item := range list(value) {
			good = good && isWhole(item, -largest, largest)
		}
	case "p":
		for _, item := range obj(value) {
			good = good && (isText(item, 0, 1<<30) || isWhole(item, -largest, largest))
		}
	case "c":
		for _, item := range list(value) {
			good = good && exactly(item, "value", "name", "zh", "en") && isWhole(obj(item)["value"], -largest, largest) &&
				isText(obj(item)["name"], 0, 4000) && isText(obj(item)["zh"], 0, 4000) && isText(obj(item)["en"], 0, 4000)
		}
	case "R":
		for _, item := range list(value) {
			good = good && exactly(item, "low", "high", "value", "source") && isRow(obj(item))
		}
	case "r":
		for _, item := range list(value) {
			good = good && exactly(item, "units", "fen") && isWhole(obj(item)["units"], -largest, largest) &&
				isWhole(obj(item)["fen"], -largest, largest)
		}
	case "w", "f":
		n.parts[name] = t.read(value, kind == "f")
		n.children = append(n.children, n.parts[name])
	case "W":
		for _, item := range list(value) {
			n.lists[name] = append(n.lists[name], t.read(item, false))
		}
		n.children = append(n.children, n.lists[name]...)
	default:
		given, ok := value.(string)
		good = ok && within(choices[kind], given) || kind == "m" && value == nil
	}
	if many, ok := value.([]any); ok && len(many) > 500 {
		good = false
	}
	if !good {
		notTerms(n.word + "." + name)
	}
}

func isProvenance(value any) bool {
	return exactly(value, "zh", "en", "dated") && isText(obj(value)["zh"], 0, 4000) &&
		isText(obj(value)["en"], 0, 4000) && isText(obj(value)["dated"], 0, 4000)
}

func isRow(row object) bool {
	open := row["high"] == nil || isWhole(row["high"], -largest, largest)
	unset := row["value"] == nil || isWhole(row["value"], -largest, largest)
	return isWhole(row["low"], -largest, largest) && open && unset && (row["source"] == nil || isProvenance(row["source"]))
}

// read is a word where it is used: a citation, or the word itself.
func (t *termsReader) read(value any, figure bool) *node {
	given := obj(value)
	if _, written := given["word"]; !written {
		for key, table := range map[string]map[string]*node{"figure": t.figures, "input": t.inputs, "clause": t.clauses} {
			cited, ok := given[key].(string)
			if !ok || len(given) != 1 || figure && key != "figure" {
				continue
			}
			if table[cited] == nil {
				fail("terms.unknown_name", nil)
			}
			size, known := t.sizes[cited]
			if !known || key != "clause" {
				size = wordSize{1, 1}
			}
			t.size = wordSize{t.size.words + size.words, max(t.size.depth, size.depth)}
			t.limit()
			return table[cited]
		}
		fail("terms.unknown_word", nil)
	}
	word, _ := given["word"].(string)
	form, known := words[word]
	if figure || !known {
		fail("terms.unknown_word", nil)
	}
	t.size.words++
	t.written++
	outside := t.size.depth
	t.size.depth = 0
	t.limit()
	n := t.fields(word, value, form, "word")
	t.size.depth = max(outside, t.size.depth+1)
	t.limit()
	return n
}

func (t *termsReader) limit() {
	if max(t.size.words, t.written) > mostWords || t.size.depth > mostLevels {
		fail("terms.too_large", nil)
	}
}

var textFields = []string{"zh", "en", "source", "definition_zh", "definition_en", "governing", "filed_wording_digest"}

// meaning is the form without its texts.
func meaning(value any) any {
	switch v := value.(type) {
	case object:
		kept := object{}
		for name, item := range v {
			if within(textFields, name) {
				continue
			}
			if name != "params" {
				item = meaning(item)
			}
			kept[name] = item
		}
		return kept
	case []any:
		kept := []any{}
		for _, item := range v {
			kept = append(kept, meaning(item))
		}
		return kept
	}
	return value
}

// The product --------------------------------------------------------------------------------------

type version struct {
	number       int64
	since, until any
	terms        *terms
}

func (v version) holdsAt(instant int64) bool {
	since, started := v.since.(int64)
	return started && since <= instant && (v.until == nil || instant < num(v.until))
}

type product struct {
	value    object
	hash     string
	versions []version
	rules    []object
}

func pair(value any) bool {
	return exactly(value, "zh", "en") && isText(obj(value)["zh"], 0, 1<<30) && isText(obj(value)["en"], 0, 1<<30)
}

func wholeOrNull(value any) bool {
	return value == nil || isWhole(value, -largest, largest)
}

func readProduct(value any) *product {
	given := shapeOf(value, "product", "format", "id", "name", "peril", "versions", "grouping", "area",
		"inputs", "benefits", "illustrative", "notes", "policy_period")
	good := given["format"] == "miaopei.product/1" && pair(given["name"]) && pair(given["notes"])
	text(given["id"])
	text(given["peril"])
	text(given["policy_period"])
	obj(given["grouping"])
	obj(given["area"])
	boolean(given["illustrative"])
	texts(given["benefits"])
	found := &product{value: given, hash: contentID("product", given)}
	for _, item := range list(given["versions"]) {
		v := shapeOf(item, "version", "number", "terms", "since", "until", "provenance")
		good = good && wholeOrNull(v["since"]) && wholeOrNull(v["until"]) && pair(v["provenance"])
		found.versions = append(found.versions, version{num(v["number"]), v["since"], v["until"], readTerms(v["terms"])})
	}
	for _, item := range list(given["inputs"]) {
		rule := shapeOf(item, "rule", "name", "measure", "params", "sources", "operators", "tolerance",
			"freeze_seconds", "fallback", "close_after_seconds", "revision", "definition")
		text(rule["name"])
		text(rule["measure"])
		obj(rule["params"])
		texts(rule["sources"])
		texts(rule["fallback"])
		num(rule["operators"])
		num(rule["tolerance"])
		num(rule["freeze_seconds"])
		known := rule["revision"] == "first_settles" || rule["revision"] == "revision_counts"
		good = good && known && wholeOrNull(rule["close_after_seconds"]) && pair(rule["definition"])
		found.rules = append(found.rules, rule)
	}
	if !good {
		notTerms("product")
	}
	return found
}

func (r *receipt) product() *product {
	body := r.act("product").body
	if r.filed == nil {
		r.filed = readProduct(get(body, "product"))
	}
	return r.filed
}

func (p *product) versionAt(instant int64) *version {
	for i := range p.versions {
		if p.versions[i].holdsAt(instant) {
			return &p.versions[i]
		}
	}
	return nil
}

func (p *product) version(number any) *version {
	for i := range p.versions {
		if p.versions[i].number == num(number) {
			return &p.versions[i]
		}
	}
	fail("terms.no_version", nil)
	return nil
}

func (p *product) rule(name string) object {
	for _, rule := range p.rules {
		if rule["name"] == name {
			return rule
		}
	}
	fail("terms.no_rule", nil)
	return nil
}

func (p *product) grouping() object { return obj(p.value["grouping"]) }
func (p *product) area() object     { return obj(p.value["area"]) }

func (t *terms) benefit(name any) *node {
	clause := t.benefits[text(name)]
	if clause == nil {
		fail("terms.no_benefit", nil)
	}
	return clause
}
