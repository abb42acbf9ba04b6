// Command receipt checks receipts of Miaopei with nothing but the log's verifier key, or for a
// consortium its genesis file. Written from docs/specs alone; nothing of Miaopei is used.
//
//	receipt -key VKEY FILE ...
//	receipt -genesis genesis.json FILE ...
//
// One line a file: HOLDS, or DOES NOT HOLD with the names of the checks that failed. Exit status 0
// where all files hold, 1 where one does not, 2 where nothing could be asked.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"runtime"
	"strings"
	"sync"
)

type bigInt = big.Int

type check struct {
	name string
	of   func(*receipt)
}

var (
	frame = []check{
		{"log_key", checkLogKey}, {"checkpoint", checkCheckpoint}, {"inclusion", checkInclusion},
		{"genesis", checkGenesis}, {"blocks", checkBlocks}, {"acts", checkActs}, {"signer", checkSigner},
		{"product", checkProduct}, {"listing", checkListing}, {"observations", checkObservations},
		{"originals", checkOriginals}, {"event", checkEvent}, {"facts", checkFacts},
	}
	ofTrigger    = []check{{"trigger", checkTrigger}, {"version", checkVersion}, {"row", checkRow}, {"lists", checkLists}}
	ofClaim      = []check{{"in_force", checkInForce}, {"amount", checkAmount}, {"claim", checkClaim}}
	ofSettlement = []check{{"decisions", checkDecisions}, {"settlement", checkSettlement}, {"totals", checkTotals}}
	ofPayout     = []check{{"split", checkSplit}, {"payments", checkPayments}, {"case", checkCase}}
	ofRefusal    = []check{{"case", checkCase}, {"reason", checkReason}}
	consortium   = []check{{"genesis_file", checkGenesisFile}, {"certificate", checkCertificate}}
)

// checksOf are the checks of one kind of receipt, in their order (docs/specs/receipt.md, section 2).
func checksOf(r *receipt) []check {
	found := append([]check{}, frame...)
	if r.certified() {
		found = append(append([]check{}, consortium...), frame[1:]...)
	}
	switch {
	case r.payout():
		found = append(append(append(append(found, ofTrigger...), ofClaim...), ofSettlement...), ofPayout...)
	case !r.has("settlement"):
		found = append(found, ofRefusal...)
	case r.value["claim"] == nil:
		found = append(append(append(found, ofTrigger...), ofSettlement...), ofRefusal...)
	default:
		found = append(append(append(append(found, ofTrigger...), ofClaim...), ofSettlement...), ofRefusal...)
	}
	return found
}

// held runs one check; whatever the file does to it is a "does not hold".
func held(asked func()) (holds bool, why no) {
	defer func() {
		if caught := recover(); caught != nil {
			refusal, ok := caught.(no)
			if !ok {
				refusal = no{"verify.unreadable", object{"why": fmt.Sprint(caught)}}
			}
			holds, why = false, refusal
		}
	}()
	asked()
	return true, no{}
}

// verdict of one file: the names of the checks that failed, and why each did.
type verdict struct {
	File   string            `json:"file"`
	Holds  bool              `json:"holds"`
	Checks int               `json:"checks"`
	Failed []string          `json:"failed"`
	Why    map[string]string `json:"why"`
}

func verify(data []byte, vkey string, genesis []byte) verdict {
	found := verdict{Failed: []string{}, Why: map[string]string{}}
	note := func(name string, asked func()) bool {
		found.Checks++
		holds, why := held(asked)
		if !holds {
			found.Failed = append(found.Failed, name)
			found.Why[name] = why.code
		}
		return holds
	}
	var value any
	var r *receipt
	read := note("bytes", func() {
		demand(len(data) <= largestFile, "verify.too_long")
		value = readCanonical(data)
	})
	if read {
		if !note("suite", func() { ofOurSuite(value) }) {
			return found
		}
		found.Checks-- // it is told of where it fails
	}
	if !read || !note("shape", func() { r = readReceipt(value, vkey, founding(genesis)) }) {
		return found
	}
	note("shape", r.parts)
	found.Checks--
	for _, each := range checksOf(r) {
		note(each.name, func() { each.of(r) })
	}
	found.Holds = len(found.Failed) == 0
	return found
}

// founding is the genesis that was given; one that cannot be read is that of no record.
func founding(data []byte) object {
	if data == nil {
		return nil
	}
	found := object{}
	held(func() { found = obj(readCanonical([]byte(strings.TrimRight(string(data), "\n")))) })
	return found
}

func main() {
	key := flag.String("key", "", "verifier key of the log, got elsewhere than from the receipt")
	file := flag.String("genesis", "", "genesis file of a consortium")
	asJSON := flag.Bool("json", false, "one JSON object a file")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "receipt -key VKEY FILE ...\nreceipt -genesis genesis.json FILE ...")
	}
	flag.Parse()
	if flag.NArg() == 0 || (*key == "") == (*file == "") {
		flag.Usage()
		os.Exit(2)
	}
	var genesis []byte
	if *file != "" {
		data, err := os.ReadFile(*file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		genesis = data
	}
	choose(*key, founding(genesis))
	all := make([]verdict, flag.NArg())
	var waiting sync.WaitGroup
	turns := make(chan bool, runtime.NumCPU())
	for i, name := range flag.Args() {
		waiting.Add(1)
		turns <- true
		go func() {
			defer waiting.Done()
			defer func() { <-turns }()
			data, err := os.ReadFile(name)
			if err != nil {
				all[i] = verdict{File: name, Failed: []string{"bytes"}, Why: map[string]string{"bytes": err.Error()}}
				return
			}
			all[i] = verify(data, *key, genesis)
			all[i].File = name
		}()
	}
	waiting.Wait()
	os.Exit(told(all, *asJSON))
}

func told(all []verdict, asJSON bool) int {
	status := 0
	for _, v := range all {
		if !v.Holds {
			status = 1
		}
		if asJSON {
			line, _ := json.Marshal(v)
			fmt.Println(string(line))
		} else if v.Holds {
			fmt.Printf("%s: HOLDS: all %d checks passed\n", v.File, v.Checks)
		} else {
			said := []string{}
			for _, name := range v.Failed {
				said = append(said, name+" ("+v.Why[name]+")")
			}
			fmt.Printf("%s: DOES NOT HOLD: %s\n", v.File, strings.Join(said, ", "))
		}
	}
	return status
}
