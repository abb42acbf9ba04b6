package main

// Where a place lies (docs/specs/evidence.md, section 6, "shock.role"): by official name, and by cell.

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// The short names of the provinces by the first two digits of their codes (GB/T 2260).
var provinces = [][2]string{
	{"11", "北京"}, {"12", "天津"}, {"13", "河北"}, {"14", "山西"}, {"15", "内蒙古"}, {"21", "辽宁"},
	{"22", "吉林"}, {"23", "黑龙江"}, {"31", "上海"}, {"32", "江苏"}, {"33", "浙江"}, {"34", "安徽"},
	{"35", "福建"}, {"36", "江西"}, {"37", "山东"}, {"41", "河南"}, {"42", "湖北"}, {"43", "湖南"},
	{"44", "广东"}, {"45", "广西"}, {"46", "海南"}, {"50", "重庆"}, {"51", "四川"}, {"52", "贵州"},
	{"53", "云南"}, {"54", "西藏"}, {"61", "陕西"}, {"62", "甘肃"}, {"63", "青海"}, {"64", "宁夏"},
	{"65", "新疆"}, {"71", "台湾"}, {"81", "香港"}, {"82", "澳门"},
}

var abroad = []string{
	"老挝", "缅甸", "越南", "泰国", "柬埔寨", "印度支那半岛", "印度", "孟加拉", "不丹", "尼泊尔",
	"巴基斯坦", "阿富汗", "塔吉克斯坦", "吉尔吉斯斯坦", "哈萨克斯坦", "乌兹别克斯坦", "俄罗斯",
	"蒙古", "朝鲜", "韩国", "日本", "菲律宾", "印尼", "马来西亚", "南海", "东海", "黄海",
	"中缅边境", "中老边境", "中越边境", "中印边境",
}

var (
	border    = regexp.MustCompile(`(?:交界|边境)(?:地区|处)?$`)
	splitting = regexp.MustCompile(`[、，与和及]`)
	fullEnd   = regexp.MustCompile(`^(?:省|市|回族自治区|壮族自治区|维吾尔自治区|自治区|特别行政区)`)
	setCell   = regexp.MustCompile(`^8[0-9a-f]{4,14}$`)
)

type place struct{ prefecture, county string }

type areaSet struct {
	set, code    string
	names, alone []string
	counties     []object
	resolution   int64
	cells        map[uint64]bool
}

func filled(value any) []string {
	found := texts(value)
	demand(!within(found, ""), "evidence.bad_area")
	return found
}

func readArea(value object) areaSet {
	bad := "evidence.bad_area"
	demand(exactly(value["name"], "zh", "en") && isWhole(value["resolution"], 1, 8), bad)
	demand(isText(value["set"], 1, 60) && matching(areaCode)(value["code"]), bad)
	a := areaSet{
		text(value["set"]), text(value["code"]), filled(value["names"]), filled(value["alone"]), nil,
		num(value["resolution"]), map[uint64]bool{},
	}
	before := ""
	for _, cell := range filled(value["cells"]) {
		demand(setCell.MatchString(cell) && cell > before, bad)
		resolution, _ := strconv.ParseInt(cell[1:2], 16, 64)
		demand(resolution <= a.resolution, bad)
		index, _ := strconv.ParseUint(cell+strings.Repeat("f", 15-len(cell)), 16, 64)
		a.cells[index], before = true, cell
	}
	for _, item := range list(value["counties"]) {
		county := obj(item)
		demand(matching(areaCode)(county["code"]), bad)
		filled(county["names"])
		filled(county["alone"])
		a.counties = append(a.counties, county)
	}
	return a
}

func (r *receipt) areas() []areaSet {
	found := []areaSet{}
	for _, a := range r.acts("areas") {
		found = append(found, readArea(a.body))
	}
	sort.SliceStable(found, func(a, b int) bool {
		if found[a].set != found[b].set {
			return found[a].set < found[b].set
		}
		return found[a].code < found[b].code
	})
	return found
}

func provinceOf(text string) (string, string) {
	for _, each := range provinces {
		if strings.HasPrefix(text, each[1]) {
			return each[0], each[1]
		}
	}
	return "", ""
}

func isAbroad(text string) bool {
	for _, name := range abroad {
		if strings.HasPrefix(text, name) {
			return true
		}
	}
	return false
}

// findPlaces are the places that an official name means; none where it is unknown or ambiguous.
func findPlaces(areas []areaSet, said string) []place {
	plain := strings.Map(func(letter rune) rune {
		if letter < 0x80 || unicode.IsSpace(letter) {
			return -1
		}
		return letter
	}, said)
	parts := []string{plain}
	if border.MatchString(plain) && !isAbroad(plain) {
		parts = nil
		for _, part := range splitting.Split(border.ReplaceAllString(plain, ""), -1) {
			if part != "" {
				parts = append(parts, part)
			}
		}
	}
	found, province := []place{}, ""
	for _, part := range parts {
		whole := part
		if _, name := provinceOf(part); name != "" {
			province = name
		} else {
			whole = province + part
		}
		one, known := findPlace(areas, whole)
		if !known {
			return nil
		}
		found = append(found, one)
	}
	return found
}

func findPlace(areas []areaSet, said string) (place, bool) {
	code, name := provinceOf(said)
	if code == "" && isAbroad(said) {
		return place{}, true
	}
	rest, inside := said, areas
	if code != "" {
		inside = nil
		for _, area := range areas {
			if strings.HasPrefix(area.code, code) {
				inside = append(inside, area)
			}
		}
		if len(inside) == 0 {
			return place{}, true
		}
		rest = fullEnd.ReplaceAllString(strings.TrimPrefix(said, name), "")
	}
	readings := map[place]bool{}
	for _, area := range inside {
		inArea(area, rest, code != "", readings)
	}
	return onlyPlace(readings)
}

func inArea(area areaSet, said string, all bool, readings map[place]bool) {
	names := area.alone
	if all {
		names = area.names
	}
	if within(names, said) {
		readings[place{area.code, ""}] = true
	}
	for _, county := range area.counties {
		known := texts(county["alone"])
		if all {
			known = texts(county["names"])
		}
		met := means(known, said)
		for _, name := range area.names {
			if strings.HasPrefix(said, name) && said != name {
				met = met || means(texts(county["names"]), strings.TrimPrefix(said, name))
			}
		}
		if met {
			readings[place{area.code, text(county["code"])}] = true
		}
	}
}

func means(names []string, said string) bool {
	for _, name := range names {
		ended := false
		for _, end := range []string{"县", "市", "区", "州", "旗"} {
			ended = ended || strings.HasSuffix(name, end)
		}
		if said == name || ended && strings.HasPrefix(said, name) {
			return true
		}
	}
	return false
}

func onlyPlace(readings map[place]bool) (place, bool) {
	prefectures := map[string]bool{}
	last := place{}
	for each := range readings {
		prefectures[each.prefecture] = true
		last = each
	}
	if len(readings) == 1 {
		return last, true
	}
	return place{last.prefecture, ""}, len(prefectures) == 1
}

// The role ------------------------------------------------------------------------------------------

// roleOf is 0 outside, 1 own, 2 surrounding, by each of the two readings; nil where one is not known.
func roleOf(areas []areaSet, filed object, values object) (byName, byCell any) {
	own, around := texts(get(filed, "own")), texts(get(filed, "surrounding"))
	roles := map[any]bool{}
	for _, p := range findPlaces(areas, text(values["place"])) {
		roles[roleOfPlace(p, own, around)] = true
	}
	if len(roles) == 1 {
		for role := range roles {
			byName = role
		}
	}
	return byName, roleOfCell(areas, filed, text(values["cell"]), own, around)
}

func roleOfPlace(p place, own, around []string) any {
	for role, codes := range [][]string{own, around} {
		if p.prefecture != "" && within(codes, p.prefecture) || p.county != "" && within(codes, p.county) {
			return int64(role + 1)
		}
	}
	for _, code := range append(append([]string{}, own...), around...) {
		if p.prefecture != "" && p.county == "" && code[:min(4, len(code))] == p.prefecture[:4] && code != p.prefecture {
			return nil
		}
	}
	return int64(0)
}

func roleOfCell(areas []areaSet, filed object, cell string, own, around []string) any {
	index, err := strconv.ParseUint(cell, 16, 64)
	demand(err == nil, "evidence.bad_value")
	for role, codes := range [][]string{own, around} {
		for _, code := range codes {
			var cells map[uint64]bool
			for _, area := range areas {
				if area.set == get(filed, "cells") && area.code == code {
					cells = area.cells
				}
			}
			if len(cells) == 0 {
				return nil
			}
			for finer := num(get(filed, "resolution")); finer >= 0; finer-- {
				if cells[ancestor(index, uint64(finer))] {
					return int64(role + 1)
				}
			}
		}
	}
	return int64(0)
}

// ancestor is the cell's parent by its bits alone: a smaller resolution, its lower digits all ones.
func ancestor(index, resolution uint64) uint64 {
	return index&^(0xF<<52) | resolution<<52 | (1<<(3*(15-resolution)) - 1)
}

// readRole is the role where it is certain, else why a person must decide.
func (r *receipt) readRole(o observation) (value any, reason string, byName, byCell any) {
	byName, byCell = roleOf(r.areas(), r.product().area(), o.values)
	switch {
	case byCell == nil:
		return nil, "area_not_filed", byName, byCell
	case byName == byCell:
		return byCell, "", byName, byCell
	case byName == nil && byCell == int64(0):
		return int64(0), "", byName, byCell
	case byName == nil:
		return nil, "place_name_unknown", byName, byCell
	}
	return nil, "roles_differ", byName, byCell
}
