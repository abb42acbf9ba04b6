package main

// Checks of the frame: key, certificate, checkpoint, inclusion, genesis, blocks, acts, signer.

import (
	"bytes"
	"encoding/hex"
	"sort"
)

func knownRules(rules any) bool {
	n, whole := rules.(int64)
	return whole && n >= 1 && n <= 7
}

// maySend: docs/specs/acts.md.
var maySend = map[string][]string{
	"admit_member": {"operator"}, "file_product": {"operator", "carrier"},
	"list_product": {"operator", "carrier"}, "admit_batch": {"operator", "carrier", "channel"},
	"hold_batch": {"decider"}, "file_area": {"operator"}, "register_source": {"operator"},
	"record_facts": {"gateway"}, "resolve": {"operator", "regulator"},
	"release": {"operator", "regulator"}, "decide": {"decider"}, "confirm_payments": {"payer"},
}

// agreed: of several members the last who agreed sends these, whatever its role; an act that waited
// for others has left a note.
var agreed = []string{"admit_member", "change_key", "list_product", "register_source"}

func (r *receipt) certified() bool { return r.value["certificate"] != nil }

func (r *receipt) head() checkpoint {
	head, _, _ := readCheckpoint(text(r.value["checkpoint"]))
	return head
}

func (r *receipt) anyKey() string {
	if r.vkey != "" {
		return r.vkey
	}
	return text(r.value["vkey"])
}

func checkLogKey(r *receipt) {
	demand(r.vkey != "", "verify.own_word")
	readVerifierKey(r.vkey)
	demand(r.value["vkey"] == r.vkey, "verify.other_key")
}

func checkGenesisFile(r *receipt) {
	demand(r.genesis != nil, "verify.no_genesis_file")
	var begun any = r.genesis
	if inner, there := r.genesis["genesis"]; there { // a record that was first a solo one
		begun = inner
	}
	demand(same(begun, r.genesisValue()), "verify.other_genesis_file")
}

func checkCertificate(r *receipt) {
	demand(r.genesis != nil, "verify.no_genesis_file")
	root := certifiedRoot(r.value["certificate"], r.genesis)
	demand(bytes.Equal(root, r.head().root), "verify.root_not_certified")
}

func checkCheckpoint(r *receipt) {
	verifyCheckpoint(text(r.value["checkpoint"]), r.anyKey())
}

func checkInclusion(r *receipt) {
	head, places := r.head(), map[int64]bool{}
	for _, leaves := range r.leaves {
		for _, s := range leaves {
			demand(!places[s.index], "verify.leaf_twice")
			places[s.index] = true
			good := included(leafHash(canonical(s.leaf)), s.index, head.size, s.path, head.root)
			demand(good, "verify.not_in_log")
		}
	}
}

func checkGenesis(r *receipt) {
	s, value := r.one("genesis"), r.genesisValue()
	demand(s.index == 0 && s.leaf["leaf"] == "genesis", "verify.genesis_place")
	key := readVerifierKey(r.anyKey())
	demand(get(value, "origin") == key.name && key.name == r.head().origin, "verify.genesis_origin")
	if !r.certified() { // else the certificate says which root holds, whoever signed the checkpoint
		demand(get(value, "log_key") == hex.EncodeToString(key.public), "verify.genesis_key")
	}
	get(value, "name")
	demand(get(value, "suite") == inUse.name && get(value, "v") == int64(1), "verify.suite")
	demand(get(value, "clock") == "live" || get(value, "clock") == "replay", "verify.clock")
}

func checkBlocks(r *receipt) {
	blocks := r.blocks()
	heights := []int64{}
	for height := range blocks {
		heights = append(heights, height)
	}
	sort.Slice(heights, func(a, b int) bool { return heights[a] < heights[b] })
	lastIndex, lastTime, lastHeight := int64(0), num(get(r.genesisValue(), "time")), int64(0)
	for _, height := range heights {
		b := blocks[height]
		demand(knownRules(b.rules), "verify.rules_unknown")
		order := height > lastHeight && b.index-b.leaves+1 > lastIndex && b.time >= lastTime && b.leaves > 0
		demand(order, "verify.block_order")
		lastIndex, lastTime, lastHeight = b.index, b.time, height
	}
	for role, leaves := range r.leaves {
		if role == "genesis" || role == "blocks" {
			continue
		}
		for _, s := range leaves {
			holder, known := blocks[num(get(s.leaf, "height"))]
			demand(known, "verify.block_missing")
			demand(holder.index-holder.leaves < s.index && s.index < holder.index, "verify.outside_block")
		}
	}
}

func checkActs(r *receipt) {
	chain, members := contentID("chain", r.genesisValue()), r.members()
	for _, group := range r.allActs() {
		for _, a := range group {
			demand(a.value["chain"] == chain, "verify.other_chain")
			demand(a.result["ok"] == true, "verify.act_refused")
			demand(exactly(a.result, "ok", "notes"), "verify.leaf_shape")
			demand(!within(agreed, a.kind) || len(list(get(a.result, "notes"))) == 0, "verify.act_refused")
			r.sender(a, members)
			if a.kind == "change_key" {
				r.change(a, members)
			}
			demand(hexSignature(a.value["key"], a.value["sig"], a.signed), "verify.act_signature")
		}
	}
}

func (r *receipt) sender(a act, members map[string]member) {
	m, known := members[a.by]
	demand(known && m.since < a.index, "verify.member_unknown")
	time, inForce := r.time(a.height), false
	for _, key := range list(get(m.entry, "keys")) {
		since, until := num(get(key, "since")), get(key, "until")
		inForce = inForce || get(key, "key") == a.value["key"] && since <= time &&
			(until == nil || time < num(until))
	}
	if given := r.keyOf(a.by, a.index); given != nil {
		inForce = a.value["key"] == given
	}
	demand(inForce, "verify.member_key")
	if until, ended := a.value["until"]; ended {
		demand(num(until) >= time, "verify.act_late")
	}
	may := r.certified() && within(agreed, a.kind) || a.kind == "change_key" && a.body["member"] == a.by
	for _, role := range list(get(m.entry, "roles")) {
		may = may || within(maySend[a.kind], plainText(role))
	}
	demand(may, "verify.member_role")
}

// keyOf is the key that the last change before a position has given to a member; nil where none has.
func (r *receipt) keyOf(name string, before int64) any {
	var given any
	last := int64(-1)
	for _, a := range r.acts("keys") {
		if a.body["member"] == name && a.index < before && a.index > last {
			given, last = get(a.body, "key"), a.index
		}
	}
	return given
}

// change: the member is known, the time was not over, the key is new to it, and has itself agreed.
func (r *receipt) change(a act, members map[string]member) {
	until, whole := a.body["until"].(int64)
	fits := exactly(a.body, "member", "key", "until", "proof") && whole && r.time(a.height) < until
	demand(fits, "verify.key_change")
	m, known := members[plainText(a.body["member"])]
	demand(known && m.since < a.index, "verify.member_unknown")
	for _, key := range list(get(m.entry, "keys")) {
		demand(get(key, "key") != a.body["key"], "verify.key_change")
	}
	for _, other := range r.acts("keys") {
		earlier := other.index < a.index && other.body["member"] == a.body["member"]
		demand(!earlier || other.body["key"] != a.body["key"], "verify.key_change")
	}
	said := without(a.body, "proof")
	said["chain"] = contentID("chain", r.genesisValue())
	message := append([]byte("miaopei/v1/key\x00"), canonical(said)...)
	demand(hexSignature(a.body["key"], a.body["proof"], message), "verify.key_change")
}

func checkSigner(r *receipt) {
	m, known := r.members()[text(r.value["signer"])]
	demand(known, "verify.signer_unknown")
	at(m.entry, "name", "zh")
	at(m.entry, "name", "en")
	message := append([]byte("miaopei/v1/receipt\x00"), canonical(without(r.value, "sig"))...)
	held, given := false, r.keyOf(text(r.value["signer"]), r.head().size)
	for _, key := range list(get(m.entry, "keys")) {
		held = held || given == nil && hexSignature(get(key, "key"), r.value["sig"], message)
	}
	held = held || given != nil && hexSignature(given, r.value["sig"], message)
	demand(held, "verify.receipt_signature")
}
