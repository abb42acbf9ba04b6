package main

// The exact reading of the terms (docs/specs/terms.md, section 3): one policy, whole numbers.

import "math/big"

type known struct {
	observed map[string]any // values as the trigger states them
	declared object
	spent    map[string]any
}

func whole64(value any) *big.Int { return big.NewInt(num(value)) }

func bit(holds bool) *big.Int {
	if holds {
		return big.NewInt(1)
	}
	return big.NewInt(0)
}

// plainly is a number in a refusal's facts: beyond what the record holds it is said in digits.
func plainly(value *big.Int) any {
	if value.IsInt64() && value.Int64() <= largest && value.Int64() >= -largest {
		return value.Int64()
	}
	said := value.String()
	return said[:min(40, len(said))]
}

func given(facts map[string]any, name, word string, low, high int64) *big.Int {
	value := facts[name]
	if value == nil {
		fail("terms.missing_input", object{"name": name, "word": word})
	}
	number, ok := value.(int64)
	if !ok {
		fail("terms.not_whole", object{"name": name})
	}
	if number < low || number > high {
		fail("terms.out_of_range", object{"name": name, "value": number, "low": low, "high": high})
	}
	return big.NewInt(number)
}

// settle is what the terms give; a refusal of theirs comes as a panic.
func settle(n *node, k known) *big.Int {
	switch n.word {
	case "clause":
		return settle(n.parts["body"], k)
	case "figure", "fixed":
		return whole64(n.value["value"])
	case "declared":
		return given(k.declared, n.name, n.word, num(n.value["low"]), num(n.value["high"]))
	case "observed":
		return given(k.observed, n.name, n.word, num(n.value["low"]), num(n.value["high"]))
	case "spent":
		return given(k.spent, text(n.value["benefit"]), n.word, 0, num(n.parts["high"].value["value"]))
	case "either":
		if settle(n.parts["test"], k).Sign() != 0 {
			return settle(n.parts["then"], k)
		}
		return settle(n.parts["otherwise"], k)
	case "every", "any":
		last := new(big.Int)
		demand(len(n.lists["items"]) > 0, "terms.bad_value")
		for _, item := range n.lists["items"] {
			last = settle(item, k)
			if n.word == "every" && last.Sign() == 0 || n.word == "any" && last.Cmp(big.NewInt(1)) == 0 {
				break
			}
		}
		return last
	}
	parts := []*big.Int{}
	for _, child := range n.children {
		parts = append(parts, settle(child, k))
	}
	return combine(n, parts)
}

// combine is a word whose parts are all known.
func combine(n *node, parts []*big.Int) *big.Int {
	demand(len(parts) > 0, "terms.bad_value")
	found := new(big.Int)
	switch n.word {
	case "plus":
		for _, part := range parts {
			found.Add(found, part)
		}
	case "minus":
		found.Sub(parts[0], parts[1])
	case "times":
		found.Mul(parts[0], parts[1])
	case "least", "most":
		found.Set(parts[0])
		for _, part := range parts {
			if n.word == "least" && part.Cmp(found) < 0 || n.word == "most" && part.Cmp(found) > 0 {
				found.Set(part)
			}
		}
	case "not":
		found.Sub(big.NewInt(1), parts[0])
	case "at_least":
		return bit(parts[0].Cmp(parts[1]) >= 0)
	case "one_of":
		for _, code := range list(n.value["codes"]) {
			if parts[0].Cmp(whole64(code)) == 0 {
				return bit(true)
			}
		}
	case "near":
		demand(len(n.lists["of"]) == 3 && len(n.lists["centre"]) == 3, "terms.bad_value")
		return bit(isNear([3]*big.Int(parts[:3]), [3]*big.Int(parts[3:6]), num(n.parts["radius"].value["value"])))
	case "pro_rata":
		return proRata(n, parts[0], parts[1], parts[2])
	case "band":
		return band(n, parts[0])
	case "tier":
		return tier(n, parts[0])
	default:
		fail("terms.unknown_word", nil)
	}
	return found
}

func proRata(n *node, amount, part, whole *big.Int) *big.Int {
	facts := object{"part": plainly(part), "whole": plainly(whole)}
	if whole.Sign() <= 0 {
		fail("terms.whole_is_zero", facts)
	}
	if part.Sign() < 0 || part.Cmp(whole) > 0 {
		fail("terms.part_exceeds_whole", facts)
	}
	unit := whole64(n.value["unit_fen"])
	top, under := new(big.Int).Mul(amount, part), new(big.Int).Mul(whole, unit)
	demand(under.Sign() != 0, "terms.bad_value")
	negative := (top.Sign() < 0) != (under.Sign() < 0)
	under.Abs(under)
	units, rest := new(big.Int).QuoRem(top.Abs(top), under, new(big.Int))
	rounding := n.value["rounding"]
	demand(rounding != "exact" || rest.Sign() == 0, "terms.bad_value")
	if rounding == "half_up" && rest.Lsh(rest, 1).Cmp(under) >= 0 {
		units.Add(units, big.NewInt(1))
	}
	if negative {
		units.Neg(units)
	}
	return units.Mul(units, unit)
}

func band(n *node, of *big.Int) *big.Int {
	name := n.parts["of"].traceName()
	for _, item := range list(n.value["rows"]) {
		row := obj(item)
		if whole64(row["low"]).Cmp(of) <= 0 && (row["high"] == nil || of.Cmp(whole64(row["high"])) < 0) {
			if row["value"] == nil {
				fail("terms.band_unset", object{"name": name, "value": plainly(of), "low": row["low"], "high": row["high"]})
			}
			return whole64(row["value"])
		}
	}
	fail("terms.outside_table", object{"name": name, "value": plainly(of)})
	return nil
}

// traceName is the name a word bears in a trace: that of a named part, of a limit its benefit.
func (n *node) traceName() string {
	if n.word == "spent" {
		return text(n.value["benefit"])
	}
	return n.name
}

// units of a tier that count, and what their slices come to.
func tier(n *node, of *big.Int) *big.Int {
	size := whole64(n.value["size"])
	demand(size.Sign() > 0, "terms.bad_value")
	units, rest := new(big.Int).DivMod(of, size, new(big.Int))
	if n.value["counting"] == "started" && rest.Sign() != 0 {
		units.Add(units, big.NewInt(1))
	}
	rates, total := list(n.value["rates"]), new(big.Int)
	for i, item := range rates {
		upto := units
		if i+1 < len(rates) && whole64(obj(rates[i+1])["units"]).Cmp(units) < 0 {
			upto = whole64(obj(rates[i+1])["units"])
		}
		slice := new(big.Int).Sub(upto, whole64(obj(item)["units"]))
		if slice.Sign() > 0 {
			total.Add(total, slice.Mul(slice, whole64(obj(item)["fen"])))
		}
	}
	return total
}

// What evidence is still needed --------------------------------------------------------------------

type missing struct{ name string }

// firstMissing is the first observed input that the amount of some policy still needs.
func firstMissing(body *node, observed map[string]any) (name string) {
	defer func() {
		if caught := recover(); caught != nil {
			found, ok := caught.(missing)
			if !ok {
				panic(caught)
			}
			name = found.name
		}
	}()
	need(body, observed)
	return ""
}

// need is the value where the evidence alone decides it, else nil.
func need(n *node, observed map[string]any) *big.Int {
	switch n.word {
	case "observed":
		if observed[n.name] == nil {
			panic(missing{n.name})
		}
	case "declared", "spent":
		return nil
	case "either":
		if test := need(n.parts["test"], observed); test != nil {
			if test.Sign() != 0 {
				return need(n.parts["then"], observed)
			}
			return need(n.parts["otherwise"], observed)
		}
		need(n.parts["then"], observed)
		need(n.parts["otherwise"], observed)
		return nil
	case "every", "any":
		decides, unknown := bit(n.word == "any"), false
		for _, item := range n.lists["items"] {
			value := need(item, observed)
			if value != nil && value.Cmp(decides) == 0 {
				return decides
			}
			unknown = unknown || value == nil
		}
		if unknown {
			return nil
		}
		return new(big.Int).Sub(big.NewInt(1), decides)
	default:
		unknown := false
		for _, child := range n.children {
			unknown = need(child, observed) == nil || unknown
		}
		if unknown {
			return nil
		}
	}
	value, refusal := attempt(func() *big.Int { return settle(n, known{observed, nil, nil}) })
	if refusal != nil {
		return nil
	}
	return value
}

// attempt gives the refusal of the terms, where they refuse, in place of a number.
func attempt(asked func() *big.Int) (value *big.Int, refusal *no) {
	defer func() {
		if caught := recover(); caught != nil {
			found, ok := caught.(no)
			if !ok {
				panic(caught)
			}
			value, refusal = nil, &found
		}
	}()
	return asked(), nil
}

// Least and most -----------------------------------------------------------------------------------

type interval struct{ least, most *big.Int }

// bounds by interval arithmetic, as docs/specs/terms.md, section 3, says under "least and most".
func bounds(n *node, k known) interval {
	one := func(value any, low, high int64) interval {
		if number, ok := value.(int64); ok {
			low, high = number, number
		}
		return interval{big.NewInt(low), big.NewInt(high)}
	}
	switch n.word {
	case "declared":
		return one(k.declared[n.name], num(n.value["low"]), num(n.value["high"]))
	case "observed":
		return one(k.observed[n.name], num(n.value["low"]), num(n.value["high"]))
	case "spent":
		return one(k.spent[text(n.value["benefit"])], 0, num(n.parts["high"].value["value"]))
	}
	parts := []interval{}
	for _, child := range n.children {
		parts = append(parts, bounds(child, k))
	}
	switch n.word {
	case "figure", "fixed":
		value := whole64(n.value["value"])
		return interval{value, value}
	case "clause":
		return parts[0]
	case "minus":
		return interval{new(big.Int).Sub(parts[0].least, parts[1].most), new(big.Int).Sub(parts[0].most, parts[1].least)}
	case "not":
		one := big.NewInt(1)
		return interval{new(big.Int).Sub(one, parts[0].most), new(big.Int).Sub(one, parts[0].least)}
	case "times":
		return product2(parts[0], parts[1])
	case "either":
		if parts[0].least.Cmp(parts[0].most) == 0 {
			if parts[0].least.Sign() != 0 {
				return parts[1]
			}
			return parts[2]
		}
		return interval{smaller(parts[1].least, parts[2].least), larger(parts[1].most, parts[2].most)}
	case "every", "any", "least", "most", "plus":
		return folded(n.word, parts)
	case "at_least":
		return interval{bit(parts[0].least.Cmp(parts[1].most) >= 0), bit(parts[0].most.Cmp(parts[1].least) >= 0)}
	case "one_of":
		if parts[0].least.Cmp(parts[0].most) == 0 {
			value := combine(n, []*big.Int{parts[0].least})
			return interval{value, value}
		}
		return interval{bit(false), bit(true)}
	case "near":
		return nearBounds(n, parts)
	case "band":
		return bandBounds(n, parts[0])
	case "tier":
		return interval{tier(n, parts[0].least), tier(n, parts[0].most)}
	}
	return shareBounds(n, parts)
}

func smaller(a, b *big.Int) *big.Int {
	if a.Cmp(b) <= 0 {
		return a
	}
	return b
}

func larger(a, b *big.Int) *big.Int {
	if a.Cmp(b) >= 0 {
		return a
	}
	return b
}

func folded(word string, parts []interval) interval {
	found := parts[0]
	for _, part := range parts[1:] {
		switch word {
		case "plus":
			found = interval{new(big.Int).Add(found.least, part.least), new(big.Int).Add(found.most, part.most)}
		case "every", "least":
			found = interval{smaller(found.least, part.least), smaller(found.most, part.most)}
		default:
			found = interval{larger(found.least, part.least), larger(found.most, part.most)}
		}
	}
	return found
}

func product2(a, b interval) interval {
	var found *interval
	for _, x := range []*big.Int{a.least, a.most} {
		for _, y := range []*big.Int{b.least, b.most} {
			corner := new(big.Int).Mul(x, y)
			if found == nil {
				found = &interval{corner, corner}
			}
			found.least, found.most = smaller(found.least, corner), larger(found.most, corner)
		}
	}
	return *found
}

func nearBounds(n *node, parts []interval) interval {
	demand(len(parts) == 7, "terms.bad_value")
	sum := interval{new(big.Int), new(big.Int)}
	for i := 0; i < 3; i++ {
		sum = folded("plus", []interval{sum, product2(parts[i], parts[i+3])})
	}
	least := edge(num(n.parts["radius"].value["value"]))
	return interval{bit(sum.least.Cmp(least) >= 0), bit(sum.most.Cmp(least) >= 0)}
}

func bandBounds(n *node, of interval) interval {
	var found *interval
	for _, item := range list(n.value["rows"]) {
		row := obj(item)
		meets := whole64(row["low"]).Cmp(of.most) <= 0 && (row["high"] == nil || of.least.Cmp(whole64(row["high"])) < 0)
		if row["value"] == nil || !meets {
			continue
		}
		value := whole64(row["value"])
		if found == nil {
			found = &interval{value, value}
		}
		found.least, found.most = smaller(found.least, value), larger(found.most, value)
	}
	if found == nil {
		return interval{new(big.Int), new(big.Int)}
	}
	return *found
}

func shareBounds(n *node, parts []interval) interval {
	demand(n.word == "pro_rata" && len(parts) == 3, "terms.unknown_word")
	amount, part, whole, zero := parts[0], parts[1], parts[2], new(big.Int)
	unit := whole64(n.value["unit_fen"])
	demand(unit.Sign() > 0, "terms.bad_value")
	if amount.least.Cmp(amount.most) == 0 && part.least.Cmp(part.most) == 0 && whole.least.Cmp(whole.most) == 0 {
		value, refusal := attempt(func() *big.Int { return proRata(n, amount.most, part.most, whole.most) })
		if refusal != nil {
			value = zero
		}
		return interval{value, value}
	}
	above, below := larger(big.NewInt(1), whole.least), larger(big.NewInt(1), whole.most)
	lowest := new(big.Int).Mul(larger(zero, amount.least), larger(zero, part.least))
	lowest.Div(lowest, new(big.Int).Mul(below, unit))
	top, under := larger(zero, amount.most), unit
	if part.most.Cmp(above) < 0 {
		top = new(big.Int).Mul(top, larger(zero, part.most))
		under = new(big.Int).Mul(above, unit)
	}
	highest := new(big.Int).Add(top, new(big.Int).Sub(under, big.NewInt(1)))
	highest.Div(highest, under)
	return interval{lowest.Mul(lowest, unit), highest.Mul(highest, unit)}
}
