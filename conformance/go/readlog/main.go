// Command readlog checks a whole log of static files with the library behind tessera's fsck.
//
//	readlog DIR VKEY
//
// It reads checkpoint, entry bundles and tiles from DIR, hashes every entry again, and compares every
// tile and the signed root. One sentence on standard output; exit status 0 good, 1 bad, 2 usage.
// The fsck command itself is of no use for this: it exits with 0 on a bad log, and with few workers it
// hangs on one. Here there are 64 workers and a time limit.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

const workers = 64

func main() {
	limit := flag.Duration("limit", time.Minute, "give up, as on a bad log, after this long")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: readlog [-limit 1m] DIR VKEY")
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)

	answer := make(chan error, 1)
	go func() { answer <- check(flag.Arg(0), flag.Arg(1)) }()
	var err error
	select {
	case err = <-answer:
	case <-time.After(*limit):
		err = fmt.Errorf("no answer within %v", *limit)
	}
	if err != nil {
		// The library prints whole tiles in hex, over several lines; the first line names the file.
		said, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Printf("BAD: %.300s\n", said)
		os.Exit(1)
	}
	fmt.Println("GOOD: every entry and tile leads to the signed root.")
}

func check(dir, vkey string) (err error) {
	// A bundle with too few entries makes the library panic.
	defer func() {
		if seen := recover(); seen != nil {
			err = fmt.Errorf("the library stopped: %v", seen)
		}
	}()
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("the verifier key cannot be used: %v", err)
	}
	source := client.FileFetcher{Root: dir}
	f := fsck.New(verifier.Name(), verifier, source, leafHashes, fsck.Opts{N: workers})
	return f.Check(context.Background())
}

func leafHashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, fmt.Errorf("an entry bundle cannot be read: %v", err)
	}
	hashes := make([][]byte, 0, len(b.Entries))
	for _, entry := range b.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}
