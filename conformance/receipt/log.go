package main

// The log (docs/specs/log.md): verifier keys, checkpoints, inclusion.

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type verifierKey struct {
	name   string
	id     []byte
	public []byte
}

type checkpoint struct {
	origin string
	size   int64
	root   []byte
}

// base64Of reads the one spelling of some bytes.
func base64Of(text string) ([]byte, bool) {
	found, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(found) != text {
		return nil, false
	}
	return found, true
}

func nameFits(name string) bool {
	if name == "" || !utf8.ValidString(name) {
		return false
	}
	for _, letter := range name {
		if unicode.IsSpace(letter) || letter == '+' || letter < ' ' {
			return false
		}
	}
	return true
}

func readVerifierKey(given string) verifierKey {
	parts := strings.SplitN(given, "+", 3)
	demand(len(parts) == 3, "ledger.vkey_malformed")
	raw, ok := base64Of(parts[2])
	kind := len(inUse.noteType)
	fits := ok && len(raw) == kind+inUse.publicBytes && bytes.HasPrefix(raw, inUse.noteType)
	demand(fits && nameFits(parts[0]), "ledger.vkey_malformed")
	sum := h([]byte(parts[0]+"\n"), raw)
	demand(isHex(parts[1], 8) && hex.EncodeToString(sum[:4]) == parts[1], "ledger.vkey_malformed")
	return verifierKey{parts[0], sum[:4], raw[kind:]}
}

type noteSignature struct {
	name  string
	value []byte // key id and signature
}

func readCheckpoint(note string) (checkpoint, string, []noteSignature) {
	const malformed = "ledger.checkpoint_malformed"
	demand(utf8.ValidString(note) && len(note) <= 1_000_000, malformed)
	for i := 0; i < len(note); i++ {
		demand(note[i] >= ' ' || note[i] == '\n', malformed)
	}
	blank := strings.LastIndex(note, "\n\n")
	demand(blank >= 0 && strings.HasSuffix(note, "\n") && len(note) > blank+2, malformed)
	body, tail := note[:blank], note[blank+2:len(note)-1]
	lines := strings.Split(body, "\n")
	demand(len(lines) >= 3 && !within(lines, ""), malformed)
	size, err := strconv.ParseInt(lines[1], 10, 64)
	demand(err == nil && size >= 0 && strconv.FormatInt(size, 10) == lines[1], malformed)
	root, ok := base64Of(lines[2])
	demand(ok && len(root) == 32, malformed)
	signed := strings.Split(tail, "\n")
	demand(len(signed) <= 100, malformed)
	signatures := []noteSignature{}
	for _, line := range signed {
		demand(strings.HasPrefix(line, "\u2014 "), malformed)
		name, encoded, _ := strings.Cut(strings.TrimPrefix(line, "\u2014 "), " ")
		value, ok := base64Of(encoded)
		demand(ok && nameFits(name) && len(value) >= 5, malformed)
		signatures = append(signatures, noteSignature{name, value})
	}
	return checkpoint{lines[0], size, root}, body + "\n", signatures
}

// verifyCheckpoint wants every line of the log's own key good, and one at least.
func verifyCheckpoint(note, vkey string) checkpoint {
	key := readVerifierKey(vkey)
	head, body, signatures := readCheckpoint(note)
	demand(head.origin == key.name, "ledger.checkpoint_origin")
	ours := 0
	for _, line := range signatures {
		if line.name != key.name || !bytes.Equal(line.value[:4], key.id) {
			continue
		}
		ours++
		demand(signatureOver(key.public, line.value[4:], []byte(body)), "ledger.checkpoint_signature")
	}
	demand(ours > 0, "ledger.checkpoint_unsigned")
	return head
}

func signatureOver(key, signature, message []byte) bool {
	return len(key) == inUse.publicBytes && len(signature) == 64 && inUse.verify(key, signature, message)
}

// hexSignature is a signature whose key and bytes are lower-case hex.
func hexSignature(key, signature any, message []byte) bool {
	if !isHex(key, 2*inUse.publicBytes) || !isHex(signature, 128) {
		return false
	}
	return signatureOver(unhex(key), unhex(signature), message)
}

func leafHash(entry []byte) []byte {
	return h([]byte{0}, entry)
}

func nodeHash(left, right []byte) []byte {
	return h([]byte{1}, left, right)
}

func treeRoot(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	return nodeHash(treeRoot(leaves[:split]), treeRoot(leaves[split:]))
}

// included follows RFC 9162, section 2.1.3.2.
func included(leaf []byte, index, size int64, path any, root []byte) bool {
	steps := list(path)
	if index < 0 || index >= size || len(steps) > 64 || len(root) != 32 {
		return false
	}
	node, last, head := index, size-1, leaf
	for _, step := range steps {
		if !isHex(step, 64) || last == 0 {
			return false
		}
		if node&1 == 1 || node == last {
			head = nodeHash(unhex(step), head)
			for node&1 == 0 && node != 0 {
				node, last = node>>1, last>>1
			}
		} else {
			head = nodeHash(head, unhex(step))
		}
		node, last = node>>1, last>>1
	}
	return last == 0 && bytes.Equal(head, root)
}

// idIncluded is inclusion of a value by its content id.
func idIncluded(kind string, value any, index, count int64, path, root any) bool {
	return isHex(root, 64) &&
		included(leafHash(unhex(contentID(kind, value))), index, count, path, unhex(root))
}
