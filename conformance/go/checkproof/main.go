// Command checkproof checks one entry of a log offline, by two code bases that share nothing.
//
//	checkproof FILE
//
// FILE holds a JSON object: "checkpoint" (text), "vkey" (text), "index" (number), "leaf" (base64 of the
// entry's bytes), "inclusion" (list of hex hashes, lowest first), and optionally "older":
// {"checkpoint": text, "proof": [hex...]}, an earlier checkpoint with the proof that the log only grew.
// Signatures are checked by golang.org/x/mod/sumdb/note, proofs by golang.org/x/mod/sumdb/tlog and by
// github.com/transparency-dev/merkle. One sentence on standard output; exit status 0 good, 1 bad,
// 2 when FILE cannot be read.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type bundle struct {
	Checkpoint string   `json:"checkpoint"`
	VKey       string   `json:"vkey"`
	Index      *uint64  `json:"index"`
	Leaf       []byte   `json:"leaf"`
	Inclusion  []string `json:"inclusion"`
	Older      *struct {
		Checkpoint string   `json:"checkpoint"`
		Proof      []string `json:"proof"`
	} `json:"older"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: checkproof FILE")
		os.Exit(2)
	}
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Printf("UNREADABLE: %v\n", err)
		os.Exit(2)
	}
	var b bundle
	if err := json.Unmarshal(data, &b); err != nil || b.Index == nil {
		fmt.Printf("UNREADABLE: not a proof bundle (%v)\n", err)
		os.Exit(2)
	}
	told, err := check(b)
	if err != nil {
		fmt.Printf("BAD: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("GOOD: %s\n", told)
}

func check(b bundle) (string, error) {
	verifier, err := note.NewVerifier(b.VKey)
	if err != nil {
		return "", fmt.Errorf("the verifier key cannot be used: %v", err)
	}
	head, err := open(b.Checkpoint, verifier)
	if err != nil {
		return "", err
	}
	if err := included(b, head); err != nil {
		return "", err
	}
	told := fmt.Sprintf("entry %d is in the log %s of size %d", *b.Index, head.Origin, head.Size)
	if b.Older == nil {
		return told + ".", nil
	}
	older, err := open(b.Older.Checkpoint, verifier)
	if err != nil {
		return "", fmt.Errorf("the older checkpoint: %v", err)
	}
	if err := grown(b.Older.Proof, older, head); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, which only grew since size %d.", told, older.Size), nil
}

func open(text string, verifier note.Verifier) (*log.Checkpoint, error) {
	head, _, _, err := log.ParseCheckpoint([]byte(text), verifier.Name(), verifier)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint does not hold: %v", err)
	}
	if len(head.Hash) != tlog.HashSize {
		return nil, fmt.Errorf("the checkpoint's root has %d bytes", len(head.Hash))
	}
	return head, nil
}

func included(b bundle, head *log.Checkpoint) error {
	raw, path, err := hashes(b.Inclusion)
	if err != nil {
		return err
	}
	if *b.Index >= head.Size {
		return fmt.Errorf("entry %d is beyond the size %d", *b.Index, head.Size)
	}
	leaf := tlog.RecordHash(b.Leaf)
	root := tlog.Hash(head.Hash)
	if err := tlog.CheckRecord(path, int64(head.Size), root, int64(*b.Index), leaf); err != nil {
		return fmt.Errorf("x/mod: the entry is not at index %d: %v", *b.Index, err)
	}
	hasher := rfc6962.DefaultHasher
	if err := proof.VerifyInclusion(hasher, *b.Index, head.Size, hasher.HashLeaf(b.Leaf), raw, head.Hash); err != nil {
		return fmt.Errorf("merkle: the entry is not at index %d: %v", *b.Index, err)
	}
	return nil
}

func grown(told []string, older, newer *log.Checkpoint) error {
	raw, path, err := hashes(told)
	if err != nil {
		return err
	}
	if older.Size == 0 || older.Size > newer.Size {
		return fmt.Errorf("no proof leads from size %d to size %d", older.Size, newer.Size)
	}
	first, second := tlog.Hash(older.Hash), tlog.Hash(newer.Hash)
	if err := tlog.CheckTree(path, int64(newer.Size), second, int64(older.Size), first); err != nil {
		return fmt.Errorf("x/mod: the log did not only grow since size %d: %v", older.Size, err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, older.Size, newer.Size, raw, older.Hash, newer.Hash); err != nil {
		return fmt.Errorf("merkle: the log did not only grow since size %d: %v", older.Size, err)
	}
	return nil
}

func hashes(told []string) ([][]byte, []tlog.Hash, error) {
	raw, path := make([][]byte, 0, len(told)), make([]tlog.Hash, 0, len(told))
	for _, text := range told {
		each, err := hex.DecodeString(text)
		if err != nil || len(each) != tlog.HashSize {
			return nil, nil, fmt.Errorf("a hash of the proof is not 32 bytes in hex: %.80q", text)
		}
		raw, path = append(raw, each), append(path, tlog.Hash(each))
	}
	return raw, path, nil
}
