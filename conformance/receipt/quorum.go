package main

// The certificate of a consortium (docs/specs/consortium.md, section 9): what CometBFT v0.38 hashes
// and signs, and the way from the founding members to those that signed.

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"sort"
)

type voter struct {
	key   []byte
	power int64
}

var headerHashes = []string{
	"last_commit", "data", "validators", "next_validators", "consensus", "app", "results",
	"evidence", "proposer",
}

func certificateNo(code string) {
	fail("ledger.quorum_"+code, nil)
}

func strict(value any, names ...string) object {
	if !exactly(value, names...) {
		fail("ledger.certificate_malformed", nil)
	}
	return obj(value)
}

func whole(value any) int64 {
	number := num(value)
	demand(number >= 0, "ledger.certificate_malformed")
	return number
}

func bytesOf(value any) []byte {
	given := text(value)
	demand(len(given) <= 200 && isHex(given, len(given)), "ledger.certificate_malformed")
	return unhex(given)
}

func some(value any) []any {
	found := list(value)
	demand(len(found) <= 1000, "ledger.certificate_malformed")
	return found
}

// protobuf: a number under its field is left out where it is zero, bytes where there are none.
func pbNumber(field int, number int64) []byte {
	if number == 0 {
		return nil
	}
	return binary.AppendUvarint([]byte{byte(field << 3)}, uint64(number))
}

func pbMessage(field int, value []byte) []byte {
	return append(binary.AppendUvarint([]byte{byte(field<<3 | 2)}, uint64(len(value))), value...)
}

func pbBytes(field int, value []byte) []byte {
	if len(value) == 0 {
		return nil
	}
	return pbMessage(field, value)
}

func pbTime(value any) []byte {
	parts := some(value)
	demand(len(parts) == 2 && whole(parts[1]) < 1_000_000_000, "ledger.certificate_malformed")
	return append(pbNumber(1, whole(parts[0])), pbNumber(2, whole(parts[1]))...)
}

func pbBlock(value any) []byte {
	block := strict(value, "hash", "parts", "parts_hash")
	parts := append(pbNumber(1, whole(block["parts"])), pbBytes(2, bytesOf(block["parts_hash"]))...)
	return append(pbBytes(1, bytesOf(block["hash"])), pbMessage(2, parts)...)
}

func header(value any) object {
	return strict(value, append([]string{
		"block_version", "app_version", "chain", "height", "time", "last_block",
	}, headerHashes...)...)
}

// headerHash is an RFC 6962 tree over the fourteen fields.
func headerHash(h object) []byte {
	fields := [][]byte{
		append(pbNumber(1, whole(h["block_version"])), pbNumber(2, whole(h["app_version"]))...),
		pbBytes(1, []byte(text(h["chain"]))),
		pbNumber(1, whole(h["height"])),
		pbTime(h["time"]),
		pbBlock(h["last_block"]),
	}
	for _, name := range headerHashes {
		fields = append(fields, pbBytes(1, bytesOf(h[name])))
	}
	return hashedTree(fields)
}

// hashedTree is the engine's own tree: RFC 6962 with SHA-256, whatever the suite of the record is.
func hashedTree(fields [][]byte) []byte {
	var all []byte
	if len(fields) == 1 {
		all = append([]byte{0}, fields[0]...)
	} else if len(fields) > 1 {
		left := 1
		for 2*left < len(fields) {
			left *= 2
		}
		all = append(append([]byte{1}, hashedTree(fields[:left])...), hashedTree(fields[left:])...)
	}
	sum := sha256.Sum256(all)
	return sum[:]
}

func setHash(voters []voter) []byte {
	fields := [][]byte{}
	for _, v := range voters {
		fields = append(fields, append(pbMessage(1, pbBytes(1, v.key)), pbNumber(2, v.power)...))
	}
	return hashedTree(fields)
}

func readVoters(value any) []voter {
	found := []voter{}
	for _, item := range some(value) {
		given := strict(item, "key", "power")
		found = append(found, voter{bytesOf(given["key"]), whole(given["power"])})
	}
	return found
}

// founders is the first set: the seats with a vote, weight down, then address up.
func founders(genesis object) []voter {
	found := []voter{}
	for _, seat := range some(get(genesis, "seats")) {
		v := voter{bytesOf(get(seat, "engine")), whole(get(seat, "power"))}
		if v.power > 0 {
			found = append(found, v)
		}
	}
	sort.SliceStable(found, func(a, b int) bool {
		if found[a].power != found[b].power {
			return found[a].power > found[b].power
		}
		one, other := sha256.Sum256(found[a].key), sha256.Sum256(found[b].key)
		return bytes.Compare(one[:20], other[:20]) < 0
	})
	return found
}

// signedBy wants more than two thirds of the set's weight under the header, every signature good.
func signedBy(head object, commit any, chain string, voters []voter) {
	given := strict(commit, "round", "block", "votes")
	if text(head["chain"]) != chain {
		certificateNo("other_chain")
	}
	if !bytes.Equal(bytesOf(head["validators"]), setHash(voters)) {
		certificateNo("other_set")
	}
	if !bytes.Equal(headerHash(head), bytesOf(at(given["block"], "hash"))) {
		certificateNo("other_block")
	}
	votes := some(given["votes"])
	if len(votes) != len(voters) || len(voters) > 200 {
		certificateNo("votes")
	}
	round := whole(given["round"])
	signed, total := int64(0), int64(0)
	for place, v := range voters {
		total += v.power
		if votes[place] == nil {
			continue
		}
		vote := strict(votes[place], "time", "sig")
		if !engineSignature(v.key, bytesOf(vote["sig"]), voteBytes(head, given["block"], round, vote["time"])) {
			certificateNo("signature")
		}
		signed += v.power
	}
	if 3*signed <= 2*total {
		certificateNo("too_few")
	}
}

// voteBytes is what one member signs: a canonical precommit, with its length before it.
func voteBytes(head object, block any, round int64, time any) []byte {
	body := append(pbNumber(1, 2), 0x11)
	body = binary.LittleEndian.AppendUint64(body, uint64(whole(head["height"])))
	if round != 0 {
		body = binary.LittleEndian.AppendUint64(append(body, 0x19), uint64(round))
	}
	body = append(body, pbMessage(4, pbBlock(block))...)
	body = append(body, pbMessage(5, pbTime(time))...)
	body = append(body, pbBytes(6, []byte(text(head["chain"])))...)
	return append(binary.AppendUvarint(nil, uint64(len(body))), body...)
}

func sameSet(a, b []voter) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].power != b[i].power || !bytes.Equal(a[i].key, b[i].key) {
			return false
		}
	}
	return true
}

// certifiedRoot is the root of the log that a certificate shows to who has the genesis.
func certifiedRoot(value any, genesis object) []byte {
	given := strict(value, "left", "header", "commit", "voters", "changes")
	chain := "miaopei-" + contentID("chain", genesis)[:40]
	voters, before := founders(genesis), int64(0)
	for _, item := range some(given["changes"]) {
		change := strict(item, "header", "commit", "voters")
		head := header(change["header"])
		if whole(head["height"]) <= before {
			certificateNo("order")
		}
		before = whole(head["height"])
		signedBy(head, change["commit"], chain, voters)
		next := readVoters(change["voters"])
		if !bytes.Equal(bytesOf(head["next_validators"]), setHash(next)) {
			certificateNo("other_set")
		}
		voters = next
	}
	left, head := header(given["left"]), header(given["header"])
	if whole(head["height"]) <= before {
		certificateNo("order")
	}
	if !sameSet(readVoters(given["voters"]), voters) {
		certificateNo("other_set")
	}
	signedBy(head, given["commit"], chain, voters)
	follows := whole(left["height"])+1 == whole(head["height"]) && text(left["chain"]) == chain
	if !follows || !bytes.Equal(bytesOf(at(head["last_block"], "hash")), headerHash(left)) {
		certificateNo("not_next")
	}
	return bytesOf(head["app"])
}

func engineSignature(key, signature, message []byte) bool {
	return len(key) == ed25519.PublicKeySize && len(signature) == ed25519.SignatureSize &&
		verifyEd25519(key, signature, message)
}
