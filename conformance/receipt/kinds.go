package main

// Observations (docs/specs/evidence.md, sections 1 to 4): the form of their values, the register of
// sources, attestations.

import (
	"encoding/base64"
	"regexp"
	"strings"
	"time"
)

const ahead = 300 // seconds that a clock may be ahead of ours

var items = []string{
	"civil_houses", "education", "health", "public_buildings", "civil_affairs", "power", "transport",
	"communications", "municipal_facilities", "water", "culture_and_tourism", "ethnic_and_religious",
	"industry_firms", "geological_hazards",
}

var (
	areaCode  = regexp.MustCompile(`^[0-9]{6}$`)
	dayForm   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	cellForm  = regexp.MustCompile(`^88[0-9a-f]{13}$`)
	sourceID  = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,59}$`)
	firstFree = int64(684_867_600) // the end of the last daylight saving in China
)

type rule func(any) bool

func wholeFrom(low, high int64) rule {
	return func(value any) bool { return isWhole(value, low, high) }
}

func textFrom(shortest, longest int) rule {
	return func(value any) bool { return isText(value, shortest, longest) }
}

func matching(form *regexp.Regexp) rule {
	return func(value any) bool {
		given, ok := value.(string)
		return ok && !strings.Contains(given, "\n") && form.MatchString(given)
	}
}

func orNull(r rule) rule {
	return func(value any) bool { return value == nil || r(value) }
}

func oneOf(names ...string) rule {
	return func(value any) bool {
		given, ok := value.(string)
		return ok && within(names, given)
	}
}

func isFlag(value any) bool {
	_, ok := value.(bool)
	return ok
}

// dayStart is the start of a Beijing date in UTC seconds.
func dayStart(value any) (int64, bool) {
	given, ok := value.(string)
	if !ok || !dayForm.MatchString(given) {
		return 0, false
	}
	moment, err := time.Parse("2006-01-02", given)
	if err != nil || moment.Year() < 1 {
		return 0, false
	}
	seconds := moment.Unix() - 8*3600
	return seconds, seconds >= firstFree
}

func isDay(value any) bool {
	_, ok := dayStart(value)
	return ok
}

func isLosses(units rule) rule {
	return func(value any) bool {
		given, ok := value.(object)
		for item, each := range given {
			ok = ok && within(items, item) && units(each)
		}
		return ok
	}
}

func isAreas(value any) bool {
	given, ok := value.(object)
	for area, each := range given {
		ok = ok && areaCode.MatchString(area) && isLosses(wholeFrom(0, 10_000_000_000))(each)
	}
	return ok
}

func isListReference(value any) bool {
	if !exactly(value, "blob", "length", "count", "root", "media") {
		return false
	}
	given := obj(value)
	return given["media"] == "miaopei/list/1" && isHex(given["blob"], 64) && isHex(given["root"], 64) &&
		isWhole(given["length"], 0, 1<<40) && isWhole(given["count"], 0, 1<<40)
}

func isNumbers(value any) bool {
	given, ok := value.([]any)
	seen := map[string]bool{}
	for _, item := range given {
		number, _ := item.(string)
		ok = ok && isText(item, 1, 60) && !seen[number]
		seen[number] = true
	}
	return ok && len(given) <= 20
}

var moment = wholeFrom(-100_000_000_000, 100_000_000_000)

var forms = map[string]map[string]rule{
	"shock": {
		"origin": moment, "lat_udeg": wholeFrom(-1_000_000_000, 1_000_000_000),
		"lon_udeg": wholeFrom(-1_000_000_000, 1_000_000_000), "depth_m": orNull(wholeFrom(-10_000, 800_000)),
		"magnitude_raw": textFrom(1, 20), "magnitude_tenths": wholeFrom(-50, 100),
		"magnitude_type": textFrom(1, 12), "place": textFrom(0, 200),
		"event_type": oneOf("earthquake", "collapse", "explosion", "rockburst", "other"),
		"cell":       matching(cellForm), "published_at": orNull(moment),
	},
	"loss_report": {
		"event_day": isDay, "event_time": orNull(moment), "place": textFrom(0, 200),
		"issuer": textFrom(1, 200), "version": wholeFrom(1, 10_000), "items": isAreas,
		"totals": isLosses(orNull(wholeFrom(0, 10_000_000_000))), "total_is": orNull(textFrom(1, 400)),
	},
	"deaths": {
		"event_day": isDay, "place": textFrom(0, 200), "area": matching(areaCode),
		"count": wholeFrom(0, 10_000_000), "issuer": textFrom(1, 200), "version": wholeFrom(1, 10_000),
	},
	"reading": {
		"at": moment, "name": textFrom(1, 60), "value": wholeFrom(-largest, largest),
		"unit": textFrom(1, 40), "published_at": orNull(moment),
	},
	"outage": {
		"state": oneOf("planned", "cancelled"), "published_at": moment, "off_planned": moment,
		"on_planned": moment, "cause": wholeFrom(0, 99), "feeder": textFrom(1, 60),
		"replaces": isNumbers, "list": isListReference,
	},
	"tickets": {"published_at": moment, "list": isListReference},
	"restoration": {
		"published_at": moment, "first_off": orNull(moment), "last_on": orNull(moment),
		"complete": isFlag, "cause": orNull(wholeFrom(0, 99)), "list": orNull(isListReference),
	},
}

var inOrder = map[string][][2]string{
	"outage":      {{"off_planned", "on_planned"}},
	"restoration": {{"first_off", "last_on"}, {"last_on", "published_at"}},
}

type observation struct {
	id, kind, source string
	values           object
}

func readObservation(value any) observation {
	bad := "evidence.bad_observation"
	demand(exactly(value, "kind", "source", "event_key", "revision", "status", "values"), bad)
	given := obj(value)
	demand(isText(given["kind"], 1, 200) && isText(given["source"], 1, 200) && isText(given["event_key"], 1, 200), bad)
	demand(isWhole(given["revision"], 0, largest), bad)
	demand(oneOf("automatic", "reviewed", "final")(given["status"]), bad)
	o := observation{contentID("observation", given), text(given["kind"]), text(given["source"]), obj(given["values"])}
	demand(o.fits(), "evidence.bad_value")
	return o
}

// fits says whether the values have the form of their kind.
func (o observation) fits() bool {
	form, known := forms[o.kind]
	if !known || len(form) != len(o.values) {
		return false
	}
	for name, r := range form {
		value, there := o.values[name]
		if !there || !r(value) {
			return false
		}
	}
	if o.kind == "shock" {
		printed, ok := tenthsOf(text(o.values["magnitude_raw"]))
		return ok && printed == num(o.values["magnitude_tenths"])
	}
	for _, pair := range inOrder[o.kind] {
		one, first := o.values[pair[0]].(int64)
		other, second := o.values[pair[1]].(int64)
		if first && second && other < one {
			return false
		}
	}
	return o.kind != "restoration" || o.values["complete"] == false || o.values["last_on"] != nil
}

// instant is the moment that the observation speaks of, in UTC seconds.
func (o observation) instant() int64 {
	switch o.kind {
	case "shock":
		return num(o.values["origin"])
	case "reading":
		return num(o.values["at"])
	case "outage", "restoration", "tickets":
		return num(o.values["published_at"])
	}
	if known, ok := o.values["event_time"].(int64); ok {
		return known
	}
	start, _ := dayStart(o.values["event_day"])
	return start
}

// A source of the register ---------------------------------------------------------------------------

func readSource(value any) object {
	bad := "evidence.bad_source"
	demand(exactly(value, "id", "operator", "name", "kinds", "counted", "keys", "box"), bad)
	given := obj(value)
	demand(matching(sourceID)(given["id"]) && isText(given["operator"], 1, 60) && isFlag(given["counted"]), bad)
	demand(exactly(given["name"], "zh", "en") && isText(obj(given["name"])["zh"], 1, 200) && isText(obj(given["name"])["en"], 1, 200), bad)
	demand(len(texts(given["kinds"])) > 0, bad)
	for _, item := range list(given["keys"]) {
		demand(exactly(item, "key", "since", "until"), bad)
		key := obj(item)
		demand(isHex(key["key"], 2*inUse.publicBytes) && isWhole(key["since"], -largest, largest), bad)
		demand(key["until"] == nil || isWhole(key["until"], num(key["since"])+1, largest), bad)
	}
	if given["box"] != nil {
		box := list(given["box"])
		demand(len(box) == 4, bad)
		south, west, north, east := num(box[0]), num(box[1]), num(box[2]), num(box[3])
		demand(-90*micro <= south && south < north && north <= 90*micro, bad)
		demand(-180*micro <= west && west < east && east <= 180*micro, bad)
	}
	return given
}

// source is the register's entry at a position of the log; nil where there is none.
func (r *receipt) source(name string, before int64) object {
	var last *act
	for _, a := range r.acts("sources") {
		if get(a.body, "id") == name && a.index < before && (last == nil || a.index > last.index) {
			entry := a
			last = &entry
		}
	}
	if last == nil {
		return nil
	}
	return readSource(last.body)
}

// An attestation -------------------------------------------------------------------------------------

func readAttestation(value any) object {
	bad := "evidence.bad_attestation"
	demand(exactly(value, "observation", "source", "key", "receiver", "received_at", "original", "sig"), bad)
	given := obj(value)
	for _, name := range []string{"observation", "source", "key", "receiver", "sig"} {
		demand(isText(given[name], 0, 200), bad)
	}
	num(given["received_at"])
	demand(exactly(given["original"], inUse.hashName, "length", "media", "bytes_b64", "file_"+inUse.hashName, "part"), bad)
	original := obj(given["original"])
	for _, name := range []string{inUse.hashName, "media", "file_" + inUse.hashName, "part"} {
		demand(isText(original[name], 0, 200), bad)
	}
	demand(isWhole(original["length"], 0, largest), bad)
	if inside := originalBytes(given); inside != nil {
		demand(len(inside) <= 4096, bad)
	}
	return given
}

// originalBytes are those that stand inside; nil where they lie elsewhere.
func originalBytes(attestation object) []byte {
	value := obj(attestation["original"])["bytes_b64"]
	if value == nil {
		return nil
	}
	given := text(value)
	found, err := base64.StdEncoding.DecodeString(given)
	demand(err == nil && !strings.ContainsAny(given, "\r\n"), "evidence.bad_attestation")
	return append([]byte{}, found...)
}

func originalFits(attestation object) bool {
	inside, original := originalBytes(attestation), obj(attestation["original"])
	return inside == nil || isHex(original[inUse.hashName], 64) && int64(len(inside)) == num(original["length"]) &&
		string(digest(inside)) == string(unhex(original[inUse.hashName]))
}

// vouched says whether source, key, times and signature let a fact be taken.
func vouched(attestation object, o observation, source object, now int64) bool {
	if source == nil || source["id"] != attestation["source"] || attestation["source"] != o.source ||
		attestation["observation"] != o.id {
		return false
	}
	var key object
	for _, item := range list(source["keys"]) {
		if key == nil && obj(item)["key"] == attestation["key"] {
			key = obj(item)
		}
	}
	message := append([]byte("miaopei/v1/attestation\x00"), canonical(without(attestation, "sig"))...)
	if key == nil || !signatureOver(unhex(attestation["key"]), unhex(attestation["sig"]), message) {
		return false
	}
	received := num(attestation["received_at"])
	for _, when := range []int64{received, now} {
		if when < num(key["since"]) || key["until"] != nil && when >= num(key["until"]) {
			return false
		}
	}
	early := received < o.instant()-ahead && o.instant()-ahead <= now
	return !early && received <= now+ahead && originalFits(attestation)
}

// admissible says whether the source may have said this at this time and place.
func admissible(o observation, source object, now int64) bool {
	if o.source != source["id"] || !within(texts(source["kinds"]), o.kind) || o.instant() > now+ahead {
		return false
	}
	if o.kind != "shock" {
		return true
	}
	lat, lon := num(o.values["lat_udeg"]), num(o.values["lon_udeg"])
	south, west, north, east := int64(-90*micro), int64(-180*micro), int64(90*micro), int64(180*micro)
	if source["box"] != nil {
		box := list(source["box"])
		south, west, north, east = num(box[0]), num(box[1]), num(box[2]), num(box[3])
	}
	inside := south <= lat && lat <= north && west <= lon && lon <= east
	published, said := o.values["published_at"].(int64)
	return inside && (!said || published >= o.instant())
}
