package main

// The suite of the record (docs/specs/record.md, section 1): named by key or genesis from outside,
// the same for all files of one run.

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/asn1"
	"hash"
	"math/big"
	"strings"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

type suite struct {
	name, hashName string
	noteType       []byte
	publicBytes    int
	newHash        func() hash.Hash
	verify         func(key, signature, message []byte) bool
}

var suites = []suite{
	{"intl", "sha256", []byte{1}, 32, sha256.New, verifyEd25519},
	{"gm", "sm3", []byte("\xffmiaopei/gm/1\x00"), 65, sm3.New, verifySM2},
}

var inUse = suites[0]

func h(parts ...[]byte) []byte {
	hashed := inUse.newHash()
	for _, part := range parts {
		hashed.Write(part)
	}
	return hashed.Sum(nil)
}

func verifyEd25519(key, signature, message []byte) bool {
	return ed25519.Verify(key, message, signature)
}

func verifySM2(key, signature, message []byte) bool {
	public, err := sm2.NewPublicKey(key)
	if err != nil {
		return false
	}
	pair := struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])}
	shown, err := asn1.Marshal(pair)
	return err == nil && sm2.VerifyASN1WithSM2(public, []byte("1234567812345678"), message, shown)
}

// suiteOfKey is the name of the suite of a verifier key, "" where it cannot be told.
func suiteOfKey(vkey string) string {
	parts := strings.SplitN(vkey, "+", 3)
	raw, ok := base64Of(parts[len(parts)-1])
	for _, each := range suites {
		if ok && len(parts) == 3 && bytes.HasPrefix(raw, each.noteType) {
			return each.name
		}
	}
	return ""
}

// ofOurSuite refuses a receipt whose own log key is of another suite than what it is held against.
func ofOurSuite(value any) {
	if given, ok := value.(object); ok {
		vkey, _ := given["vkey"].(string)
		name := suiteOfKey(vkey)
		demand(name == "" || name == inUse.name, "suite.other")
	}
}

// choose sets the suite by what was given from outside; one that is not known changes nothing, and
// the check of the genesis says so.
func choose(vkey string, genesis object) {
	name := suiteOfKey(vkey)
	if genesis != nil {
		name, _ = genesis["suite"].(string)
	}
	for _, each := range suites {
		if each.name == name {
			inUse = each
		}
	}
}
